using System.Text;
using System.Text.Json;
using Tidemark.Domain.Events;

namespace Tidemark.Domain.Schemas;

/// <summary>
/// What an event that names this schema must hold, out of a JSON Schema: <c>properties</c>, <c>required</c>, and <c>allOf</c> with <c>if</c> a property is
/// a text (<c>const</c>, <c>enum</c>) <c>then required</c>. Types are the decoder's own rules. Properties that another version calls by another name do not count as
/// this one's: they are unknown fields. A null is as if the field were absent.
/// </summary>
internal sealed class EventSchema
{
    private readonly uint required;
    private readonly byte[][] otherRequired;
    private readonly List<(byte[] EventType, uint Required)> conditions = [];

    private EventSchema(JsonElement schema)
    {
        Title = schema.TryGetProperty("title", out var title) && title.ValueKind == JsonValueKind.String ? title.GetString()! : "schema";
        Version = schema.TryGetProperty("x-version", out var version) && version.TryGetInt32(out var number) ? number : null;
        Names = schema.TryGetProperty("properties", out var properties) && properties.ValueKind == JsonValueKind.Object
            ? properties.EnumerateObject().Aggregate(1u << EventField.SchemaVersion, (mask, p) => mask | MaskOf(p.Name))
            : uint.MaxValue;
        required = Required(schema, out var others);
        otherRequired = [.. others.Select(Encoding.UTF8.GetBytes)];
        if (schema.TryGetProperty("allOf", out var all) && all.ValueKind == JsonValueKind.Array)
            foreach (var rule in all.EnumerateArray())
                Condition(rule);
    }

    /// <summary>What it is called.</summary>
    public string Title { get; }

    /// <summary>Its <c>x-version</c>, if it has one.</summary>
    public int? Version { get; }

    /// <summary>The slots of <see cref="EventField"/> whose names it declares.</summary>
    public uint Names { get; }

    /// <summary>Reads a JSON Schema; throws <see cref="InvalidDataException"/> when the text is none.</summary>
    public static EventSchema Parse(ReadOnlyMemory<byte> json)
    {
        try
        {
            using var document = JsonDocument.Parse(json);
            return document.RootElement.ValueKind == JsonValueKind.Object
                ? new EventSchema(document.RootElement)
                : throw new InvalidDataException("The schema is JSON but no object.");
        }
        catch (JsonException e)
        {
            throw new InvalidDataException($"The schema is no JSON: {e.Message}");
        }
    }

    /// <summary>The first field that the event lacks, or null.</summary>
    public string? Missing(ReadOnlySpan<byte> value, JsonEvent json, ReadOnlySpan<byte> eventType)
    {
        var missing = required & ~json.Present;
        foreach (var (type, fields) in conditions)
            if (missing == 0 && eventType.SequenceEqual(type))
                missing = fields & ~json.Present;
        if (missing != 0)
            return Encoding.UTF8.GetString(EventField.NameOf(System.Numerics.BitOperations.TrailingZeroCount(missing)));
        foreach (var name in otherRequired)
            if (!HasUnknown(value, json, name))
                return Encoding.UTF8.GetString(name);
        return null;
    }

    private static bool HasUnknown(ReadOnlySpan<byte> value, JsonEvent json, ReadOnlySpan<byte> name)
    {
        foreach (var member in json.Unknown)
            if (value.Slice(member.NameStart, member.NameLength).SequenceEqual(name) && !value.Slice(member.Start, member.Length).SequenceEqual("null"u8))
                return true;
        return false;
    }

    private void Condition(JsonElement rule)
    {
        if (!rule.TryGetProperty("if", out var condition) || !rule.TryGetProperty("then", out var then)
            || !condition.TryGetProperty("properties", out var properties) || properties.EnumerateObject().Count() != 1)
            return;
        var property = properties.EnumerateObject().First();
        if (property.Name is not ("event_type" or "action"))
            return;
        var values = property.Value.TryGetProperty("const", out var one) ? [one] : property.Value.TryGetProperty("enum", out var many) ? many.EnumerateArray().ToArray() : [];
        foreach (var text in values.Where(v => v.ValueKind == JsonValueKind.String))
            conditions.Add((Encoding.UTF8.GetBytes(text.GetString()!), Required(then, out _)));
    }

    private static uint Required(JsonElement schema, out List<string> others)
    {
        others = [];
        var mask = 0u;
        if (!schema.TryGetProperty("required", out var names) || names.ValueKind != JsonValueKind.Array)
            return 0;
        foreach (var name in names.EnumerateArray().Where(n => n.ValueKind == JsonValueKind.String).Select(n => n.GetString()!))
            if (MaskOf(name) is var bit and not 0)
                mask |= bit;
            else
                others.Add(name);
        return mask;
    }

    private static uint MaskOf(string name) => EventField.Find(Encoding.UTF8.GetBytes(name)) is var slot and >= 0 ? 1u << slot : 0;
}
