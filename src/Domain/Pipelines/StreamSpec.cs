using Tidemark.Domain.Columns;

namespace Tidemark.Domain.Pipelines;

/// <summary>What results look like, whatever computes them: a Delta table <c>gold/{Name}</c> and a table in Table storage.</summary>
public interface IOutput
{
    /// <summary>Name in snake_case.</summary>
    string Name { get; }

    /// <summary>Columns of a result row.</summary>
    RowSchema Schema { get; }

    /// <summary>Columns that, with the time, name a row in Table storage.</summary>
    IReadOnlyList<string> Keys { get; }

    /// <summary>Column whose newest value comes first in Table storage; null = rows are named by their keys alone.</summary>
    string? TimeColumn { get; }

    /// <summary>Whether Table storage holds rows of it; if not, they are in Delta only.</summary>
    bool InTableStorage { get; }

    /// <summary>Column by which rows in Table storage grow old (<see cref="Ledger.ResultsKept"/>); null = they never do.</summary>
    string? AgeColumn { get; }

    /// <summary>What it computes, in words, for people who look at its results; empty where nobody said it.</summary>
    string Description => "";
}

/// <summary>What Table storage holds of a stream.</summary>
public enum StreamResults
{
    /// <summary>Nothing: its rows are in Delta only.</summary>
    None,

    /// <summary>Every row, under a key that no other row has.</summary>
    Rows,

    /// <summary>The last row of each key.</summary>
    Latest,
}

/// <summary>
/// A computation that depends on the order of its input: sessions, joins, functions with state. Over a base table it is scoped to the partition, as the
/// topic is keyed; over a gold table (a chained stage) it follows that table's commits, and as a join of two topics those of a table of each.
/// </summary>
/// <param name="Name">snake_case; the Delta table is <c>gold/{Name}</c>, the Table storage table the PascalCase of it.</param>
/// <param name="Source">The table it reads: one that ingest fills, or <c>gold/{query}</c>.</param>
/// <param name="Columns">Columns of the source that it reads.</param>
/// <param name="Schema">Columns of a result row.</param>
/// <param name="Keys">Names of the columns that, with the time, name a row.</param>
/// <param name="TimeColumn">Time of a row; null = rows are named by their keys alone.</param>
/// <param name="Results">What Table storage holds of it.</param>
/// <param name="HorizonMs">
/// How far beyond the newest event the frontier must move for everything to come out; of a chained stream, how far beyond the frontier that brings out the rows of
/// its source.
/// </param>
public sealed record StreamSpec(
    string Name, string Source, IReadOnlyList<string> Columns, RowSchema Schema, IReadOnlyList<string> Keys, string? TimeColumn, StreamResults Results, long HorizonMs) : IOutput
{
    /// <summary>Column that rows are also found by in Table storage, newest first; null = none.</summary>
    public string? IndexBy { get; init; }

    /// <summary>Whether it follows the commits of tables: of a gold table, or of two of other pipelines.</summary>
    public bool IsChained => Joined is not null || Source.StartsWith("gold/", StringComparison.Ordinal);

    /// <summary>The two tables that a join of two topics follows; null = it is none. Its state is a <see cref="Streams.JoinedState"/>.</summary>
    public JoinedTables? Joined { get; init; }

    /// <summary>Columns that a join of two topics reads of the table of each side (0 left, 1 right); null = all.</summary>
    public IReadOnlyList<IReadOnlyList<string>>? SideColumns { get; init; }

    /// <inheritdoc/>
    public bool InTableStorage => Results != StreamResults.None;

    /// <inheritdoc/>
    public string? AgeColumn { get; init; } = TimeColumn;
}

/// <summary>A table that another pipeline's ingest fills.</summary>
/// <param name="Id">That pipeline.</param>
/// <param name="Table">Its name.</param>
public sealed record FollowedTable(Ledger.PipelineId Id, string Table);

/// <summary>The tables that a join of two topics follows.</summary>
public sealed record JoinedTables(FollowedTable Left, FollowedTable Right)
{
    /// <summary>The table of a side: 0 left, 1 right.</summary>
    public FollowedTable this[int side] => side == 0 ? Left : Right;
}

/// <summary>
/// A stream at work: a deterministic machine over rows in order and moves of time. Moving time in two steps is the same as moving it in one. Not
/// thread-safe.
/// </summary>
public interface IStreamState
{
    /// <summary>Frontier that time has been moved to, ms; null before the first move.</summary>
    long? FrontierMs { get; }

    /// <summary>Entries that it holds: sessions, keys, rows that wait for a partner.</summary>
    long Entries { get; }

    /// <summary>Moves time, never back; what is due by it goes to <paramref name="output"/>.</summary>
    void Advance(long frontierMs, ICollection<RowBatch> output);

    /// <summary>Takes rows in order; what follows from them goes to <paramref name="output"/>.</summary>
    void Add(RowBatch rows, ICollection<RowBatch> output);

    /// <summary>Saved form, with the frontier. Versioned bytes; equal states give equal bytes.</summary>
    byte[] Save();
}
