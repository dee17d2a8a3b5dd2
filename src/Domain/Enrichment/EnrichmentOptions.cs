namespace Tidemark.Domain.Enrichment;

/// <summary>
/// Lets a pipeline join its events with reference data. A batch is joined with the tables that are current when it is decoded, all of it with one version
/// of each, and each row says which. Nothing ever joins it again, so tables may be swapped at any time.
/// </summary>
public sealed class EnrichmentOptions
{
    /// <summary>Whether the enriched table holds all events or those whose product is in the catalog.</summary>
    public CatalogJoin Join { get; init; } = CatalogJoin.Left;

    /// <summary>The catalog.</summary>
    public Reference Catalog { get; } = new(ReferenceSchema.Catalog);

    /// <summary>The customers.</summary>
    public Reference Customers { get; } = new(ReferenceSchema.Customers);

    /// <summary>The countries.</summary>
    public Reference Countries { get; } = new(ReferenceSchema.Countries);

    /// <summary>What is current now.</summary>
    internal ReferenceTables Now => new(Catalog.Current, Customers.Current, Countries.Current);
}

/// <summary>The place that a table of reference data is swapped in.</summary>
public sealed class Reference(ReferenceSchema schema)
{
    private ReferenceTable? current;

    /// <summary>What its tables have.</summary>
    public ReferenceSchema Schema => schema;

    /// <summary>The table for batches decoded from now on; null = none (yet).</summary>
    public ReferenceTable? Current
    {
        get => Volatile.Read(ref current);
        set => Volatile.Write(ref current, value);
    }
}

/// <summary>The tables that a batch is joined with; null = none.</summary>
internal readonly record struct ReferenceTables(ReferenceTable? Catalog, ReferenceTable? Customers, ReferenceTable? Countries);
