namespace Tidemark.Delta;

/// <summary>How a table is opened.</summary>
public sealed record DeltaTableOptions
{
    /// <summary>The layout of data files.</summary>
    public ParquetWriterOptions Parquet { get; init; } = new();

    /// <summary>The clock behind commit times, tombstones and retention.</summary>
    public TimeProvider Time { get; init; } = TimeProvider.System;

    /// <summary>Gives file names and commit ids; replace it to make runs repeatable. Ids must never repeat within a table.</summary>
    public Func<Guid> NewId { get; init; } = Guid.NewGuid;

    /// <summary>Who writes, as `engineInfo` of commits says it.</summary>
    public string EngineInfo { get; init; } = "Tidemark/0.1.0";

    /// <summary>How many lost races a commit endures before it gives up; each lost race is somebody else's success.</summary>
    public int CommitAttempts { get; init; } = 100;

    /// <summary>Most bytes that the columns of one row group may take in memory when read; more is refused.</summary>
    public long ReadBudget { get; init; } = 1L << 30;

    /// <summary>Whether pages of data files that carry a CRC32 are compared with it; a page that differs ends the reading with a <see cref="DeltaFormatException"/>.</summary>
    public bool VerifyPageChecksums { get; init; } = true;

    /// <summary>
    /// A file of at most this many bytes is stored in one request; a larger one in parts of this size as they fill, and one request more. Up to 1 GB.
    /// </summary>
    public int UploadPartBytes { get; init; } = 8 << 20;

    internal void Check()
    {
        Parquet.Check();
        if (UploadPartBytes is <= 0 or > 1 << 30) throw new ArgumentOutOfRangeException(nameof(UploadPartBytes), UploadPartBytes, "UploadPartBytes must lie between 1 and 1 GB.");
    }
}
