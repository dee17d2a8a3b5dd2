using System.Buffers.Binary;

namespace Tidemark.Delta.Parquet;

/// <summary>Nulls and bounds of one leaf; the bounds as PLAIN bytes (strings without their length).</summary>
/// <param name="Values">Entries, nulls included.</param>
/// <param name="NullCount">Entries that are null, or whose parent is.</param>
/// <param name="RowNulls">For a list or map: rows that are null themselves.</param>
/// <param name="Min">Null when there is no value or, for floats, a NaN.</param>
/// <param name="Max">As <paramref name="Min"/>.</param>
/// <param name="BoundsUnknown">A value had no order (NaN), so the bounds of no row group may be used.</param>
internal readonly record struct LeafStatistics(long Values, long NullCount, long RowNulls, byte[]? Min, byte[]? Max, bool BoundsUnknown)
{
    public LeafStatistics Merge(LeafStatistics other, WriteNode leaf)
    {
        var unknown = BoundsUnknown || other.BoundsUnknown;
        return new(Values + other.Values, NullCount + other.NullCount, RowNulls + other.RowNulls,
            unknown ? null : Pick(Min, other.Min, leaf, smaller: true), unknown ? null : Pick(Max, other.Max, leaf, smaller: false), unknown);
    }

    private static byte[]? Pick(byte[]? a, byte[]? b, WriteNode leaf, bool smaller)
    {
        if (a is null || b is null) return a ?? b;
        return Compare(a, b, leaf.Physical) <= 0 == smaller ? a : b;
    }

    internal static int Compare(ReadOnlySpan<byte> a, ReadOnlySpan<byte> b, PhysicalType type) => type switch
    {
        PhysicalType.Int32 => BinaryPrimitives.ReadInt32LittleEndian(a).CompareTo(BinaryPrimitives.ReadInt32LittleEndian(b)),
        PhysicalType.Int64 => BinaryPrimitives.ReadInt64LittleEndian(a).CompareTo(BinaryPrimitives.ReadInt64LittleEndian(b)),
        PhysicalType.Float => BinaryPrimitives.ReadSingleLittleEndian(a).CompareTo(BinaryPrimitives.ReadSingleLittleEndian(b)),
        PhysicalType.Double => BinaryPrimitives.ReadDoubleLittleEndian(a).CompareTo(BinaryPrimitives.ReadDoubleLittleEndian(b)),
        PhysicalType.FixedLenByteArray => DecimalBytes.Read(a).CompareTo(DecimalBytes.Read(b)),
        _ => a.SequenceCompareTo(b),
    };
}

/// <summary>Decimals as big-endian two's complement of any width up to 16 bytes.</summary>
internal static class DecimalBytes
{
    public static Int128 Read(ReadOnlySpan<byte> bytes)
    {
        Int128 value = bytes.Length > 0 && (sbyte)bytes[0] < 0 ? -1 : 0;
        foreach (var b in bytes) value = value << 8 | b;
        return value;
    }

    public static void Write(Int128 value, Span<byte> bytes)
    {
        for (var i = bytes.Length - 1; i >= 0; i--)
        {
            bytes[i] = (byte)value;
            value >>= 8;
        }
    }
}
