namespace Tidemark.Delta.Log;

/// <summary>Compares a change with a commit that was made since the change was prepared.</summary>
internal sealed class ConflictSink(ChangeSet mine, HashSet<string> removes, TableSnapshot snapshot, long version, string table) : IActionSink
{
    public bool WantsFiles => true;

    public void Add(DataFile file, bool dataChange)
    {
        if (dataChange && mine.Reads(file)) throw Conflict($"added file {file.Path} to a part of the table that {mine.Operation} depends on");
    }

    public void Remove(Tombstone file)
    {
        if (removes.Contains(file.Path)) throw Conflict($"removed file {file.Path}, which {mine.Operation} removes too");
        if (file.DataChange && snapshot.Find(file.Path) is { } known && mine.Reads(known)) throw Conflict($"removed file {file.Path} from a part of the table that {mine.Operation} depends on");
    }

    public void Metadata(Metadata metadata) => throw Conflict("changed the table's metadata");

    public void Protocol(Protocol protocol) => throw Conflict("changed the table's protocol");

    public void Txn(Txn txn)
    {
        if (mine.Transactions.Any(m => m.AppId == txn.AppId)) throw Conflict($"moved application '{txn.AppId}' to {txn.Version}");
    }

    public void CommitInfo(CommitInfo info)
    {
    }

    private DeltaConflictException Conflict(string what) =>
        new($"Commit {version} of table {table} {what}; nothing was committed, read the table again and repeat.");
}
