using Tidemark.Domain.Columns;
using D = Tidemark.Delta;

namespace Tidemark.Functions.Lake;

/// <summary>
/// Between the domain's columns and those of the Delta library, which do not know each other. Arrays are handed over by reference in both
/// directions: nothing is copied but the rare column whose layout differs.
/// </summary>
internal static class DeltaColumns
{
    /// <summary>The table's columns as Delta sees them.</summary>
    public static D.TableSchema ToDelta(RowSchema schema) =>
        new([.. schema.Fields.Select(f => new D.TableField(f.Name, ToDelta(f), f.Nullable))]);

    /// <summary>The same rows, arrays shared.</summary>
    public static D.RecordBatch ToDelta(RowBatch rows, D.TableSchema schema) => new(schema, [.. rows.Columns.Select(ToDelta)], rows.Count);

    /// <summary>The same rows, arrays shared where the layout is the same; the batch must have the schema's columns in order.</summary>
    public static RowBatch FromDelta(D.RecordBatch rows, RowSchema schema) =>
        new(schema, [.. schema.Fields.Select((field, i) => FromDelta(field, rows.Columns[i]))], rows.RowCount);

    private static D.DataType ToDelta(RowField field) => field.Type switch
    {
        FieldType.String => D.DataType.String,
        FieldType.Binary => D.DataType.Binary,
        FieldType.Int32 => D.DataType.Int32,
        FieldType.Int64 => D.DataType.Int64,
        FieldType.Double => D.DataType.Double,
        FieldType.Boolean => D.DataType.Boolean,
        FieldType.Timestamp => D.DataType.Timestamp,
        FieldType.Date => D.DataType.Date,
        FieldType.Decimal => D.DataType.Decimal(field.Precision, field.Scale),
        _ => throw new NotSupportedException($"Column '{field.Name}' has type {field.Type}, which Delta has no counterpart for."),
    };

    private static D.ColumnData ToDelta(Column column) => column switch
    {
        Int32Column c => new D.Int32Column(c.Values, c.Count, c.Nulls),
        Int64Column c => new D.Int64Column(c.Values, c.Count, c.Nulls),
        Int128Column c => new D.Int128Column(c.Values, c.Count, c.Nulls),
        DoubleColumn c => new D.DoubleColumn(c.Values, c.Count, c.Nulls),
        BooleanColumn c => new D.BooleanColumn(c.Values, c.Count, c.Nulls),
        BinaryColumn c => new D.BytesColumn(c.Heap, c.Offsets, c.Count, c.Nulls),
        // The dictionary's arrays may be longer than its entries; the length of the offsets says where it ends.
        DictionaryColumn c => new D.DictionaryColumn(c.Codes, c.Dictionary.Heap, Entries(c.Dictionary), c.Count, c.Nulls),
        _ => throw new NotSupportedException($"A {column.GetType().Name} has no counterpart in Delta."),
    };

    private static int[] Entries(Utf8Column dictionary) =>
        dictionary.Offsets.Length == dictionary.Count + 1 ? dictionary.Offsets : dictionary.Offsets[..(dictionary.Count + 1)];

    private static Column FromDelta(RowField field, D.ColumnData column) => (field.Type, column) switch
    {
        (FieldType.Int32 or FieldType.Date, D.Int32Column c) => new Int32Column(c.Values, c.Length, c.Nulls),
        (FieldType.Int64 or FieldType.Timestamp, D.Int64Column c) => new Int64Column(c.Values, c.Length, c.Nulls),
        (FieldType.Double, D.DoubleColumn c) => new DoubleColumn(c.Values, c.Length, c.Nulls),
        (FieldType.Boolean, D.BooleanColumn c) => new BooleanColumn(c.Values, c.Length, c.Nulls),
        (FieldType.Decimal, D.Int64Column c) when field.Precision <= 18 => new Int64Column(c.Values, c.Length, c.Nulls),
        (FieldType.Decimal, D.Int64Column c) => new Int128Column(Array.ConvertAll(c.Values, v => (Int128)v), c.Length, c.Nulls),
        (FieldType.Decimal, D.Int128Column c) when field.Precision > 18 => new Int128Column(c.Values, c.Length, c.Nulls),
        (FieldType.Decimal, D.Int128Column c) => new Int64Column(Array.ConvertAll(c.Values, v => (long)v), c.Length, c.Nulls),
        (FieldType.String, D.BytesColumn c) => new Utf8Column(c.Heap, c.Offsets, c.Length, c.Nulls),
        (FieldType.String, D.DictionaryColumn c) => new DictionaryColumn(Codes(c), new Utf8Column(c.Heap, c.Offsets, c.DictionaryLength), c.Length, c.Nulls),
        (FieldType.Binary, D.BytesColumn c) => new BinaryColumn(c.Heap, c.Offsets, c.Length, c.Nulls),
        (FieldType.Binary, D.DictionaryColumn c) => Spread(c),
        _ => throw new InvalidDataException($"Column '{field.Name}' is {field.Type} here and a {column.GetType().Name} in the table; the table was changed by another program."),
    };

    /// <summary>Delta leaves the codes of null rows as they happen to be; here they are 0, which whoever looks up every code relies on.</summary>
    private static int[] Codes(D.DictionaryColumn column)
    {
        if (column.Nulls is not null)
            for (var row = 0; row < column.Length; row++)
                if (column.IsNull(row))
                    column.Codes[row] = 0;
        return column.Codes;
    }

    private static BinaryColumn Spread(D.DictionaryColumn column)
    {
        var offsets = new int[column.Length + 1];
        for (var row = 0; row < column.Length; row++)
            offsets[row + 1] = checked(offsets[row] + (column.IsNull(row) ? 0 : column[row].Length));
        var heap = new byte[offsets[^1]];
        for (var row = 0; row < column.Length; row++)
            if (!column.IsNull(row))
                column[row].CopyTo(heap.AsSpan(offsets[row]));
        return new BinaryColumn(heap, offsets, column.Length, column.Nulls);
    }
}
