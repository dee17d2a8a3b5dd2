using System.Globalization;
using Azure.Data.Tables;
using Tidemark.Domain.Enrichment;

namespace Tidemark.Functions.Catalogs;

/// <summary>
/// Entities of a table in Table storage: <c>product_id</c> (or else the row key), <c>product_name</c> or <c>name</c>, <c>brand</c>, <c>category</c>, <c>price</c> (text or a
/// number); property names in any case, with or without underscores.
/// </summary>
internal sealed class TableCatalogSource(TableClient table) : ICatalogSource
{
    public string Name => $"table:{table.Name}";

    public async Task<LoadedCatalog?> ReadAsync(string? knownMark, CancellationToken cancel)
    {
        var catalog = new CatalogBuilder();
        await foreach (var entity in table.QueryAsync<TableEntity>(cancellationToken: cancel))
        {
            string? Text(params string[] names) => entity.FirstOrDefault(p => names.Contains(p.Key.Replace("_", "", StringComparison.Ordinal), StringComparer.OrdinalIgnoreCase)).Value is { } value
                ? Convert.ToString(value, CultureInfo.InvariantCulture)
                : null;
            var id = Text("productid") ?? entity.RowKey;
            var price = Text("price") is not { Length: > 0 } text ? (decimal?)null
                : decimal.TryParse(text, NumberStyles.Float, CultureInfo.InvariantCulture, out var number) ? number
                : throw new InvalidDataException($"Product {id} in table {table.Name} has the price '{text}', which is no number.");
            catalog.Add(id, Text("productname") ?? Text("name"), Text("brand"), Text("category"), price);
        }

        return new LoadedCatalog(catalog.Build(), null);
    }
}
