using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;

namespace Tidemark.Delta.Parquet;

/// <summary>
/// Decodes the hybrid of run lengths and bit packing. The spans handed in come from page buffers that have at least
/// <see cref="PageBuffer.Slack"/> readable bytes behind them, so a value is one unaligned load.
/// </summary>
internal static class RleDecoder
{
    /// <summary>Fills the target; returns how many bytes were used.</summary>
    public static int Decode(ReadOnlySpan<byte> bytes, int width, Span<int> target)
    {
        if (width is < 0 or > 32) throw new DeltaFormatException($"A Parquet page is broken: codes of {width} bits.");
        int at = 0, filled = 0;
        while (filled < target.Length)
        {
            var (count, packed) = Header(bytes, ref at);
            if (!packed)
            {
                var value = RunValue(bytes, ref at, width);
                var n = (int)Math.Min(count, (ulong)(target.Length - filled));
                target.Slice(filled, n).Fill(value);
                filled += n;
                continue;
            }

            var size = PackedBytes(bytes, at, count, width);
            var values = (int)Math.Min(count * 8, (ulong)(target.Length - filled));
            Unpack(bytes.Slice(at, size), width, target.Slice(filled, values));
            at += size;
            filled += values;
        }

        return at;
    }

    /// <summary>Levels of at most eight bits.</summary>
    public static int Decode(ReadOnlySpan<byte> bytes, int width, Span<byte> target)
    {
        int at = 0, filled = 0;
        Span<int> chunk = stackalloc int[512];
        while (filled < target.Length)
        {
            var (count, packed) = Header(bytes, ref at);
            if (!packed)
            {
                var value = (byte)RunValue(bytes, ref at, width);
                var n = (int)Math.Min(count, (ulong)(target.Length - filled));
                target.Slice(filled, n).Fill(value);
                filled += n;
                continue;
            }

            var size = PackedBytes(bytes, at, count, width);
            var packedBytes = bytes.Slice(at, size);
            var values = (int)Math.Min(count * 8, (ulong)(target.Length - filled));
            for (var done = 0; done < values; done += chunk.Length)
            {
                var n = Math.Min(chunk.Length, values - done);
                Unpack(packedBytes[(done / 8 * width)..], width, chunk[..n]);
                for (var i = 0; i < n; i++) target[filled + done + i] = (byte)chunk[i];
            }

            at += size;
            filled += values;
        }

        return at;
    }

    private static (ulong Count, bool Packed) Header(ReadOnlySpan<byte> bytes, ref int at)
    {
        ulong header = 0;
        for (var shift = 0; ; shift += 7)
        {
            if (at >= bytes.Length || shift > 35) throw new DeltaFormatException("A Parquet page is broken: its run lengths end early.");
            var b = bytes[at++];
            header |= (ulong)(b & 0x7F) << shift;
            if (b < 0x80) break;
        }

        if (header >> 1 == 0) throw new DeltaFormatException("A Parquet page is broken: it holds a run of no values.");
        return (header >> 1, (header & 1) != 0);
    }

    private static int RunValue(ReadOnlySpan<byte> bytes, ref int at, int width)
    {
        var size = (width + 7) / 8;
        if (bytes.Length - at < size) throw new DeltaFormatException("A Parquet page is broken: a run has no value.");
        var value = 0;
        for (var i = 0; i < size; i++) value |= bytes[at++] << 8 * i;
        return value;
    }

    // Some writers leave out the padding of the last group.
    private static int PackedBytes(ReadOnlySpan<byte> bytes, int at, ulong groups, int width)
    {
        var size = groups * (ulong)width;
        return size > (ulong)(bytes.Length - at) ? bytes.Length - at : (int)size;
    }

    private static void Unpack(ReadOnlySpan<byte> bytes, int width, Span<int> target)
    {
        if (width == 0)
        {
            target.Clear();
            return;
        }

        if ((long)bytes.Length * 8 < (long)target.Length * width) throw new DeltaFormatException("A Parquet page is broken: packed values end early.");
        ref var source = ref MemoryMarshal.GetReference(bytes);
        if (width == 8)
        {
            for (var i = 0; i < target.Length; i++) target[i] = Unsafe.Add(ref source, i);
            return;
        }

        if (width == 16)
        {
            for (var i = 0; i < target.Length; i++) target[i] = Unsafe.ReadUnaligned<ushort>(ref Unsafe.Add(ref source, 2 * i));
            return;
        }

        var mask = width == 32 ? uint.MaxValue : (1u << width) - 1;
        long bit = 0;
        for (var i = 0; i < target.Length; i++)
        {
            var word = Unsafe.ReadUnaligned<ulong>(ref Unsafe.Add(ref source, (nint)(bit >> 3)));
            target[i] = (int)((uint)(word >> (int)(bit & 7)) & mask);
            bit += width;
        }
    }
}

/// <summary>Pooled bytes of a page with readable slack behind them.</summary>
internal static class PageBuffer
{
    public const int Slack = 16;
}
