using System.Text;

namespace Tidemark.Delta.Parquet;

/// <summary>Reads Thrift's compact protocol from bytes nobody vouches for: every length is checked, depth is bounded.</summary>
internal ref struct ThriftReader(ReadOnlySpan<byte> bytes)
{
    private const int MaxDepth = 32;
    private readonly ReadOnlySpan<byte> _bytes = bytes;

    public int Position { get; private set; }

    /// <summary>The next field of the struct at hand; false at its end. <paramref name="id"/> goes in as the last id.</summary>
    public bool Next(ref int id, out ThriftType type)
    {
        var header = Byte();
        type = (ThriftType)(header & 0x0F);
        if (type == ThriftType.Stop) return false;
        id = header >> 4 == 0 ? (short)ZigZag() : id + (header >> 4);
        return true;
    }

    public byte Byte() => Position < _bytes.Length ? _bytes[Position++] : throw Cut();

    public ulong Varint()
    {
        ulong value = 0;
        for (var shift = 0; shift < 70; shift += 7)
        {
            var b = Byte();
            value |= (ulong)(b & 0x7F) << shift;
            if (b < 0x80) return value;
        }

        throw new DeltaFormatException("Parquet metadata is broken: a number has more than ten bytes.");
    }

    public long ZigZag()
    {
        var value = Varint();
        return (long)(value >> 1) ^ -(long)(value & 1);
    }

    public int I32()
    {
        var value = ZigZag();
        return value is >= int.MinValue and <= int.MaxValue ? (int)value : throw new DeltaFormatException($"Parquet metadata is broken: {value} does not fit 32 bits.");
    }

    public ReadOnlySpan<byte> Binary()
    {
        var length = Varint();
        if (length > (ulong)(_bytes.Length - Position)) throw Cut();
        var value = _bytes.Slice(Position, (int)length);
        Position += (int)length;
        return value;
    }

    public string Text() => Encoding.UTF8.GetString(Binary());

    /// <summary>The count of a list, which is never more than there are bytes left: each element takes one at least.</summary>
    public int List(ThriftType expected)
    {
        var header = Byte();
        var count = header >> 4 == 15 ? Varint() : (ulong)(header >> 4);
        if (count > (ulong)(_bytes.Length - Position)) throw Cut();
        if (count > 0 && (ThriftType)(header & 0x0F) != expected)
            throw new DeltaFormatException($"Parquet metadata is broken: a list of {(ThriftType)(header & 0x0F)} stands where {expected} belongs.");
        return (int)count;
    }

    public void Skip(ThriftType type, int depth = 0)
    {
        if (depth > MaxDepth) throw new DeltaFormatException($"Parquet metadata is broken: it nests deeper than {MaxDepth} levels.");
        switch (type)
        {
            case ThriftType.True or ThriftType.False: break;
            case ThriftType.Byte: Byte(); break;
            case ThriftType.I16 or ThriftType.I32 or ThriftType.I64: Varint(); break;
            case ThriftType.Double: for (var i = 0; i < 8; i++) Byte(); break;
            case ThriftType.Binary: Binary(); break;
            case ThriftType.List or ThriftType.Set: SkipList(depth); break;
            case ThriftType.Map: SkipMap(depth); break;
            case ThriftType.Struct:
                var id = 0;
                while (Next(ref id, out var field)) Skip(field, depth + 1);
                break;
            default: throw new DeltaFormatException($"Parquet metadata is broken: there is no Thrift type {(int)type}.");
        }
    }

    private void SkipList(int depth)
    {
        var header = Byte();
        var element = (ThriftType)(header & 0x0F);
        var count = header >> 4 == 15 ? Varint() : (ulong)(header >> 4);
        if (count > (ulong)(_bytes.Length - Position)) throw Cut();
        for (ulong i = 0; i < count; i++) SkipElement(element, depth);
    }

    private void SkipMap(int depth)
    {
        var count = Varint();
        if (count == 0) return;
        if (count > (ulong)(_bytes.Length - Position)) throw Cut();
        var types = Byte();
        for (ulong i = 0; i < count; i++)
        {
            SkipElement((ThriftType)(types >> 4), depth);
            SkipElement((ThriftType)(types & 0x0F), depth);
        }
    }

    // A boolean that is an element, unlike one that is a field, takes a byte.
    private void SkipElement(ThriftType type, int depth)
    {
        if (type is ThriftType.True or ThriftType.False) Byte();
        else Skip(type, depth + 1);
    }

    private static DeltaFormatException Cut() => new("Parquet metadata is cut off or broken: a value runs past its end.");
}
