using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;

namespace Tidemark.Delta.Parquet;

/// <summary>Spreads a leaf's values to their slots and brings them to the wanted type.</summary>
internal static class LeafConverter
{
    public static ColumnData Convert(ReadNode node, DataType type, LeafData leaf, int rows, ulong[]? nulls, bool spread)
    {
        var physical = node.Element.Physical!.Value;
        var places = spread ? nulls : null;
        switch (type.Kind)
        {
            case TypeKind.Boolean when physical == PhysicalType.Boolean:
                return new BooleanColumn(Spread(leaf.Booleans, leaf, rows, places), rows, nulls);
            case TypeKind.Byte or TypeKind.Short or TypeKind.Int32 or TypeKind.Date when physical == PhysicalType.Int32:
                return new Int32Column(Spread(leaf.Ints, leaf, rows, places), rows, nulls);
            case TypeKind.Int64 when physical == PhysicalType.Int32:
                return new Int64Column(Array.ConvertAll(Spread(leaf.Ints, leaf, rows, places), static v => (long)v), rows, nulls);
            case TypeKind.Int64 when physical == PhysicalType.Int64:
                return new Int64Column(Spread(leaf.Longs, leaf, rows, places), rows, nulls);
            case TypeKind.Timestamp when physical is PhysicalType.Int64 or PhysicalType.Int96:
                return new Int64Column(Micros(node, Spread(leaf.Longs, leaf, rows, places), rows), rows, nulls);
            case TypeKind.Float when physical == PhysicalType.Float:
                return new FloatColumn(Spread(leaf.Floats, leaf, rows, places), rows, nulls);
            case TypeKind.Double when physical == PhysicalType.Double:
                return new DoubleColumn(Spread(leaf.Doubles, leaf, rows, places), rows, nulls);
            case TypeKind.Double when physical == PhysicalType.Float:
                return new DoubleColumn(Array.ConvertAll(Spread(leaf.Floats, leaf, rows, places), static v => (double)v), rows, nulls);
            case TypeKind.Double when physical == PhysicalType.Int32:
                return new DoubleColumn(Array.ConvertAll(Spread(leaf.Ints, leaf, rows, places), static v => (double)v), rows, nulls);
            case TypeKind.Decimal:
                return Decimals(node, (DecimalType)type, leaf, rows, nulls, places);
            case TypeKind.String or TypeKind.Binary when physical is PhysicalType.ByteArray or PhysicalType.FixedLenByteArray:
                return Bytes(leaf, rows, nulls, places);
            default:
                throw Mismatch(node, type);
        }
    }

    public static DeltaSchemaMismatchException Mismatch(ReadNode node, DataType type) =>
        new($"Column '{node.Name}' of the Parquet file holds {(node.Leaf < 0 ? node.Group?.ToString() : node.Element.Physical.ToString())} ({node.Element.Converted}) and cannot be read as {type}.");

    // From the end, so that no value is overwritten before it has moved; a null's place gets a neighbour's value, which nobody looks
    // at, because that costs no branch.
    private static T[] Spread<T>(T[]? values, LeafData leaf, int rows, ulong[]? nulls)
    {
        values ??= new T[rows];
        if (nulls is null || rows == 0) return values;
        if (leaf.Present == 0)
        {
            values.AsSpan(0, rows).Clear();
            return values;
        }

        var from = leaf.Present;
        var span = values.AsSpan(0, rows);
        // For nulls behind the last value: what lies here is not initialised, and a code from it would point outside its dictionary.
        if (from < rows) span[from] = span[from - 1];
        ref var first = ref MemoryMarshal.GetReference(span);
        for (var row = rows - 1; row >= 0;)
        {
            var word = nulls[row >> 6];
            for (var stop = row & ~63; row >= stop; row--)
            {
                from -= (int)(~word >> (row & 63) & 1);
                Unsafe.Add(ref first, row) = Unsafe.Add(ref first, Math.Max(from, 0));
            }
        }

        return values;
    }

    private static long[] Micros(ReadNode node, long[] values, int rows)
    {
        var unit = node.Element.TimeUnit != 0 ? node.Element.TimeUnit : node.Element.Converted == ConvertedType.TimestampMillis ? 1 : 2;
        if (node.Element.Physical == PhysicalType.Int96 || unit == 2) return values;
        for (var i = 0; i < rows; i++)
            values[i] = unit == 1 ? unchecked(values[i] * 1000) : (long)Math.Floor(values[i] / 1000m);
        return values;
    }

    private static ColumnData Bytes(LeafData leaf, int rows, ulong[]? nulls, ulong[]? places)
    {
        if (leaf.Bytes is not { } bytes) return new BytesColumn([], new int[rows + 1], rows, nulls);
        if (bytes.Codes is { } codes)
            return new DictionaryColumn(Spread(codes, leaf, rows, places), bytes.DictionaryHeap, bytes.DictionaryOffsets!, rows, nulls);
        if (!bytes.IsPlain) return new BytesColumn([], new int[rows + 1], rows, nulls);
        var offsets = bytes.Offsets;
        if (places is not null)
        {
            var from = leaf.Present;
            for (var row = rows - 1; row >= 0; row--)
            {
                offsets[row + 1] = offsets[from];
                from -= NullBits.IsSet(places, row) ? 0 : 1;
            }
        }

        if (offsets.Length != rows + 1) offsets = offsets[..(rows + 1)];
        return new BytesColumn(bytes.Heap, offsets, rows, nulls);
    }

    private static ColumnData Decimals(ReadNode node, DecimalType type, LeafData leaf, int rows, ulong[]? nulls, ulong[]? places)
    {
        var scale = node.Element.Converted == ConvertedType.Decimal || node.Element.Logical == 5 ? node.Element.Scale : 0;
        if (scale > type.Scale) throw Mismatch(node, type);
        var factor = DecimalValues.PowerOfTen(type.Scale - scale);
        var narrow = type.Precision <= 18 && node.Element.Physical is PhysicalType.Int32 or PhysicalType.Int64;
        if (narrow)
        {
            var values = node.Element.Physical == PhysicalType.Int64
                ? Spread(leaf.Longs, leaf, rows, places)
                : Array.ConvertAll(Spread(leaf.Ints, leaf, rows, places), static v => (long)v);
            for (var i = 0; factor != 1 && i < rows; i++) values[i] = unchecked(values[i] * (long)factor);
            return new Int64Column(values, rows, nulls);
        }

        var wide = node.Element.Physical switch
        {
            PhysicalType.Int32 => Array.ConvertAll(Spread(leaf.Ints, leaf, rows, places), static v => (Int128)v),
            PhysicalType.Int64 => Array.ConvertAll(Spread(leaf.Longs, leaf, rows, places), static v => (Int128)v),
            PhysicalType.ByteArray or PhysicalType.FixedLenByteArray => FromBytes(Bytes(leaf, rows, nulls, places), rows),
            _ => throw Mismatch(node, type),
        };
        for (var i = 0; factor != 1 && i < rows; i++) wide[i] *= factor;
        return type.Precision <= 18
            ? new Int64Column(Array.ConvertAll(wide, static v => (long)v), rows, nulls)
            : new Int128Column(wide, rows, nulls);
    }

    private static Int128[] FromBytes(ColumnData column, int rows)
    {
        var values = new Int128[rows];
        for (var i = 0; i < rows; i++)
        {
            if (column.IsNull(i)) continue;
            values[i] = DecimalBytes.Read(column is DictionaryColumn d ? d[i] : ((BytesColumn)column)[i]);
        }

        return values;
    }
}
