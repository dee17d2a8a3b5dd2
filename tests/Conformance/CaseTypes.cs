using System.Globalization;
using System.Text;
using System.Text.Json;
using Tidemark.Domain.Columns;

namespace Tidemark.Conformance;

/// <summary>Values of a case as columns and back: whole numbers are 64-bit, others decimals, times (seconds in a case) are timestamps in microseconds.</summary>
internal static class CaseTypes
{
    private static readonly Dictionary<string, string[]> Names = new()
    {
        ["windowStart"] = ["window_start", "session_start"],
        ["windowEnd"] = ["window_end", "session_end"],
        ["window"] = ["window_end", "session_end"],
        ["windowTime"] = ["window_time", "session_time"],
        ["sessionStart"] = ["session_start", "window_start"],
        ["sessionEnd"] = ["session_end", "window_end"],
        ["sessionTime"] = ["session_time", "window_time"],
    };

    /// <summary>Index of a column of a case; throws <see cref="KeyNotFoundException"/> when it is not there.</summary>
    public static int IndexOf(RowSchema schema, string name)
    {
        foreach (var known in (string[])[name, .. Names.GetValueOrDefault(name, [])])
            for (var i = schema.Fields.Count - 1; i >= 0; i--)
                // The last one of a name: a join appends 'key', the key of whichever side there is.
                if (schema.Fields[i].Name == known)
                    return i;
        throw new KeyNotFoundException($"There is no column '{name}'; there are {string.Join(", ", schema.Fields.Select(f => f.Name))}.");
    }

    /// <summary>What a column of a case is called here; a name that is not there stays, and is refused by whoever reads it.</summary>
    public static string NameIn(RowSchema schema, string name) =>
        ((string[])[name, .. Names.GetValueOrDefault(name, [])]).FirstOrDefault(n => schema.Fields.Any(f => f.Name == n)) ?? name;

    /// <summary>Whether a result column of this name is a time.</summary>
    public static bool IsTime(string name) => Names.ContainsKey(name);

    public static RowBatch Rows(RowSchema schema, IEnumerable<JsonElement> rows)
    {
        var builders = schema.Fields.Select(f => ColumnBuilder.For(f)).ToArray();
        var count = 0;
        foreach (var row in rows)
        {
            if (row.GetArrayLength() > builders.Length)
                throw new NotSupportedCase($"row {row}, which is longer than its columns");
            for (var i = 0; i < builders.Length; i++)
                Append(builders[i], schema.Fields[i], i < row.GetArrayLength() ? row[i] : default);
            count++;
        }
        return new RowBatch(schema, [.. builders.Select(b => b.Build())], count);
    }

    public static void Append(ColumnBuilder to, RowField field, JsonElement value)
    {
        if (value.ValueKind is JsonValueKind.Null or JsonValueKind.Undefined)
            to.AppendNull();
        else if (to is Int64ColumnBuilder number)
            number.Append(Unscaled(value.GetDecimal(), field.Type == FieldType.Timestamp ? 6 : field.Scale));
        else if (to is BooleanColumnBuilder truth)
            truth.Append(value.GetBoolean());
        else
            ((BinaryColumnBuilder)to).Append(Encoding.UTF8.GetBytes(value.ValueKind == JsonValueKind.String ? value.GetString()! : value.GetRawText()));
    }

    /// <summary>A number in units of its last digit; throws when it has more digits.</summary>
    public static long Unscaled(decimal number, int scale)
    {
        for (; scale > 0; scale--)
            number *= 10;
        return number == decimal.Truncate(number) ? (long)number : throw new NotSupportedCase($"number {number} with more digits than a column holds");
    }

    /// <summary>A cell as decimal, string, bool or null; a number that no decimal holds as text.</summary>
    public static object? Cell(RowBatch rows, int row, string name)
    {
        var column = IndexOf(rows.Schema, name);
        if (rows.Columns[column].IsNull(row))
            return null;
        return rows.Columns[column] switch
        {
            Int64Column l when rows.Schema.Fields[column].Type == FieldType.Timestamp => l.Values[row] / 1_000_000m,
            DoubleColumn d => Math.Abs(d.Values[row]) < 1e28 ? (decimal)d.Values[row] : d.Values[row].ToString(CultureInfo.InvariantCulture),
            _ => rows.Value(row, column) switch
            {
                long number => (decimal)number,
                int number => (decimal)number,
                var other => other,
            },
        };
    }

    /// <summary>Whether a cell is what a case expects; numbers within 1e-9, also as texts where a column holds both.</summary>
    public static bool Same(JsonElement expected, object? actual, bool isMixed) => expected.ValueKind switch
    {
        JsonValueKind.Null => actual is null,
        JsonValueKind.Number when isMixed && actual is string text => decimal.TryParse(text, CultureInfo.InvariantCulture, out var number) && number == expected.GetDecimal(),
        JsonValueKind.Number => actual is decimal number && Math.Abs((double)(number - expected.GetDecimal())) <= 1e-9 * Math.Max(1, Math.Abs(expected.GetDouble())),
        JsonValueKind.String => actual is string text && text == expected.GetString(),
        JsonValueKind.True => actual is true,
        JsonValueKind.False => actual is false,
        JsonValueKind.Array => actual is string list && SameSet(expected, list),
        _ => false,
    };

    // Lists are collected in the order of event time, sets in the order of values: compared as multisets.
    private static bool SameSet(JsonElement expected, string actual)
    {
        using var list = JsonDocument.Parse(actual);
        return expected.EnumerateArray().Select(Text).Order(StringComparer.Ordinal).SequenceEqual(list.RootElement.EnumerateArray().Select(Text).Order(StringComparer.Ordinal));
    }

    private static string Text(JsonElement value) =>
        value.ValueKind == JsonValueKind.Number ? value.GetDecimal().ToString("0.#########", CultureInfo.InvariantCulture) : value.GetRawText();
}
