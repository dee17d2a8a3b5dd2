namespace Tidemark.Delta.Log;

/// <summary>
/// What commits since a checkpoint have changed: the head, and for each path the last commit that says something of it. The files
/// themselves are not kept; their commits are read a second time when the checkpoint is written.
/// </summary>
internal sealed class CheckpointTail : IVersionedSink
{
    private readonly Dictionary<string, (long Version, bool Added)> _last = new(StringComparer.Ordinal);
    private long _version;

    public Dictionary<string, Txn> Transactions { get; } = new(StringComparer.Ordinal);

    public Metadata? LastMetadata { get; private set; }

    public Protocol? LastProtocol { get; private set; }

    public bool WantsFiles => true;

    public void Begin(long version) => _version = version;

    /// <summary>Whether an action still counts: from a commit if it is the last of its path, from the checkpoint if there is none later.</summary>
    public bool Counts(string path, long? version, bool added) =>
        _last.TryGetValue(path, out var last) ? version is { } own && last == (own, added) : version is null;

    public void Add(DataFile file, bool dataChange) => _last[file.Path] = (_version, true);

    public void Remove(Tombstone file)
    {
        // One commit may remove and add the same path; then it is there.
        if (!_last.TryGetValue(file.Path, out var last) || last != (_version, true)) _last[file.Path] = (_version, false);
    }

    public void Metadata(Metadata metadata) => LastMetadata = metadata;

    public void Protocol(Protocol protocol) => LastProtocol = protocol;

    public void Txn(Txn txn) => Transactions[txn.AppId] = txn;

    public void CommitInfo(CommitInfo info)
    {
    }
}
