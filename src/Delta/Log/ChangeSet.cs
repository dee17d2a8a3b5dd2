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

    /// <summary>
    /// Whether a file can hold a row that this change depends on: another commit that adds or removes such a file contradicts it.
    /// Files that provably hold none, by partition or statistics, may come and go meanwhile.
    /// </summary>
    public required Func<DataFile, bool> Reads { get; init; }
}
