namespace Tidemark.Delta;

/// <summary>A table as of one version, files included.</summary>
public sealed class TableSnapshot
{
    private readonly Dictionary<string, DataFile> _files;

    internal TableSnapshot(long version, Protocol protocol, Metadata metadata, Dictionary<string, DataFile> files,
        Dictionary<string, Tombstone> tombstones, Dictionary<string, Txn> transactions)
    {
        Version = version;
        Protocol = protocol;
        Metadata = metadata;
        _files = files;
        Tombstones = tombstones;
        TransactionActions = transactions;
        Schema = metadata.Schema;
    }

    public long Version { get; }

    /// <summary>The columns, partition columns included.</summary>
    public TableSchema Schema { get; }

    public IReadOnlyList<string> PartitionColumns => Metadata.PartitionColumns;

    public IReadOnlyDictionary<string, string> Configuration => Metadata.Configuration;

    /// <summary>The live files, in no particular order.</summary>
    public IReadOnlyCollection<DataFile> Files => _files.Values;

    /// <summary>The version of an application's last transaction, or null when there is none.</summary>
    public long? TransactionOf(string appId) => TransactionActions.TryGetValue(appId, out var txn) ? txn.Version : null;

    /// <summary>The applications that have a transaction.</summary>
    public IEnumerable<string> TransactionIds => TransactionActions.Keys;

    internal Protocol Protocol { get; }

    internal Metadata Metadata { get; }

    internal IReadOnlyDictionary<string, Tombstone> Tombstones { get; }

    internal IReadOnlyDictionary<string, Txn> TransactionActions { get; }

    internal DataFile? Find(string path) => _files.GetValueOrDefault(path);

    internal bool Has(string path) => _files.ContainsKey(path);
}
