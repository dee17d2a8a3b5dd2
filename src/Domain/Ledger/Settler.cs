using Tidemark.Domain.Pipelines;

namespace Tidemark.Domain.Ledger;

/// <summary>
/// Lets go of what is no longer needed, by states as read. Order of creation: registry row, first Apply, at settle the row's version is raised,
/// then the range goes. Order of removal: all windows in Delta, the entity deleted and seen gone, then the registry row.
/// </summary>
internal sealed class Settler(IPipeline pipeline, PipelineId id, ILedger ledger, IEntities entities, ISegmentStore segments, TickOptions options, ProtocolRule off)
{
    /// <summary>Deletes, in offset order, ranges that every table and every entity they touch has.</summary>
    public async Task SettleAsync(Truth truth, IReadOnlyList<RegistryRow> registry, CancellationToken cancel)
    {
        var leaving = truth.Ranges.ToDictionary(p => p.Key, p => p.Value.TakeWhile(range => IsCovered(truth, range)).ToList());
        var touched = leaving.Values.SelectMany(ranges => ranges).SelectMany(range => range.Entities)
            .Concat(leaving.Where(p => HasStreams && p.Value.Count > 0).Select(p => PartitionStreams.KeyOf(p.Key)))
            .Distinct().Order().ToList();
        foreach (var key in touched.Where(key => !IsEvictable(truth, key)))
            await RaiseAsync(truth, registry, key, cancel);
        foreach (var (partition, ranges) in leaving.Where(p => p.Value.Count > 0))
        {
            await ledger.DeleteRangesAsync(partition, [.. ranges.Select(range => range.From)], cancel);
            truth.Ranges[partition].RemoveRange(0, ranges.Count);
            foreach (var staged in ranges.Select(range => range.Staged).OfType<StagedSegment>())
                await segments.DeletePartialsAsync(staged.Partials, cancel);
        }
    }

    /// <summary>Deletes entities whose windows are all in Delta, and their registry rows once they are seen gone.</summary>
    public async Task EvictAsync(Truth truth, IReadOnlyList<RegistryRow> registry, CancellationToken cancel)
    {
        foreach (var row in registry.Where(row => IsEvictable(truth, row.Entity)))
        {
            if (await entities.ReadVersionAsync(row.Entity, cancel) is { } version)
                await entities.SignalDeleteAsync(row.Entity, version, cancel);
            else
                await ledger.UnregisterAsync(row.Entity, cancel);
        }
    }

    /// <summary>
    /// Deletes ghosts: entities that a late first Apply revived (entities are listed before the registry), and staged blobs of attempts that never
    /// committed (blobs are listed before heads and ranges).
    /// </summary>
    public async Task SweepAsync(Truth truth, long nowMs, CancellationToken cancel)
    {
        var live = await entities.ListAsync(cancel);
        var registered = (await ledger.ReadRegistryAsync(cancel)).Select(row => row.Entity).ToHashSet();
        foreach (var key in live.Where(key => !registered.Contains(key) && IsEvictable(truth, key)))
            if (await entities.ReadVersionAsync(key, cancel) is { } version)
                await entities.SignalDeleteAsync(key, version, cancel);
        await entities.SweepStatesAsync(key => IsEvictable(truth, key), cancel);

        var staged = await segments.ListPartialsAsync(cancel);
        var old = staged.Where(blob => nowMs - blob.LastModifiedMs >= (long)options.SweepAge.TotalMilliseconds).ToList();
        foreach (var group in old.GroupBy(blob => blob.Partition))
        {
            var view = await ledger.ReadPartitionAsync(group.Key, 0, cancel);
            var named = view.Ranges.Select(range => range.Staged?.Partials).ToHashSet();
            foreach (var blob in group.Where(blob => IsAbandoned(blob, view, named)))
                await segments.DeletePartialsAsync(blob.Name, cancel);
        }
    }

    private bool IsAbandoned(StagedPartials blob, PartitionView view, HashSet<string?> named) =>
        (off.HasFlag(ProtocolRule.SweepBelowNext) || blob.From < view.Head?.Value.Next) && !named.Contains(blob.Name);

    private bool IsCovered(Truth truth, RangeRow range) =>
        (off.HasFlag(ProtocolRule.SettleOnlyCovered)
            || TableEmitter.IsInTables(truth, id, range))
        && (!HasStreams || off.HasFlag(ProtocolRule.SettleWaitsForStreams) || IsInStreams(truth, range))
        && range.Entities.All(key => IsEvictable(truth, key)
            || (truth.Entities.TryGetValue(key, out var entity) && entity.Covers(range.Partition, range.To)));

    private bool HasStreams => pipeline.Streams.Any(s => !s.IsChained);

    private static bool IsInStreams(Truth truth, RangeRow range) =>
        truth.Entities.TryGetValue(PartitionStreams.KeyOf(range.Partition), out var entity) && entity.Covers(range.Partition, range.To);

    private bool IsEvictable(Truth truth, EntityKey key) => truth.IsEvictable(pipeline, id, key);

    private async Task RaiseAsync(Truth truth, IReadOnlyList<RegistryRow> registry, EntityKey key, CancellationToken cancel)
    {
        var version = truth.Entities[key].Version;
        var row = registry.FirstOrDefault(row => row.Entity == key);
        if (row.ETag is null)
            throw new CompetingTickException($"Entity {key} is no longer in the registry.");
        if (row.Version < version && await ledger.TryRaiseAsync(row, version, RegistryRow.ReachOf(truth.Entities[key].Position), cancel) is null)
            throw new CompetingTickException($"The registry row of {key} changed under this tick.");
    }
}
