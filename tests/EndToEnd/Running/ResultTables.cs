using System.Globalization;
using System.Text.Json;
using Azure.Data.Tables;
using Tidemark.Domain.Pipelines;

namespace Tidemark.EndToEnd.Running;

/// <summary>Rows of a query in Table storage, brought into the same text as those of its Delta table.</summary>
internal static class ResultTables
{
    private static readonly string[] NotColumns = ["PartitionKey", "RowKey", "Timestamp", "odata.etag", "is_final", "updated_at", "revision"];

    /// <param name="Canonical">The row as text.</param>
    /// <param name="IsFinal">Whether it will not change.</param>
    /// <param name="Time">Time that it is sorted by, ms; null = it is not.</param>
    /// <param name="AgeTime">Time that it grows old by, ms.</param>
    /// <param name="Revision">Of a row that replaces others, or that was corrected; null else.</param>
    public sealed record Row(string Canonical, bool IsFinal, long? Time, long AgeTime, long? Revision);

    /// <summary>All rows in the order of their keys.</summary>
    public static async Task<IReadOnlyList<Row>> ReadAsync(string connection, IOutput output)
    {
        var query = output.Name;
        var name = string.Concat(query.Split('_').Select(word => char.ToUpperInvariant(word[0]) + word[1..]));
        var rows = new List<Row>();
        await foreach (var entity in new TableClient(connection, name).QueryAsync<TableEntity>("RowKey ne '!fence'"))
            rows.Add(new Row(
                Text(entity.Where(p => !NotColumns.Contains(p.Key)).Select(p => (p.Key, Text(p.Value)))),
                entity.GetBoolean("is_final") == true,
                output.TimeColumn is { } time ? entity.GetDateTimeOffset(time)!.Value.ToUnixTimeMilliseconds() : null,
                entity.GetDateTimeOffset(output.AgeColumn!)!.Value.ToUnixTimeMilliseconds(),
                entity.GetInt64("revision")));
        return rows;
    }

    /// <summary>A row of the Delta table as the oracle prints it.</summary>
    public static string Canonical(JsonElement row) => Text(row.EnumerateObject()
        .Where(p => p.Value.ValueKind != JsonValueKind.Null)
        .Select(p => (p.Name, p.Value.ValueKind == JsonValueKind.Number ? Text(p.Value.GetDouble()) : p.Value.ToString())));

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
