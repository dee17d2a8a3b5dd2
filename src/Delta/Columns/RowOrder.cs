namespace Tidemark.Delta;

/// <summary>Sorts rows by columns, ascending, nulls first, equal rows in their order.</summary>
internal static class RowOrder
{
    public static RecordBatch Sort(RecordBatch rows, IReadOnlyList<string> columns)
    {
        var compare = columns.Select(c => Comparer(rows[c])).ToArray();
        var order = new int[rows.RowCount];
        for (var i = 0; i < order.Length; i++) order[i] = i;
        Array.Sort(order, (a, b) =>
        {
            foreach (var one in compare)
            {
                var result = one(a, b);
                if (result != 0) return result;
            }

            return a.CompareTo(b);
        });
        return rows.Take(order);
    }

    private static Comparison<int> Comparer(ColumnData column)
    {
        Comparison<int> values = column switch
        {
            BooleanColumn c => (a, b) => c.Values[a].CompareTo(c.Values[b]),
            Int32Column c => (a, b) => c.Values[a].CompareTo(c.Values[b]),
            Int64Column c => (a, b) => c.Values[a].CompareTo(c.Values[b]),
            Int128Column c => (a, b) => c.Values[a].CompareTo(c.Values[b]),
            FloatColumn c => (a, b) => c.Values[a].CompareTo(c.Values[b]),
            DoubleColumn c => (a, b) => c.Values[a].CompareTo(c.Values[b]),
            BytesColumn c => (a, b) => c[a].SequenceCompareTo(c[b]),
            DictionaryColumn c => (a, b) => c.Codes[a] == c.Codes[b] ? 0 : c[a].SequenceCompareTo(c[b]),
            _ => throw new DeltaUnsupportedException("Rows cannot be sorted by a list, map or struct."),
        };
        if (column.Nulls is null) return values;
        return (a, b) => (column.IsNull(a), column.IsNull(b)) switch
        {
            (true, true) => 0,
            (true, false) => -1,
            (false, true) => 1,
            _ => values(a, b),
        };
    }
}
