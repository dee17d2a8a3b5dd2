using Tidemark.Domain.Pipelines;

namespace Tidemark.Domain.Ledger;

/// <summary>
/// Brings durable entities up to date. Each signal starts from what was read, so signals that are lost, doubled or late cannot matter: the next
/// checkpoint reads again and sends what is still missing.
/// </summary>
internal sealed class Checkpointer(
    IPipeline pipeline, PipelineId id, ILedger ledger, IEntities entities, IAlerts alerts, TickOptions options, ProtocolRule off)
{
    private const int MostStaleReads = 3;
    private const int LargeState = 64 << 20;

    /// <summary>Reads the entities that were signalled before, and drops from memory what they have.</summary>
    public async Task ConfirmAsync(Truth truth, CancellationToken cancel)
    {
        foreach (var (key, entity) in truth.Entities.Where(e => !e.Value.IsRead).OrderBy(e => e.Key).ToList())
        {
            var read = await entities.ReadAsync(key, cancel);
            foreach (var (partition, position) in read?.Position ?? new Dictionary<int, long>())
                if (position > truth.Position.GetValueOrDefault(partition, long.MaxValue))
                    throw new CompetingTickException($"Entity {key} has offsets of partition {partition} up to {position}, which this tick has not seen.");
            if ((read?.Version ?? 0) < entity.Version)
            {
                if (++entity.StaleReads >= MostStaleReads)
                    throw new CompetingTickException($"Entity {key} keeps being read at version {read?.Version ?? 0}, below {entity.Version} read before.");
                continue;
            }

            entity.StaleReads = 0;
            foreach (var fault in read?.Faults ?? [])
                await alerts.RaiseAsync("entity-fault", key.ToString(), $"Entity {key} refused an operation: {fault}", cancel);
            if (entity.Blob is { } old && old != read?.Blob)
                await entities.DropStateAsync(key, old, cancel);
            entity.Read(read);
            entity.Pending.RemoveAll(p => entity.Covers(p.Partition, p.To));
        }
    }

    /// <summary>
    /// Sends the entities of streams their state, whole, where nothing of the output waits for its commit: what an entity stands beyond is in Delta.
    /// </summary>
    public async Task ApplyStreamsAsync(Truth truth, CancellationToken cancel)
    {
        foreach (var (partition, streams) in truth.Streams)
            if (!streams.HasPending || off.HasFlag(ProtocolRule.StreamCheckpointAfterCommit))
                await ReplaceAsync(truth.StreamEntity(PartitionStreams.KeyOf(partition)), PartitionStreams.KeyOf(partition), partition, streams.At, streams.Save, cancel);
        foreach (var chain in truth.Chains.Values)
            if (chain.Pending.Count == 0 && chain.At >= 0)
                await ReplaceAsync(truth.StreamEntity(StreamEntities.Chain(chain.Spec)), StreamEntities.Chain(chain.Spec), StreamEntities.Versions, chain.At, chain.State.Save, cancel);
    }

    private async Task ReplaceAsync(EntityTruth entity, EntityKey key, int partition, long at, Func<byte[]> save, CancellationToken cancel)
    {
        if (!entity.IsRead || entity.Covers(partition, at))
            return;
        await ReplaceAsync(entity, key, new Dictionary<int, long> { [partition] = at }, save(), cancel);
    }

    private async Task ReplaceAsync(EntityTruth entity, EntityKey key, Dictionary<int, long> reached, byte[] state, CancellationToken cancel)
    {
        if (state.Length > LargeState)
        {
            var text = $"The state of {key} has {state.Length >> 20} MB. It is in a blob that is written anew at every checkpoint, and in memory; shorten gaps and windows, or filter more.";
            await alerts.RaiseAsync("state-near-limit", key.ToString(), text, cancel);
        }

        await RegisterAsync(entity, key, cancel);
        await entities.SignalApplyAsync(key, new ApplyInput(entity.Version, entity.Position, reached, state, new Dictionary<string, long>()) { IsWhole = true }, cancel);
        entity.IsRead = false;
    }

    private async Task RegisterAsync(EntityTruth entity, EntityKey key, CancellationToken cancel)
    {
        if (!entity.IsRegistered && !off.HasFlag(ProtocolRule.RegisterBeforeApply))
            await ledger.RegisterAsync(key, cancel);
        entity.IsRegistered = true;
    }

    /// <summary>Sends every entity what it does not have yet. A slice that opens and closes between two checkpoints never becomes an entity.</summary>
    public async Task ApplyAsync(Truth truth, CancellationToken cancel)
    {
        var frontier = truth.Meta.Value.FrontierMs ?? Frontier.None;
        foreach (var (key, entity) in truth.Entities.OrderBy(e => e.Key).ToList())
        {
            if (entity.Pending.Count == 0 || (!entity.IsRead && !off.HasFlag(ProtocolRule.ApplyFromReads)))
                continue;
            var (partial, count) = Combine(key, entity.Pending);
            var bounds = EvictBounds(truth, key, frontier);
            if (entity.Blob is not null || entity.StateBytes + partial.Length > options.MaxEntityBytes)
            {
                // Too large for what an entity merges itself: the whole state, as known here, takes the place of the one that was read.
                truth.States[key].Evict(query => bounds.TryGetValue(query, out var upTo) ? upTo : null);
                await ReplaceAsync(entity, key, Reached(entity, entity.Pending.Count), truth.States[key].Save(), cancel);
                continue;
            }

            await RegisterAsync(entity, key, cancel);
            var reached = Reached(entity, count);
            await entities.SignalApplyAsync(key, new ApplyInput(entity.Version, entity.Position, reached, partial, bounds), cancel);
            entity.IsRead = false;
            if (off.HasFlag(ProtocolRule.ApplyFromReads))
            {
                (entity.Version, entity.Position) = (entity.Version + 1, reached);
                entity.Pending.Clear();
            }
        }
    }

    private static Dictionary<int, long> Reached(EntityTruth entity, int count)
    {
        var reached = new Dictionary<int, long>(entity.Position);
        foreach (var pending in entity.Pending.Take(count))
            reached[pending.Partition] = Math.Max(pending.To, reached.GetValueOrDefault(pending.Partition, long.MinValue));
        return reached;
    }

    /// <summary>Per query the window end up to which state may go: what is in Delta, and never more than this tick's own watermark.</summary>
    private Dictionary<string, long> EvictBounds(Truth truth, EntityKey key, long frontier)
    {
        var bounds = new Dictionary<string, long>();
        foreach (var query in pipeline.Queries.Where(q => q.Bundle == key.Bundle))
        {
            var watermark = frontier - query.DelayMs;
            if (off.HasFlag(ProtocolRule.EvictOnlyPublished))
                bounds[query.Name] = watermark + query.SizeMs;
            else if (truth.PositionOf(id, query.Name) is { } position)
                bounds[query.Name] = Math.Min(position, watermark);
        }

        return bounds;
    }

    /// <summary>The partials merged into one: all of them, or as many from the front (an offset prefix of each partition) as a signal can carry.</summary>
    private (byte[] Partial, int Count) Combine(EntityKey key, List<PendingPartial> pending)
    {
        for (var count = pending.Count; ; count /= 2)
        {
            if (count == 1)
                return (pending[0].Bytes, 1);
            var combined = pipeline.Load(key, []);
            foreach (var partial in pending.Take(count))
                combined.Merge(partial.Bytes);
            var saved = combined.Save();
            if (saved.Length <= options.MaxEntityBytes)
                return (saved, count);
        }
    }
}
