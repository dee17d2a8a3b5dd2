using Tidemark.Domain.Pipelines;

namespace Tidemark.Domain.Ledger;

/// <summary>
/// The ledger of one pipeline and topic in a store with compare-and-set per row and atomic groups per partition (Azure Table storage).
/// Methods named Try return false (or null) when the precondition does not hold, and only then; every other failure throws and leaves the
/// outcome unknown: the caller rereads. Reads are strongly consistent.
/// </summary>
public interface ILedger
{
    /// <summary>Reads the head; null when the partition has none.</summary>
    Task<VersionedHead?> ReadHeadAsync(int partition, CancellationToken cancel);

    /// <summary>
    /// Reads the head, then (in the same or a later request, never earlier) the ranges with From ≥ <paramref name="from"/>, ascending.
    /// </summary>
    Task<PartitionView> ReadPartitionAsync(int partition, long from, CancellationToken cancel);

    /// <summary>Inserts a head; null when there is one.</summary>
    Task<string?> TryInsertHeadAsync(int partition, Head head, CancellationToken cancel);

    /// <summary>Replaces the head if its ETag still matches; the new ETag, or null.</summary>
    Task<string?> TryReplaceHeadAsync(int partition, Head head, string etag, CancellationToken cancel);

    /// <summary>
    /// One transaction: replace the head if its ETag matches, insert the range and the gaps. The head's new ETag, or null when it did not match
    /// (or the range was already there) and nothing was written.
    /// </summary>
    Task<string?> TryCommitAsync(Head head, string etag, RangeRow range, IReadOnlyList<Gap> gaps, CancellationToken cancel);

    /// <summary>
    /// Deletes range rows in the order given, which is ascending: whatever fails on the way, what is left is contiguous. Those already gone are no error.
    /// </summary>
    Task DeleteRangesAsync(int partition, IReadOnlyList<long> froms, CancellationToken cancel);

    /// <summary>All gaps ever recorded for these partitions.</summary>
    Task<IReadOnlyList<Gap>> ReadGapsAsync(IReadOnlyCollection<int> partitions, CancellationToken cancel);

    /// <summary>Reads meta; null before the first start.</summary>
    Task<VersionedMeta?> ReadMetaAsync(CancellationToken cancel);

    /// <summary>Inserts meta (etag null) or replaces it if the ETag matches; the new ETag, or null when the precondition does not hold.</summary>
    Task<string?> TryWriteMetaAsync(Meta meta, string? etag, CancellationToken cancel);

    /// <summary>All registry rows.</summary>
    Task<IReadOnlyList<RegistryRow>> ReadRegistryAsync(CancellationToken cancel);

    /// <summary>Inserts a registry row with version 0; one that is there already stays and counts as success.</summary>
    Task RegisterAsync(EntityKey entity, CancellationToken cancel);

    /// <summary>Raises version and reach of a registry row if its ETag matches; never inserts. The new ETag, or null.</summary>
    Task<string?> TryRaiseAsync(RegistryRow row, long version, long reach, CancellationToken cancel);

    /// <summary>Deletes a registry row whatever its version; already gone is no error.</summary>
    Task UnregisterAsync(EntityKey entity, CancellationToken cancel);

    /// <summary>Reads the cursor of a query with its ETag; a cursor never written reads as (−1, null) with ETag null.</summary>
    Task<(Cursor Cursor, string? ETag)> ReadCursorAsync(string query, CancellationToken cancel);

    /// <summary>Inserts (etag null) or replaces the cursor if the ETag matches; the new ETag, or null.</summary>
    Task<string?> TryWriteCursorAsync(string query, Cursor cursor, string? etag, CancellationToken cancel);

    /// <summary>Takes or renews the lease when it is free, expired or already the owner's; false when another holds it.</summary>
    Task<bool> TryTakeLeaseAsync(Lease lease, long nowMs, CancellationToken cancel);
}

/// <summary>One partition as read: the head first, then its ranges from the offset asked for, ascending by From.</summary>
public sealed record PartitionView(VersionedHead? Head, IReadOnlyList<RangeRow> Ranges);
