using Tidemark.Domain.Columns;
using Tidemark.Domain.Events;
using Tidemark.Domain.Pipelines;

namespace Tidemark.Domain.Replays;

/// <summary>Rows of bronze as the records that they were.</summary>
internal static class RecordedRows
{
    /// <summary>The columns that <see cref="Read"/> needs.</summary>
    public static IReadOnlyList<string> Columns { get; } = ["kafka_key", "value", "kafka_partition", "kafka_offset", "kafka_time", "kafka_headers"];

    /// <summary>The records of the rows, in their order.</summary>
    public static IEnumerable<(int Partition, SourceRecord Record)> Read(RowBatch rows)
    {
        var (partitions, offsets, times) = (((Int32Column)rows["kafka_partition"]).Values, ((Int64Column)rows["kafka_offset"]).Values, ((Int64Column)rows["kafka_time"]).Values);
        var (key, value, headers) = (rows.Schema.IndexOf("kafka_key"), rows.Schema.IndexOf("value"), rows.Schema.IndexOf("kafka_headers"));
        for (var row = 0; row < rows.Count; row++)
            yield return (partitions[row], new SourceRecord(
                offsets[row], times[row] / 1000, (byte[]?)rows.Value(row, key), (byte[]?)rows.Value(row, value), rows.Value(row, headers) is string text ? HeadersJson.Read(text) : []));
    }
}
