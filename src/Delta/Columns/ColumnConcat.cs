using Tidemark.Delta.Parquet;

namespace Tidemark.Delta;

/// <summary>Joins columns of one type end to end; dictionaries are merged unless they are the same arrays.</summary>
internal static class ColumnConcat
{
    public static ColumnData Concat(DataType type, IReadOnlyList<ColumnData> parts)
    {
        if (parts.Count == 1) return parts[0];
        var length = checked(parts.Sum(p => p.Length));
        var nulls = JoinNulls(parts, length);
        return type.Kind switch
        {
            TypeKind.Boolean => new BooleanColumn(Join(parts, length, static p => ((BooleanColumn)p).Values), length, nulls),
            TypeKind.Byte or TypeKind.Short or TypeKind.Int32 or TypeKind.Date =>
                new Int32Column(Join(parts, length, static p => ((Int32Column)p).Values), length, nulls),
            TypeKind.Int64 or TypeKind.Timestamp => new Int64Column(Join(parts, length, static p => ((Int64Column)p).Values), length, nulls),
            TypeKind.Float => new FloatColumn(Join(parts, length, static p => ((FloatColumn)p).Values), length, nulls),
            TypeKind.Double => new DoubleColumn(Join(parts, length, static p => ((DoubleColumn)p).Values), length, nulls),
            TypeKind.Decimal when parts.All(p => p is Int64Column) =>
                new Int64Column(Join(parts, length, static p => ((Int64Column)p).Values), length, nulls),
            TypeKind.Decimal => new Int128Column(Join(parts, length, static p => Widen(p)), length, nulls),
            TypeKind.String or TypeKind.Binary => JoinBytes(parts, length, nulls),
            TypeKind.List => JoinLists((ListType)type, parts, length, nulls),
            TypeKind.Map => JoinMaps((MapType)type, parts, length, nulls),
            _ => new StructColumn([.. ((StructType)type).Fields.Select((f, i) =>
                Concat(f.Type, [.. parts.Select(p => Trim(((StructColumn)p).Fields[i], p.Length))]))], length, nulls),
        };
    }

    internal static Int128[] Widen(ColumnData column) => column is Int128Column wide
        ? wide.Values
        : Array.ConvertAll(((Int64Column)column).Values, static v => (Int128)v);

    private static ColumnData Trim(ColumnData column, int length)
    {
        if (column.Length == length) return column;
        var rows = new int[length];
        for (var i = 0; i < length; i++) rows[i] = i;
        return ColumnGather.Take(column, rows);
    }

    private static ulong[]? JoinNulls(IReadOnlyList<ColumnData> parts, int length)
    {
        ulong[]? nulls = null;
        var at = 0;
        foreach (var part in parts)
        {
            if (part.Nulls is not null)
            {
                nulls ??= new ulong[NullBits.Words(length)];
                for (var i = 0; i < part.Length; i++)
                {
                    if (part.IsNull(i)) NullBits.Set(nulls, at + i);
                }
            }

            at += part.Length;
        }

        return nulls;
    }

    private static T[] Join<T>(IReadOnlyList<ColumnData> parts, int length, Func<ColumnData, T[]> values)
    {
        var joined = new T[length];
        var at = 0;
        foreach (var part in parts)
        {
            Array.Copy(values(part), 0, joined, at, part.Length);
            at += part.Length;
        }

        return joined;
    }

    private static int[] JoinOffsets(IReadOnlyList<ColumnData> parts, int length, Func<ColumnData, int[]> of)
    {
        var offsets = new int[length + 1];
        int at = 0, total = 0;
        foreach (var part in parts)
        {
            var from = of(part);
            for (var i = 0; i < part.Length; i++) offsets[at + i] = total + from[i] - from[0];
            total = checked(total + from[part.Length] - from[0]);
            at += part.Length;
        }

        offsets[length] = total;
        return offsets;
    }

    private static ColumnData JoinBytes(IReadOnlyList<ColumnData> parts, int length, ulong[]? nulls)
    {
        if (parts.All(p => p is DictionaryColumn))
        {
            var first = (DictionaryColumn)parts[0];
            if (parts.All(p => ReferenceEquals(((DictionaryColumn)p).Offsets, first.Offsets) && ReferenceEquals(((DictionaryColumn)p).Heap, first.Heap)))
                return new DictionaryColumn(Join(parts, length, static p => ((DictionaryColumn)p).Codes), first.Heap, first.Offsets, length, nulls);
            return MergeDictionaries(parts, length, nulls);
        }

        var plain = parts.Select(p => p as BytesColumn ?? Decode((DictionaryColumn)p)).ToList();
        var offsets = JoinOffsets(plain, length, static p => ((BytesColumn)p).Offsets);
        var heap = new byte[offsets[^1]];
        var at = 0;
        foreach (var part in plain)
        {
            var bytes = part.Heap.AsSpan(part.Offsets[0], part.Offsets[part.Length] - part.Offsets[0]);
            bytes.CopyTo(heap.AsSpan(at));
            at += bytes.Length;
        }

        return new BytesColumn(heap, offsets, length, nulls);
    }

    private static DictionaryColumn MergeDictionaries(IReadOnlyList<ColumnData> parts, int length, ulong[]? nulls)
    {
        var merged = new BytesDictionary(int.MaxValue);
        var codes = new int[length];
        var at = 0;
        foreach (DictionaryColumn part in parts)
        {
            var map = new int[part.DictionaryLength];
            Array.Fill(map, -1);
            for (var i = 0; i < part.Length; i++)
            {
                if (part.IsNull(i)) continue;
                ref var code = ref map[part.Codes[i]];
                if (code < 0) code = merged.GetOrAdd(part.Entry(part.Codes[i]));
                codes[at + i] = code;
            }

            at += part.Length;
        }

        return new DictionaryColumn(codes, merged.Heap.ToArray(), merged.Offsets.ToArray(), length, nulls);
    }

    internal static BytesColumn Decode(DictionaryColumn column)
    {
        var offsets = new int[column.Length + 1];
        for (var i = 0; i < column.Length; i++)
            offsets[i + 1] = checked(offsets[i] + (column.IsNull(i) ? 0 : column[i].Length));
        var heap = new byte[offsets[^1]];
        for (var i = 0; i < column.Length; i++)
        {
            if (!column.IsNull(i)) column[i].CopyTo(heap.AsSpan(offsets[i]));
        }

        return new BytesColumn(heap, offsets, column.Length, column.Nulls);
    }

    // A child may be longer than its last offset says, or start later; only the elements in use are joined.
    private static ColumnData Used(ColumnData child, int[] offsets, int rows)
    {
        if (offsets[0] == 0 && offsets[rows] == child.Length) return child;
        var picked = new int[offsets[rows] - offsets[0]];
        for (var i = 0; i < picked.Length; i++) picked[i] = offsets[0] + i;
        return ColumnGather.Take(child, picked);
    }

    private static ListColumn JoinLists(ListType type, IReadOnlyList<ColumnData> parts, int length, ulong[]? nulls) => new(
        JoinOffsets(parts, length, static p => ((ListColumn)p).Offsets),
        Concat(type.Element, [.. parts.Select(p => Used(((ListColumn)p).Elements, ((ListColumn)p).Offsets, p.Length))]), length, nulls);

    private static MapColumn JoinMaps(MapType type, IReadOnlyList<ColumnData> parts, int length, ulong[]? nulls) => new(
        JoinOffsets(parts, length, static p => ((MapColumn)p).Offsets),
        Concat(type.Key, [.. parts.Select(p => Used(((MapColumn)p).Keys, ((MapColumn)p).Offsets, p.Length))]),
        Concat(type.Value, [.. parts.Select(p => Used(((MapColumn)p).Values, ((MapColumn)p).Offsets, p.Length))]), length, nulls);
}
