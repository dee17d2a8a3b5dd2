namespace Tidemark.Delta;

/// <summary>Copies chosen rows of a column; row -1 gives null.</summary>
internal static class ColumnGather
{
    public static ColumnData Take(ColumnData column, ReadOnlySpan<int> rows)
    {
        var n = rows.Length;
        var nulls = TakeNulls(column, rows);
        return column switch
        {
            BooleanColumn c => new BooleanColumn(Pick(c.Values, rows), n, nulls),
            Int32Column c => new Int32Column(Pick(c.Values, rows), n, nulls),
            Int64Column c => new Int64Column(Pick(c.Values, rows), n, nulls),
            Int128Column c => new Int128Column(Pick(c.Values, rows), n, nulls),
            FloatColumn c => new FloatColumn(Pick(c.Values, rows), n, nulls),
            DoubleColumn c => new DoubleColumn(Pick(c.Values, rows), n, nulls),
            DictionaryColumn c => new DictionaryColumn(Pick(c.Codes, rows), c.Heap, c.Offsets, n, nulls),
            BytesColumn c => TakeBytes(c, rows, nulls),
            ListColumn c => TakeList(c, rows, nulls),
            MapColumn c => TakeMap(c, rows, nulls),
            StructColumn c => TakeStruct(c, rows, nulls),
            _ => throw new ArgumentException($"A {column.GetType().Name} cannot be gathered.", nameof(column)),
        };
    }

    private static ulong[]? TakeNulls(ColumnData column, ReadOnlySpan<int> rows)
    {
        ulong[]? nulls = null;
        for (var i = 0; i < rows.Length; i++)
        {
            if (rows[i] < 0 || column.IsNull(rows[i])) NullBits.Set(nulls ??= new ulong[NullBits.Words(rows.Length)], i);
        }

        return nulls;
    }

    private static T[] Pick<T>(T[] values, ReadOnlySpan<int> rows)
    {
        var picked = new T[rows.Length];
        for (var i = 0; i < rows.Length; i++)
        {
            if (rows[i] >= 0) picked[i] = values[rows[i]];
        }

        return picked;
    }

    private static BytesColumn TakeBytes(BytesColumn column, ReadOnlySpan<int> rows, ulong[]? nulls)
    {
        var offsets = new int[rows.Length + 1];
        for (var i = 0; i < rows.Length; i++)
        {
            var row = rows[i];
            offsets[i + 1] = checked(offsets[i] + (row < 0 || column.IsNull(row) ? 0 : column.Offsets[row + 1] - column.Offsets[row]));
        }

        var heap = new byte[offsets[^1]];
        for (var i = 0; i < rows.Length; i++)
        {
            if (offsets[i + 1] > offsets[i]) column[rows[i]].CopyTo(heap.AsSpan(offsets[i]));
        }

        return new BytesColumn(heap, offsets, rows.Length, nulls);
    }

    private static int[] TakeRanges(ColumnData column, int[] from, ReadOnlySpan<int> rows, out int[] children)
    {
        var offsets = new int[rows.Length + 1];
        for (var i = 0; i < rows.Length; i++)
        {
            var row = rows[i];
            offsets[i + 1] = checked(offsets[i] + (row < 0 || column.IsNull(row) ? 0 : from[row + 1] - from[row]));
        }

        children = new int[offsets[^1]];
        for (var i = 0; i < rows.Length; i++)
        {
            for (var j = offsets[i]; j < offsets[i + 1]; j++) children[j] = from[rows[i]] + j - offsets[i];
        }

        return offsets;
    }

    private static ListColumn TakeList(ListColumn column, ReadOnlySpan<int> rows, ulong[]? nulls)
    {
        var offsets = TakeRanges(column, column.Offsets, rows, out var children);
        return new ListColumn(offsets, Take(column.Elements, children), rows.Length, nulls);
    }

    private static MapColumn TakeMap(MapColumn column, ReadOnlySpan<int> rows, ulong[]? nulls)
    {
        var offsets = TakeRanges(column, column.Offsets, rows, out var children);
        return new MapColumn(offsets, Take(column.Keys, children), Take(column.Values, children), rows.Length, nulls);
    }

    private static StructColumn TakeStruct(StructColumn column, ReadOnlySpan<int> rows, ulong[]? nulls)
    {
        var fields = new ColumnData[column.Fields.Count];
        for (var i = 0; i < fields.Length; i++) fields[i] = Take(column.Fields[i], rows);
        return new StructColumn(fields, rows.Length, nulls);
    }
}
