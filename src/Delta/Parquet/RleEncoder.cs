using System.Buffers.Binary;
using System.Runtime.CompilerServices;

namespace Tidemark.Delta.Parquet;

/// <summary>
/// Parquet's hybrid of run lengths and bit packing. A run of eight or more equal values becomes one run, all else is packed
/// in groups of eight, lowest bit first.
/// </summary>
internal static class RleEncoder
{
    private const int MaxPackedGroups = 1 << 20;

    public static int BitWidth(int maxValue) => maxValue == 0 ? 0 : 32 - System.Numerics.BitOperations.LeadingZeroCount((uint)maxValue);

    public static void Encode(ReadOnlySpan<int> values, int width, ByteSink sink)
    {
        var at = 0;
        while (at < values.Length)
        {
            // Everything up to the next run of at least eight that starts on a multiple of eight goes into packed groups.
            var packed = at;
            var run = 0;
            while (packed < values.Length)
            {
                run = RunLength(values, packed);
                if (run >= 8) break;
                run = 0;
                packed += 8;
            }

            if (packed > at) WritePacked(values[at..Math.Min(packed, values.Length)], width, sink);
            at = packed;
            if (run < 8 || at >= values.Length) continue;
            WriteRun(values[at], run, width, sink);
            at += run;
        }
    }

    public static void Encode(ReadOnlySpan<byte> values, int width, ByteSink sink)
    {
        Span<int> chunk = stackalloc int[1024];
        var at = 0;
        while (at < values.Length)
        {
            var value = values[at];
            var end = values[at..].IndexOfAnyExcept(value);
            var run = end < 0 ? values.Length - at : end;
            if (run >= 8)
            {
                WriteRun(value, run, width, sink);
                at += run;
                continue;
            }

            // Groups of eight until a run starts, in chunks that are a multiple of eight long.
            var n = 0;
            while (n < chunk.Length && at < values.Length)
            {
                var take = Math.Min(8, values.Length - at);
                for (var i = 0; i < take; i++) chunk[n + i] = values[at + i];
                n += take;
                at += take;
                if (values.Length - at >= 8 && values.Slice(at, 8).IndexOfAnyExcept(values[at]) < 0) break;
            }

            WritePacked(chunk[..n], width, sink);
        }
    }

    /// <summary>One run of equal values.</summary>
    public static void WriteRun(int value, int count, int width, ByteSink sink)
    {
        sink.WriteVarint((ulong)(uint)count << 1);
        for (var i = 0; i < (width + 7) / 8; i++) sink.WriteByte((byte)(value >> 8 * i));
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static int RunLength(ReadOnlySpan<int> values, int at)
    {
        var value = values[at];
        if (at + 1 < values.Length && values[at + 1] != value) return 1;
        var end = values[at..].IndexOfAnyExcept(value);
        return end < 0 ? values.Length - at : end;
    }

    private static void WritePacked(ReadOnlySpan<int> values, int width, ByteSink sink)
    {
        while (values.Length > MaxPackedGroups * 8)
        {
            WritePacked(values[..(MaxPackedGroups * 8)], width, sink);
            values = values[(MaxPackedGroups * 8)..];
        }

        var groups = (values.Length + 7) / 8;
        sink.WriteVarint((ulong)groups << 1 | 1);
        var bytes = groups * width;
        var target = sink.Reserve(bytes + 8);
        Pack(values, width, target);
        sink.Advance(bytes);
    }

    /// <summary>Packs into <paramref name="target"/>, which has eight bytes more room than needed.</summary>
    private static void Pack(ReadOnlySpan<int> values, int width, Span<byte> target)
    {
        ulong word = 0;
        int filled = 0, at = 0;
        foreach (var value in values)
        {
            word |= (ulong)(uint)value << filled;
            filled += width;
            if (filled < 32) continue;
            BinaryPrimitives.WriteUInt32LittleEndian(target[at..], (uint)word);
            at += 4;
            word >>= 32;
            filled -= 32;
        }

        var end = (values.Length + 7) / 8 * width;
        while (at < end)
        {
            target[at++] = (byte)word;
            word >>= 8;
        }
    }
}
