using System.Buffers.Binary;
using System.Text;

namespace Tidemark.Domain.Columns;

/// <summary>Reads what <see cref="ByteWriter"/> wrote; whatever does not fit ends in <see cref="InvalidDataException"/>.</summary>
internal ref struct ByteReader(ReadOnlySpan<byte> bytes)
{
    private static readonly UTF8Encoding Strict = new(false, throwOnInvalidBytes: true);
    private readonly ReadOnlySpan<byte> all = bytes;

    public int Position { get; private set; }

    public readonly int Left => all.Length - Position;

    public readonly InvalidDataException Fault(string what) =>
        new($"The saved form is unreadable at byte {Position} of {all.Length}: {what}.");

    public ReadOnlySpan<byte> Take(int length)
    {
        if ((uint)length > (uint)Left)
            throw Fault($"{length} bytes expected, {Left} left");
        var span = all.Slice(Position, length);
        Position += length;
        return span;
    }

    public byte Byte() => Take(1)[0];

    public ulong UInt64() => BinaryPrimitives.ReadUInt64LittleEndian(Take(8));

    public uint UInt32() => BinaryPrimitives.ReadUInt32LittleEndian(Take(4));

    public Int128 Int128() => BinaryPrimitives.ReadInt128LittleEndian(Take(16));

    public double Double() => BinaryPrimitives.ReadDoubleLittleEndian(Take(8));

    public ulong Varint()
    {
        ulong value = 0;
        for (var shift = 0; shift < 64; shift += 7)
        {
            var b = Byte();
            if (shift == 63 && b > 1)
                break;
            value |= (ulong)(b & 0x7F) << shift;
            if (b < 0x80)
                return value;
        }
        throw Fault("a number is longer than 64 bits");
    }

    public long Zigzag() => Varint() is var v ? (long)(v >> 1) ^ -(long)(v & 1) : 0;

    /// <summary>A count of things of which each takes at least <paramref name="leastBytes"/> bytes of what is left (0 = counted only).</summary>
    public int Count(int leastBytes, int most = int.MaxValue)
    {
        var value = Varint();
        if (value > (ulong)most || leastBytes > 0 && value > (ulong)(Left / leastBytes))
            throw Fault($"a count of {value} is more than can be there");
        return (int)value;
    }

    public ReadOnlySpan<byte> Sized() => Take(Count(1));

    public string Text()
    {
        var span = Sized();
        try
        {
            return Strict.GetString(span);
        }
        catch (DecoderFallbackException)
        {
            throw Fault("a text is not UTF-8");
        }
    }

    public readonly void End()
    {
        if (Left != 0)
            throw Fault($"{Left} bytes too many");
    }
}
