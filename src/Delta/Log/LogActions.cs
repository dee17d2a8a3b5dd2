using System.Collections.Immutable;

namespace Tidemark.Delta;

/// <summary>
/// A data file of a table: what an `add` action says. A plain value that can be stored, sent and committed later by another
/// process.
/// </summary>
/// <param name="Path">The object's path relative to the table, not encoded; absolute in tables that others made so.</param>
/// <param name="Size">Bytes.</param>
/// <param name="PartitionValues">Every partition column as text, null for null.</param>
/// <param name="Stats">Statistics as Delta's JSON, or null.</param>
/// <param name="RowCount">Rows; -1 when neither the writer nor the statistics say.</param>
/// <param name="ModificationTime">Milliseconds since 1970 UTC.</param>
public sealed record DataFile(string Path, long Size, IReadOnlyDictionary<string, string?> PartitionValues, string? Stats, long RowCount, long ModificationTime);

/// <summary>A `remove` action: a file that is no longer part of the table, kept until nobody can still be reading it.</summary>
internal sealed record Tombstone(string Path, long DeletionTimestamp, bool DataChange, IReadOnlyDictionary<string, string?>? PartitionValues, long? Size);

/// <summary>What a reader and a writer must be able to do.</summary>
internal sealed record Protocol(int MinReaderVersion, int MinWriterVersion, IReadOnlyList<string>? ReaderFeatures, IReadOnlyList<string>? WriterFeatures)
{
    public static readonly Protocol Own = new(1, 2, null, null);

    /// <summary>Features of reader version 3 that change nothing for a reader of plain files.</summary>
    private static readonly string[] Harmless = ["vacuumProtocolCheck", "deletionVectors"];

    /// <summary>Refuses by name what this library cannot read. Deletion vectors are refused where a file has one.</summary>
    public void CheckReadable(string table)
    {
        if (MinReaderVersion == 1) return;
        if (MinReaderVersion == 2) throw new DeltaUnsupportedException($"Table {table} needs reader version 2 (column mapping), which is not supported here; this library reads version 1.");
        var refused = MinReaderVersion == 3 ? (ReaderFeatures ?? []).Where(f => !Harmless.Contains(f)).ToList() : null;
        if (refused is null || refused.Count > 0)
        {
            throw new DeltaUnsupportedException($"Table {table} needs reader version {MinReaderVersion}{(refused is null ? "" : $" with {string.Join(", ", refused)}")}, which is not supported here; this library reads version 1.");
        }
    }

    public void CheckWritable(string table)
    {
        CheckReadable(table);
        if (MinReaderVersion > 1 || MinWriterVersion > 2)
        {
            var features = WriterFeatures is { Count: > 0 } named ? $" with {string.Join(", ", named)}" : "";
            throw new DeltaUnsupportedException($"Table {table} needs reader version {MinReaderVersion} and writer version {MinWriterVersion}{features}; this library writes tables of reader 1 and writer 2.");
        }
    }
}

/// <summary>A table's identity, schema and settings: a `metaData` action.</summary>
internal sealed record Metadata(string Id, string? Name, string? Description, string SchemaString, IReadOnlyList<string> PartitionColumns,
    IReadOnlyDictionary<string, string> Configuration, long? CreatedTime)
{
    private TableSchema? _schema;

    public TableSchema Schema => _schema ??= Log.SchemaJson.Read(SchemaString);
}

/// <summary>A `txn` action: how far an application has come.</summary>
internal readonly record struct Txn(string AppId, long Version, long? LastUpdated);

/// <summary>What a commit says of itself.</summary>
/// <param name="Timestamp">Milliseconds since 1970 UTC by the writer's clock.</param>
/// <param name="Operation">WRITE, OPTIMIZE, …</param>
/// <param name="TxnId">The commit's own unique id.</param>
/// <param name="Json">All of it, as found.</param>
public sealed record CommitInfo(long? Timestamp, string? Operation, string? TxnId, string Json);
