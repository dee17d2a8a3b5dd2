using System.Buffers.Binary;
using System.Text;

namespace Tidemark.Domain.Columns;

/// <summary>Writes saved forms: little-endian numbers, LEB128 variable-length integers, length-prefixed bytes. Grows; reusable.</summary>
internal sealed class ByteWriter(int capacity = 256)
{
    private byte[] buffer = new byte[capacity];

    public int Length { get; private set; }

    public ReadOnlySpan<byte> Written => buffer.AsSpan(0, Length);

    /// <summary>The same, for longer than a call: valid until the writer is written to again.</summary>
    public ReadOnlyMemory<byte> Memory => buffer.AsMemory(0, Length);

    public void Clear() => Length = 0;

    /// <summary>Forgets all but the first so many bytes.</summary>
    public void Truncate(int length) => Length = Math.Min(Length, length);

    public byte[] ToArray() => Written.ToArray();

    /// <summary>The next so many bytes, counted as written, to be filled by the caller.</summary>
    public Span<byte> Take(int length)
    {
        var end = checked(Length + length);
        if (end > buffer.Length)
            Array.Resize(ref buffer, (int)Math.Min(Array.MaxLength, Math.Max(end, buffer.Length * 2L)));
        var span = buffer.AsSpan(Length, length);
        Length = end;
        return span;
    }

    public void Byte(byte value) => Take(1)[0] = value;

    public void Bytes(ReadOnlySpan<byte> value) => value.CopyTo(Take(value.Length));

    public void UInt64(ulong value) => BinaryPrimitives.WriteUInt64LittleEndian(Take(8), value);

    /// <summary>Writes a number over four bytes that were written before.</summary>
    public void Patch(int at, uint value) => BinaryPrimitives.WriteUInt32LittleEndian(buffer.AsSpan(at, 4), value);

    public void Int128(Int128 value) => BinaryPrimitives.WriteInt128LittleEndian(Take(16), value);

    public void Double(double value) => BinaryPrimitives.WriteDoubleLittleEndian(Take(8), value);

    public void Varint(ulong value)
    {
        while (value >= 0x80)
        {
            Byte((byte)(value | 0x80));
            value >>= 7;
        }
        Byte((byte)value);
    }

    /// <summary>A signed number, small absolute values short.</summary>
    public void Zigzag(long value) => Varint((ulong)(value << 1 ^ value >> 63));

    public void Sized(ReadOnlySpan<byte> value)
    {
        Varint((ulong)value.Length);
        Bytes(value);
    }

    public void Text(string value) => Sized(Encoding.UTF8.GetBytes(value));
}
