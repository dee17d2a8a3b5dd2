using Tidemark.Domain.Columns;

namespace Tidemark.Domain.Events;

/// <summary>The columns of the events of a shop.</summary>
internal sealed class EventBuffers : RecordBuffers
{
    public readonly Utf8ColumnBuilder EventId, UserId, SessionId;
    public readonly DictionaryColumnBuilder EventType, ProductId, ProductName, Category, DeviceType, Country, Page, Element;
    public readonly Int64ColumnBuilder Price, Quantity, Revenue;
    public readonly Int32ColumnBuilder SchemaVersion;

    public readonly EnrichedEvents Enriched = new();
    private readonly ActionCategory category = new();

    public EventBuffers() : this([.. Enumerable.Range(0, 3).Select(_ => new Utf8ColumnBuilder())], [.. Enumerable.Range(0, 8).Select(_ => new DictionaryColumnBuilder())],
        [.. Enumerable.Range(0, 3).Select(_ => new Int64ColumnBuilder())], new Int32ColumnBuilder())
    {
    }

    private EventBuffers(Utf8ColumnBuilder[] ids, DictionaryColumnBuilder[] words, Int64ColumnBuilder[] numbers, Int32ColumnBuilder version)
        : base([.. ids, .. words, .. numbers, version])
    {
        (EventId, UserId, SessionId) = (ids[0], ids[1], ids[2]);
        (EventType, ProductId, ProductName, Category, DeviceType, Country, Page, Element) = (words[0], words[1], words[2], words[3], words[4], words[5], words[6], words[7]);
        (Price, Quantity, Revenue, SchemaVersion) = (numbers[0], numbers[1], numbers[2], version);
    }

    protected override RowBatch Silver(Column[] origin)
    {
        var types = (DictionaryColumn)EventType.Build();
        return new RowBatch(EventTables.Silver.Schema,
        [
            EventId.Build(), types, category.Of(types), Time.Build(), Date.Build(), UserId.Build(), SessionId.Build(), ProductId.Build(),
            ProductName.Build(), Category.Build(), Price.Build(), Quantity.Build(), Revenue.Build(), DeviceType.Build(), Country.Build(), Page.Build(),
            Element.Build(), SchemaVersion.Build(), Extra.Build(), .. origin,
        ], Time.Count);
    }
}
