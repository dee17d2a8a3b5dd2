namespace Tidemark.Delta;

/// <summary>Rows as columns: one <see cref="ColumnData"/> per field of the schema, all of <see cref="RowCount"/> rows.</summary>
public sealed class RecordBatch
{
    /// <exception cref="ArgumentException">A column's kind does not fit its field, or its length differs.</exception>
    public RecordBatch(TableSchema schema, IReadOnlyList<ColumnData> columns, int rowCount)
    {
        if (columns.Count != schema.Fields.Count)
            throw new ArgumentException($"The schema has {schema.Fields.Count} columns and the batch {columns.Count}.", nameof(columns));
        for (var i = 0; i < columns.Count; i++)
        {
            var field = schema.Fields[i];
            if (columns[i].Length != rowCount)
                throw new ArgumentException($"Column '{field.Name}' has {columns[i].Length} rows in a batch of {rowCount}.", nameof(columns));
            CheckKind(field.Name, field.Type, columns[i]);
        }

        Schema = schema;
        Columns = columns;
        RowCount = rowCount;
    }

    public TableSchema Schema { get; }

    public IReadOnlyList<ColumnData> Columns { get; }

    public int RowCount { get; }

    /// <summary>The column of a name, case-insensitive.</summary>
    /// <exception cref="ArgumentException">There is none.</exception>
    public ColumnData this[string name] => Schema.IndexOf(name) is var i and >= 0
        ? Columns[i]
        : throw new ArgumentException($"The batch has no column '{name}'.", nameof(name));

    /// <summary>The same rows with only the named columns; nothing is copied.</summary>
    public RecordBatch Select(IReadOnlyCollection<string> names) => new(Schema.Select(names), [.. names.Select(n => this[n])], RowCount);

    /// <summary>The given rows in the given order, copied.</summary>
    public RecordBatch Take(ReadOnlyMemory<int> rows) => new(Schema, [.. Columns.Select(c => ColumnGather.Take(c, rows.Span))], rows.Length);

    /// <summary>Rows [from, to), copied.</summary>
    public RecordBatch Slice(int from, int to)
    {
        var rows = new int[to - from];
        for (var i = 0; i < rows.Length; i++) rows[i] = from + i;
        return Take(rows);
    }

    /// <summary>All rows of batches of one schema, one after another; a single batch is returned as it is.</summary>
    public static RecordBatch Concat(IReadOnlyList<RecordBatch> batches)
    {
        if (batches.Count == 1) return batches[0];
        if (batches.Count == 0) throw new ArgumentException("There is no batch to take a schema from.", nameof(batches));
        var schema = batches[0].Schema;
        if (batches.FirstOrDefault(b => !b.Schema.Equals(schema)) is { } odd)
            throw new ArgumentException($"Batches of different schemas cannot be joined: ({schema}) and ({odd.Schema}).", nameof(batches));
        var columns = new ColumnData[schema.Fields.Count];
        for (var i = 0; i < columns.Length; i++)
            columns[i] = ColumnConcat.Concat(schema.Fields[i].Type, [.. batches.Select(b => b.Columns[i])]);
        return new RecordBatch(schema, columns, batches.Sum(b => b.RowCount));
    }

    private static void CheckKind(string name, DataType type, ColumnData column)
    {
        var fits = (type.Kind, column) switch
        {
            (TypeKind.Boolean, BooleanColumn) => true,
            (TypeKind.Byte or TypeKind.Short or TypeKind.Int32 or TypeKind.Date, Int32Column) => true,
            (TypeKind.Int64 or TypeKind.Timestamp, Int64Column) => true,
            (TypeKind.Float, FloatColumn) => true,
            (TypeKind.Double, DoubleColumn) => true,
            (TypeKind.Decimal, Int128Column) => true,
            (TypeKind.Decimal, Int64Column) => ((DecimalType)type).Precision <= 18,
            (TypeKind.String or TypeKind.Binary, BytesColumn or DictionaryColumn) => true,
            (TypeKind.List, ListColumn) or (TypeKind.Map, MapColumn) => true,
            (TypeKind.Struct, StructColumn nested) => nested.Fields.Count == ((StructType)type).Fields.Count,
            _ => false,
        };
        if (!fits) throw new ArgumentException($"Column '{name}' of type {type} cannot be held in a {column.GetType().Name}.", nameof(column));
        switch (type, column)
        {
            case (ListType list, ListColumn values): CheckKind(name + ".element", list.Element, values.Elements); break;
            case (MapType map, MapColumn values):
                CheckKind(name + ".key", map.Key, values.Keys);
                CheckKind(name + ".value", map.Value, values.Values);
                break;
            case (StructType nested, StructColumn values):
                for (var i = 0; i < nested.Fields.Count; i++) CheckKind($"{name}.{nested.Fields[i].Name}", nested.Fields[i].Type, values.Fields[i]);
                break;
        }
    }
}
