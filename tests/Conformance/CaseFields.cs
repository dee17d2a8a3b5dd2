using System.Text.Json;

namespace Tidemark.Conformance;

/// <summary>A case uses something that this project does not have.</summary>
internal sealed class NotSupportedCase(string what) : Exception(what);

/// <summary>The names of the format. One that is not here fails its case: what is not understood cannot have been checked.</summary>
internal static class CaseFields
{
    private static readonly string[] Remarks = ["notes", "note", "comment", "reason", "origin"];
    private static readonly string[] Case = ["id", "name", "kind", "optional", "source", "tags", "continuous", "query", "steps"];
    private static readonly string[] Query = ["mode", "batch", "inputs", "static", "watermarkPolicy", "noDataBatches", "initialState", "stages", "output"];
    private static readonly string[] Input = ["columns", "eventTime", "watermark"];
    private static readonly string[] Table = ["columns", "rows"];

    private static readonly Dictionary<string, string[]> Stages = new()
    {
        ["window"] = ["from", "on", "size", "slide", "offset", "keys", "aggs"],
        ["session"] = ["from", "on", "gap", "gapColumn", "keys", "aggs"],
        ["groupBy"] = ["from", "keys", "aggs", "eventTimeKey"],
        ["assignWindow"] = ["from", "on", "size", "slide", "offset"],
        ["assignSession"] = ["from", "on", "gap", "gapColumn"],
        ["dedup"] = ["from", "keys", "eventTimeKey"],
        ["dedupWithinWatermark"] = ["from", "keys"],
        ["join"] = ["type", "left", "right", "equals", "nullSafeEquals", "sameWindow", "timeBounds", "leftFilter", "rightFilter", "where"],
        ["joinStatic"] = ["from", "static", "type", "equals", "streamSide"],
        ["union"] = ["of"],
        ["orderBy"] = ["from", "by"],
        ["groupState"] = ["from", "keys", "timeout", "fn"],
        ["watermark"] = [],
    };

    private static readonly Dictionary<string, string[]> Steps = new()
    {
        ["input"] = ["at", "failOnce"],
        ["tick"] = [],
        ["endOfInput"] = [],
        ["expect"] = ["ordered"],
        ["expectTable"] = ["ordered"],
        ["watermark"] = [],
        ["batchWatermark"] = [],
        ["inputWatermark"] = [],
        ["metrics"] = ["sparkOnly"],
        ["joinState"] = ["sparkOnly"],
        ["restart"] = [],
    };

    /// <summary>Throws <see cref="NotSupportedCase"/> for the first name in a case that is not of the format.</summary>
    public static void Check(JsonElement test)
    {
        Only(test, "the case", Case);
        if (Text(test, "kind") is "plan" or "stateWatermark")
            return;
        CheckQuery(test.GetProperty("query"));
        foreach (var step in test.GetProperty("steps").EnumerateArray())
        {
            var actions = step.EnumerateObject().Where(p => Steps.ContainsKey(p.Name)).Select(p => p.Name).ToArray();
            if (actions.Length == 0)
                throw new NotSupportedCase($"step {step}");
            Only(step, "a step", [.. actions, .. actions.SelectMany(a => Steps[a])]);
        }
    }

    /// <summary>The same for a query.</summary>
    public static void CheckQuery(JsonElement query)
    {
        Only(query, "the query", Query);
        foreach (var input in query.GetProperty("inputs").EnumerateObject())
            Only(input.Value, $"input {input.Name}", Input);
        if (query.TryGetProperty("static", out var tables))
            foreach (var table in tables.EnumerateObject())
                Only(table.Value, $"table {table.Name}", Table);
        foreach (var stage in query.GetProperty("stages").EnumerateArray())
        {
            var op = Text(stage, "op") ?? "";
            if (!Stages.TryGetValue(op, out var names))
                throw new NotSupportedCase($"operator '{op}'");
            if (op != "watermark")   // refused whatever it says
                Only(stage, $"stage {Text(stage, "id")}", ["id", "op", .. names]);
            if (stage.TryGetProperty("aggs", out var aggregates))
                foreach (var aggregate in aggregates.EnumerateArray())
                    Only(aggregate, $"an aggregate of stage {Text(stage, "id")}", ["fn", "column", "as"]);
        }
    }

    /// <summary>Throws when an object has other names than these (and remarks).</summary>
    public static void Only(JsonElement value, string what, params ReadOnlySpan<string> names)
    {
        foreach (var property in value.EnumerateObject())
            if (!names.Contains(property.Name) && !Remarks.Contains(property.Name))
                throw new NotSupportedCase($"field '{property.Name}' of {what}");
    }

    public static string? Text(JsonElement from, string name) =>
        from.TryGetProperty(name, out var value) && value.ValueKind == JsonValueKind.String ? value.GetString() : null;

    public static string[] Strings(JsonElement from, string name) =>
        from.TryGetProperty(name, out var list) && list.ValueKind != JsonValueKind.Null ? [.. list.EnumerateArray().Select(v => v.GetString() ?? throw new NotSupportedCase($"{name} {list}"))] : [];

    public static TimeSpan? Seconds(JsonElement from, string name) =>
        from.TryGetProperty(name, out var value) && value.ValueKind != JsonValueKind.Null ? TimeSpan.FromTicks((long)(value.GetDecimal() * TimeSpan.TicksPerSecond)) : null;

    public static bool IsTrue(JsonElement from, string name) => from.TryGetProperty(name, out var value) && value.ValueKind is not (JsonValueKind.False or JsonValueKind.Null);
}
