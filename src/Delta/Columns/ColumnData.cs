namespace Tidemark.Delta;

/// <summary>
/// The values of one column as primitive arrays, handed over by reference: nothing is copied, so the arrays must not change
/// while a write is running. Arrays may be longer than <see cref="Length"/>. A null takes a place in the value array; what
/// stands there is ignored.
/// </summary>
public abstract class ColumnData
{
    private protected ColumnData(int length, int capacity, ulong[]? nulls)
    {
        if (length < 0 || length > capacity)
            throw new ArgumentException($"A column of {length} rows was given values for {capacity}.", nameof(length));
        if (nulls is not null && nulls.Length < NullBits.Words(length))
            throw new ArgumentException($"A null bitmap of {nulls.Length} words is too short for {length} rows.", nameof(nulls));
        Length = length;
        Nulls = nulls;
    }

    /// <summary>Number of rows.</summary>
    public int Length { get; }

    /// <summary>Bit i of word i / 64 is set when row i is null; null when no row is.</summary>
    public ulong[]? Nulls { get; }

    /// <summary>Whether row <paramref name="row"/> is null.</summary>
    public bool IsNull(int row) => Nulls is not null && (Nulls[row >> 6] >> (row & 63) & 1) != 0;
}

/// <summary>Bit arrays of nulls.</summary>
public static class NullBits
{
    /// <summary>Words needed for a number of rows.</summary>
    public static int Words(int rows) => (rows + 63) >> 6;

    /// <summary>Marks a row as null.</summary>
    public static void Set(ulong[] bits, int row) => bits[row >> 6] |= 1UL << (row & 63);

    /// <summary>The bitmap of an array that says true where a row is null; null when none is.</summary>
    public static ulong[]? From(ReadOnlySpan<bool> isNull)
    {
        if (isNull.IndexOf(true) < 0) return null;
        var bits = new ulong[Words(isNull.Length)];
        for (var i = 0; i < isNull.Length; i++)
        {
            if (isNull[i]) Set(bits, i);
        }

        return bits;
    }

    /// <summary>How many of the rows [from, to) are null.</summary>
    internal static int Count(ulong[]? bits, int from, int to)
    {
        if (bits is null || from >= to) return 0;
        int first = from >> 6, last = (to - 1) >> 6;
        var head = ulong.MaxValue << (from & 63);
        var tail = ulong.MaxValue >> (63 - ((to - 1) & 63));
        if (first == last) return System.Numerics.BitOperations.PopCount(bits[first] & head & tail);
        var count = System.Numerics.BitOperations.PopCount(bits[first] & head) + System.Numerics.BitOperations.PopCount(bits[last] & tail);
        for (var i = first + 1; i < last; i++) count += System.Numerics.BitOperations.PopCount(bits[i]);
        return count;
    }

    internal static bool IsSet(ulong[] bits, int row) => (bits[row >> 6] >> (row & 63) & 1) != 0;
}

/// <summary>Booleans.</summary>
public sealed class BooleanColumn(bool[] values, int length, ulong[]? nulls = null) : ColumnData(length, values.Length, nulls)
{
    public bool[] Values { get; } = values;
}

/// <summary>Byte, Short, Int32 and Date (days since 1970-01-01).</summary>
public sealed class Int32Column(int[] values, int length, ulong[]? nulls = null) : ColumnData(length, values.Length, nulls)
{
    public int[] Values { get; } = values;
}

/// <summary>Int64, Timestamp (microseconds since 1970-01-01 UTC) and unscaled decimals of up to 18 digits.</summary>
public sealed class Int64Column(long[] values, int length, ulong[]? nulls = null) : ColumnData(length, values.Length, nulls)
{
    public long[] Values { get; } = values;
}

/// <summary>Unscaled decimals of any precision.</summary>
public sealed class Int128Column(Int128[] values, int length, ulong[]? nulls = null) : ColumnData(length, values.Length, nulls)
{
    public Int128[] Values { get; } = values;
}

/// <summary>32-bit floating point.</summary>
public sealed class FloatColumn(float[] values, int length, ulong[]? nulls = null) : ColumnData(length, values.Length, nulls)
{
    public float[] Values { get; } = values;
}

/// <summary>64-bit floating point.</summary>
public sealed class DoubleColumn(double[] values, int length, ulong[]? nulls = null) : ColumnData(length, values.Length, nulls)
{
    public double[] Values { get; } = values;
}

/// <summary>Strings (UTF-8) or binary: row i is bytes [Offsets[i], Offsets[i + 1]) of the heap.</summary>
/// <param name="heap">All bytes one after another.</param>
/// <param name="offsets">One more than there are rows, ascending.</param>
public sealed class BytesColumn(byte[] heap, int[] offsets, int length, ulong[]? nulls = null) : ColumnData(length, offsets.Length - 1, nulls)
{
    public byte[] Heap { get; } = heap;

    public int[] Offsets { get; } = offsets;

    /// <summary>The bytes of a row.</summary>
    public ReadOnlySpan<byte> this[int row] => Heap.AsSpan(Offsets[row], Offsets[row + 1] - Offsets[row]);
}

/// <summary>
/// Strings (UTF-8) or binary by code: row i is entry Codes[i] of the dictionary, and entry c is bytes [Offsets[c],
/// Offsets[c + 1]) of the heap. Entries that no row uses cost nothing in a file; entries should be distinct.
/// </summary>
public sealed class DictionaryColumn(int[] codes, byte[] heap, int[] offsets, int length, ulong[]? nulls = null)
    : ColumnData(length, codes.Length, nulls)
{
    public int[] Codes { get; } = codes;

    public byte[] Heap { get; } = heap;

    public int[] Offsets { get; } = offsets;

    /// <summary>Entries of the dictionary.</summary>
    public int DictionaryLength => Offsets.Length - 1;

    /// <summary>The bytes of a row.</summary>
    public ReadOnlySpan<byte> this[int row] => Entry(Codes[row]);

    /// <summary>The bytes of an entry of the dictionary.</summary>
    public ReadOnlySpan<byte> Entry(int code) => Heap.AsSpan(Offsets[code], Offsets[code + 1] - Offsets[code]);
}

/// <summary>Lists: row i holds the elements [Offsets[i], Offsets[i + 1]).</summary>
public sealed class ListColumn(int[] offsets, ColumnData elements, int length, ulong[]? nulls = null) : ColumnData(length, offsets.Length - 1, nulls)
{
    public int[] Offsets { get; } = offsets;

    public ColumnData Elements { get; } = elements;
}

/// <summary>Maps: row i holds the entries [Offsets[i], Offsets[i + 1]) of keys and values.</summary>
public sealed class MapColumn(int[] offsets, ColumnData keys, ColumnData values, int length, ulong[]? nulls = null)
    : ColumnData(length, offsets.Length - 1, nulls)
{
    public int[] Offsets { get; } = offsets;

    public ColumnData Keys { get; } = keys;

    public ColumnData Values { get; } = values;
}

/// <summary>Structs: row i holds row i of each field, in the order of the type's fields.</summary>
public sealed class StructColumn(IReadOnlyList<ColumnData> fields, int length, ulong[]? nulls = null)
    : ColumnData(length, fields.Count == 0 ? length : fields.Min(f => f.Length), nulls)
{
    public IReadOnlyList<ColumnData> Fields { get; } = fields;
}
