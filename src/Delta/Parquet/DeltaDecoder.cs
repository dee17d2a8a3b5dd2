using System.Numerics;

namespace Tidemark.Delta.Parquet;

/// <summary>DELTA_BINARY_PACKED: blocks of miniblocks of packed differences.</summary>
internal static class DeltaDecoder
{
    private const int MaxMiniblocks = 1 << 12;

    /// <summary>Decodes as many values as the header says, at most what <paramref name="target"/> holds; returns the bytes used.</summary>
    public static int Decode(ReadOnlySpan<byte> bytes, Span<long> target, bool is32, out int count)
    {
        var thrift = new ThriftReader(bytes);
        ulong blockSize = thrift.Varint(), miniblocks = thrift.Varint(), total = thrift.Varint();
        if (blockSize is 0 or > 1 << 20 || blockSize % 8 != 0 || miniblocks is 0 or > MaxMiniblocks || blockSize % miniblocks != 0 || total > (ulong)target.Length)
            throw new DeltaFormatException($"A DELTA_BINARY_PACKED page is broken: blocks of {blockSize}, {miniblocks} miniblocks, {total} values where {target.Length} belong.");
        count = (int)total;
        var value = thrift.ZigZag();
        if (count == 0) return thrift.Position;
        target[0] = value;
        var perMiniblock = (int)(blockSize / miniblocks);
        var at = thrift.Position;
        for (var filled = 1; filled < count;)
        {
            var header = new ThriftReader(bytes[at..]);
            var minDelta = header.ZigZag();
            at += header.Position;
            if (bytes.Length - at < (int)miniblocks) throw Cut();
            var widths = bytes.Slice(at, (int)miniblocks);
            at += (int)miniblocks;
            for (var m = 0; m < widths.Length && filled < count; m++)
            {
                int width = widths[m];
                if (width > 64) throw new DeltaFormatException($"A DELTA_BINARY_PACKED page is broken: differences of {width} bits.");
                var n = Math.Min(perMiniblock, count - filled);
                var size = (int)Math.Min((long)perMiniblock * width / 8, bytes.Length - at);
                if ((long)size * 8 < (long)n * width) throw Cut();
                var packed = bytes.Slice(at, size);
                for (var i = 0; i < n; i++)
                {
                    value = unchecked(value + minDelta + (long)Bits(packed, (long)i * width, width));
                    if (is32) value = (int)value;
                    target[filled++] = value;
                }

                at += size;
            }
        }

        return at;
    }

    private static ulong Bits(ReadOnlySpan<byte> bytes, long bit, int width)
    {
        ulong value = 0;
        for (var got = 0; got < width;)
        {
            var shift = (int)(bit + got & 7);
            var take = Math.Min(8 - shift, width - got);
            value |= ((ulong)bytes[(int)(bit + got >> 3)] >> shift & (1UL << take) - 1) << got;
            got += take;
        }

        return value;
    }

    private static DeltaFormatException Cut() => new("A DELTA_BINARY_PACKED page is broken: it ends early.");
}
