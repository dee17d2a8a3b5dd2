using Tidemark.Domain.Pipelines;

namespace Tidemark.Domain.Ledger;

/// <summary>
/// Brings durable entities up to date. Each signal starts from what was read, so signals that are lost, doubled or late cannot matter: the next
/// checkpoint reads again and sends what is still missing.
/// </summary>
internal sealed class Checkpointer(
    IPipeline pipeline, PipelineId id, ILedger ledger, IEntities entities, IAlerts alerts, ProtocolRule off)
{
    private const int MostStaleReads = 3;

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
            (entity.Version, entity.Position, entity.IsRead) = (read?.Version ?? 0, read?.Position ?? new Dictionary<int, long>(), true);
            entity.StateBytes = read?.State.Length ?? 0;
            entity.Pending.RemoveAll(p => entity.Covers(p.Partition, p.To));
        }
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
            if (partial.Length > EntityFold.MaxStateBytes)
            {
                var text = $"Entity {key}: the partial of one range has {partial.Length} bytes, {EntityFold.MaxStateBytes} are allowed. Its ranges stay open; give the query more shards or shorter windows.";
                await alerts.RaiseAsync("state-near-limit", key.ToString(), text, cancel);
                continue;
            }

            if (!entity.IsRegistered && !off.HasFlag(ProtocolRule.RegisterBeforeApply))
                await ledger.RegisterAsync(key, cancel);
            entity.IsRegistered = true;
            var reached = new Dictionary<int, long>(entity.Position);
            foreach (var pending in entity.Pending.Take(count))
                reached[pending.Partition] = Math.Max(pending.To, reached.GetValueOrDefault(pending.Partition, long.MinValue));
            await entities.SignalApplyAsync(key, new ApplyInput(entity.Version, entity.Position, reached, partial, EvictBounds(truth, key, frontier)), cancel);
            entity.IsRead = false;
            if (off.HasFlag(ProtocolRule.ApplyFromReads))
            {
                (entity.Version, entity.Position) = (entity.Version + 1, reached);
                entity.Pending.Clear();
            }
        }
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
            if (saved.Length <= EntityFold.MaxStateBytes)
                return (saved, count);
        }
    }
}
