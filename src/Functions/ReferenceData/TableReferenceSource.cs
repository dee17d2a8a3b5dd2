using System.Globalization;
using Azure.Data.Tables;
using Tidemark.Domain.Enrichment;

namespace Tidemark.Functions.ReferenceData;

/// <summary>
/// Entities of a table in Table storage: the key (or else the row key) and the schema's columns, as text, numbers or times; property names in any case, with or without
/// underscores.
/// </summary>
internal sealed class TableReferenceSource(TableClient table, ReferenceSchema schema) : IReferenceSource
{
    // As property names are compared.
    private readonly ReferenceSchema _plain = schema with
    {
        Key = Plain(schema.Key),
        Columns = [.. schema.Columns.Select(column => column with { Names = [.. column.Names.Select(Plain)] })],
    };

    public string Name => $"table:{table.Name}";

    public async Task<LoadedReference?> ReadAsync(string? knownMark, CancellationToken cancel)
    {
        var rows = new ReferenceBuilder(schema);
        await foreach (var entity in table.QueryAsync<TableEntity>(cancellationToken: cancel))
        {
            // A property without value is as good as none.
            var properties = entity.Where(p => p.Value is not null).ToList();
            string[] names = [.. properties.Select(p => Plain(p.Key))];
            var key = _plain.FindKey(names) is var at and >= 0 ? Text(properties[at].Value) : entity.RowKey;
            if (rows.TryAdd(key, [.. _plain.Find(names).Select(column => column < 0 ? null : Text(properties[column].Value))]) is { } fault)
                throw new InvalidDataException($"Entity {entity.PartitionKey}/{entity.RowKey} of table {table.Name} {fault}.");
        }

        return new LoadedReference(rows.Build(), null);
    }

    private static string Plain(string name) => name.Replace("_", "", StringComparison.Ordinal);

    private static string? Text(object value) => value switch
    {
        DateTimeOffset time => time.UtcDateTime.ToString("yyyy-MM-dd", CultureInfo.InvariantCulture),
        DateTime time => time.ToUniversalTime().ToString("yyyy-MM-dd", CultureInfo.InvariantCulture),
        _ => Convert.ToString(value, CultureInfo.InvariantCulture),
    };
}
