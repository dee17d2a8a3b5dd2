namespace Tidemark.Delta;

/// <summary>How Parquet files are laid out. The defaults suit tables that are read by Power BI, Spark and DuckDB alike.</summary>
public sealed record ParquetWriterOptions
{
    /// <summary>Compression of every page.</summary>
    public ParquetCompression Compression { get; init; } = ParquetCompression.Snappy;

    /// <summary>Most rows of a row group.</summary>
    public int RowGroupRows { get; init; } = 1 << 20;

    /// <summary>A row group is closed when the values gathered for it pass this many bytes.</summary>
    public long RowGroupBytes { get; init; } = 128L << 20;

    /// <summary>About how many bytes of values go into a page before compression.</summary>
    public int PageBytes { get; init; } = 1 << 20;

    /// <summary>A chunk's dictionary of more bytes than this is given up for plain values, for the whole chunk; 0 writes no dictionaries.</summary>
    public int DictionaryBytes { get; init; } = 1 << 20;

    /// <summary>Whether pages carry a CRC32 of their bytes.</summary>
    public bool PageChecksums { get; init; } = true;

    internal const string CreatedBy = "Tidemark version 0.1.0 (build 1)";

    internal void Check()
    {
        if (RowGroupRows <= 0 || RowGroupBytes <= 0 || PageBytes <= 0 || DictionaryBytes < 0)
            throw new ArgumentOutOfRangeException(nameof(ParquetWriterOptions), "RowGroupRows, RowGroupBytes and PageBytes must be positive, DictionaryBytes not negative.");
        if (Compression == ParquetCompression.Brotli)
            throw new ArgumentOutOfRangeException(nameof(Compression), "BROTLI is read, not written; use None, Snappy or Gzip.");
    }
}
