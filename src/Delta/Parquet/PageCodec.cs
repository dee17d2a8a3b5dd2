using System.IO.Compression;

namespace Tidemark.Delta.Parquet;

/// <summary>Compresses and expands page bodies.</summary>
internal static class PageCodec
{
    public static void Compress(ParquetCompression codec, ReadOnlySpan<byte> input, ByteSink output)
    {
        switch (codec)
        {
            case ParquetCompression.None: output.Write(input); break;
            case ParquetCompression.Snappy: SnappyEncoder.Compress(input, output); break;
            case ParquetCompression.Gzip:
                using (var target = new MemoryStream())
                {
                    using (var gzip = new GZipStream(target, CompressionLevel.Fastest, leaveOpen: true)) gzip.Write(input);
                    output.Write(target.GetBuffer().AsSpan(0, (int)target.Length));
                }

                break;
            default: throw new DeltaUnsupportedException($"Parquet compression {codec} is read but not written; use None, Snappy or Gzip.");
        }
    }

    /// <summary>Expands into exactly <paramref name="output"/>, never more, whatever the input claims.</summary>
    public static void Expand(int codec, ReadOnlyMemory<byte> input, Span<byte> output)
    {
        switch (codec)
        {
            case (int)ParquetCompression.None:
                if (input.Length != output.Length) throw new DeltaFormatException($"An uncompressed page of a Parquet file has {input.Length} bytes where its header says {output.Length}.");
                input.Span.CopyTo(output);
                break;
            case (int)ParquetCompression.Snappy:
                SnappyDecoder.Decompress(input.Span, output);
                break;
            case (int)ParquetCompression.Gzip:
                using (var gzip = new GZipStream(AsStream(input), CompressionMode.Decompress)) Fill(gzip, output, "GZIP");
                break;
            case (int)ParquetCompression.Brotli:
                if (!BrotliDecoder.TryDecompress(input.Span, output, out var written) || written != output.Length)
                    throw new DeltaFormatException("A BROTLI page of a Parquet file is broken or longer than its header says.");
                break;
            default:
                throw new DeltaUnsupportedException($"A column of the Parquet file is compressed with {Name(codec)}; supported are UNCOMPRESSED, SNAPPY, GZIP and BROTLI.");
        }
    }

    private static string Name(int codec) => codec switch
    {
        3 => "LZO", 5 => "LZ4", 6 => "ZSTD", 7 => "LZ4_RAW", _ => $"unknown codec {codec}",
    };

    private static MemoryStream AsStream(ReadOnlyMemory<byte> input) =>
        System.Runtime.InteropServices.MemoryMarshal.TryGetArray(input, out var segment)
            ? new MemoryStream(segment.Array!, segment.Offset, segment.Count, writable: false)
            : new MemoryStream(input.ToArray(), writable: false);

    private static void Fill(Stream from, Span<byte> output, string codec)
    {
        try
        {
            from.ReadExactly(output);
            Span<byte> more = stackalloc byte[1];
            if (from.Read(more) != 0) throw new DeltaFormatException($"A {codec} page of a Parquet file is longer than its header says.");
        }
        catch (Exception broken) when (broken is InvalidDataException or EndOfStreamException)
        {
            throw new DeltaFormatException($"A {codec} page of a Parquet file is broken: {broken.Message}", broken);
        }
    }
}
