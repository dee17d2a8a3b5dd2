namespace Tidemark.Domain.Enrichment;

/// <summary>
/// Lets a pipeline join its events with the catalog. A batch is joined with the catalog that is current when it is decoded, all of it with one version,
/// and each row says which. Nothing ever joins it again, so catalogs may be swapped at any time.
/// </summary>
public sealed class EnrichmentOptions
{
    private Catalog? current;

    /// <summary>Left or inner.</summary>
    public CatalogJoin Join { get; init; } = CatalogJoin.Left;

    /// <summary>The catalog for batches decoded from now on; null = none yet.</summary>
    public Catalog? Current
    {
        get => Volatile.Read(ref current);
        set => Volatile.Write(ref current, value);
    }
}
