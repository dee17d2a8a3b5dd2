using System.Globalization;
using System.Text;
using Confluent.Kafka;
using Tidemark.Domain.Columns;
using Tidemark.Domain.Ledger;
using Tidemark.Domain.Pipelines;
using Tidemark.Functions.Replay;

namespace Tidemark.Functions.Sinks;

/// <summary>
/// Quarantined records as records of another topic: key, value and headers as they came, and headers that say why and where from. Rows are those of the
/// quarantine table, each at least once; <c>tidemark-id</c> is the same for a repeat.
/// </summary>
internal sealed class DeadLetterTopic(TopicWriter writer, PipelineId id, string table) : IRowSink
{
    /// <inheritdoc/>
    public string Name => $"{table}>{writer.Topic}";

    /// <inheritdoc/>
    public string Table => table;

    /// <inheritdoc/>
    public bool Provisional => false;

    /// <inheritdoc/>
    public Task DeliverAsync(RowBatch rows, bool final, CancellationToken cancel) => writer.WriteAsync(rows.Count, row => Record(rows, row), cancel);

    private Message<byte[]?, byte[]?> Record(RowBatch rows, int row)
    {
        var record = QuarantinedRecord.Of(rows, row);
        var headers = new Headers();
        foreach (var (name, value) in record.Headers)
            headers.Add(name, value);
        // Behind the record's own, so that of two of a name ours is the last.
        Add(headers, "dlq-error", record.Reason);
        Add(headers, "dlq-detail", record.Detail);
        Add(headers, "dlq-topic", record.Topic);
        Add(headers, "dlq-partition", record.Partition.ToString(CultureInfo.InvariantCulture));
        Add(headers, "dlq-offset", record.Offset.ToString(CultureInfo.InvariantCulture));
        Add(headers, "dlq-time", record.KafkaTime.ToString("yyyy-MM-ddTHH:mm:ss.fffZ", CultureInfo.InvariantCulture));
        Add(headers, TopicWriter.Identity, string.Create(CultureInfo.InvariantCulture, $"{id}/{table}/{record.Partition}/{record.Offset}"));
        return new Message<byte[]?, byte[]?> { Key = record.Key, Value = record.Value, Headers = headers };
    }

    private static void Add(Headers headers, string name, string value) => headers.Add(name, Encoding.UTF8.GetBytes(value));
}
