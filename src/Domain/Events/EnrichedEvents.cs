using Tidemark.Domain.Columns;
using Tidemark.Domain.Enrichment;
using Tidemark.Domain.Pipelines;

namespace Tidemark.Domain.Events;

/// <summary>Rows of <c>gold/enriched_clickstream</c>: events of silver with what reference data says of their product, customer and country. Not thread-safe.</summary>
internal sealed class EnrichedEvents
{
    private static readonly string[] Taken =
    [
        "event_id", "event_type", "action_category", "event_time", "event_date", "user_id", "session_id", "product_id", "category", "price", "quantity",
        "revenue", "device_type", "country", "kafka_partition", "kafka_offset",
    ];

    private readonly ReferenceColumns catalogColumns = new(ReferenceSchema.Catalog), customerColumns = new(ReferenceSchema.Customers), countryColumns = new(ReferenceSchema.Countries);
    private readonly DictionaryColumnBuilder users = new();
    private readonly RowSelector selector = new();

    /// <summary>
    /// The table: partitioned by the slug of the catalog's category, of which there are at most <see cref="CategorySlugs.Most"/>. It has the columns of all reference data,
    /// also of what is not set up, so that setting it up changes no schema.
    /// </summary>
    public static TableSpec Table { get; } = new("gold/enriched_clickstream", new RowSchema(
    [
        .. Taken.Select(name => EventTables.Silver.Schema.Fields[EventTables.Silver.Schema.IndexOf(name)]),
        .. new[] { ReferenceSchema.Catalog, ReferenceSchema.Customers, ReferenceSchema.Countries }.SelectMany(ReferenceColumns.Fields),
    ]), ["category_slug"]);

    /// <summary>The rows, and how many of the events were of a product, a customer and a country that the tables have.</summary>
    public (RowBatch Rows, int Products, int Customers, int Countries) Build(RowBatch silver, ReferenceTables tables, CatalogJoin join)
    {
        catalogColumns.LookUp((DictionaryColumn)silver["product_id"], tables.Catalog);
        var matched = catalogColumns.MatchedCount;
        if (join == CatalogJoin.Inner)
            silver = selector.Take(silver, catalogColumns.Matched);
        var (products, countries) = ((DictionaryColumn)silver["product_id"], (DictionaryColumn)silver["country"]);
        var customers = Users(silver, tables.Customers is not null);
        customerColumns.LookUp(customers, tables.Customers);
        countryColumns.LookUp(countries, tables.Countries);
        Column[] columns =
        [
            .. Taken.Select(name => silver[name]), .. catalogColumns.Build(products, tables.Catalog),
            .. customerColumns.Build(customers, tables.Customers), .. countryColumns.Build(countries, tables.Countries),
        ];
        return (new RowBatch(Table.Schema, columns, silver.Count), matched, customerColumns.MatchedCount, countryColumns.MatchedCount);
    }

    /// <summary>Silver keeps users as they are, since most come once in a batch; looked up by code they are like other keys.</summary>
    private DictionaryColumn Users(RowBatch silver, bool isLookedUp)
    {
        users.Reset();
        var column = (Utf8Column)silver["user_id"];
        for (var row = 0; row < silver.Count; row++)
            if (isLookedUp)
                users.Append(column[row]);
            else
                users.AppendNull();
        return (DictionaryColumn)users.Build();
    }
}
