using System.Text;
using Tidemark.Delta.Parquet;

namespace Tidemark.Delta.Log;

/// <summary>
/// What commits since a checkpoint have changed: the head, and for each path the last commit that says something of it. The files
/// themselves are not kept; their commits are read a second time when the checkpoint is written.
/// </summary>
internal sealed class CheckpointTail : IVersionedSink
{
    // Paths as UTF-8 in one array, and by the path's code the version of its last action with the lowest bit for an add.
    private readonly BytesDictionary _paths = new(int.MaxValue);
    private readonly List<long> _last = [];
    private byte[] _utf8 = new byte[256];
    private long _version;

    public Dictionary<string, Txn> Transactions { get; } = new(StringComparer.Ordinal);

    public Metadata? LastMetadata { get; private set; }

    public Protocol? LastProtocol { get; private set; }

    public bool WantsFiles => true;

    public StatsForm Stats => StatsForm.None;

    public void Begin(long version) => _version = version;

    /// <summary>Whether an action still counts: from a commit if it is the last of its path, from the checkpoint if there is none later.</summary>
    public bool Counts(string path, long? version, bool added) =>
        _paths.Find(Utf8(path)) is var code and >= 0 ? version is { } own && _last[code] == Action(own, added) : version is null;

    public void Add(DataFile file, bool dataChange) => Set(file.Path, Action(_version, added: true));

    public void Remove(Tombstone file) => Set(file.Path, Action(_version, added: false));

    private static long Action(long version, bool added) => version << 1 | (added ? 1L : 0);

    // One commit may remove and add the same path; then it is there, and that is also the greater of the two numbers.
    private void Set(string path, long action)
    {
        var code = _paths.GetOrAdd(Utf8(path));
        if (code < 0) throw new DeltaException("The commits since the last checkpoint name files with more than 2 GB of paths; write checkpoints more often.");
        if (code == _last.Count) _last.Add(action);
        else _last[code] = Math.Max(_last[code], action);
    }

    private ReadOnlySpan<byte> Utf8(string path)
    {
        var most = Encoding.UTF8.GetMaxByteCount(path.Length);
        if (_utf8.Length < most) _utf8 = new byte[most];
        return _utf8.AsSpan(0, Encoding.UTF8.GetBytes(path, _utf8));
    }

    public void Metadata(Metadata metadata) => LastMetadata = metadata;

    public void Protocol(Protocol protocol) => LastProtocol = protocol;

    public void Txn(Txn txn) => Transactions[txn.AppId] = txn;

    public void CommitInfo(CommitInfo info)
    {
    }
}
