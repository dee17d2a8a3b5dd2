namespace Tidemark.Domain.Columns;

/// <summary>
/// The values of one field for <see cref="Count"/> rows, in plain arrays that the Parquet writer takes as they are.
/// A null row has its bit set in <see cref="Nulls"/>; its value slot is 0, empty or code 0 and means nothing. Arrays may be longer than needed.
/// </summary>
/// <param name="count">Rows.</param>
/// <param name="nulls">One bit a row, least significant first (row i = bit i%64 of word i/64); null when no row is null.</param>
public abstract class Column(int count, ulong[]? nulls)
{
    /// <summary>Number of rows.</summary>
    public int Count { get; } = count;

    /// <summary>The null bitmap, or null when no row is null.</summary>
    public ulong[]? Nulls { get; } = nulls;

    /// <summary>Whether the row has no value.</summary>
    public bool IsNull(int row) => Nulls is { } bits && (bits[row >> 6] >> (row & 63) & 1) != 0;
}

/// <summary>Int32 and Date values.</summary>
public sealed class Int32Column(int[] values, int count, ulong[]? nulls = null) : Column(count, nulls)
{
    /// <summary>One value a row.</summary>
    public int[] Values { get; } = values;
}

/// <summary>Int64, Timestamp (microseconds) and Decimal (unscaled, precision up to 18) values.</summary>
public sealed class Int64Column(long[] values, int count, ulong[]? nulls = null) : Column(count, nulls)
{
    /// <summary>One value a row.</summary>
    public long[] Values { get; } = values;
}

/// <summary>Decimal values of precision 19 to 38, unscaled.</summary>
public sealed class Int128Column(Int128[] values, int count, ulong[]? nulls = null) : Column(count, nulls)
{
    /// <summary>One value a row.</summary>
    public Int128[] Values { get; } = values;
}

/// <summary>Double values.</summary>
public sealed class DoubleColumn(double[] values, int count, ulong[]? nulls = null) : Column(count, nulls)
{
    /// <summary>One value a row.</summary>
    public double[] Values { get; } = values;
}

/// <summary>Boolean values.</summary>
public sealed class BooleanColumn(bool[] values, int count, ulong[]? nulls = null) : Column(count, nulls)
{
    /// <summary>One value a row.</summary>
    public bool[] Values { get; } = values;
}

/// <summary>Bytes of any length, one slice of a common heap a row: row i is <c>Heap[Offsets[i]..Offsets[i + 1]]</c>.</summary>
public class BinaryColumn(byte[] heap, int[] offsets, int count, ulong[]? nulls = null) : Column(count, nulls)
{
    /// <summary>All values one behind the other.</summary>
    public byte[] Heap { get; } = heap;

    /// <summary>Count + 1 ascending positions in <see cref="Heap"/>.</summary>
    public int[] Offsets { get; } = offsets;

    /// <summary>The bytes of a row; empty for null.</summary>
    public ReadOnlySpan<byte> this[int row] => Heap.AsSpan(Offsets[row], Offsets[row + 1] - Offsets[row]);
}

/// <summary>UTF-8 strings laid out as <see cref="BinaryColumn"/>; for columns with few repeats (ids, raw JSON).</summary>
public sealed class Utf8Column(byte[] heap, int[] offsets, int count, ulong[]? nulls = null) : BinaryColumn(heap, offsets, count, nulls);

/// <summary>UTF-8 strings as codes into a dictionary; for columns with many repeats (country, category).</summary>
/// <param name="codes">One index into <paramref name="dictionary"/> a row.</param>
/// <param name="dictionary">Distinct values; may hold values that no row uses.</param>
/// <param name="count">Rows.</param>
/// <param name="nulls">Null bitmap.</param>
public sealed class DictionaryColumn(int[] codes, Utf8Column dictionary, int count, ulong[]? nulls = null) : Column(count, nulls)
{
    /// <summary>One code a row.</summary>
    public int[] Codes { get; } = codes;

    /// <summary>The values that codes stand for.</summary>
    public Utf8Column Dictionary { get; } = dictionary;
}
