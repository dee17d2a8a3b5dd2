using System.Globalization;
using Tidemark.Delta;
using Tidemark.Domain.Columns;
using Tidemark.Domain.Enrichment;
using Tidemark.Functions.Lake;

namespace Tidemark.Functions.Catalogs;

/// <summary>A Delta table in the lake's container, with the columns that <see cref="CatalogCsv"/> knows; price is a decimal, a double or an integer.</summary>
internal sealed class DeltaCatalogSource(IObjectStore store, string path) : ICatalogSource
{
    private readonly DeltaTable _table = DeltaTable.Open(store, path);

    public string Name => $"delta:{path}";

    public async Task<LoadedCatalog?> ReadAsync(string? knownMark, CancellationToken cancel)
    {
        var head = await _table.RefreshAsync(cancel);
        if (head.Version < 0)
            throw new FileNotFoundException($"There is no Delta table {path} in the lake's container.");
        var mark = head.Version.ToString(CultureInfo.InvariantCulture);
        if (mark == knownMark)
            return null;
        var snapshot = await _table.SnapshotAsync(head.Version, cancel);
        string? Find(params string[] names) => names.FirstOrDefault(name => snapshot.Schema.IndexOf(name) >= 0);
        string?[] columns = [Find("product_id"), Find("product_name", "name"), Find("brand"), Find("category"), Find("price")];
        if (columns[0] is null)
            throw new InvalidDataException($"Delta table {path} has no column product_id; it has {string.Join(", ", snapshot.Schema.Fields.Select(f => f.Name))}.");
        var wanted = columns.OfType<string>().ToList();
        var schema = new RowSchema([.. wanted.Select(name => Field(snapshot.Schema.Fields[snapshot.Schema.IndexOf(name)]))]);
        var catalog = new CatalogBuilder();
        await foreach (var batch in _table.ReadAsync(snapshot, wanted, ct: cancel))
            Add(catalog, DeltaColumns.FromDelta(batch, schema), columns);
        return new LoadedCatalog(catalog.Build(), mark);
    }

    private static void Add(CatalogBuilder catalog, RowBatch rows, string?[] columns)
    {
        var at = columns.Select(name => name is null ? -1 : rows.Schema.IndexOf(name)).ToArray();
        string? Text(int row, int column) => at[column] < 0 ? null : rows.Text(row, at[column]);
        for (var row = 0; row < rows.Count; row++)
            catalog.Add(Text(row, 0) ?? "", Text(row, 1), Text(row, 2), Text(row, 3), Text(row, 4) is { } price ? decimal.Parse(price, NumberStyles.Float, CultureInfo.InvariantCulture) : null);
    }

    private RowField Field(TableField field) => field.Type.Kind switch
    {
        TypeKind.String => new RowField(field.Name, FieldType.String),
        TypeKind.Int32 => new RowField(field.Name, FieldType.Int32),
        TypeKind.Int64 => new RowField(field.Name, FieldType.Int64),
        TypeKind.Double => new RowField(field.Name, FieldType.Double),
        TypeKind.Decimal when field.Type is DecimalType money => new RowField(field.Name, FieldType.Decimal, true, money.Precision, money.Scale),
        _ => throw new InvalidDataException($"Column {field.Name} of Delta table {path} is {field.Type}; a catalog has text, and a price that is a decimal, a double or an integer."),
    };
}
