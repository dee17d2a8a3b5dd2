namespace Tidemark.Delta.Log;

/// <summary>A commit that takes files out of a table or replaces them, with what it has read.</summary>
internal sealed record ChangeSet
{
    public required string Operation { get; init; }

    public IReadOnlyList<KeyValuePair<string, string?>> Parameters { get; init; } = [];

    public IReadOnlyList<DataFile> Adds { get; init; } = [];

    public IReadOnlyList<DataFile> Removes { get; init; } = [];

    /// <summary>False for a mere rearrangement.</summary>
    public bool DataChange { get; init; } = true;

    public Metadata? Metadata { get; init; }

    public IReadOnlyList<TxnMove> Transactions { get; init; } = [];

    /// <summary>Whether this change depends on there being no other rows in such a partition: what another commit adds or removes there contradicts it.</summary>
    public required PartitionPredicate Reads { get; init; }
}

/// <summary>Compares a change with a commit that was made since the change was prepared.</summary>
internal sealed class ConflictSink(ChangeSet mine, HashSet<string> removes, long version, string table) : IActionSink
{
    public bool WantsFiles => true;

    public void Add(DataFile file, bool dataChange)
    {
        if (dataChange && mine.Reads(file.PartitionValues)) throw Conflict($"added file {file.Path} to a part of the table that {mine.Operation} depends on");
    }

    public void Remove(Tombstone file)
    {
        if (removes.Contains(file.Path)) throw Conflict($"removed file {file.Path}, which {mine.Operation} removes too");
        if (file.DataChange && (file.PartitionValues is null || mine.Reads(file.PartitionValues))) throw Conflict($"removed file {file.Path} from a part of the table that {mine.Operation} depends on");
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
