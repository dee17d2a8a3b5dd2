using System.Globalization;
using System.Text;
using System.Text.Json;

namespace Tidemark.Delta.Log;

/// <summary>Decides by partition values and statistics whether a file can hold a row that a filter wants.</summary>
internal static class DataSkipping
{
    private const long MillisRoundedOff = 999;

    public static bool MayMatch(DataFile file, TableSchema schema, IReadOnlyList<string> partitionColumns, ScanFilter filter)
    {
        using var stats = Parse(file.Stats);
        foreach (var range in filter.Ranges)
        {
            var at = schema.IndexOf(range.Column);
            if (at < 0) throw new ArgumentException($"The filter names column '{range.Column}', which the table does not have.");
            var field = schema.Fields[at];
            if (partitionColumns.Contains(field.Name, StringComparer.OrdinalIgnoreCase))
            {
                file.PartitionValues.TryGetValue(field.Name, out var value);
                if (string.IsNullOrEmpty(value)) return false;
                if (!InPartition(field.Type, value, range)) return false;
            }
            else if (stats is not null && !InStatistics(field, stats.RootElement, range))
            {
                return false;
            }
        }

        return true;
    }

    private static JsonDocument? Parse(string? stats)
    {
        if (stats is null) return null;
        try
        {
            var document = JsonDocument.Parse(stats);
            if (document.RootElement.ValueKind == JsonValueKind.Object) return document;
            document.Dispose();
        }
        catch (JsonException)
        {
            // Unreadable statistics leave nothing out.
        }

        return null;
    }

    private static bool InPartition(DataType type, string value, ColumnRange range)
    {
        if (range.IsText) return type.Kind != TypeKind.String || Within(value, value, range);
        return Number(type, value) is not { } number || (range.From is null || number >= range.From) && (range.To is null || number <= range.To);
    }

    private static bool InStatistics(TableField field, JsonElement stats, ColumnRange range)
    {
        if (Child(stats, "nullCount", field.Name) is { ValueKind: JsonValueKind.Number } nulls && stats.TryGetProperty("numRecords", out var records)
            && records.ValueKind == JsonValueKind.Number && nulls.TryGetInt64(out var nullCount) && records.TryGetInt64(out var rows) && nullCount == rows)
            return false;
        if (Child(stats, "minValues", field.Name) is not { } min || Child(stats, "maxValues", field.Name) is not { } max) return true;
        if (range.IsText)
        {
            return field.Type.Kind != TypeKind.String || min.ValueKind != JsonValueKind.String || max.ValueKind != JsonValueKind.String
                || Within(min.GetString()!, max.GetString()!, range);
        }

        var low = Number(field.Type, Text(min));
        var high = Number(field.Type, Text(max));
        if (field.Type.Kind == TypeKind.Timestamp) high += MillisRoundedOff;
        return (range.From is null || high is null || high >= range.From) && (range.To is null || low is null || low <= range.To);
    }

    private static string Text(JsonElement json) => json.ValueKind == JsonValueKind.String ? json.GetString()! : json.GetRawText();

    private static JsonElement? Child(JsonElement stats, string group, string column) =>
        stats.TryGetProperty(group, out var values) && values.ValueKind == JsonValueKind.Object && values.TryGetProperty(column, out var value)
        && value.ValueKind != JsonValueKind.Null ? value : null;

    private static bool Within(string min, string max, ColumnRange range) =>
        (range.TextFrom is null || Compare(max, range.TextFrom) >= 0) && (range.TextTo is null || Compare(min, range.TextTo) <= 0);

    private static int Compare(string a, string b) => Encoding.UTF8.GetBytes(a).AsSpan().SequenceCompareTo(Encoding.UTF8.GetBytes(b));

    private static long? Number(DataType type, string text)
    {
        try
        {
            return type.Kind switch
            {
                TypeKind.Byte or TypeKind.Short or TypeKind.Int32 or TypeKind.Int64 => long.Parse(text, CultureInfo.InvariantCulture),
                TypeKind.Date => ValueText.ParseDate(text),
                TypeKind.Timestamp => ValueText.ParseTimestamp(text),
                _ => null,
            };
        }
        catch (FormatException)
        {
            return null;
        }
    }
}
