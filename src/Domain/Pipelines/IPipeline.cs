using Tidemark.Domain.Columns;

namespace Tidemark.Domain.Pipelines;

/// <summary>
/// What is computed, as the protocol (Ledger) sees it: a map side that turns records into a segment, and a fold side that turns partials into
/// rows. Everything here is a pure function of its arguments: no clock, no I/O, no randomness, so that whoever computes it, whenever, gets the
/// same. Implementations may keep caches between calls but are used by one caller at a time per partition (map side) and per tick (fold side).
/// </summary>
public interface IPipeline
{
    /// <summary>Tables that get rows straight from ingest: bronze, silver, late, quarantine. Order is fixed.</summary>
    IReadOnlyList<TableSpec> Tables { get; }

    /// <summary>The window queries. Order is fixed.</summary>
    IReadOnlyList<QuerySpec> Queries { get; }

    /// <summary>The computations that depend on order; a chained one comes after what it reads. Order is fixed.</summary>
    IReadOnlyList<StreamSpec> Streams { get; }

    /// <summary>The whole of it as text: input, tables, queries, streams, columns. Equal pipelines have equal text; empty where nobody needs it.</summary>
    string Describe() => "";

    /// <summary>Decodes and validates records of one partition (ascending offsets). Bad records are data (quarantine), never an exception.</summary>
    /// <param name="partition">Kafka partition.</param>
    /// <param name="records">Records in offset order.</param>
    /// <param name="ingestTimeMs">When this ingestion runs, ms since 1970 UTC; goes into bronze.</param>
    IDecodedRecords Decode(int partition, IReadOnlyList<SourceRecord> records, long ingestTimeMs);

    /// <summary>
    /// Judges lateness by the frontier and aggregates. May be called again on the same decoded records with a later frontier.
    /// A partial counts only for windows that are not closed: it carries the first window end that it counts for. A segment built before from the same records is
    /// not valid any more.
    /// </summary>
    Segment Build(IDecodedRecords decoded, long frontierMs);

    /// <summary>State of an entity from its saved form; empty = a new one. Throws <see cref="InvalidDataException"/> when unreadable.</summary>
    IFoldState Load(EntityKey key, ReadOnlySpan<byte> state);

    /// <summary>
    /// Whether all windows of every query that uses this entity end at or before the query's position, i.e. nobody will read it again.
    /// </summary>
    /// <param name="key">The entity.</param>
    /// <param name="positionOf">Per query name the watermark (ms) up to which its windows are in Delta; null = none yet.</param>
    bool IsEvictable(EntityKey key, Func<string, long?> positionOf);

    /// <summary>
    /// Rows of the query for windows with end in (<paramref name="after"/>, <paramref name="upTo"/>], sorted by window and group.
    /// </summary>
    /// <param name="query">Name of the query.</param>
    /// <param name="states">All entities at hand; those of other bundles are ignored. A window is merged from every slice it covers.</param>
    /// <param name="after">Exclusive lower bound of window end, ms; null = none.</param>
    /// <param name="upTo">Inclusive upper bound of window end, ms.</param>
    /// <param name="touched">When given, only windows that cover a slice of one of these entities.</param>
    RowBatch Emit(string query, IReadOnlyDictionary<EntityKey, IFoldState> states, long? after, long upTo, IReadOnlySet<EntityKey>? touched = null);

    /// <summary>A stream from its saved state; empty = a new one. Throws <see cref="InvalidDataException"/> when unreadable.</summary>
    IStreamState OpenStream(string stream, ReadOnlySpan<byte> state);
}

/// <summary>A table that ingest fills.</summary>
/// <param name="Name">Path below the lake's root and name, e.g. <c>silver/events</c>.</param>
/// <param name="Schema">Its columns.</param>
/// <param name="PartitionColumns">Delta partition columns, e.g. <c>event_date</c>; may be empty.</param>
public sealed record TableSpec(string Name, RowSchema Schema, IReadOnlyList<string> PartitionColumns);

/// <summary>A window query as the protocol sees it.</summary>
/// <param name="Name">snake_case; the Delta table is <c>gold/{Name}</c>, the Table storage table the PascalCase of it.</param>
/// <param name="DelayMs">Watermark delay, what complete mode holds included.</param>
/// <param name="SizeMs">Window length.</param>
/// <param name="SlideMs">Distance between window starts.</param>
/// <param name="Bundle">Bundle whose entities hold its slices.</param>
/// <param name="Update">True: provisional rows of open windows go to Table storage every tick; false (append): only final rows.</param>
/// <param name="Schema">Columns of a result: window_start, window_end, keys, values.</param>
/// <param name="Keys">Names of the columns that name a row within its window: the group keys, or the rank of a top.</param>
public sealed record QuerySpec(string Name, long DelayMs, long SizeMs, long SlideMs, string Bundle, bool Update, RowSchema Schema, IReadOnlyList<string> Keys) : IOutput
{
    /// <inheritdoc/>
    public string TimeColumn => "window_start";

    /// <inheritdoc/>
    public string AgeColumn => "window_end";

    /// <inheritdoc/>
    public bool InTableStorage { get; init; } = true;

    /// <summary>A provisional row may have to be taken back: its group can stop passing a condition.</summary>
    public bool Withdraws { get; init; }

    /// <summary>Rows are numbered 1 to at most this in each window, and that number is their key; null = they are not.</summary>
    public int? Top { get; init; }

    /// <summary>Where windows start: at this plus whole multiples of the slide, ms since 1970 UTC.</summary>
    public long OffsetMs { get; init; }

    /// <summary>Its rows come out no more often than this, ms; null = as often as the pipeline emits.</summary>
    public long? TriggerMs { get; init; }

    /// <summary>What it computes, in words, for people who look at its results.</summary>
    public string Description { get; init; } = "";

    /// <summary>End of the last window that holds this time, ms.</summary>
    public long LastEndMs(long timeMs) => timeMs - (((timeMs - OffsetMs) % SlideMs + SlideMs) % SlideMs) + SizeMs;
}

/// <summary>
/// Decoded records of one partition between <see cref="IPipeline.Decode"/> and <see cref="IPipeline.Build"/>; opaque to the protocol. After Dispose
/// neither they nor segments built from them may be used: their memory serves the next batch.
/// </summary>
public interface IDecodedRecords : IDisposable
{
    /// <summary>Least event time of the valid events, ms; null when none is valid.</summary>
    long? MinEventTimeMs { get; }

    /// <summary>Greatest event time of the valid events, ms; null when none is valid.</summary>
    long? MaxEventTimeMs { get; }

    /// <summary>Least, mean and greatest event time for reports; null when none is valid or nobody counted.</summary>
    Ledger.EventTimes? Times => null;
}

/// <summary>State of one entity in memory: the fold of the partials merged so far. Not thread-safe.</summary>
public interface IFoldState
{
    /// <summary>Merges one partial (from <see cref="Segment.Partials"/> or <see cref="Save"/> of another state).</summary>
    void Merge(ReadOnlySpan<byte> partial);

    /// <summary>Forgets what only windows with end ≤ the bound of their query need.</summary>
    void Evict(Func<string, long?> upTo);

    /// <summary>Queries of which it has state that another definition of them has made. It is kept and saved, and counts in nothing.</summary>
    IEnumerable<string> Foreign => [];

    /// <summary>The saved form: itself a partial. Versioned bytes; equal states give equal bytes.</summary>
    byte[] Save();
}

/// <summary>What one range adds: rows for tables and partials for entities.</summary>
/// <param name="Rows">By table name; only tables with at least one row.</param>
/// <param name="Partials">By entity, in saved form.</param>
/// <param name="Counts">Named counts for reports, e.g. <c>events</c>, <c>late/category_views</c>, <c>quarantined/missing_user_id</c>.</param>
public sealed record Segment(
    IReadOnlyDictionary<string, RowBatch> Rows,
    IReadOnlyDictionary<EntityKey, ReadOnlyMemory<byte>> Partials,
    IReadOnlyDictionary<string, long> Counts);
