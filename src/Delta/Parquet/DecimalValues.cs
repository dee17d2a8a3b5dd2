using System.Buffers;

namespace Tidemark.Delta.Parquet;

/// <summary>Decimals: brought to the width that their precision asks for, and checked against it.</summary>
internal static class DecimalValues
{
    public static LeafValues Convert(WriteNode leaf, ColumnData data, RowSelection rows)
    {
        var limit = PowerOfTen(((DecimalType)leaf.Type!).Precision);
        if (leaf.Physical == PhysicalType.FixedLenByteArray)
            return new WideDecimalValues(Compact.Of(ColumnConcat.Widen(data), rows), leaf, limit);
        if (leaf.Physical == PhysicalType.Int64) return new FixedValues<long>(Narrow(data, rows, limit, leaf, static v => (long)v));
        return new FixedValues<int>(Narrow(data, rows, limit, leaf, static v => (int)v));
    }

    private static Compact<T> Narrow<T>(ColumnData data, RowSelection rows, Int128 limit, WriteNode leaf, Func<Int128, T> convert)
    {
        var wide = Compact.Of(ColumnConcat.Widen(data), rows);
        var narrow = ArrayPool<T>.Shared.Rent(wide.Count);
        var span = wide.Span;
        for (var i = 0; i < span.Length; i++)
        {
            CheckRange(span[i], limit, leaf);
            narrow[i] = convert(span[i]);
        }

        var result = new Compact<T>(narrow, 0, wide.Count, true);
        wide.Return();
        return result;
    }

    public static void CheckRange(Int128 value, Int128 limit, WriteNode leaf)
    {
        if (value >= limit || value <= -limit)
            throw new DeltaSchemaMismatchException($"Column '{string.Join('.', leaf.Path)}' is {leaf.Type} and cannot hold the unscaled value {value}.");
    }

    public static Int128 PowerOfTen(int digits)
    {
        Int128 power = 1;
        for (var i = 0; i < digits; i++) power *= 10;
        return power;
    }
}
