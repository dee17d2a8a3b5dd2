using System.Collections.Concurrent;

namespace Tidemark.Functions.Costs;

/// <summary>
/// What this process has asked of services that charge by the request, since it started: storage transactions by kind (each attempt counts, as it
/// does on the bill), operations on durable entities, Delta commits. Thread-safe; reading costs nothing.
/// </summary>
public sealed class CostCounters
{
    private readonly ConcurrentDictionary<string, Tally> _counts = new(StringComparer.Ordinal);

    /// <summary>Counts one, or several, of a kind.</summary>
    public void Add(string kind, long count = 1) => Interlocked.Add(ref _counts.GetOrAdd(kind, static _ => new Tally()).Count, count);

    /// <summary>The count of one kind; 0 for one never counted.</summary>
    public long this[string kind] => _counts.TryGetValue(kind, out var tally) ? Interlocked.Read(ref tally.Count) : 0;

    /// <summary>Storage transactions by kind, see <see cref="StorageKinds"/>; all kinds, also those at 0.</summary>
    public IReadOnlyDictionary<string, long> StorageTransactions() => Read(StorageKinds.All);

    /// <summary>Operations on durable entities: <c>entity_signal</c>, <c>entity_read</c>, <c>entity_list</c>, and <c>entity_apply</c> for those that this process executed.</summary>
    public IReadOnlyDictionary<string, long> EntityOperations() => Read(EntityKinds.All);

    /// <summary>Commits to Delta tables.</summary>
    public long DeltaCommits => this[DeltaCommit];

    internal const string DeltaCommit = "delta_commit";

    /// <summary>Prefix of the count of rows committed to a Delta table.</summary>
    internal const string Committed = "committed/";

    /// <summary>Prefix of the count of rows of a query written to Table storage.</summary>
    internal const string Published = "published/";

    /// <summary>All counts whose kind begins with the prefix, by the rest of the kind.</summary>
    internal IReadOnlyDictionary<string, long> Of(string prefix) => new SortedDictionary<string, long>(
        _counts.Where(c => c.Key.StartsWith(prefix, StringComparison.Ordinal)).ToDictionary(c => c.Key[prefix.Length..], c => Interlocked.Read(ref c.Value.Count)), StringComparer.Ordinal);

    private SortedDictionary<string, long> Read(IReadOnlyList<string> kinds) =>
        new(kinds.ToDictionary(kind => kind, kind => this[kind]), StringComparer.Ordinal);

    private sealed class Tally
    {
        public long Count;
    }
}

/// <summary>Kinds of storage transactions.</summary>
internal static class StorageKinds
{
    public const string TableRead = "table_read";
    public const string TableWrite = "table_write";
    public const string TableTransaction = "table_transaction";
    public const string BlobGet = "blob_get";
    public const string BlobPut = "blob_put";
    public const string BlobList = "blob_list";
    public const string BlobDelete = "blob_delete";

    public static readonly IReadOnlyList<string> All = [TableRead, TableWrite, TableTransaction, BlobGet, BlobPut, BlobList, BlobDelete];
}

/// <summary>Kinds of entity operations.</summary>
internal static class EntityKinds
{
    public const string Signal = "entity_signal";
    public const string Read = "entity_read";
    public const string List = "entity_list";
    public const string Apply = "entity_apply";

    public static readonly IReadOnlyList<string> All = [Signal, Read, List, Apply];
}
