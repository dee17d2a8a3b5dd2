using System.Runtime.CompilerServices;

namespace Tidemark.Delta.Parquet;

/// <summary>Undoes Snappy's raw format; every length and offset is checked against both buffers.</summary>
internal static unsafe class SnappyDecoder
{
    /// <summary>Fills <paramref name="output"/> exactly; anything else is a broken page.</summary>
    public static void Decompress(ReadOnlySpan<byte> input, Span<byte> output)
    {
        var at = 0;
        ulong declared = 0;
        for (var shift = 0; ; shift += 7)
        {
            if (at >= input.Length || shift > 28) throw Broken("its length is cut off");
            var b = input[at++];
            declared |= (ulong)(b & 0x7F) << shift;
            if (b < 0x80) break;
        }

        if (declared != (ulong)output.Length) throw Broken($"it says {declared} bytes where the page header says {output.Length}");
        fixed (byte* source = input)
        fixed (byte* target = output)
            Expand(source + at, source + input.Length, target, target + output.Length);
    }

    private static void Expand(byte* ip, byte* inputEnd, byte* op, byte* outputEnd)
    {
        var start = op;
        while (ip < inputEnd)
        {
            int tag = *ip++;
            if ((tag & 3) == 0)
            {
                long length = (tag >> 2) + 1;
                if (length <= 16 && inputEnd - ip >= 16 && outputEnd - op >= 16)
                {
                    // Short literal with room to spare: one wide copy, the rest is overwritten later.
                    Unsafe.WriteUnaligned(op, Unsafe.ReadUnaligned<UInt128>(ip));
                }
                else
                {
                    if (length > 60)
                    {
                        var extra = (int)length - 60;
                        if (inputEnd - ip < extra) throw Broken("a literal's length is cut off");
                        length = 0;
                        for (var i = 0; i < extra; i++) length |= (long)ip[i] << 8 * i;
                        length++;
                        ip += extra;
                    }

                    if (length > inputEnd - ip || length > outputEnd - op) throw Broken("a literal runs past the end");
                    Unsafe.CopyBlockUnaligned(op, ip, (uint)length);
                }

                ip += length;
                op += length;
                continue;
            }

            int size, offset;
            switch (tag & 3)
            {
                case 1:
                    if (inputEnd - ip < 1) throw Broken("a copy is cut off");
                    size = 4 + (tag >> 2 & 7);
                    offset = (tag >> 5) << 8 | *ip++;
                    break;
                case 2:
                    if (inputEnd - ip < 2) throw Broken("a copy is cut off");
                    size = 1 + (tag >> 2);
                    offset = Unsafe.ReadUnaligned<ushort>(ip);
                    ip += 2;
                    break;
                default:
                    if (inputEnd - ip < 4) throw Broken("a copy is cut off");
                    size = 1 + (tag >> 2);
                    offset = Unsafe.ReadUnaligned<int>(ip);
                    ip += 4;
                    break;
            }

            if (offset <= 0 || offset > op - start || size > outputEnd - op) throw Broken("a copy points outside");
            Repeat(op, offset, size, outputEnd);
            op += size;
        }

        if (op != outputEnd) throw Broken("it ends early");
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Repeat(byte* op, int offset, int size, byte* outputEnd)
    {
        var from = op - offset;
        if (offset >= 16 && outputEnd - op >= 64)
        {
            for (var i = 0; i < size; i += 16) Unsafe.WriteUnaligned(op + i, Unsafe.ReadUnaligned<UInt128>(from + i));
        }
        else if (offset >= 8 && outputEnd - op >= 64)
        {
            for (var i = 0; i < size; i += 8) Unsafe.WriteUnaligned(op + i, Unsafe.ReadUnaligned<ulong>(from + i));
        }
        else
        {
            for (var i = 0; i < size; i++) op[i] = from[i];
        }
    }

    private static DeltaFormatException Broken(string why) => new($"A Snappy page of a Parquet file is broken: {why}.");
}
