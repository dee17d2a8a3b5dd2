using Tidemark.Domain.Columns;
using Tidemark.Domain.Deduplication;

namespace Tidemark.Domain.Events;

/// <summary>Event ids in rows of silver, as deduplication sees them.</summary>
internal static class SilverIds
{
    private const long MicrosPerDay = 86_400_000_000;

    /// <summary>The columns that <see cref="Read"/> needs.</summary>
    public static IReadOnlyList<string> Columns { get; } = ["event_id", "event_time", "kafka_partition", "kafka_offset"];

    /// <summary>Bounds for the events of a partition from an offset on, later than a time.</summary>
    public static IReadOnlyList<ColumnBounds> Bounds(int partition, long fromOffset, long afterMs)
    {
        // Far enough outside of every event time to stand for no bound, and small enough to be counted in microseconds.
        var after = Math.Clamp(afterMs, -EventTime.End / 1000, EventTime.End / 1000) * 1000;
        return
        [
            new("event_date", (after - MicrosPerDay + 1) / MicrosPerDay, null),
            new("event_time", after, null),
            new("kafka_partition", partition, partition),
            new("kafka_offset", fromOffset, null),
        ];
    }

    /// <summary>Adds the events of the rows in their order.</summary>
    public static void Read(RowBatch rows, List<SeenEvent> into)
    {
        var ids = rows["event_id"];
        var times = ((Int64Column)rows["event_time"]).Values;
        var partitions = ((Int32Column)rows["kafka_partition"]).Values;
        var offsets = ((Int64Column)rows["kafka_offset"]).Values;
        into.EnsureCapacity(into.Count + rows.Count);
        for (var row = 0; row < rows.Count; row++)
            into.Add(new SeenEvent(EventKey.Of(ids.Bytes(row)), times[row] / 1000, partitions[row], offsets[row]));
    }
}
