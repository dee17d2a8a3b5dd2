using System.Globalization;
using System.Text;

namespace Tidemark.Domain.Columns;

/// <summary>Operations on whole batches, and values row by row for tests and for printing. None of it is made for hot paths.</summary>
public static class RowBatches
{
    /// <summary>The rows of all batches in order, copied. All must have the schema's fields by name, type and order; strings come out as dictionaries where the first batch has one.</summary>
    public static RowBatch Concat(RowSchema schema, IReadOnlyList<RowBatch> batches)
    {
        foreach (var batch in batches)
            if (!batch.Schema.Fields.SequenceEqual(schema.Fields))
                throw new ArgumentException("Batches of different schemas cannot be put together.", nameof(batches));
        if (batches.Count == 1)
            return batches[0];
        var count = batches.Sum(b => b.Count);
        var columns = new Column[schema.Fields.Count];
        for (var c = 0; c < columns.Length; c++)
        {
            var builder = ColumnBuilder.For(schema.Fields[c], batches.Count > 0 && batches[0].Columns[c] is DictionaryColumn);
            foreach (var batch in batches)
                for (var row = 0; row < batch.Count; row++)
                    builder.AppendFrom(batch.Columns[c], row);
            columns[c] = builder.Build();
        }
        return new RowBatch(schema, columns, count);
    }

    /// <summary>The rows that pass, copied; the batch itself when all do.</summary>
    public static RowBatch Where(RowBatch rows, Func<int, bool> passes)
    {
        var which = new int[rows.Count];
        var count = 0;
        for (var row = 0; row < rows.Count; row++)
            if (passes(row))
                which[count++] = row;
        return count == rows.Count ? rows : Take(rows, which.AsSpan(0, count));
    }

    /// <summary>Some rows in some order, copied column by column.</summary>
    public static RowBatch Take(RowBatch rows, ReadOnlySpan<int> which)
    {
        var columns = new Column[rows.Columns.Count];
        for (var i = 0; i < columns.Length; i++)
        {
            var source = rows.Columns[i];
            var builder = ColumnBuilder.For(rows.Schema.Fields[i], source is DictionaryColumn);
            builder.Expect(which.Length);
            if (source is BinaryColumn every && builder is BinaryColumnBuilder heap)
                heap.Reserve(BytesOf(every, which));
            builder.AppendRows(source, which);
            columns[i] = builder.Build();
        }
        return new RowBatch(rows.Schema, columns, which.Length);
    }

    private static int BytesOf(BinaryColumn column, ReadOnlySpan<int> which)
    {
        long bytes = 0;
        foreach (var row in which)
            bytes += column[row].Length;
        return (int)Math.Min(bytes, Array.MaxLength);
    }

    /// <summary>
    /// The rows under a schema that has grown since they were made: what they lack is null. Throws <see cref="InvalidDataException"/> for a column that the schema does not have, since
    /// its values would be lost, and for one that they lack and that must not be null.
    /// </summary>
    public static RowBatch Grown(RowBatch rows, RowSchema schema)
    {
        if (ReferenceEquals(rows.Schema, schema) || rows.Schema.Fields.SequenceEqual(schema.Fields))
            return rows;
        var there = rows.Schema.Fields.Select((field, i) => (field, i)).ToDictionary(f => f.field.Name, f => f.i);
        var columns = new Column[schema.Fields.Count];
        for (var i = 0; i < columns.Length; i++)
        {
            var field = schema.Fields[i];
            if (there.Remove(field.Name, out var at))
                columns[i] = rows.Schema.Fields[at] is var old && old.Type == field.Type && old.Precision == field.Precision && old.Scale == field.Scale ? rows.Columns[at]
                    : throw new InvalidDataException($"Column '{field.Name}' is {field.Type} now, but rows that are there have {old.Type}; types never change.");
            else if (field.Nullable)
                columns[i] = Nulls(field, rows.Count);
            else
                throw new InvalidDataException($"Column '{field.Name}' must not be null, but rows that are there lack it; add new columns as nullable.");
        }
        return there.Count == 0 ? new RowBatch(schema, columns, rows.Count)
            : throw new InvalidDataException($"Rows that are there have a column '{there.Keys.First()}' that the schema does not have (any more); keep it.");
    }

    private static Column Nulls(RowField field, int count)
    {
        var builder = ColumnBuilder.For(field);
        for (var row = 0; row < count; row++)
            builder.AppendNull();
        return builder.Build();
    }

    /// <summary>A batch without rows.</summary>
    public static RowBatch Empty(RowSchema schema) => new(schema, [.. schema.Fields.Select(f => ColumnBuilder.For(f).Build())], 0);

    /// <summary>
    /// The value of a row as string, byte[], int, long, double, bool, decimal (Decimal fields), <see cref="DateTime"/> in UTC (Timestamp, Date) or null.
    /// A decimal too large for <see cref="decimal"/> (more than 28 digits) throws <see cref="OverflowException"/>; <see cref="Text"/> prints it.
    /// </summary>
    public static object? Value(this RowBatch batch, int row, int column)
    {
        var field = batch.Schema.Fields[column];
        var values = batch.Columns[column];
        if (values.IsNull(row))
            return null;
        return values switch
        {
            DictionaryColumn d => Encoding.UTF8.GetString(d.Dictionary[d.Codes[row]]),
            Utf8Column u => Encoding.UTF8.GetString(u[row]),
            BinaryColumn b => b[row].ToArray(),
            Int32Column i when field.Type == FieldType.Date => DateTime.UnixEpoch.AddDays(i.Values[row]),
            Int32Column i => i.Values[row],
            Int64Column l when field.Type == FieldType.Timestamp => DateTime.UnixEpoch.AddTicks(l.Values[row] * 10),
            Int64Column l when field.Type == FieldType.Decimal => (decimal)l.Values[row] / PowerOfTen(field.Scale),
            Int64Column l => l.Values[row],
            Int128Column w => (decimal)w.Values[row] / PowerOfTen(field.Scale),
            DoubleColumn d => d.Values[row],
            BooleanColumn b => b.Values[row],
            _ => throw new InvalidOperationException($"Column '{field.Name}' is of an unknown kind, {values.GetType().Name}."),
        };
    }

    /// <summary>As <see cref="Value(RowBatch, int, int)"/>, by column name.</summary>
    public static object? Value(this RowBatch batch, int row, string column) => batch.Value(row, batch.Schema.IndexOf(column));

    /// <summary>
    /// The value as text that is the same everywhere: numbers in invariant form, decimals with all digits of their scale, timestamps as
    /// <c>2024-01-15T10:30:00.000000Z</c>, dates as <c>2024-01-15</c>, bytes in base64, null as null.
    /// </summary>
    public static string? Text(this RowBatch batch, int row, int column)
    {
        var field = batch.Schema.Fields[column];
        if (batch.Columns[column].IsNull(row))
            return null;
        if (field.Type == FieldType.Decimal)
            return DecimalText(batch.Columns[column] is Int64Column l ? l.Values[row] : ((Int128Column)batch.Columns[column]).Values[row], field.Scale);
        return batch.Value(row, column) switch
        {
            DateTime time when field.Type == FieldType.Date => time.ToString("yyyy-MM-dd", CultureInfo.InvariantCulture),
            DateTime time => time.ToString("yyyy-MM-ddTHH:mm:ss.ffffff'Z'", CultureInfo.InvariantCulture),
            byte[] bytes => Convert.ToBase64String(bytes),
            bool truth => truth ? "true" : "false",
            double number => number.ToString("R", CultureInfo.InvariantCulture),
            IFormattable other => other.ToString(null, CultureInfo.InvariantCulture),
            var other => other?.ToString(),
        };
    }

    private static decimal PowerOfTen(int scale)
    {
        var power = 1m;
        for (; scale > 0; scale--)
            power *= 10;
        return power;
    }

    private static string DecimalText(Int128 unscaled, int scale)
    {
        var digits = Int128.Abs(unscaled).ToString(CultureInfo.InvariantCulture).PadLeft(scale + 1, '0');
        var text = scale == 0 ? digits : $"{digits[..^scale]}.{digits[^scale..]}";
        return unscaled < 0 ? "-" + text : text;
    }
}
