namespace Tidemark.Delta;

/// <summary>How pages are compressed; the values are those of parquet.thrift. Brotli is read, never written.</summary>
public enum ParquetCompression
{
    None = 0,
    Snappy = 1,
    Gzip = 2,
    Brotli = 4,
}
