namespace Tidemark.Domain.Enrichment;

/// <summary>Which events the enriched table holds.</summary>
public enum CatalogJoin
{
    /// <summary>All; those of no known product without what the catalog would say.</summary>
    Left,

    /// <summary>Those whose product is in the catalog.</summary>
    Inner,
}
