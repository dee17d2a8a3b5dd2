using Tidemark.Domain.Enrichment;

namespace Tidemark.Functions.ReferenceData;

/// <summary>Where a table of reference data comes from.</summary>
internal interface IReferenceSource
{
    /// <summary>What it is called in alerts.</summary>
    string Name { get; }

    /// <summary>
    /// The table, and a mark of its state; null when the mark is still the given one. Throws when it is not there or is no such table, with a message for whoever
    /// looks after it.
    /// </summary>
    Task<LoadedReference?> ReadAsync(string? knownMark, CancellationToken cancel);

    /// <summary>What is wrong with parts of what was read, while the rest is in use; null = nothing.</summary>
    string? Complaint => null;
}

/// <summary>A table as read.</summary>
/// <param name="Table">The rows.</param>
/// <param name="Mark">What tells this state from another without reading all of it; null = there is no such thing.</param>
internal sealed record LoadedReference(ReferenceTable Table, string? Mark);
