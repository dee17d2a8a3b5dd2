using Tidemark.Delta.Parquet;

namespace Tidemark.Delta.Log;

/// <summary>What commits since a checkpoint have changed, and the head.</summary>
internal sealed class CheckpointTail : IActionSink
{
    public Dictionary<string, DataFile> Files { get; } = new(StringComparer.Ordinal);

    public Dictionary<string, Tombstone> Removed { get; } = new(StringComparer.Ordinal);

    public Dictionary<string, Txn> Transactions { get; } = new(StringComparer.Ordinal);

    public Metadata? LastMetadata { get; private set; }

    public Protocol? LastProtocol { get; private set; }

    public bool WantsFiles => true;

    public bool Changed(string path) => Files.ContainsKey(path) || Removed.ContainsKey(path);

    public void Add(DataFile file, bool dataChange)
    {
        Removed.Remove(file.Path);
        Files[file.Path] = file;
    }

    public void Remove(Tombstone file)
    {
        Files.Remove(file.Path);
        Removed[file.Path] = file;
    }

    public void Metadata(Metadata metadata) => LastMetadata = metadata;

    public void Protocol(Protocol protocol) => LastProtocol = protocol;

    public void Txn(Txn txn) => Transactions[txn.AppId] = txn;

    public void CommitInfo(CommitInfo info)
    {
    }
}
