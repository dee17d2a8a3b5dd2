using System.Text.Json;
using Tidemark.LocalHost.Reporting;

namespace Tidemark.LocalHost.Tests.Reporting;

public sealed class LiveStatusTests
{
    private const string Overview = """
        {
          "status": {
            "state": "running", "updated_at": "2026-03-01T10:00:05Z", "frontier": "2026-03-01T10:00:00Z", "events_per_second": 1234.6, "lag": 42, "tick_ms": 31, "events_in": 5000000,
            "open_ranges": 7, "entities": 3, "counts": { "late/a": 2, "late/b": 3, "quarantined/x": 4, "records": 9 }, "last_error": null,
            "alerts": [{ "name": "lag", "severity": "warning", "subject": "topic", "text": "42 wait", "active": true }, { "name": "gap", "severity": "critical", "subject": "p", "text": "old", "active": false }]
          },
          "view": { "rows_out_per_second": 99.25 },
          "queries": [
            { "name": "empty", "keys": [], "time_column": "window_start", "columns": [], "rows": [] },
            {
              "name": "sales", "keys": ["category"], "time_column": "window_start",
              "columns": [{ "name": "window_start", "type": "timestamp" }, { "name": "category", "type": "string" }, { "name": "revenue", "type": "decimal" }],
              "rows": [["2026-03-01T09:59:00Z", "small", 1.5, false], ["2026-03-01T09:59:00Z", "large \u001b[2Jtrick\u202e", 20000.75, false], ["2026-03-01T09:58:00Z", "older", 9e9, true]]
            }
          ]
        }
        """;

    [Fact]
    public void Rates_lag_watermark_alerts_and_the_newest_results_are_in_a_few_lines()
    {
        var lines = LiveStatus.Lines(Json(), "history", 400);
        Assert.Equal(
        [
            "state    running · 1,235 events/s in · 99.25 rows/s out · lag 42 · watermark 5.0 s ago · tick 31 ms · history",
            "events   5,000,000 · 5 late · 4 quarantined · 7 open ranges · 3 entities",
            "alert    warning lag topic: 42 wait",
            "result   sales 09:59:00 (open): large ?[2Jtrick? 20,001, small 1.5",
        ],
        lines);
    }

    [Theory]
    [InlineData(20)]
    [InlineData(60)]
    public void No_line_is_wider_than_the_terminal(int width) => Assert.All(LiveStatus.Lines(Json(), null, width), line => Assert.True(line.Length <= width));

    private static JsonElement Json() => JsonDocument.Parse(Overview).RootElement;
}
