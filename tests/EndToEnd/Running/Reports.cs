using System.Text.Json;

namespace Tidemark.EndToEnd.Running;

/// <summary>The report of <c>--report FILE</c> against what the oracle counted.</summary>
internal static class Reports
{
    private static readonly string[] Fields =
    [
        "events_in", "rows", "duplicates", "quarantined", "late", "gaps", "elapsed_seconds", "events_per_second", "latency_ms", "peak_memory_mb",
        "storage_transactions", "entity_operations", "delta_commits", "per_thousand_events",
    ];

    public static void AgreesWith(string file, JsonElement verdict)
    {
        var report = JsonDocument.Parse(File.ReadAllText(file)).RootElement;
        foreach (var field in Fields)
            Assert.True(report.TryGetProperty(field, out _), $"The report has no '{field}': {report}");
        Assert.Equal(verdict.GetProperty("input").GetInt64(), report.GetProperty("events_in").GetInt64());
        // The report counts the tables of streams too, which the oracle does not read.
        var compared = verdict.GetProperty("rows");
        Assert.Equal(Counts(compared), Counts(report.GetProperty("rows"), table => compared.TryGetProperty(table, out _)));
        Assert.Equal(Counts(verdict.GetProperty("quarantined")), Counts(report.GetProperty("quarantined")));
        Assert.Equal(verdict.GetProperty("duplicates").GetInt64(), report.GetProperty("duplicates").GetInt64());
        Assert.Equal(Counts(verdict.GetProperty("late")), Counts(report.GetProperty("late")));
        Assert.True(report.GetProperty("elapsed_seconds").GetDouble() > 0, "elapsed_seconds is 0");
        Assert.Equal(
            report.GetProperty("events_in").GetDouble() / report.GetProperty("elapsed_seconds").GetDouble(),
            report.GetProperty("events_per_second").GetDouble(), tolerance: 0.05 * report.GetProperty("events_per_second").GetDouble());
        Assert.InRange(report.GetProperty("peak_memory_mb").GetDouble(), 20, 4_000);
        Assert.True(Total(report.GetProperty("storage_transactions")) > 0, "storage_transactions is empty");
        Assert.True(Total(report.GetProperty("delta_commits")) > 0, "delta_commits is empty");
    }

    /// <summary>Names with a count above 0, in order.</summary>
    private static List<string> Counts(JsonElement counts, Func<string, bool>? which = null) =>
        [.. counts.EnumerateObject().Where(p => p.Value.GetInt64() > 0 && which?.Invoke(p.Name) != false).Select(p => $"{p.Name}={p.Value.GetInt64()}").Order(StringComparer.Ordinal)];

    private static double Total(JsonElement value) =>
        value.ValueKind == JsonValueKind.Object ? value.EnumerateObject().Sum(p => Total(p.Value)) : value.GetDouble();
}
