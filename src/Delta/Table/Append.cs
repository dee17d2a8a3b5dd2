namespace Tidemark.Delta;

/// <summary>An application's step within a commit: from a version to the next.</summary>
/// <param name="AppId">The application, e.g. a stream's partition.</param>
/// <param name="Expected">The version that the table must hold now, exactly; null: none yet.</param>
/// <param name="Next">The version that the commit records.</param>
public readonly record struct TxnMove(string AppId, long? Expected, long Next);

/// <summary>Files to add to a table in one commit.</summary>
public sealed record AppendRequest
{
    /// <summary>The table's columns as the writer knows them, partition columns included. Creates the table where there is none.</summary>
    public required TableSchema Schema { get; init; }

    /// <summary>Files that were written with <c>DeltaTable.WriteFileAsync</c>, by any process. May be empty.</summary>
    public IReadOnlyList<DataFile> Files { get; init; } = [];

    /// <summary>Steps of applications: the commit happens only if each one's version is the expected one in the version before it.</summary>
    public IReadOnlyList<TxnMove> Transactions { get; init; } = [];

    /// <summary>Partition columns for a table that this append creates; an existing table must have the same.</summary>
    public IReadOnlyList<string> PartitionColumns { get; init; } = [];

    /// <summary>Properties for a table that this append creates.</summary>
    public IReadOnlyDictionary<string, string> Configuration { get; init; } = new Dictionary<string, string>();

    /// <summary>Free text for the commit, as <c>userMetadata</c> of its commitInfo; null for none.</summary>
    public string? UserMetadata { get; init; }

    /// <summary>Whether columns that the table lacks are added to it (at the end, nullable) in the same commit.</summary>
    public bool EvolveSchema { get; init; }
}

/// <summary>How an append ended.</summary>
public abstract record AppendResult
{
    private AppendResult()
    {
    }

    /// <summary>The files are in the table from <paramref name="Version"/> on.</summary>
    public sealed record Committed(long Version) : AppendResult;

    /// <summary>Nothing was committed: an application's version was not the expected one.</summary>
    /// <param name="Version">The table's version that was compared with.</param>
    /// <param name="Current">The present version of every application in the request; null where there is none.</param>
    public sealed record TxnMismatch(long Version, IReadOnlyDictionary<string, long?> Current) : AppendResult;
}

/// <summary>What a commit changed.</summary>
/// <param name="Version">The commit's version.</param>
/// <param name="Info">What it says of itself, or null.</param>
/// <param name="Transactions">appId to version.</param>
/// <param name="Added">Files it added that change the data; rearranged files (OPTIMIZE) are not among them.</param>
/// <param name="RemovedData">Whether it removed files in a way that changes the data.</param>
public sealed record CommitChanges(long Version, CommitInfo? Info, IReadOnlyDictionary<string, long> Transactions, IReadOnlyList<DataFile> Added, bool RemovedData);
