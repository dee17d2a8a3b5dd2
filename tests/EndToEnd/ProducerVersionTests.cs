using System.Globalization;
using System.Text.Json;
using Tidemark.EndToEnd.Running;

namespace Tidemark.EndToEnd;

/// <summary>Producers change: an older version, a newer one with a field that nobody here knows, then a broken one, while the host is killed in between.</summary>
public class ProducerVersionTests
{
    private const int Each = 600;
    private static readonly TimeSpan Limit = TimeSpan.FromMinutes(2);
    private static readonly string[] Types = ["page_view", "add_to_cart", "purchase"];

    [Fact]
    public async Task A_new_field_is_kept_and_a_broken_version_is_refused_by_name_and_changes_no_result()
    {
        await using var station = new Station();
        station.MoveQuickly();
        // However long a restart takes, no partition is left behind, so nothing is late.
        station.Set("IdleTimeout", "1h");
        var input = station.In("events.ndjson");
        await File.WriteAllLinesAsync(input, Enumerable.Range(0, 3 * Each).Select(Event));
        string[] arguments = ["--input", input, "--once"];
        var run = station.Start([.. arguments, "--rate", "300"]);
        Assert.True(await run.AnswersAsync(station.Port, Limit), run.Transcript());
        await LiveStatus.UntilAsync(run, status => LiveStatus.Count(status, "refused/schema_violation") > 0 && LiveStatus.Alerts(status).Any(text => text.Contains("schema", StringComparison.OrdinalIgnoreCase)), Limit);
        run.Send(Signals.Kill);
        await run.EndAsync(Limit);
        await station.FinishAsync(arguments[..2]);

        await station.ExportOnlyAsync("silver/events", "silver/quarantine", "silver/late", "gold/action_counts");
        var silver = (await Oracle.RowsAsync(station, "silver/events")).ToDictionary(row => Text(row, "event_id")!);
        var good = Enumerable.Range(0, 3 * Each).Where(i => Reason(i) is null).ToList();
        Assert.Equal(good.Select(Id).Order(StringComparer.Ordinal), silver.Keys.Order(StringComparer.Ordinal));
        Assert.All(good, i =>
        {
            Assert.Equal(i < Each ? null : $$"""{"campaign":"spring {{i % 7}}"}""", Text(silver[Id(i)], "extra"));
            Assert.Equal((Type(i), Time(i).ToUnixTimeMilliseconds(), i % 3 == 2 ? $"{i}.5000" : null), (Text(silver[Id(i)], "event_type"), (long)silver[Id(i)].GetProperty("event_time").GetDouble(), Text(silver[Id(i)], "revenue")));
        });
        var refused = (await Oracle.RowsAsync(station, "silver/quarantine")).GroupBy(row => Text(row, "reason")!).ToDictionary(g => g.Key, g => g.Count());
        Assert.Equal(Enumerable.Range(0, 3 * Each).Select(Reason).OfType<string>().GroupBy(r => r).ToDictionary(g => g.Key, g => g.Count()), refused);
        Assert.Equal(["schema_violation", "unknown_schema_version"], refused.Keys.Order(StringComparer.Ordinal));

        Assert.Empty(await Oracle.RowsAsync(station, "silver/late"));
        var expected = good.GroupBy(i => (Time(i).ToUnixTimeMilliseconds() / 300_000 * 300_000, Type(i))).ToDictionary(g => g.Key, g => (g.Count(), g.Select(User).Distinct().Count()));
        Assert.Equal(expected, (await Oracle.RowsAsync(station, "gold/action_counts")).ToDictionary(
            row => ((long)row.GetProperty("window_start").GetDouble(), Text(row, "event_type")!), row => (int.Parse(Text(row, "actions")!, CultureInfo.InvariantCulture), int.Parse(Text(row, "users")!, CultureInfo.InvariantCulture))));
    }

    /// <summary>The old names; the new ones with a field more; of the broken version a third as it should be, a third purchases that lost what they must have, a third of a version that nobody knows.</summary>
    private static string Event(int i)
    {
        var (id, type, time, user) = (Id(i), Type(i), Time(i).ToString("O", CultureInfo.InvariantCulture), User(i));
        if (i < Each)
            return JsonSerializer.Serialize(new { _event_id = id, action = type, _event_time = time, user_id = user, product_id = "p", amount = i % 3 == 2 ? i + 0.5 : (double?)null });
        var version = Reason(i) == "unknown_schema_version" ? 9 : 2;
        return Reason(i) == "schema_violation"
            ? JsonSerializer.Serialize(new { schema_version = version, event_id = id, event_type = type, timestamp = time, user_id = user, product_id = "p", total = i + 0.5, campaign = $"spring {i % 7}" })
            : JsonSerializer.Serialize(new { schema_version = version, event_id = id, event_type = type, timestamp = time, user_id = user, product_id = "p", revenue = i % 3 == 2 ? i + 0.5 : (double?)null, campaign = $"spring {i % 7}" });
    }

    private static string? Reason(int i) => i < 2 * Each || i % 3 == 0 ? null : i % 3 == 2 ? "schema_violation" : "unknown_schema_version";

    private static string Id(int i) => string.Create(CultureInfo.InvariantCulture, $"e{i:D5}");

    private static string Type(int i) => Types[i % 3];

    private static DateTimeOffset Time(int i) => ShopFile.Start.AddSeconds(2 * i);

    private static string User(int i) => $"user-{i % 41}";

    private static string? Text(JsonElement row, string column) => row.GetProperty(column) is { ValueKind: not JsonValueKind.Null } value ? value.ToString() : null;
}
