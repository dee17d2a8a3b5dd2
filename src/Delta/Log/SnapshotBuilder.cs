namespace Tidemark.Delta.Log;

/// <summary>Folds a checkpoint and commits into the whole state of a version: the newest action of each path wins.</summary>
internal sealed class SnapshotBuilder : IVersionedSink
{
    private readonly Dictionary<string, DataFile> _files;
    private readonly Dictionary<string, Tombstone> _tombstones;
    private readonly Dictionary<string, Txn> _transactions;
    private readonly HashSet<string> _added = new(StringComparer.Ordinal), _removed = new(StringComparer.Ordinal);
    private Protocol? _protocol;
    private Metadata? _metadata;
    private long _version = -1;

    /// <param name="known">A version that is gone on from; null = none.</param>
    public SnapshotBuilder(TableSnapshot? known = null)
    {
        _files = known?.Files.ToDictionary(file => file.Path, StringComparer.Ordinal) ?? new(StringComparer.Ordinal);
        _tombstones = new(known?.Tombstones ?? new Dictionary<string, Tombstone>(), StringComparer.Ordinal);
        _transactions = new(known?.TransactionActions ?? new Dictionary<string, Txn>(), StringComparer.Ordinal);
        (_protocol, _metadata) = (known?.Protocol, known?.Metadata);
    }

    public bool WantsFiles => true;

    public void Begin(long version)
    {
        _version = version;
        _added.Clear();
        _removed.Clear();
    }

    public void Add(DataFile file, bool dataChange)
    {
        if (_version >= 0 && !_added.Add(file.Path)) throw new DeltaFormatException($"Commit {_version} adds file {file.Path} twice.");
        _tombstones.Remove(file.Path);
        _files[file.Path] = file;
    }

    public void Remove(Tombstone file)
    {
        if (_version >= 0 && !_removed.Add(file.Path)) throw new DeltaFormatException($"Commit {_version} removes file {file.Path} twice.");
        _files.Remove(file.Path);
        _tombstones[file.Path] = file;
    }

    public void Metadata(Metadata metadata) => _metadata = metadata;

    public void Protocol(Protocol protocol) => _protocol = protocol;

    public void Txn(Txn txn) => _transactions[txn.AppId] = txn;

    public void CommitInfo(CommitInfo info)
    {
    }

    public TableSnapshot Build(long version, string table)
    {
        if (_protocol is null) throw new DeltaFormatException($"The log of table {table} holds no protocol up to version {version}.");
        if (_metadata is null) throw new DeltaFormatException($"The log of table {table} holds no metaData up to version {version}.");
        _protocol.CheckReadable(table);
        return new TableSnapshot(version, _protocol, _metadata, _files, _tombstones, _transactions);
    }
}
