using Tidemark.Domain.Columns;
using Tidemark.Domain.Deduplication;
using Tidemark.Domain.Ledger;

namespace Tidemark.Domain.Corrections;

/// <summary>Tables whose rows can be corrected.</summary>
public interface ICorrectable
{
    /// <summary>
    /// Replaces rows in one commit: those equal to one of <paramref name="gone"/> go, those of <paramref name="come"/> are added, and the position moves.
    /// The commit's version; null when the position was not as expected, or another commit changed the same part of the table: nothing was
    /// committed, and the caller reads again.
    /// </summary>
    /// <param name="table">The table.</param>
    /// <param name="move">A position that corrections alone move, so that of two that began from the same rows one wins.</param>
    /// <param name="where">Bounds that every row to go is within.</param>
    /// <param name="gone">Rows to go, all columns.</param>
    /// <param name="come">Rows to add.</param>
    /// <param name="cancel">Stops before the commit.</param>
    Task<long?> TryReplaceAsync(string table, PositionMove move, ColumnBounds where, RowBatch gone, RowBatch come, CancellationToken cancel);
}

/// <summary>What was merged into closed windows: one record for each window of a query that was computed again.</summary>
public interface ICorrectionLog
{
    /// <summary>All records of a query by window end.</summary>
    Task<IReadOnlyDictionary<long, VersionedCorrection>> ReadAsync(string query, CancellationToken cancel);

    /// <summary>Inserts (etag null) or replaces if the ETag matches; the new ETag, or null when the precondition does not hold.</summary>
    Task<string?> TryWriteAsync(Correction correction, string? etag, CancellationToken cancel);
}

/// <summary>A window that was computed again.</summary>
/// <param name="Query">Its query.</param>
/// <param name="EndMs">End of the window, ms.</param>
/// <param name="UpTo">Per partition the offset up to which every event of the window is in its rows.</param>
/// <param name="IsPending">A correction has begun and is not known to be in Delta and in Table storage as a whole.</param>
/// <param name="Revision">Version of the Delta table that has the rows.</param>
/// <param name="Events">Late events merged so far.</param>
/// <param name="AtMs">When, ms.</param>
public sealed record Correction(string Query, long EndMs, IReadOnlyDictionary<int, long> UpTo, bool IsPending, long Revision, int Events, long AtMs)
{
    /// <summary>Whether a late event is in the rows of the window.</summary>
    public bool Holds(int partition, long offset) => UpTo.TryGetValue(partition, out var upTo) && offset < upTo;
}

/// <summary>A record as read.</summary>
public readonly record struct VersionedCorrection(Correction Value, string ETag);
