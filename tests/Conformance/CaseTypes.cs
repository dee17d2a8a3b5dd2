using System.Globalization;
using System.Text.Json;
using Tidemark.Domain.Columns;

namespace Tidemark.Conformance;

/// <summary>Values of a case as columns and back: numbers are decimal(18,6), times (seconds in a case) are timestamps in microseconds.</summary>
internal static class CaseTypes
{
    /// <summary>Names that results have here.</summary>
    public static string Name(string name) => name switch
    {
        "windowStart" => "window_start",
        "windowEnd" or "window" => "window_end",
        "windowTime" => "window_time",
        "sessionStart" => "session_start",
        "sessionEnd" => "session_end",
        "sessionTime" => "session_time",
        _ => name,
    };

    /// <summary>Fields of an input by what its rows hold.</summary>
    public static RowSchema Schema(IReadOnlyList<string> columns, IEnumerable<JsonElement> rows, IReadOnlySet<string> times)
    {
        var all = rows.ToArray();
        return new RowSchema([.. columns.Select((name, i) => Field(name, all.Where(r => i < r.GetArrayLength()).Select(r => r[i]), times.Contains(name)))]);
    }

    public static RowBatch Rows(RowSchema schema, IEnumerable<JsonElement> rows)
    {
        var builders = schema.Fields.Select(f => ColumnBuilder.For(f)).ToArray();
        var count = 0;
        foreach (var row in rows)
        {
            for (var i = 0; i < builders.Length; i++)
                Append(builders[i], i < row.GetArrayLength() ? row[i] : default);
            count++;
        }
        return new RowBatch(schema, [.. builders.Select(b => b.Build())], count);
    }

    /// <summary>A cell as decimal, string, bool or null.</summary>
    public static object? Cell(RowBatch rows, int row, string name)
    {
        var column = rows.Schema.IndexOf(Name(name));
        if (rows.Columns[column].IsNull(row))
            return null;
        return rows.Columns[column] switch
        {
            Int64Column l when rows.Schema.Fields[column].Type == FieldType.Timestamp => l.Values[row] / 1_000_000m,
            DoubleColumn d => double.IsFinite(d.Values[row]) ? (decimal)d.Values[row] : d.Values[row].ToString(CultureInfo.InvariantCulture),
            _ => rows.Value(row, column) switch
            {
                long number => (decimal)number,
                int number => (decimal)number,
                var other => other,
            },
        };
    }

    /// <summary>Whether a cell is what a case expects; numbers within 1e-9.</summary>
    public static bool Same(JsonElement expected, object? actual) => expected.ValueKind switch
    {
        JsonValueKind.Null => actual is null,
        JsonValueKind.Number => actual is decimal number && Math.Abs((double)(number - expected.GetDecimal())) <= 1e-9 * Math.Max(1, Math.Abs(expected.GetDouble())),
        JsonValueKind.String => actual is string text && text == expected.GetString(),
        JsonValueKind.True => actual is true,
        JsonValueKind.False => actual is false,
        JsonValueKind.Array => actual is string list && SameSet(expected, JsonDocument.Parse(list).RootElement),
        _ => false,
    };

    // Lists are collected in the order of event time, sets in the order of values: compared as multisets.
    private static bool SameSet(JsonElement expected, JsonElement actual) =>
        expected.EnumerateArray().Select(Text).Order(StringComparer.Ordinal).SequenceEqual(actual.EnumerateArray().Select(Text).Order(StringComparer.Ordinal));

    private static string Text(JsonElement value) =>
        value.ValueKind == JsonValueKind.Number ? value.GetDecimal().ToString("0.######", CultureInfo.InvariantCulture) : value.GetRawText();

    private static RowField Field(string name, IEnumerable<JsonElement> values, bool isTime)
    {
        var kinds = values.Select(v => v.ValueKind).Where(k => k != JsonValueKind.Null).Distinct().ToArray();
        return isTime ? new RowField(name, FieldType.Timestamp)
            : kinds.Contains(JsonValueKind.String) ? new RowField(name, FieldType.String)
            : kinds.Any(k => k is JsonValueKind.True or JsonValueKind.False) ? new RowField(name, FieldType.Boolean)
            : new RowField(name, FieldType.Decimal, true, 18, 6);
    }

    private static void Append(ColumnBuilder to, JsonElement value)
    {
        if (value.ValueKind is JsonValueKind.Null or JsonValueKind.Undefined)
            to.AppendNull();
        else if (to is Int64ColumnBuilder number)
            number.Append((long)(value.GetDecimal() * 1_000_000m));
        else if (to is BooleanColumnBuilder truth)
            truth.Append(value.GetBoolean());
        else
            ((BinaryColumnBuilder)to).Append(System.Text.Encoding.UTF8.GetBytes(value.ValueKind == JsonValueKind.String ? value.GetString()! : value.GetRawText()));
    }
}
