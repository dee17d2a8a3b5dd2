using System.Text.Json;
using System.Text.Json.Nodes;
using System.Text.Json.Schema;
using System.Text.Json.Serialization;
using System.Text.Json.Serialization.Metadata;
using Tidemark.Domain.Columns;
using Tidemark.Domain.Pipelines;
using Tidemark.Functions.Results;
using Tidemark.Functions.Status;

namespace Tidemark.Functions.Api;

/// <summary>A JSON Schema (2020-12) once the components of a document are known.</summary>
internal delegate JsonNode Schema(SchemaBook book);

/// <summary>Ways to make schemas.</summary>
internal static class Shapes
{
    /// <summary>What a type is written as.</summary>
    public static Schema Of<T>(JsonSerializerOptions? options = null) => book => book.Of(typeof(T), options ?? StatusReport.Json);

    /// <summary>A list of what a type is written as.</summary>
    public static Schema ListOf<T>(JsonSerializerOptions? options = null) => book => Array(book.Of(typeof(T), options ?? StatusReport.Json));

    /// <summary>Text, such as CSV.</summary>
    public static Schema Text { get; } = _ => new JsonObject { ["type"] = "string" };

    /// <summary>Text or null.</summary>
    public static Schema TextOrNull { get; } = _ => new JsonObject { ["type"] = new JsonArray("string", "null") };

    /// <summary>This or null.</summary>
    public static Schema OrNull(Schema schema) => book => new JsonObject { ["anyOf"] = new JsonArray(schema(book), new JsonObject { ["type"] = "null" }) };

    /// <summary>Anything.</summary>
    public static Schema Any { get; } = _ => new JsonObject();

    /// <summary>An object of these properties, all of which are there.</summary>
    public static Schema Object(params (string Name, Schema Schema)[] properties) => book => Object(properties.Select(p => (p.Name, p.Schema(book))));

    /// <summary>A list of these.</summary>
    public static Schema List(Schema items) => book => Array(items(book));

    /// <summary>A page of rows of any output: which one it is says its columns.</summary>
    public static Schema Rows { get; } = book => new JsonObject { ["oneOf"] = new JsonArray([.. book.Outputs.Select(output => PageOf(book, output))]) };

    /// <summary>One row of an output of that name; anything where the pipeline has none.</summary>
    public static Schema RowOf(string name) => book => book.Outputs.FirstOrDefault(o => o.Name == name) is { } output ? book.Row(output) : new JsonObject();

    internal static JsonObject Array(JsonNode items) => new() { ["type"] = "array", ["items"] = items };

    internal static JsonObject Object(IEnumerable<(string Name, JsonNode Schema)> properties)
    {
        var all = properties.ToList();
        return new JsonObject
        {
            ["type"] = "object",
            ["properties"] = new JsonObject([.. all.Select(p => KeyValuePair.Create(p.Name, (JsonNode?)p.Schema))]),
            ["required"] = new JsonArray([.. all.Select(p => (JsonNode)p.Name)]),
        };
    }

    private static JsonNode PageOf(SchemaBook book, IOutput output) => Object(
    [
        ("query", new JsonObject { ["const"] = output.Name }),
        ("source", new JsonObject { ["enum"] = new JsonArray("table", "delta") }),
        ("rows", Array(book.Row(output))),
        ("continuation", new JsonObject { ["type"] = new JsonArray("string", "null") }),
        ("next", new JsonObject { ["type"] = new JsonArray("string", "null") }),
    ]);
}

/// <summary>The components of a document: types and rows that schemas refer to by name.</summary>
internal sealed class SchemaBook(IReadOnlyList<IOutput> outputs)
{
    /// <summary>Outputs of the pipeline.</summary>
    public IReadOnlyList<IOutput> Outputs { get; } = outputs;

    /// <summary>Schemas by name.</summary>
    public JsonObject Components { get; } = [];

    /// <summary>A reference to what a type is written as.</summary>
    public JsonNode Of(Type type, JsonSerializerOptions options)
    {
        var name = type.Name;
        if (!Components.ContainsKey(name))
        {
            // Numbers are written as numbers, whatever else would be read.
            var written = new JsonSerializerOptions(options) { NumberHandling = JsonNumberHandling.Strict, TypeInfoResolver = options.TypeInfoResolver ?? new DefaultJsonTypeInfoResolver() };
            Components[name] = JsonSchemaExporter.GetJsonSchemaAsNode(written, type, new JsonSchemaExporterOptions { TreatNullObliviousAsNonNullable = true, TransformSchemaNode = Required });
        }

        return Reference(name);
    }

    /// <summary>A reference to a row of an output.</summary>
    public JsonNode Row(IOutput output)
    {
        var name = "row_" + output.Name;
        if (!Components.ContainsKey(name))
            Components[name] = Shapes.Object(
            [
                .. output.Schema.Fields.Select(f => (f.Name, (JsonNode)Value(f))),
                ("is_final", new JsonObject { ["type"] = "boolean" }),
                .. output.Schema.Fields.Any(f => f.Name == RowJson.UpdatedAt) ? [] : new[] { (RowJson.UpdatedAt, (JsonNode)new JsonObject { ["type"] = new JsonArray("string", "null"), ["format"] = "date-time" }) },
            ]);
        return Reference(name);
    }

    private static JsonObject Reference(string name) => new() { ["$ref"] = "#/components/schemas/" + name };

    /// <summary>Everything that is written is always written, unless the options leave nulls out.</summary>
    private static JsonNode Required(JsonSchemaExporterContext context, JsonNode schema)
    {
        if (schema is JsonObject { } shape && shape["properties"] is JsonObject properties && context.TypeInfo.Options.DefaultIgnoreCondition == JsonIgnoreCondition.Never)
            shape["required"] = new JsonArray([.. properties.Select(p => (JsonNode)p.Key)]);
        return schema;
    }

    private static JsonObject Value(RowField field)
    {
        var (type, format) = field.Type switch
        {
            FieldType.Boolean => ("boolean", null),
            FieldType.Int32 or FieldType.Int64 => ("integer", null),
            FieldType.Double or FieldType.Decimal => ("number", null),
            FieldType.Timestamp => ("string", "date-time"),
            FieldType.Date => ("string", "date"),
            _ => ("string", (string?)null),
        };
        var schema = new JsonObject { ["type"] = field.Nullable || field.Type == FieldType.Double ? new JsonArray(type, "null") : type };
        if (format is not null)
            schema["format"] = format;
        if (field.Type == FieldType.Decimal)
            schema["description"] = $"Exact, {field.Scale} digits after the point: read it as a decimal, not as a double.";
        return schema;
    }
}
