using System.Globalization;
using Tidemark.Delta;
using Tidemark.Domain.Columns;
using Tidemark.Domain.Enrichment;
using Tidemark.Functions.Lake;

namespace Tidemark.Functions.ReferenceData;

/// <summary>A Delta table in the lake's container, with the schema's key and columns; a price is a decimal, a double or an integer, a date is one, or a time.</summary>
internal sealed class DeltaReferenceSource(IObjectStore store, string path, ReferenceSchema schema) : IReferenceSource
{
    private readonly DeltaTable _table = DeltaTable.Open(store, path);

    public string Name => $"delta:{path}";

    public async Task<LoadedReference?> ReadAsync(string? knownMark, CancellationToken cancel)
    {
        var head = await _table.RefreshAsync(cancel);
        if (head.Version < 0)
            throw new FileNotFoundException($"There is no Delta table {path} in the lake's container.");
        var mark = head.Version.ToString(CultureInfo.InvariantCulture);
        if (mark == knownMark)
            return null;
        var snapshot = await _table.SnapshotAsync(head.Version, cancel);
        string[] names = [.. snapshot.Schema.Fields.Select(f => f.Name)];
        var (key, columns) = (schema.FindKey(names), schema.Find(names));
        if (key < 0)
            throw new InvalidDataException($"Delta table {path} has no column {schema.Key}; it has {string.Join(", ", names)}.");
        int[] wanted = [.. columns.Append(key).Where(c => c >= 0).Distinct()];
        var fields = new RowSchema([.. wanted.Select(column => Field(snapshot.Schema.Fields[column]))]);
        var rows = new ReferenceBuilder(schema);
        await foreach (var batch in _table.ReadAsync(snapshot, [.. wanted.Select(column => names[column])], ct: cancel))
            Add(rows, DeltaColumns.FromDelta(batch, fields), Array.IndexOf(wanted, key), [.. columns.Select(column => Array.IndexOf(wanted, column))]);
        return new LoadedReference(rows.Build(), mark);
    }

    private void Add(ReferenceBuilder rows, RowBatch batch, int key, int[] columns)
    {
        for (var row = 0; row < batch.Count; row++)
            if (rows.TryAdd(batch.Text(row, key), [.. columns.Select(column => column < 0 ? null : batch.Text(row, column))]) is { } fault)
                throw new InvalidDataException($"A row of Delta table {path} with {schema.Key} '{batch.Text(row, key)}' {fault}.");
    }

    private RowField Field(TableField field) => field.Type.Kind switch
    {
        TypeKind.String => new RowField(field.Name, FieldType.String),
        TypeKind.Int32 => new RowField(field.Name, FieldType.Int32),
        TypeKind.Int64 => new RowField(field.Name, FieldType.Int64),
        TypeKind.Double => new RowField(field.Name, FieldType.Double),
        TypeKind.Date => new RowField(field.Name, FieldType.Date),
        TypeKind.Timestamp => new RowField(field.Name, FieldType.Timestamp),
        TypeKind.Decimal when field.Type is DecimalType money => new RowField(field.Name, FieldType.Decimal, true, money.Precision, money.Scale),
        _ => throw new InvalidDataException($"Column {field.Name} of Delta table {path} is {field.Type}; a {schema.Title} has text, numbers (decimal, double or integer) and dates."),
    };
}
