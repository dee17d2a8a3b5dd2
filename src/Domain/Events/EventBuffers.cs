using Tidemark.Domain.Columns;

namespace Tidemark.Domain.Events;

/// <summary>The growing columns of one batch: bronze, silver and quarantine. Memory is kept from batch to batch.</summary>
internal sealed class EventBuffers
{
    // bronze
    public readonly BinaryColumnBuilder Key = new(), Value = new();
    public readonly Int64ColumnBuilder Offset = new(), KafkaTime = new();
    public readonly Utf8ColumnBuilder Headers = new();

    // silver
    public readonly Utf8ColumnBuilder EventId = new(), UserId = new(), SessionId = new(), Extra = new();
    public readonly DictionaryColumnBuilder EventType = new(), ProductId = new(), ProductName = new(), Category = new(), DeviceType = new(),
        Country = new(), Page = new(), Element = new();
    public readonly Int64ColumnBuilder Time = new(), Price = new(), Quantity = new(), Revenue = new(), SilverOffset = new(), SilverKafkaTime = new();
    public readonly Int32ColumnBuilder Date = new(), SchemaVersion = new();

    private readonly ActionCategory category = new();

    // quarantine
    public readonly DictionaryColumnBuilder Reason = new();
    public readonly Utf8ColumnBuilder Detail = new(), BadHeaders = new();
    public readonly BinaryColumnBuilder BadKey = new(), BadValue = new();
    public readonly Int64ColumnBuilder BadOffset = new(), BadKafkaTime = new();

    public readonly EnrichedEvents Enriched = new();

    /// <summary>What is kept of silver, once it is judged.</summary>
    public readonly RowSelector Kept = new();
    private int[] keptRows = [];

    // the same value in every row of a table
    private readonly Constants bronze = new(), silver = new(), quarantine = new();
    private readonly ColumnBuilder[] growing;

    public EventBuffers() => growing =
    [
        Key, Value, Offset, KafkaTime, Headers, EventId, UserId, SessionId, Extra, EventType, ProductId, ProductName, Category, DeviceType, Country,
        Page, Element, Time, Price, Quantity, Revenue, SilverOffset, SilverKafkaTime, Date, SchemaVersion, Reason, Detail, BadHeaders, BadKey, BadValue, BadOffset,
        BadKafkaTime,
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

    public RowBatch Silver(ReadOnlySpan<byte> topic, int partition, long ingestMicros)
    {
        var rows = Time.Count;
        silver.Fill(topic, partition, ingestMicros, rows);
        var types = (DictionaryColumn)EventType.Build();
        return new RowBatch(EventTables.Silver.Schema,
        [
            EventId.Build(), types, category.Of(types), Time.Build(), Date.Build(), UserId.Build(), SessionId.Build(), ProductId.Build(),
            ProductName.Build(), Category.Build(), Price.Build(), Quantity.Build(), Revenue.Build(), DeviceType.Build(), Country.Build(), Page.Build(),
            Element.Build(), SchemaVersion.Build(), Extra.Build(), silver.Topic, silver.Partition, SilverOffset.Build(), SilverKafkaTime.Build(), silver.Ingest,
        ], rows);
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
