using System.Text.Json;
using Tidemark.Domain.Columns;
using Tidemark.Functions.Results;

namespace Tidemark.Functions.Replay;

/// <summary>A row of the quarantine table as the record that it was, and why it is there.</summary>
internal sealed record QuarantinedRecord(
    int Partition, long Offset, string Topic, DateTime KafkaTime, string Reason, string Detail, byte[]? Key, byte[]? Value, IReadOnlyList<(string Name, byte[]? Value)> Headers)
{
    public static QuarantinedRecord Of(RowBatch rows, int row) => new(
        (int)Cell(rows, row, "kafka_partition")!, (long)Cell(rows, row, "kafka_offset")!, (string)Cell(rows, row, "kafka_topic")!, (DateTime)Cell(rows, row, "kafka_time")!,
        (string)Cell(rows, row, "reason")!, (string)Cell(rows, row, "detail")!, Bytes(rows, row, "kafka_key"), Bytes(rows, row, "value"), HeadersOf(rows, row));

    private static object? Cell(RowBatch rows, int row, string column) => Results.Cell.Value(rows, rows.Schema.IndexOf(column), row);

    private static byte[]? Bytes(RowBatch rows, int row, string column) =>
        rows[column] is var values && values.IsNull(row) ? null : ((BinaryColumn)values)[row].ToArray();

    private static List<(string, byte[]?)> HeadersOf(RowBatch rows, int row)
    {
        var headers = new List<(string, byte[]?)>();
        if (Cell(rows, row, "kafka_headers") is not string text)
            return headers;
        using var json = JsonDocument.Parse(text);
        foreach (var header in json.RootElement.EnumerateArray())
            if (header.GetProperty("key").GetString() is { } key)
                headers.Add((key, header.GetProperty("value").ValueKind == JsonValueKind.Null ? null : header.GetProperty("value").GetBytesFromBase64()));
        return headers;
    }
}
