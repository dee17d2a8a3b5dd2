using System.Text.Json;
using Tidemark.EndToEnd.Running;

namespace Tidemark.EndToEnd;

/// <summary>From a number to its events and back, from an event to what it touched; checked against the input file.</summary>
public class ExplainTests
{
    [Fact]
    public async Task A_row_is_explained_by_the_events_of_the_file_and_an_event_by_what_it_touched()
    {
        await using var station = new Station();
        var options = ShopFile.Clean with { Seed = 81, DuplicateShare = 0.05 };
        var input = ShopFile.Write(station, "shop.ndjson", options, 6_000, 3);
        var broken = """{"event_id":"broken-1","event_type":"view","timestamp":"2025-03-03T08:10:00Z"}""";
        await File.AppendAllLinesAsync(input, [broken]);
        station.MoveQuickly();
        await station.FinishAsync("--input", input);
        // An event for a window that is closed by now, once more in the same run, and one whose id was there.
        var late = """{"event_id":"late-1","event_type":"view","timestamp":"2025-03-03T08:11:00Z","user_id":"somebody","session_id":"s","category":"late things","product_id":"p"}""";
        var second = station.In("late.ndjson");
        await File.WriteAllLinesAsync(second, [late, late]);
        await station.FinishAsync("--input", second);

        var events = (await File.ReadAllLinesAsync(input)).Where(line => line != broken).Select(line => JsonDocument.Parse(line).RootElement).ToList();
        var start = ShopFile.Start.AddMinutes(10);
        var views = events.Where(e => Text(e, "event_type", "action") is "view" or "page_view" && Time(e) is var t && t >= start && t < start.AddMinutes(5)).ToList();
        var category = views.Where(e => Text(e, "category") is { Length: > 0 }).GroupBy(e => Text(e, "category")).OrderByDescending(g => g.Count()).First(g => g.Count() > g.DistinctBy(Id).Count()).ToList();
        var (name, ids) = (Text(category[0], "category")!, category.Select(Id).Distinct().Order(StringComparer.Ordinal).ToList());
        await using var azurite = new OwnAzurite(station, Path.Combine(station.Data, "azurite"));
        await azurite.StartAsync();
        station.Set(Station.Storage, azurite.ConnectionString);
        var explained = JsonDocument.Parse(await station.AskAsync(0, "explain", "category_views", "--window", $"{start:O}", "--key", name, "--limit", "10000", "--json")).RootElement;
        Assert.True(explained.GetProperty("agrees").GetBoolean(), explained.ToString());
        Assert.Equal(ids.Count, explained.GetProperty("row").GetProperty("view_count").GetInt64());
        Assert.Equal(ids, explained.GetProperty("events").EnumerateArray().Where(e => e.GetProperty("fate").GetString() == "counted").Select(e => e.GetProperty("eventId").GetString()!).Order(StringComparer.Ordinal));
        Assert.Equal(category.Count - ids.Count, explained.GetProperty("counts").GetProperty("duplicate").GetInt32());
        Assert.Equal(ids.Count, explained.GetProperty("partitions").EnumerateArray().Sum(p => p.GetProperty("events").GetInt32()));

        var left = await station.AskAsync(0, "explain", "category_views", "--window", $"{start:O}", "--key", "late things");
        Assert.Contains("2 late and left out", left, StringComparison.Ordinal);
        await station.AskAsync(0, "windows", "reopen", "--query", "category_views");
        var merged = JsonDocument.Parse(await station.AskAsync(0, "explain", "category_views", "--window", $"{start:O}", "--key", "late things", "--json")).RootElement;
        Assert.True(merged.GetProperty("agrees").GetBoolean(), merged.ToString());
        Assert.Equal(1, merged.GetProperty("row").GetProperty("view_count").GetInt64());
        Assert.Equal((1, 1), (merged.GetProperty("counts").GetProperty("merged").GetInt32(), merged.GetProperty("counts").GetProperty("duplicate").GetInt32()));

        var twice = category.GroupBy(Id).First(g => g.Count() > 1);
        var touched = JsonDocument.Parse(await station.AskAsync(0, "explain", "--event", twice.Key, "--json")).RootElement.GetProperty("topics")[0];
        Assert.Equal(twice.Count(), touched.GetProperty("records").GetArrayLength());
        Assert.Equal(twice.Count() - 1, touched.GetProperty("records").EnumerateArray().Count(r => r.GetProperty("place").GetString() == "duplicate"));
        Assert.Contains(touched.GetProperty("windows").EnumerateArray(), w => w.GetProperty("query").GetString() == "category_views"
            && w.GetProperty("group").GetProperty("category").GetString() == name && w.GetProperty("fate").GetString() == "counted");
        Assert.Contains("daily_revenue", touched.GetProperty("notTaken").EnumerateArray().Select(q => q.GetString()));
        Assert.Contains("missing_user_id", await station.AskAsync(0, "explain", "--event", "broken-1"), StringComparison.Ordinal);
        Assert.Contains("the topics events, purchases were searched", await station.AskAsync(1, "explain", "--event", "never-sent"), StringComparison.Ordinal);
    }

    private static string Id(JsonElement e) => Text(e, "event_id", "_event_id")!;

    private static DateTimeOffset Time(JsonElement e) => Text(e, "timestamp", "_event_time") is { } text
        ? DateTimeOffset.Parse(text, System.Globalization.CultureInfo.InvariantCulture)
        : DateTimeOffset.FromUnixTimeMilliseconds(e.GetProperty("ts").GetInt64());

    private static string? Text(JsonElement e, params string[] names) =>
        names.Select(name => e.TryGetProperty(name, out var value) ? value.ToString() : null).FirstOrDefault(text => text is not null);
}
