namespace Tidemark.Delta;

/// <summary>What a change of existing rows did.</summary>
/// <param name="Version">The commit; the version read when there was nothing to change.</param>
/// <param name="FilesAdded">Files the commit added.</param>
/// <param name="FilesRemoved">Files the commit removed.</param>
/// <param name="RowsAdded">Rows in the files added, those included that were only rewritten.</param>
/// <param name="RowsRemoved">Rows in the files removed.</param>
public sealed record ChangeResult(long Version, int FilesAdded, int FilesRemoved, long RowsAdded, long RowsRemoved);

/// <summary>A partition's values by column; null for null.</summary>
public delegate bool PartitionPredicate(IReadOnlyDictionary<string, string?> values);

/// <summary>Says of each row of a batch whether it is meant; the array is as long as the batch.</summary>
public delegate bool[] RowPredicate(RecordBatch rows);

/// <summary>How rows of a source meet those of the table that have the same key.</summary>
public enum MergeMode
{
    /// <summary>A source row replaces the table's rows of its key, or is inserted where there is none.</summary>
    Upsert,

    /// <summary>Source rows whose key the table has are dropped.</summary>
    InsertOnly,

    /// <summary>Only replaces; source rows whose key the table lacks are dropped.</summary>
    UpdateOnly,

    /// <summary>The table's rows with a key of the source are deleted; nothing is inserted.</summary>
    Delete,
}
