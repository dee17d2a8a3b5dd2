using Tidemark.Domain.Enrichment;

namespace Tidemark.Functions.Catalogs;

/// <summary>Where a catalog comes from.</summary>
internal interface ICatalogSource
{
    /// <summary>What it is called in alerts.</summary>
    string Name { get; }

    /// <summary>
    /// The catalog, and a mark of its state; null when the mark is still the given one. Throws when it is not there or is no catalog, with a message for whoever
    /// looks after it.
    /// </summary>
    Task<LoadedCatalog?> ReadAsync(string? knownMark, CancellationToken cancel);
}

/// <summary>A catalog as read.</summary>
/// <param name="Catalog">The products.</param>
/// <param name="Mark">What tells this state from another without reading all of it; null = there is no such thing.</param>
internal sealed record LoadedCatalog(Catalog Catalog, string? Mark);
