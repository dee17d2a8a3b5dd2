using Tidemark.Domain.Columns;
using Tidemark.Domain.Deduplication;

namespace Tidemark.Domain.Corrections;

/// <summary>Rows of the table of events by time and origin.</summary>
public static class EventRows
{
    private const long MicrosPerDay = 86_400_000_000;

    /// <summary>Bounds by which files are passed over, for events with time in [from, to), ms; null leaves a side open.</summary>
    public static IReadOnlyList<ColumnBounds> Bounds(long? fromMs, long? toMs) =>
    [
        new("event_date", fromMs is { } from ? Day(from) : null, toMs is { } to ? Day(to) : null),
        new("event_time", fromMs * 1000, toMs * 1000),
    ];

    /// <summary>Partition, offset and event time (ms) of a row.</summary>
    public static (int Partition, long Offset, long TimeMs) Origin(RowBatch rows, int row) => (
        ((Int32Column)rows["kafka_partition"]).Values[row], ((Int64Column)rows["kafka_offset"]).Values[row], Floor(((Int64Column)rows["event_time"]).Values[row], 1000));

    /// <summary>Some columns of rows, which are not copied.</summary>
    public static RowBatch Only(RowBatch rows, IReadOnlyList<string> columns)
    {
        int[] which = [.. columns.Select(rows.Schema.IndexOf)];
        return new RowBatch(new RowSchema([.. which.Select(column => rows.Schema.Fields[column])]), [.. which.Select(column => rows.Columns[column])], rows.Count);
    }

    /// <summary>The rows with time in [from, to) that pass, by partition and offset.</summary>
    public static RowBatch Within(RowBatch rows, long fromMs, long toMs, Func<int, long, bool>? passes = null)
    {
        var (partitions, offsets, times) = ((Int32Column)rows["kafka_partition"], (Int64Column)rows["kafka_offset"], (Int64Column)rows["event_time"]);
        return RowBatches.Where(rows, row => Floor(times.Values[row], 1000) is var time && time >= fromMs && time < toMs && (passes is null || passes(partitions.Values[row], offsets.Values[row])));
    }

    private static long Day(long ms) => Floor(ms * 1000, MicrosPerDay);

    private static long Floor(long value, long divisor) => value / divisor - (value % divisor < 0 ? 1 : 0);
}
