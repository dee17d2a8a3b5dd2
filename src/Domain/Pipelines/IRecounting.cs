using Tidemark.Domain.Columns;

namespace Tidemark.Domain.Pipelines;

/// <summary>
/// A pipeline whose window queries can be computed again from the rows that they read, by the very plan that ingest and tick use: for corrections,
/// for explanations, and for state that a changed definition cannot read. As <see cref="IPipeline"/>, all of it is pure.
/// </summary>
public interface IRecounting
{
    /// <summary>The base table that window queries read; it holds every event that may count, by partition and offset.</summary>
    string EventTable { get; }

    /// <summary>The base table that says of late events which frontier they were judged by.</summary>
    string LateTable { get; }

    /// <summary>Hash of the definition of a query or stream: state of another fingerprint is never read as its own.</summary>
    ulong FingerprintOf(string name);

    /// <summary>The valid events among decoded records, duplicates included, with the columns of <see cref="EventTable"/>.</summary>
    RowBatch ValidEvents(IDecodedRecords decoded);

    /// <summary>A new, empty computation of one window query; throws <see cref="KeyNotFoundException"/> when there is none of that name.</summary>
    IRecount Recount(string query);
}

/// <summary>One window query computed from rows. Not thread-safe.</summary>
public interface IRecount
{
    /// <summary>The query.</summary>
    QuerySpec Query { get; }

    /// <summary>Its group keys: columns of the events, and of the results.</summary>
    IReadOnlyList<string> Groups { get; }

    /// <summary>Columns of <see cref="IRecounting.EventTable"/> that it reads, those that name an event included.</summary>
    IReadOnlyList<string> Columns { get; }

    /// <summary>
    /// Counts rows (with at least <see cref="Columns"/>) in their windows, but for those that end at or before a time (ms): what late events missed. Null: in all.
    /// </summary>
    /// <returns>Entities that they belong to.</returns>
    IReadOnlyCollection<EntityKey> Add(RowBatch rows, long? missedUpTo);

    /// <summary>Which rows the query takes: those that pass its filter and have a time.</summary>
    bool[] Takes(RowBatch rows);

    /// <summary>Whether a frontier made an event undeduplicated: too old to be told from a duplicate, and counted in no window.</summary>
    bool IsTooOld(long eventTimeMs, long frontierMs);

    /// <summary>Ends (ms) of the windows that hold a time, ascending.</summary>
    IReadOnlyList<long> WindowEnds(long eventTimeMs);

    /// <summary>Rows of windows with end in (after, upTo], as <see cref="IPipeline.Emit"/> gives them.</summary>
    RowBatch Emit(long? after, long upTo, IReadOnlySet<EntityKey>? touched = null);

    /// <summary>Forgets what only windows with end ≤ the bound need.</summary>
    void Evict(long upTo);
}
