namespace Tidemark.Delta;

/// <summary>How files are packed.</summary>
public sealed record OptimizeOptions
{
    /// <summary>Files of at least this many bytes are left alone; new files are about this large.</summary>
    public long TargetBytes { get; init; } = 128L << 20;

    /// <summary>
    /// Packs everything that fits together. Otherwise a file that is more than twice as large as all that would join it is left
    /// until more has come, so that a table maintained often is not rewritten each time: a row is rewritten about as often as the
    /// logarithm of the number of files says.
    /// </summary>
    public bool Full { get; init; }

    /// <summary>Only partitions that this names; null for all.</summary>
    public PartitionPredicate? Partitions { get; init; }

    /// <summary>Columns to sort the rows of each new file by, ascending, nulls first; null keeps the rows' order. Sorting holds the rows of a new file in memory; without it a row group is held.</summary>
    public IReadOnlyList<string>? SortBy { get; init; }

    /// <summary>Most bytes of source files that one commit rewrites; the rest is for the next run.</summary>
    public long MaxBytes { get; init; } = 4L << 30;
}

/// <summary>How unneeded files are removed.</summary>
public sealed record VacuumOptions
{
    /// <summary>
    /// How long a file that no version needs any more is kept, and how old an unknown one must be. Null: the table's
    /// `delta.deletedFileRetentionDuration`, 7 days by default. Less than that is refused: a reader may still use the files.
    /// </summary>
    public TimeSpan? Retention { get; init; }

    /// <summary>Only tells what would be removed.</summary>
    public bool DryRun { get; init; }

    /// <summary>
    /// Names files, relative to the table, that are kept whatever their age: written by a program that has yet to commit them. Asked
    /// after the files were listed and before the log is read, so a file that moves meanwhile from "yet to be committed" to "committed"
    /// is seen in one place or the other. Not asked when no file is old enough to go. Null: none.
    /// </summary>
    public Func<CancellationToken, ValueTask<IReadOnlySet<string>>>? Protected { get; init; }
}

/// <summary>What a VACUUM removed, or would.</summary>
/// <param name="Files">Paths relative to the table.</param>
/// <param name="Bytes">Their size together.</param>
public sealed record VacuumResult(IReadOnlyList<string> Files, long Bytes);

/// <summary>What one round of maintenance did.</summary>
/// <param name="Optimized">Result of OPTIMIZE; null when it lost to another change, which the next round makes up for.</param>
/// <param name="Checkpoint">The version checkpointed; -1 for none.</param>
/// <param name="LogFilesRemoved">Log files that cleanup removed.</param>
/// <param name="Vacuumed">Result of VACUUM.</param>
public sealed record MaintenanceResult(ChangeResult? Optimized, long Checkpoint, int LogFilesRemoved, VacuumResult Vacuumed);
