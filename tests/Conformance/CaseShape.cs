using System.Text.Json;

namespace Tidemark.Conformance;

/// <summary>The columns of what each operator gives, in the order of the format.</summary>
internal static class CaseShape
{
    /// <summary>Columns of an input, table or stage that is known already.</summary>
    public static string[] Columns(string source, IReadOnlyDictionary<string, string[]> known) =>
        known.TryGetValue(source, out var columns) ? columns : [];

    /// <summary>Columns of a stage.</summary>
    public static string[] Columns(JsonElement stage, IReadOnlyDictionary<string, string[]> known)
    {
        string[] keys = CaseFields.Strings(stage, "keys");
        string[] aggregates = stage.TryGetProperty("aggs", out var list) ? [.. list.EnumerateArray().Select(a => CaseFields.Text(a, "as")!)] : [];
        string[] from = Columns(CaseFields.Text(stage, "from") ?? "", known);
        return CaseFields.Text(stage, "op") switch
        {
            "window" => [.. keys, "windowStart", "windowEnd", .. aggregates],
            "session" => [.. keys, "sessionStart", "sessionEnd", .. aggregates],
            "groupBy" => [.. keys, .. aggregates],
            "assignWindow" => [.. from, "windowStart", "windowEnd"],
            "assignSession" => [.. from, "sessionStart", "sessionEnd"],
            "join" => [.. Columns(CaseFields.Text(stage, "left")!, known), .. Columns(CaseFields.Text(stage, "right")!, known), .. stage.TryGetProperty("sameWindow", out _) ? new[] { "windowStart", "windowEnd" } : []],
            "joinStatic" => [.. from, .. Columns(CaseFields.Text(stage, "static")!, known)],
            "union" => Columns(stage.GetProperty("of")[0].GetString()!, known),
            "groupState" => CaseFields.Text(stage, "fn") == "sessionInfo10s" ? ["key", "count", "spanMs", "expired"] : ["key", "value"],
            _ => from,
        };
    }
}
