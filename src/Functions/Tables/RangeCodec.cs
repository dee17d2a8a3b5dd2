using System.Text.Json;
using Azure.Data.Tables;
using Tidemark.Domain.Ledger;
using Tidemark.Domain.Pipelines;

namespace Tidemark.Functions.Tables;

/// <summary>
/// A range as a table row: scalars as properties of their own, so that the table can be read by eye, lists as JSON in <c>m…</c>, the segment in
/// <c>s…</c>. Null is an absent property.
/// </summary>
internal static class RangeCodec
{
    /// <summary>Bytes an entity may take with names and overhead: 1 MiB less a margin for property names and the key.</summary>
    public const int LargestPayload = (1 << 20) - (16 << 10);

    public static TableEntity ToEntity(string partitionKey, RangeRow range)
    {
        var lists = JsonSerializer.SerializeToUtf8Bytes(new Lists
        {
            Rows = range.Rows,
            Counts = range.Counts,
            Entities = [.. range.Entities.Select(e => e.ToString())],
            Staged = range.Staged,
            EventTimes = range.EventTimes is { } times ? [times.MinMs, times.MeanMs, times.MaxMs, times.Events] : null,
            Trace = range.TraceParent,
        });
        var size = lists.Length + range.PayloadBytes;
        if (size > LargestPayload)
            throw new RangeTooLargeException($"The range of partition {range.Partition} from offset {range.From} takes {size} bytes, more than the {LargestPayload} that a ledger row holds. Fewer records at once take less; of one record, lower InlineSegmentLimit.");
        var entity = new TableEntity(partitionKey, RowKey(range.From))
        {
            ["From"] = range.From,
            ["To"] = range.To,
            ["KafkaTime"] = range.KafkaTimeMs,
        };
        if (range.Tag is { } tag)
            entity["Tag"] = tag;
        SplitBinary.Put(entity, "m", lists);
        if (range.Inline is { } inline)
            SplitBinary.Put(entity, "s", inline);
        return entity;
    }

    public static RangeRow FromEntity(int partition, TableEntity entity)
    {
        var lists = JsonSerializer.Deserialize<Lists>(SplitBinary.Get(entity, "m") ?? throw Broken(entity, "m"))!;
        return new RangeRow
        {
            Partition = partition,
            From = entity.GetInt64("From") ?? throw Broken(entity, "From"),
            To = entity.GetInt64("To") ?? throw Broken(entity, "To"),
            Tag = entity.GetInt64("Tag"),
            Rows = lists.Rows,
            Entities = [.. lists.Entities.Select(EntityKey.Parse)],
            Counts = lists.Counts,
            KafkaTimeMs = entity.GetInt64("KafkaTime") ?? 0,
            Inline = SplitBinary.Get(entity, "s"),
            Staged = lists.Staged,
            EventTimes = lists.EventTimes is [var min, var mean, var max, var events] ? new EventTimes(min, mean, max, events) : null,
            TraceParent = lists.Trace,
        };
    }

    public static string RowKey(long from) => "r|" + TableKeys.Sortable(from);

    private static InvalidDataException Broken(TableEntity entity, string property) =>
        new($"Row '{entity.RowKey}' in partition '{entity.PartitionKey}' has no property {property}; the ledger was changed by hand.");

    private sealed record Lists
    {
        public required IReadOnlyDictionary<string, int> Rows { get; init; }

        public required IReadOnlyDictionary<string, long> Counts { get; init; }

        public required IReadOnlyList<string> Entities { get; init; }

        public StagedSegment? Staged { get; init; }

        public long[]? EventTimes { get; init; }

        public string? Trace { get; init; }
    }
}
