using System.Globalization;
using System.Text;
using System.Text.Json;

namespace Tidemark.LocalHost.Reporting;

/// <summary>A running pipeline in a few lines: rates, lag, watermark, alerts, the newest results. Made from what <c>/api/overview</c> answers.</summary>
internal static class LiveStatus
{
    private const int Queries = 3;
    private const int Groups = 4;

    /// <summary>The lines, each at most <paramref name="width"/> characters.</summary>
    /// <param name="overview">The answer.</param>
    /// <param name="more">What else goes on, such as history being produced; null for nothing.</param>
    /// <param name="width">Columns of the terminal.</param>
    public static IReadOnlyList<string> Lines(JsonElement overview, string? more, int width)
    {
        var (status, view) = (overview.GetProperty("status"), overview.GetProperty("view"));
        List<string> lines =
        [
            Line("state", status.GetProperty("state").GetString()!, $"{Number(status, "events_per_second")} events/s in", $"{Number(view, "rows_out_per_second")} rows/s out",
                $"lag {Number(status, "lag")}", $"watermark {Age(status)}", $"tick {Number(status, "tick_ms")} ms", more),
            Line("events", Number(status, "events_in"), $"{Sum(status, "late/")} late", $"{Sum(status, "quarantined/")} quarantined", $"{Number(status, "open_ranges")} open ranges", $"{Number(status, "entities")} entities"),
        ];
        if (status.TryGetProperty("last_error", out var error) && error.ValueKind == JsonValueKind.Object)
            lines.Add(Line("failure", $"{error.GetProperty("where").GetString()}: {error.GetProperty("text").GetString()}"));
        foreach (var alert in status.GetProperty("alerts").EnumerateArray().Where(a => a.GetProperty("active").GetBoolean()).Take(3))
            lines.Add(Line("alert", $"{alert.GetProperty("severity").GetString()} {alert.GetProperty("name").GetString()} {alert.GetProperty("subject").GetString()}: {alert.GetProperty("text").GetString()}"));
        foreach (var query in overview.GetProperty("queries").EnumerateArray().Where(q => q.GetProperty("rows").GetArrayLength() > 0).Take(Queries))
            lines.Add(Line("result", Result(query)));
        return [.. lines.Select(line => line.Length <= width ? line : string.Concat(line.AsSpan(0, Math.Max(width - 1, 0)), "…"))];
    }

    /// <summary>The newest window of a query with its largest groups.</summary>
    private static string Result(JsonElement query)
    {
        var columns = query.GetProperty("columns").EnumerateArray().Select(c => (Name: c.GetProperty("name").GetString()!, Type: c.GetProperty("type").GetString()!)).ToList();
        var keys = query.GetProperty("keys").EnumerateArray().Select(k => columns.FindIndex(c => c.Name == k.GetString())).Where(i => i >= 0).ToList();
        var time = columns.FindIndex(c => c.Name == query.GetProperty("time_column").GetString());
        var measures = Enumerable.Range(0, columns.Count).Where(i => columns[i].Type is "int32" or "int64" or "double" or "decimal" && !keys.Contains(i)).Take(keys.Count == 0 ? 3 : 1).ToList();
        var rows = query.GetProperty("rows").EnumerateArray().ToList();
        var newest = time < 0 ? rows : rows.Where(r => r[time].ToString() == rows[0][time].ToString()).ToList();
        var at = time < 0 || rows[0][time].ValueKind != JsonValueKind.String ? "" : $" {rows[0][time].GetDateTimeOffset():HH:mm:ss}{(rows[0][columns.Count].GetBoolean() ? "" : " (open)")}";
        var shown = measures.Count == 0
            ? newest.Take(Groups).Select(r => string.Join(' ', keys.Select(k => Plain(r[k]))))
            : keys.Count == 0
                ? measures.Select(m => $"{columns[m].Name} {Text(newest[0][m])}")
                : newest.OrderByDescending(r => Value(r[measures[0]])).Take(Groups).Select(r => $"{string.Join(' ', keys.Select(k => Plain(r[k])))} {Text(r[measures[0]])}");
        return $"{query.GetProperty("name").GetString()}{at}: {string.Join(", ", shown)}";
    }

    private static string Line(string title, params string?[] parts) => $"{title,-8} {string.Join(" · ", parts.Where(p => !string.IsNullOrEmpty(p)))}";

    private static string Number(JsonElement of, string name) => of.TryGetProperty(name, out var value) ? Text(value) : "–";

    private static string Text(JsonElement value) => value.ValueKind == JsonValueKind.Number
        ? Value(value).ToString(Math.Abs(Value(value)) >= 1000 ? "N0" : "#,0.##", CultureInfo.InvariantCulture)
        : Plain(value);

    private static double Value(JsonElement value) => value.ValueKind == JsonValueKind.Number ? value.GetDouble() : double.MinValue;

    /// <summary>Text of an event on a terminal: without the characters that terminals obey.</summary>
    private static string Plain(JsonElement value)
    {
        if (value.ValueKind == JsonValueKind.Null)
            return "(none)";
        var text = new StringBuilder();
        foreach (var rune in value.ToString().EnumerateRunes().Take(40))
            text.Append(Rune.GetUnicodeCategory(rune) is UnicodeCategory.Control or UnicodeCategory.Format or UnicodeCategory.LineSeparator or UnicodeCategory.ParagraphSeparator ? "?" : rune.ToString());
        return text.ToString();
    }

    private static string Sum(JsonElement status, string prefix) =>
        status.GetProperty("counts").EnumerateObject().Where(c => c.Name.StartsWith(prefix, StringComparison.Ordinal)).Sum(c => c.Value.GetInt64()).ToString("N0", CultureInfo.InvariantCulture);

    private static string Age(JsonElement status)
    {
        if (!status.TryGetProperty("frontier", out var frontier) || frontier.ValueKind != JsonValueKind.String)
            return "none yet";
        var age = status.GetProperty("updated_at").GetDateTimeOffset() - frontier.GetDateTimeOffset();
        return age < TimeSpan.FromMinutes(2) ? string.Create(CultureInfo.InvariantCulture, $"{age.TotalSeconds:0.0} s ago") : string.Create(CultureInfo.InvariantCulture, $"{frontier.GetDateTimeOffset():yyyy-MM-dd HH:mm:ss}");
    }
}
