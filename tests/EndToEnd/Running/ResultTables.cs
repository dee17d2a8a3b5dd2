using System.Globalization;
using System.Text.Json;
using Azure.Data.Tables;

namespace Tidemark.EndToEnd.Running;

/// <summary>Rows of a query in Table storage, brought into the same text as those of its Delta table.</summary>
internal static class ResultTables
{
    private static readonly string[] NotColumns = ["PartitionKey", "RowKey", "Timestamp", "odata.etag", "is_final", "updated_at", "revision"];

    public sealed record Row(string Canonical, bool IsFinal, long WindowStart, long? Revision);

    /// <summary>All rows in the order of their keys.</summary>
    public static async Task<IReadOnlyList<Row>> ReadAsync(string connection, string query)
    {
        var name = string.Concat(query.Split('_').Select(word => char.ToUpperInvariant(word[0]) + word[1..]));
        var rows = new List<Row>();
        await foreach (var entity in new TableClient(connection, name).QueryAsync<TableEntity>("RowKey ne '!fence'"))
            rows.Add(new Row(
                Text(entity.Where(p => !NotColumns.Contains(p.Key)).Select(p => (p.Key, Text(p.Value)))),
                entity.GetBoolean("is_final") == true,
                entity.GetDateTimeOffset("window_start")!.Value.ToUnixTimeMilliseconds(),
                entity.GetInt64("revision")));
        return rows;
    }

    /// <summary>A row of the Delta table as the oracle prints it.</summary>
    public static string Canonical(JsonElement row) => Text(row.EnumerateObject()
        .Where(p => p.Value.ValueKind != JsonValueKind.Null)
        .Select(p => (p.Name, p.Value.ValueKind == JsonValueKind.Number ? Text(p.Value.GetDouble()) : p.Value.GetString()!)));

    private static string Text(IEnumerable<(string Name, string Value)> columns) =>
        string.Join(" ", columns.OrderBy(c => c.Name, StringComparer.Ordinal).Select(c => $"{c.Name}={c.Value}"));

    private static string Text(object value) => value switch
    {
        DateTimeOffset time => Text((double)time.ToUnixTimeMilliseconds()),
        DateTime time => Text((double)new DateTimeOffset(time.ToUniversalTime()).ToUnixTimeMilliseconds()),
        double number => number.ToString("G15", CultureInfo.InvariantCulture),
        IFormattable number => number.ToString(null, CultureInfo.InvariantCulture),
        _ => value.ToString()!,
    };
}
