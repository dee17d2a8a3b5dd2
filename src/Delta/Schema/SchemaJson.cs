using System.Buffers;
using System.Text;
using System.Text.Json;

namespace Tidemark.Delta.Log;

/// <summary>Delta's schema as JSON: the `schemaString` of a metaData action.</summary>
internal static class SchemaJson
{
    private const int MaxDepth = 64;

    public static string Write(TableSchema schema)
    {
        var buffer = new ArrayBufferWriter<byte>();
        using (var json = new Utf8JsonWriter(buffer, JsonFormat.Options)) WriteStruct(json, schema.Fields);
        return Encoding.UTF8.GetString(buffer.WrittenSpan);
    }

    private static void WriteStruct(Utf8JsonWriter json, IReadOnlyList<TableField> fields)
    {
        json.WriteStartObject();
        json.WriteString("type", "struct");
        json.WriteStartArray("fields");
        foreach (var field in fields)
        {
            json.WriteStartObject();
            json.WriteString("name", field.Name);
            json.WritePropertyName("type");
            WriteType(json, field.Type);
            json.WriteBoolean("nullable", field.Nullable);
            json.WritePropertyName("metadata");
            json.WriteRawValue(field.MetadataJson);
            json.WriteEndObject();
        }

        json.WriteEndArray();
        json.WriteEndObject();
    }

    private static void WriteType(Utf8JsonWriter json, DataType type)
    {
        switch (type)
        {
            case StructType nested:
                WriteStruct(json, nested.Fields);
                break;
            case ListType list:
                json.WriteStartObject();
                json.WriteString("type", "array");
                json.WritePropertyName("elementType");
                WriteType(json, list.Element);
                json.WriteBoolean("containsNull", list.ElementNullable);
                json.WriteEndObject();
                break;
            case MapType map:
                json.WriteStartObject();
                json.WriteString("type", "map");
                json.WritePropertyName("keyType");
                WriteType(json, map.Key);
                json.WritePropertyName("valueType");
                WriteType(json, map.Value);
                json.WriteBoolean("valueContainsNull", map.ValueNullable);
                json.WriteEndObject();
                break;
            default:
                json.WriteStringValue(type.ToString());
                break;
        }
    }

    /// <exception cref="DeltaUnsupportedException">A column has a type this library does not handle.</exception>
    /// <exception cref="DeltaFormatException">The text is not a schema.</exception>
    public static TableSchema Read(string text)
    {
        try
        {
            using var json = JsonDocument.Parse(text, new JsonDocumentOptions { MaxDepth = MaxDepth * 4 });
            return new TableSchema(ReadFields(json.RootElement, "", 0));
        }
        catch (Exception wrong) when (wrong is JsonException or InvalidOperationException or KeyNotFoundException or ArgumentException)
        {
            throw new DeltaFormatException($"The table's schema is not a Delta schema: {wrong.Message}", wrong);
        }
    }

    private static List<TableField> ReadFields(JsonElement json, string path, int depth)
    {
        if (depth > MaxDepth) throw new DeltaFormatException($"The table's schema nests deeper than {MaxDepth} levels at '{path}'.");
        var fields = new List<TableField>();
        foreach (var field in json.GetProperty("fields").EnumerateArray())
        {
            var name = field.GetProperty("name").GetString()!;
            var full = path.Length == 0 ? name : $"{path}.{name}";
            var metadata = field.TryGetProperty("metadata", out var m) && m.ValueKind == JsonValueKind.Object ? m.GetRawText() : "{}";
            fields.Add(new TableField(name, ReadType(field.GetProperty("type"), full, depth), field.GetProperty("nullable").GetBoolean(), metadata));
        }

        return fields;
    }

    private static DataType ReadType(JsonElement json, string path, int depth)
    {
        if (depth > MaxDepth) throw new DeltaFormatException($"The table's schema nests deeper than {MaxDepth} levels at '{path}'.");
        if (json.ValueKind == JsonValueKind.String)
        {
            return DataType.FromName(json.GetString()!)
                ?? throw new DeltaUnsupportedException($"Column '{path}' has the type '{json.GetString()}', which is not supported here.");
        }

        return json.GetProperty("type").GetString() switch
        {
            "struct" => new StructType(ReadFields(json, path, depth + 1)),
            "array" => new ListType(ReadType(json.GetProperty("elementType"), path + ".element", depth + 1), json.GetProperty("containsNull").GetBoolean()),
            "map" => new MapType(ReadType(json.GetProperty("keyType"), path + ".key", depth + 1),
                ReadType(json.GetProperty("valueType"), path + ".value", depth + 1), json.GetProperty("valueContainsNull").GetBoolean()),
            var other => throw new DeltaUnsupportedException($"Column '{path}' has the type '{other}', which is not supported here."),
        };
    }
}
