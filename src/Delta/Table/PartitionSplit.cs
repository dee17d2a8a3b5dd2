using Tidemark.Delta.Log;

namespace Tidemark.Delta;

/// <summary>The rows of one partition.</summary>
/// <param name="Values">Every partition column as text, null for null, in the order of the columns.</param>
/// <param name="Rows">The rows without the partition columns.</param>
public sealed record Partition(IReadOnlyDictionary<string, string?> Values, RecordBatch Rows);

/// <summary>Splits rows by the values of partition columns.</summary>
public static class PartitionSplit
{
    /// <summary>
    /// One entry per combination of values, in order of appearance, rows in their order. Without partition columns the batch itself
    /// is the only entry; when all rows share one combination nothing is copied.
    /// </summary>
    public static IReadOnlyList<Partition> Split(RecordBatch batch, IReadOnlyList<string> partitionColumns)
    {
        if (partitionColumns.Count == 0) return [new Partition(new Dictionary<string, string?>(), batch)];
        var columns = partitionColumns.Select(c => (Field: batch.Schema.Fields[Position(batch, c)], Data: batch[c])).ToArray();
        var rest = batch.Schema.Without(partitionColumns).Fields.Select(f => f.Name).ToArray();
        if (rest.Length == 0) throw new DeltaSchemaMismatchException("A table needs a column that is no partition column.");
        var groups = new Dictionary<string, (string?[] Values, List<int> Rows)>(StringComparer.Ordinal);
        var order = new List<(string?[] Values, List<int> Rows)>();
        var keys = columns.Select(c => Keys(c.Field, c.Data)).ToArray();
        for (var row = 0; row < batch.RowCount; row++)
        {
            var values = new string?[columns.Length];
            for (var i = 0; i < values.Length; i++) values[i] = keys[i](row);
            var key = string.Join('\u0001', values.Select(v => v is null ? "n" : "v" + v));
            if (!groups.TryGetValue(key, out var group))
            {
                groups[key] = group = (values, []);
                order.Add(group);
            }

            group.Rows.Add(row);
        }

        var data = batch.Select(rest);
        return [.. order.Select(g => new Partition(Named(partitionColumns, g.Values),
            order.Count == 1 ? data : data.Take(g.Rows.ToArray())))];
    }

    private static int Position(RecordBatch batch, string column) => batch.Schema.IndexOf(column) is var at and >= 0
        ? at
        : throw new DeltaSchemaMismatchException($"The rows have no column '{column}', which the table is partitioned by.");

    private static Dictionary<string, string?> Named(IReadOnlyList<string> columns, string?[] values)
    {
        var named = new Dictionary<string, string?>();
        for (var i = 0; i < values.Length; i++) named[columns[i]] = values[i];
        return named;
    }

    // Texts are made once per distinct value where that is cheap to know.
    private static Func<int, string?> Keys(TableField field, ColumnData data)
    {
        switch (data)
        {
            case DictionaryColumn coded:
                var texts = new string?[coded.DictionaryLength];
                var known = new bool[coded.DictionaryLength];
                return row =>
                {
                    if (coded.IsNull(row)) return null;
                    var code = coded.Codes[row];
                    if (!known[code])
                    {
                        texts[code] = ValueText.PartitionValue(field.Type, coded, row);
                        known[code] = true;
                    }

                    return texts[code];
                };
            case Int32Column ints:
                var cache = new Dictionary<int, string?>();
                return row =>
                {
                    if (ints.IsNull(row)) return null;
                    if (!cache.TryGetValue(ints.Values[row], out var text)) cache[ints.Values[row]] = text = ValueText.PartitionValue(field.Type, ints, row);
                    return text;
                };
            default:
                return row => ValueText.PartitionValue(field.Type, data, row);
        }
    }
}
