using Tidemark.Domain.Ledger;
using Tidemark.Domain.Pipelines;

namespace Tidemark.Domain.Tests.Ledger.Simulation;

/// <summary>A topic: partitions may appear, offsets may be missing (control records, compaction), retention may remove the head of a log.</summary>
internal sealed class SimTopicData
{
    public SortedDictionary<int, SimPartition> Partitions { get; } = [];
}

internal sealed class SimPartition
{
    public long Start { get; set; }

    public long End { get; set; }

    public SortedDictionary<long, SourceRecord> Records { get; } = [];

    /// <summary>All records ever, by offset.</summary>
    public SortedDictionary<long, byte[]?> Everything { get; } = [];

    /// <summary>Offsets of records that retention removed.</summary>
    public SortedSet<long> Removed { get; } = [];

    /// <summary>What the consumer group has committed.</summary>
    public long GroupOffset { get; set; }

    /// <summary>Where the log had ended and been read to when its end was cut off; 0 = never. Records that come below it are never read.</summary>
    public long CutBelow { get; private set; }

    public void Append(SourceRecord record)
    {
        Records[End] = record with { Offset = End };
        if (End >= CutBelow)
            Everything[End] = record.Value;
        End++;
    }

    /// <summary>Takes the last records away, all of which have been read.</summary>
    public void Cut(long end)
    {
        (CutBelow, End) = (End, end);
        GroupOffset = Math.Min(GroupOffset, end);
        foreach (var offset in Records.Keys.Where(offset => offset >= end).ToList())
            Records.Remove(offset);
    }

    public void Retain(long start)
    {
        foreach (var offset in Records.Keys.Where(offset => offset < start).ToList())
        {
            Records.Remove(offset);
            Removed.Add(offset);
        }

        Start = Math.Max(Start, start);
    }
}

/// <summary>One actor's own consumer.</summary>
internal sealed class SimTopicLog(SimWorld world, SimActor actor, SimTopicData topic) : ITopicLog
{
    public Task<IReadOnlyList<int>> PartitionsAsync(CancellationToken cancel) =>
        world.CallAsync(actor, "list partitions", () => (IReadOnlyList<int>)[.. topic.Partitions.Keys]);

    public Task<LogBounds> BoundsAsync(int partition, CancellationToken cancel) =>
        world.CallAsync(actor, $"log bounds {partition}", () => new LogBounds(topic.Partitions[partition].Start, topic.Partitions[partition].End));

    public Task<IReadOnlyList<SourceRecord>> FetchAsync(int partition, long from, long to, int limit, CancellationToken cancel) =>
        world.CallAsync(actor, $"fetch {partition} {from}-{to}", () => (IReadOnlyList<SourceRecord>)
            [.. topic.Partitions[partition].Records.Where(r => r.Key >= from && r.Key < to).Select(r => r.Value).Take(limit)]);

    public Task<long> OffsetAtAsync(int partition, long timeMs, CancellationToken cancel) =>
        world.CallAsync(actor, $"offset of {partition} at {timeMs}", () =>
            topic.Partitions[partition].Records.Where(r => r.Value.KafkaTimeMs >= timeMs).Select(r => (long?)r.Key).FirstOrDefault() ?? topic.Partitions[partition].End);
}
