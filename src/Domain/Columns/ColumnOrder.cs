namespace Tidemark.Domain.Columns;

/// <summary>The order of a column's rows by value: numbers and times as such, texts by their UTF-8 bytes, null always last.</summary>
internal readonly struct ColumnOrder(Column column, bool descending)
{
    /// <summary>Less than 0 when row <paramref name="a"/> comes first.</summary>
    public int Compare(int a, int b)
    {
        if (column.IsNull(a) || column.IsNull(b))
            return column.IsNull(a).CompareTo(column.IsNull(b));
        var order = column switch
        {
            Int64Column c => c.Values[a].CompareTo(c.Values[b]),
            Int32Column c => c.Values[a].CompareTo(c.Values[b]),
            DoubleColumn c => c.Values[a].CompareTo(c.Values[b]),
            Int128Column c => c.Values[a].CompareTo(c.Values[b]),
            BooleanColumn c => c.Values[a].CompareTo(c.Values[b]),
            DictionaryColumn c => c.Dictionary[c.Codes[a]].SequenceCompareTo(c.Dictionary[c.Codes[b]]),
            BinaryColumn c => c[a].SequenceCompareTo(c[b]),
            _ => throw new ArgumentException($"A {column.GetType().Name} has no order.", nameof(column)),
        };
        return descending ? -order : order;
    }
}
