using System.Globalization;
using System.Text;
using System.Text.Json;
using Azure.Data.Tables;
using Tidemark.Domain.Columns;
using Tidemark.Domain.Pipelines;

namespace Tidemark.Functions.Results;

/// <summary>Result rows as JSON and CSV: decimals with all their digits, times in ISO 8601 UTC.</summary>
internal static class RowJson
{
    /// <summary>When a row was written, beside its columns.</summary>
    public const string UpdatedAt = "updated_at";

    private static readonly JsonWriterOptions Options = new() { SkipValidation = true };

    /// <summary><c>{"query":…,"source":…,"rows":[{column:value,…,"is_final":…,"updated_at":…}],"continuation":…,"next":…}</c>.</summary>
    public static byte[] Page(IOutput query, string source, IEnumerable<TableEntity> rows, string? continuation, string? next) => Written(json =>
    {
        json.WriteStartObject();
        json.WriteString("query", query.Name);
        json.WriteString("source", source);
        json.WritePropertyName("rows");
        Rows(json, query, rows);
        json.WriteString("continuation", continuation);
        json.WriteString("next", next);
        json.WriteEndObject();
    });

    /// <summary>Rows as objects.</summary>
    public static void Rows(Utf8JsonWriter json, IOutput query, IEnumerable<TableEntity> rows)
    {
        json.WriteStartArray();
        foreach (var row in rows)
            Object(json, query, row);
        json.WriteEndArray();
    }

    /// <summary>What is written.</summary>
    public static byte[] Written(Action<Utf8JsonWriter> write)
    {
        using var bytes = new MemoryStream();
        using (var json = new Utf8JsonWriter(bytes))
            write(json);
        return bytes.ToArray();
    }

    /// <summary>Rows as arrays in the order of the query's columns, each with <c>is_final</c> at its end.</summary>
    public static string Arrays(IOutput query, IEnumerable<TableEntity> rows)
    {
        using var bytes = new MemoryStream();
        using (var json = new Utf8JsonWriter(bytes, Options))
        {
            json.WriteStartArray();
            foreach (var row in rows)
            {
                json.WriteStartArray();
                foreach (var field in query.Schema.Fields)
                    Cell(json, field, row);
                json.WriteBooleanValue(row.GetBoolean("is_final") ?? false);
                json.WriteEndArray();
            }

            json.WriteEndArray();
        }

        return Encoding.UTF8.GetString(bytes.GetBuffer(), 0, (int)bytes.Length);
    }

    /// <summary>A header line and a line for each row. Text that a spreadsheet would take for a formula gets an apostrophe in front.</summary>
    public static byte[] Csv(IOutput query, IEnumerable<TableEntity> rows)
    {
        var text = new StringBuilder();
        text.AppendJoin(',', query.Schema.Fields.Select(f => f.Name).Append("is_final")).Append("\r\n");
        foreach (var row in rows)
            text.AppendJoin(',', query.Schema.Fields.Select(f => Field(f, row.TryGetValue(f.Name, out var value) ? value : null)).Append(row.GetBoolean("is_final") == true ? "true" : "false")).Append("\r\n");
        return Encoding.UTF8.GetBytes(text.ToString());
    }

    private static string Field(RowField field, object? value) => value switch
    {
        null => "",
        bool flag => flag ? "true" : "false",
        DateTimeOffset time => time.UtcDateTime.ToString("yyyy-MM-ddTHH:mm:ss.FFFFFFZ", CultureInfo.InvariantCulture),
        DateTime time => time.ToUniversalTime().ToString("yyyy-MM-ddTHH:mm:ss.FFFFFFZ", CultureInfo.InvariantCulture),
        byte[] bytes => Convert.ToBase64String(bytes),
        string text when field.Type == FieldType.String => Quoted(text.Length > 0 && "=+-@\t\r".Contains(text[0]) ? "'" + text : text),
        IFormattable number => number.ToString(null, CultureInfo.InvariantCulture),
        var other => Quoted(other.ToString() ?? ""),
    };

    private static string Quoted(string text) =>
        text.AsSpan().IndexOfAny(",\"\r\n") < 0 ? text : "\"" + text.Replace("\"", "\"\"", StringComparison.Ordinal) + "\"";

    /// <summary>A row as an object.</summary>
    public static void Object(Utf8JsonWriter json, IOutput query, TableEntity row)
    {
        json.WriteStartObject();
        foreach (var field in query.Schema.Fields)
        {
            json.WritePropertyName(field.Name);
            Cell(json, field, row);
        }

        json.WriteBoolean("is_final", row.GetBoolean("is_final") ?? false);
        // An output may have such a column of its own.
        if (query.Schema.Fields.All(f => f.Name != UpdatedAt))
        {
            json.WritePropertyName(UpdatedAt);
            Value(json, row.TryGetValue(UpdatedAt, out var at) ? at : null);
        }

        json.WriteEndObject();
    }

    private static void Cell(Utf8JsonWriter json, RowField field, TableEntity row)
    {
        if (!row.TryGetValue(field.Name, out var value) || value is null)
            json.WriteNullValue();
        else if (field.Type == FieldType.Decimal && value is string digits)
            json.WriteRawValue(digits);
        else
            Value(json, value);
    }

    /// <summary>One value.</summary>
    internal static void Value(Utf8JsonWriter json, object? value)
    {
        switch (value)
        {
            case null: json.WriteNullValue(); break;
            case bool flag: json.WriteBooleanValue(flag); break;
            case int number: json.WriteNumberValue(number); break;
            case long number: json.WriteNumberValue(number); break;
            case double number when double.IsFinite(number): json.WriteNumberValue(number); break;
            case DateTimeOffset time: json.WriteStringValue(time.UtcDateTime); break;
            case DateTime time: json.WriteStringValue(time.ToUniversalTime()); break;
            case byte[] bytes: json.WriteBase64StringValue(bytes); break;
            case IFormattable other: json.WriteStringValue(other.ToString(null, CultureInfo.InvariantCulture)); break;
            default: json.WriteStringValue(value.ToString()); break;
        }
    }
}
