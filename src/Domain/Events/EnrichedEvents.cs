using Tidemark.Domain.Columns;
using Tidemark.Domain.Enrichment;
using Tidemark.Domain.Pipelines;

namespace Tidemark.Domain.Events;

/// <summary>Rows of <c>gold/enriched_clickstream</c>: events of silver with what the catalog says of their product. Not thread-safe.</summary>
internal sealed class EnrichedEvents
{
    private static readonly string[] Taken =
    [
        "event_id", "event_type", "action_category", "event_time", "event_date", "user_id", "session_id", "product_id", "category", "price", "quantity",
        "revenue", "device_type", "country", "kafka_partition", "kafka_offset",
    ];

    private readonly CatalogColumns catalogColumns = new();
    private readonly RowSelector selector = new();

    /// <summary>The table: partitioned by the slug of the catalog's category, of which there are at most <see cref="Catalog.MaxSlugs"/>.</summary>
    public static TableSpec Table { get; } = new("gold/enriched_clickstream", new RowSchema(
        [.. Taken.Select(name => EventTables.Silver.Schema.Fields[EventTables.Silver.Schema.IndexOf(name)]), .. CatalogColumns.Fields]), ["category_slug"]);

    /// <summary>The rows, and how many of the events were of a product that the catalog has.</summary>
    public (RowBatch Rows, int Matched) Build(RowBatch silver, Catalog? catalog, CatalogJoin join)
    {
        var products = (DictionaryColumn)silver["product_id"];
        catalogColumns.LookUp(products, catalog);
        var matched = catalogColumns.MatchedCount;
        if (join == CatalogJoin.Inner)
        {
            silver = selector.Take(silver, catalogColumns.Matched);
            products = (DictionaryColumn)silver["product_id"];
        }
        var columns = catalogColumns.Build(products, catalog);
        return (new RowBatch(Table.Schema, [.. Taken.Select(name => silver[name]), .. columns], silver.Count), matched);
    }
}
