using Tidemark.Domain.Pipelines;

namespace Tidemark.Domain.Ledger;

/// <summary>
/// Reads one tick's snapshot in the one order that is safe: ETags of results, meta, publish the frontier, ranges ascending, registry, entities,
/// positions. Another order loses or doubles when a second tick settles in between.
/// </summary>
internal sealed class TruthReader(
    IPipeline pipeline, PipelineId id, ILedger ledger, ISegmentStore segments, IEntities entities, ILake lake, IResults results,
    Partitions partitions, FrontierPublisher frontier, IAlerts alerts, ProtocolRule off)
{
    /// <summary>Brings the cached truth up to date, or reads all of it anew where the cache does not continue.</summary>
    public async Task<Truth> ReadAsync(Truth? cached, bool advance, CancellationToken cancel)
    {
        if (cached is not null && await TryContinueAsync(cached, advance, cancel))
            return cached;
        return await ReadAnewAsync(advance, cancel);
    }

    private async Task<bool> TryContinueAsync(Truth truth, bool advance, CancellationToken cancel)
    {
        var views = await ListAsync(truth, advance, truth.Position, cancel);
        if (!off.HasFlag(ProtocolRule.CacheMustContinue) && views.Any(view => !Continues(truth, view.Key, view.Value)))
            return false;
        foreach (var (partition, view) in views)
        {
            truth.Position.TryAdd(partition, truth.Meta.Value.Starts[partition]);
            foreach (var range in view.Ranges)
            {
                if (off.HasFlag(ProtocolRule.CacheMustContinue))
                    truth.Position[partition] = range.From;
                truth.Append(range);
                await FoldAsync(truth, range, cancel);
            }
        }

        return true;
    }

    /// <summary>A cache stands in for reading entities only if nothing was settled past it: the first new range begins, or Next is, where it ends.</summary>
    private static bool Continues(Truth truth, int partition, PartitionView view)
    {
        var position = truth.Position.GetValueOrDefault(partition, truth.Meta.Value.Starts[partition]);
        return view.Ranges.Count > 0 ? view.Ranges[0].From == position : view.Head?.Value.Next == position;
    }

    private async Task<Truth> ReadAnewAsync(bool advance, CancellationToken cancel)
    {
        var truth = new Truth();
        if (!off.HasFlag(ProtocolRule.ETagsBeforeRanges))
            await ReadResultsAsync(truth, cancel);
        var views = await ListAsync(truth, advance, new Dictionary<int, long>(), cancel);
        var registry = await ledger.ReadRegistryAsync(cancel);
        var touched = views.Values.SelectMany(view => view.Ranges).SelectMany(range => range.Entities);
        var loaded = new Dictionary<EntityKey, EntitySnapshot?>();
        foreach (var key in registry.Select(row => row.Entity).Concat(touched).Distinct().Order().ToList())
            loaded[key] = await entities.ReadAsync(key, cancel);
        await ReadTablesAsync(truth, cancel);
        if (off.HasFlag(ProtocolRule.ETagsBeforeRanges))
            await ReadResultsAsync(truth, cancel);

        await CheckRegistryAsync(truth, registry, loaded, cancel);
        foreach (var (key, snapshot) in loaded)
            if (!IsEvictable(truth, key) && !truth.Refused.Contains(key.Bundle))
                Load(truth, key, snapshot, registry.Any(row => row.Entity == key));
        foreach (var (partition, view) in views)
        {
            foreach (var range in view.Ranges)
            {
                truth.Append(range);
                await FoldAsync(truth, range, cancel);
            }

            truth.Position.TryAdd(partition, view.Head!.Value.Value.Next);
        }

        return truth;
    }

    /// <summary>Meta, the frontier, and per partition its head and the ranges from the given offsets on, listed after its head had the frontier.</summary>
    private async Task<Dictionary<int, PartitionView>> ListAsync(Truth truth, bool advance, IReadOnlyDictionary<int, long> from, CancellationToken cancel)
    {
        truth.Meta = await partitions.EnsureMetaAsync(cancel);
        var views = await ViewAsync(truth.Meta.Value.Starts.Keys, from, cancel);
        if (advance || truth.Meta.Value.EndOfInput)
            await AdvanceAsync(truth, views, cancel);
        var again = new List<int>();
        foreach (var (partition, view) in views.OrderBy(view => view.Key).ToList())
        {
            var raised = await frontier.RaiseAsync(partition, truth.Meta.Value, view.Head, cancel);
            if (raised.Head is { } head)
                views[partition] = view with { Head = head };
            if (!raised.ListingHolds && !off.HasFlag(ProtocolRule.RaiseHeadsBeforeListing))
                again.Add(partition);
        }

        foreach (var (partition, view) in await ViewAsync(again, from, cancel))
            views[partition] = view;
        truth.Heads.Clear();
        foreach (var (partition, view) in views)
            truth.Heads[partition] = view.Head!.Value.Value;
        return views;
    }

    private async Task AdvanceAsync(Truth truth, IReadOnlyDictionary<int, PartitionView> views, CancellationToken cancel)
    {
        var meta = truth.Meta.Value;
        var candidate = await frontier.CandidateAsync(meta, views, cancel);
        if (candidate is not { } next || next == meta.FrontierMs)
            return;
        var raised = meta with { FrontierMs = next };
        if (await ledger.TryWriteMetaAsync(raised, truth.Meta.ETag, cancel) is not { } etag)
            throw new CompetingTickException("Meta changed while the frontier was being published.");
        truth.Meta = new VersionedMeta(raised, etag);
    }

    private async Task<Dictionary<int, PartitionView>> ViewAsync(IEnumerable<int> wanted, IReadOnlyDictionary<int, long> from, CancellationToken cancel)
    {
        var order = wanted.Order().ToList();
        var views = await Task.WhenAll(order.Select(p => ledger.ReadPartitionAsync(p, from.GetValueOrDefault(p, 0), cancel)));
        return order.Zip(views).ToDictionary(pair => pair.First, pair => pair.Second);
    }

    private async Task ReadResultsAsync(Truth truth, CancellationToken cancel)
    {
        foreach (var query in pipeline.Queries)
        {
            var (cursor, etag) = await ledger.ReadCursorAsync(query.Name, cancel);
            var published = new PublishedResults { Cursor = cursor, CursorETag = etag };
            foreach (var (rowKey, rowETag) in await results.ReadETagsAsync(query, cursor.PositionMs - query.SizeMs, cancel))
                if (rowKey == IResults.Fence)
                    published.Fence = rowETag;
                else
                    published.Rows[rowKey] = (rowETag, 0);
            truth.Results[query.Name] = published;
        }
    }

    private async Task ReadTablesAsync(Truth truth, CancellationToken cancel)
    {
        foreach (var table in pipeline.Tables.Select(t => t.Name).Concat(pipeline.Queries.Select(q => TableNames.Gold(q.Name))))
            truth.Tables[table] = await lake.ReadHeadAsync(table, cancel);
    }

    private bool IsEvictable(Truth truth, EntityKey key) => pipeline.IsEvictable(key, query => truth.PositionOf(id, query));

    private void Load(Truth truth, EntityKey key, EntitySnapshot? snapshot, bool registered)
    {
        var entity = truth.Entity(pipeline, key);
        (entity.IsRegistered, entity.IsRead) = (registered, true);
        if (snapshot is null)
            return;
        (entity.Version, entity.Position) = (snapshot.Version, snapshot.Position);
        truth.States[key] = pipeline.Load(key, snapshot.State);
        truth.Touched.Add(key);
    }

    /// <summary>
    /// Merges a range into the entities it touches, only where the entity, as read, does not have it. That holds for a range listed by a later tick
    /// too: an entity is read after the ranges and may be ahead of them, when a competing tick applied what was committed in between.
    /// </summary>
    private async Task FoldAsync(Truth truth, RangeRow range, CancellationToken cancel)
    {
        if (range.Entities.Count == 0)
            return;
        var partials = await segments.ReadPartialsAsync(range, cancel);
        foreach (var key in range.Entities)
        {
            if (IsEvictable(truth, key) || truth.Refused.Contains(key.Bundle))
                continue;
            var entity = truth.Entity(pipeline, key);
            if (entity.Covers(range.Partition, range.To))
                continue;
            if (entity.Covers(range.Partition, range.From + 1))
                throw new InvalidDataException(
                    $"Entity {key} stands inside the range {range.From}-{range.To} of partition {range.Partition}; its state or the ledger was changed by hand.");
            truth.States[key].Merge(partials[key]);
            entity.Pending.Add(new PendingPartial(range.Partition, range.To, partials[key]));
            truth.Touched.Add(key);
        }
    }

    /// <summary>An entity that is read below the version that ranges were settled at has forgotten them: nothing may be computed from it.</summary>
    private async Task CheckRegistryAsync(
        Truth truth, IReadOnlyList<RegistryRow> registry, Dictionary<EntityKey, EntitySnapshot?> loaded, CancellationToken cancel)
    {
        foreach (var row in registry)
        {
            if (IsEvictable(truth, row.Entity) || (loaded[row.Entity]?.Version ?? 0) >= row.Version)
                continue;
            loaded[row.Entity] = await entities.ReadAsync(row.Entity, cancel);
            if ((loaded[row.Entity]?.Version ?? 0) >= row.Version)
                continue;
            await ReadTablesAsync(truth, cancel);
            if (IsEvictable(truth, row.Entity))
                throw new CompetingTickException($"Entity {row.Entity} was evicted while this tick was reading it.");
            var text = $"Entity {row.Entity} is at version {loaded[row.Entity]?.Version ?? 0}, but ranges were settled into version {row.Version}: "
                + $"the task hub lost state. Queries of bundle {row.Entity.Bundle} stand still and their ranges stay open; restore the task hub, or start a new PipelineVersion.";
            await alerts.RaiseAsync("entity-forgot", row.Entity.ToString(), text, cancel);
            truth.Refused.Add(row.Entity.Bundle);
        }
    }
}
