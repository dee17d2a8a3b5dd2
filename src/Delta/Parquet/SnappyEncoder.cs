using System.Buffers;
using System.Numerics;
using System.Runtime.CompilerServices;

namespace Tidemark.Delta.Parquet;

/// <summary>
/// Snappy's raw format: a varint of the length, then literals and back references. Works in blocks of 64 KB so that an
/// offset always fits two bytes; matches are found by a hash of four bytes, and the search steps wider the longer it finds
/// nothing, so that incompressible input costs little.
/// </summary>
internal static unsafe class SnappyEncoder
{
    private const int BlockSize = 1 << 16;
    private const int MaxTableBits = 14;
    private const int Margin = 15;

    /// <summary>The most bytes that <paramref name="length"/> bytes can become.</summary>
    public static int MaxCompressedLength(int length) => checked(32 + length + length / 6);

    /// <summary>Appends the compressed form of <paramref name="input"/>.</summary>
    public static void Compress(ReadOnlySpan<byte> input, ByteSink output)
    {
        output.WriteVarint((ulong)input.Length);
        var table = ArrayPool<ushort>.Shared.Rent(1 << MaxTableBits);
        try
        {
            fixed (byte* start = input)
            fixed (ushort* slots = table)
            {
                for (var at = 0; at < input.Length; at += BlockSize)
                {
                    var size = Math.Min(BlockSize, input.Length - at);
                    var room = output.Reserve(MaxCompressedLength(size));
                    fixed (byte* target = room)
                        output.Advance((int)(CompressBlock(start + at, size, target, slots) - target));
                }
            }
        }
        finally
        {
            ArrayPool<ushort>.Shared.Return(table);
        }
    }

    private static byte* CompressBlock(byte* block, int size, byte* op, ushort* table)
    {
        var bits = Math.Clamp(BitOperations.Log2((uint)Math.Max(size, 256)), 8, MaxTableBits);
        new Span<ushort>(table, 1 << bits).Clear();
        var shift = 32 - bits;
        byte* ip = block, end = block + size, emitted = block;
        if (size >= Margin)
        {
            var limit = end - Margin;
            ip++;
            var nextHash = Hash(Load32(ip), shift);
            while (true)
            {
                // Search: one byte at a time at first, then in growing steps.
                var skip = 32u;
                var next = ip;
                byte* candidate;
                do
                {
                    ip = next;
                    var hash = nextHash;
                    next = ip + (skip++ >> 5);
                    if (next > limit) return EmitLiteral(op, emitted, (int)(end - emitted));
                    nextHash = Hash(Load32(next), shift);
                    candidate = block + table[hash];
                    table[hash] = (ushort)(ip - block);
                }
                while (Load32(ip) != Load32(candidate));

                op = EmitLiteral(op, emitted, (int)(ip - emitted));

                // Copies, as long as one follows on the other.
                uint window;
                do
                {
                    var match = 4 + MatchLength(candidate + 4, ip + 4, end);
                    op = EmitCopy(op, (int)(ip - candidate), match);
                    ip += match;
                    emitted = ip;
                    if (ip >= limit) return EmitLiteral(op, emitted, (int)(end - emitted));
                    table[Hash(Load32(ip - 1), shift)] = (ushort)(ip - block - 1);
                    window = Load32(ip);
                    var here = Hash(window, shift);
                    candidate = block + table[here];
                    table[here] = (ushort)(ip - block);
                }
                while (window == Load32(candidate));

                ip++;
                nextHash = Hash(Load32(ip), shift);
            }
        }

        return EmitLiteral(op, emitted, (int)(end - emitted));
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static uint Load32(byte* p) => Unsafe.ReadUnaligned<uint>(p);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static uint Hash(uint value, int shift) => value * 0x1E35A7BDu >> shift;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static int MatchLength(byte* earlier, byte* here, byte* end)
    {
        var start = here;
        while (here + 8 <= end)
        {
            var difference = Unsafe.ReadUnaligned<ulong>(here) ^ Unsafe.ReadUnaligned<ulong>(earlier);
            if (difference != 0) return (int)(here - start) + (BitOperations.TrailingZeroCount(difference) >> 3);
            here += 8;
            earlier += 8;
        }

        while (here < end && *here == *earlier)
        {
            here++;
            earlier++;
        }

        return (int)(here - start);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static byte* EmitLiteral(byte* op, byte* from, int length)
    {
        if (length == 0) return op;
        var n = length - 1;
        if (n < 60)
        {
            *op++ = (byte)(n << 2);
        }
        else if (n < 256)
        {
            *op++ = 60 << 2;
            *op++ = (byte)n;
        }
        else
        {
            *op++ = 61 << 2;
            *op++ = (byte)n;
            *op++ = (byte)(n >> 8);
        }

        Unsafe.CopyBlockUnaligned(op, from, (uint)length);
        return op + length;
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static byte* EmitCopy(byte* op, int offset, int length)
    {
        while (length >= 68)
        {
            op = EmitLongCopy(op, offset, 64);
            length -= 64;
        }

        if (length > 64)
        {
            op = EmitLongCopy(op, offset, 60);
            length -= 60;
        }

        if (length >= 12 || offset >= 2048) return EmitLongCopy(op, offset, length);
        *op++ = (byte)(1 | (length - 4) << 2 | offset >> 8 << 5);
        *op++ = (byte)offset;
        return op;
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static byte* EmitLongCopy(byte* op, int offset, int length)
    {
        *op++ = (byte)(2 | (length - 1) << 2);
        *op++ = (byte)offset;
        *op++ = (byte)(offset >> 8);
        return op;
    }
}
