using System.Buffers;
using System.Runtime.InteropServices;
using System.Text;

namespace Tidemark.Functions.Lake;

/// <summary>Little-endian primitives and arrays in a growing buffer.</summary>
internal sealed class SegmentWriter
{
    private readonly ArrayBufferWriter<byte> _buffer = new(4096);

    /// <summary>What was written.</summary>
    public ReadOnlySpan<byte> Written => _buffer.WrittenSpan;

    public void Byte(byte value)
    {
        _buffer.GetSpan(1)[0] = value;
        _buffer.Advance(1);
    }

    /// <summary>A non-negative number in seven-bit groups.</summary>
    public void Count(long value)
    {
        var rest = checked((ulong)value);
        while (rest >= 0x80)
        {
            Byte((byte)(rest | 0x80));
            rest >>= 7;
        }

        Byte((byte)rest);
    }

    public void Text(string value) => Bytes(Encoding.UTF8.GetBytes(value));

    public void Bytes(ReadOnlySpan<byte> value)
    {
        Count(value.Length);
        _buffer.Write(value);
    }

    /// <summary>The values as they lie in memory (little-endian on every platform that .NET runs on).</summary>
    public void Values<T>(ReadOnlySpan<T> values)
        where T : unmanaged => _buffer.Write(MemoryMarshal.AsBytes(values));

    /// <summary>Lengths of consecutive slices, which compress better than their offsets.</summary>
    public void Lengths(ReadOnlySpan<int> offsets)
    {
        for (var i = 0; i + 1 < offsets.Length; i++)
            Count(offsets[i + 1] - offsets[i]);
    }
}

/// <summary>Reads what <see cref="SegmentWriter"/> wrote; throws <see cref="InvalidDataException"/> when there is less than expected.</summary>
internal ref struct SegmentReader(ReadOnlySpan<byte> bytes)
{
    private ReadOnlySpan<byte> _rest = bytes;

    public readonly int Remaining => _rest.Length;

    public byte Byte() => Take(1)[0];

    /// <summary>A count of things that must fit in what remains, each taking at least <paramref name="leastBytes"/> (0: no such check).</summary>
    public int Count(int leastBytes = 0)
    {
        ulong value = 0;
        for (var shift = 0; ; shift += 7)
        {
            var next = Byte();
            value |= (ulong)(next & 0x7F) << shift;
            if (next < 0x80)
                break;
            if (shift > 28)
                throw Broken();
        }

        return value <= int.MaxValue && (long)value * leastBytes <= _rest.Length ? (int)value : throw Broken();
    }

    public string Text() => Encoding.UTF8.GetString(Bytes());

    public ReadOnlySpan<byte> Bytes() => Take(Count(1));

    public T[] Values<T>(int count)
        where T : unmanaged => MemoryMarshal.Cast<byte, T>(Take(checked(count * Marshal.SizeOf<T>()))).ToArray();

    /// <summary>Offsets from lengths.</summary>
    public int[] Offsets(int count)
    {
        var offsets = new int[count + 1];
        for (var i = 0; i < count; i++)
            offsets[i + 1] = checked(offsets[i] + Count());
        return offsets;
    }

    private ReadOnlySpan<byte> Take(int count)
    {
        if (count < 0 || count > _rest.Length)
            throw Broken();
        var taken = _rest[..count];
        _rest = _rest[count..];
        return taken;
    }

    private static InvalidDataException Broken() => new("A stored segment ends too early or holds an impossible length; the ledger was damaged or written by a newer version.");
}
