using Tidemark.Domain.Pipelines;

namespace Tidemark.Domain.Ledger;

/// <summary>What a tick knows, as reports show it. Bounded: the newest entities and ranges.</summary>
internal static class TickView
{
    private const int MostEntities = 300;
    private const int MostRanges = 50;

    /// <summary>How far each partition is, and how far its log, as that was last looked at.</summary>
    public static IReadOnlyList<PartitionReport> Partitions(Truth truth, IReadOnlyDictionary<int, LogBounds> logs) =>
    [
        .. from head in truth.Heads
           orderby head.Key
           let next = truth.Position[head.Key]
           select new PartitionReport(head.Key, next, logs.TryGetValue(head.Key, out var log) ? Math.Max(log.End, next) : next, head.Value.MaxEventTimeMs),
    ];

    /// <summary>The entities in memory, newest span first.</summary>
    public static IReadOnlyList<EntityReport> Entities(Truth truth) =>
    [
        .. truth.Entities.OrderByDescending(e => e.Key.Start).ThenBy(e => e.Key.Bundle, StringComparer.Ordinal).Take(MostEntities).Select(e => new EntityReport(
            e.Key, e.Value.Version, e.Value.StateBytes, e.Value.Pending.Count, e.Value.Pending.Sum(p => (long)p.Bytes.Length))),
    ];

    /// <summary>The newest open ranges of every partition.</summary>
    public static IReadOnlyList<RangeReport> Ranges(Truth truth, PipelineId id) =>
    [
        .. truth.Ranges.Values.SelectMany(ranges => ranges.Skip(Math.Max(ranges.Count - MostRanges, 0))).Select(r => new RangeReport(
            r.Partition, r.From, r.To, r.Tag, r.Rows.Values.Sum(), r.PayloadBytes, r.Staged is not null, r.KafkaTimeMs, TableEmitter.IsInTables(truth, id, r))),
    ];

    /// <summary>
    /// By query the rows of windows that are still open; those of a query that publishes closed windows only are not counted. By stream what it
    /// holds: open sessions, rows that wait for a partner, keys.
    /// </summary>
    public static IReadOnlyDictionary<string, long> OpenRows(Truth truth, IPipeline pipeline)
    {
        var rows = pipeline.Queries.Where(q => q.Update).ToDictionary(q => q.Name, q => (long)truth.Results[q.Name].Rows.Count);
        foreach (var stream in truth.Streams.Values.SelectMany(partition => partition.Streams).Concat(truth.Chains.Values))
            rows[stream.Spec.Name] = rows.GetValueOrDefault(stream.Spec.Name) + stream.State.Entries;
        return rows;
    }
}

/// <summary>An entity as a tick knows it.</summary>
/// <param name="Key">Which.</param>
/// <param name="Version">Applies that took effect, as last read; 0 = it does not exist yet.</param>
/// <param name="StateBytes">Size of its saved state as last read.</param>
/// <param name="Backlog">Ranges that it does not have yet.</param>
/// <param name="BacklogBytes">Bytes of their partials.</param>
public readonly record struct EntityReport(EntityKey Key, long Version, long StateBytes, int Backlog, long BacklogBytes);

/// <summary>An open range: offsets [From, To), the frontier it was judged by, its rows in base tables, and whether those are in Delta.</summary>
public readonly record struct RangeReport(
    int Partition, long From, long To, long? TagMs, int Rows, int PayloadBytes, bool Staged, long KafkaTimeMs, bool InDelta);
