using System.Text.Json.Nodes;

namespace Tidemark.Functions.Api;

/// <summary>A parameter of requests. What the OpenAPI document says of it and how it is read are one object, so they cannot differ.</summary>
/// <param name="name">Name in the query, or in the route.</param>
/// <param name="description">What it is for.</param>
/// <param name="schema">JSON Schema of one value.</param>
internal abstract class Parameter(string name, string description, JsonObject schema)
{
    public string Name { get; } = name;

    public string Description { get; } = description;

    public JsonObject Schema { get; } = schema;

    /// <summary>Part of the route, and so always there.</summary>
    public bool InPath { get; init; }

    /// <summary>May be given several times.</summary>
    public bool Repeats { get; init; }

    /// <summary>As OpenAPI has it.</summary>
    public JsonObject Document()
    {
        var document = new JsonObject { ["name"] = Name, ["in"] = InPath ? "path" : "query", ["description"] = Description, ["required"] = InPath };
        document["schema"] = Repeats ? new JsonObject { ["type"] = "array", ["items"] = Schema.DeepClone() } : Schema.DeepClone();
        if (Repeats)
            (document["style"], document["explode"]) = ("form", true);
        return document;
    }
}

/// <summary>A parameter with its type.</summary>
/// <param name="name">Name.</param>
/// <param name="description">What it is for.</param>
/// <param name="schema">JSON Schema of one value.</param>
/// <param name="read">The value of a text, or what it should be instead.</param>
internal sealed class Parameter<T>(string name, string description, JsonObject schema, Func<string, Read<T>> read) : Parameter(name, description, schema)
{
    public Read<T> Read(string text) => read(text);
}

/// <summary>A value, or what the text should have been: <c>a number from 1 to 1000</c>.</summary>
internal readonly record struct Read<T>(T? Value, string? Expected)
{
    public static implicit operator Read<T>(T value) => new(value, null);

    public static Read<T> Wrong(string expected) => new(default, expected);
}
