using Tidemark.Domain.Columns;
using Tidemark.Domain.Windows;

namespace Tidemark.Domain.Events;

/// <summary>The growing columns of one batch: bronze and quarantine, which are the same for every schema, and silver. Memory is kept from batch to batch.</summary>
internal abstract class RecordBuffers
{
    // bronze
    public readonly BinaryColumnBuilder Key = new(), Value = new();
    public readonly Int64ColumnBuilder Offset = new(), KafkaTime = new();
    public readonly Utf8ColumnBuilder Headers = new();

    // silver
    public readonly Utf8ColumnBuilder Extra = new();
    public readonly Int64ColumnBuilder Time = new(), SilverOffset = new(), SilverKafkaTime = new();
    public readonly Int32ColumnBuilder Date = new();

    // quarantine
    public readonly DictionaryColumnBuilder Reason = new();
    public readonly Utf8ColumnBuilder Detail = new(), BadHeaders = new();
    public readonly BinaryColumnBuilder BadKey = new(), BadValue = new();
    public readonly Int64ColumnBuilder BadOffset = new(), BadKafkaTime = new();

    /// <summary>What is kept of silver, once it is judged.</summary>
    public readonly RowSelector Kept = new();

    // Of the segment built from them.
    public readonly PartialBuffers Partials = new();

    // the same value in every row of a table
    private readonly Constants bronze = new(), silver = new(), quarantine = new();
    private readonly ColumnBuilder[] growing;
    private int[] keptRows = [];

    /// <param name="own">The builders of silver that the schema adds.</param>
    protected RecordBuffers(IEnumerable<ColumnBuilder> own) => growing =
    [
        Key, Value, Offset, KafkaTime, Headers, Extra, Time, SilverOffset, SilverKafkaTime, Date, Reason, Detail, BadHeaders, BadKey, BadValue, BadOffset,
        BadKafkaTime, .. own,
    ];

    public void Reset()
    {
        foreach (var builder in growing)
            builder.Reset();
    }

    /// <summary>Memory for so many row numbers.</summary>
    public int[] Rows(int count)
    {
        if (keptRows.Length < count)
            keptRows = new int[Math.Max(count, keptRows.Length * 2)];
        return keptRows;
    }

    public RowBatch Bronze(ReadOnlySpan<byte> topic, int partition, long ingestMicros)
    {
        var rows = Offset.Count;
        bronze.Fill(topic, partition, ingestMicros, rows);
        return new RowBatch(EventTables.Bronze.Schema,
            [Key.Build(), Value.Build(), bronze.Topic, bronze.Partition, Offset.Build(), KafkaTime.Build(), Headers.Build(), bronze.Ingest], rows);
    }

    /// <summary>Rows of silver.</summary>
    public RowBatch Silver(ReadOnlySpan<byte> topic, int partition, long ingestMicros)
    {
        silver.Fill(topic, partition, ingestMicros, Time.Count);
        return Silver([silver.Topic, silver.Partition, SilverOffset.Build(), SilverKafkaTime.Build(), silver.Ingest]);
    }

    public RowBatch Quarantine(ReadOnlySpan<byte> topic, int partition, long ingestMicros)
    {
        var rows = Reason.Count;
        quarantine.Fill(topic, partition, ingestMicros, rows);
        return new RowBatch(EventTables.Quarantine.Schema,
        [
            Reason.Build(), Detail.Build(), BadKey.Build(), BadValue.Build(), quarantine.Topic, quarantine.Partition, BadOffset.Build(),
            BadKafkaTime.Build(), BadHeaders.Build(), quarantine.Ingest,
        ], rows);
    }

    /// <summary>Rows of silver, the origin (topic, partition, offset, Kafka time, ingest time) last.</summary>
    protected abstract RowBatch Silver(Column[] origin);

    private sealed class Constants
    {
        private readonly DictionaryColumnBuilder topic = new();
        private readonly Int32ColumnBuilder partition = new();
        private readonly Int64ColumnBuilder ingest = new();

        public Column Topic => topic.Build();

        public Column Partition => partition.Build();

        public Column Ingest => ingest.Build();

        public void Fill(ReadOnlySpan<byte> topicName, int partitionNumber, long ingestMicros, int rows)
        {
            topic.Reset();
            topic.AppendMany(topicName, rows);
            partition.Reset();
            partition.AppendMany(partitionNumber, rows);
            ingest.Reset();
            ingest.AppendMany(ingestMicros, rows);
        }
    }
}
