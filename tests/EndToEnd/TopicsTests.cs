using System.Text.Json;
using Tidemark.EndToEnd.Running;
using Tidemark.LocalHost.Demo;

namespace Tidemark.EndToEnd;

/// <summary>Two topics in one run, views and purchases that are joined: in disorder, late, twice and with a SIGKILL in between.</summary>
public class TopicsTests
{
    private static readonly string[] Tables = ["silver/events", "silver/purchases", "gold/view_to_purchase", "gold/view_to_purchase_late"];

    [Fact]
    public async Task A_join_of_two_topics_equals_an_independent_computation_after_a_kill()
    {
        await using var station = new Station();
        station.MoveQuickly();
        station.Set("QueryTriggers", "event_counts=1h,order_flow=1h");
        var options = ShopFile.Clean with { Seed = 61, OutOfOrderShare = 1, DuplicateShare = 0.02, LateShare = 0.01, LateBy = TimeSpan.FromHours(1), Users = 150 };
        var happened = new ShopSimulation(options).Generate(ShopFile.Start, ShopFile.Start.AddHours(2), 3).ToList();
        var (shop, purchases) = (station.In("shop.ndjson"), station.In("purchases.ndjson"));
        Write(shop, happened);
        Write(purchases, happened.Where(e => e.IsPurchase));
        string[] inputs = ["--input", shop, "--input", $"purchases={purchases}", "--partitions", "2", "--rate", "3000"];
        var hour = DateTime.UtcNow.Hour;
        var killed = station.Start([.. inputs, "--once"]);
        Assert.True(await killed.AnswersAsync(station.Port, TimeSpan.FromMinutes(2)), killed.Transcript());
        // Events that are late come after the middle, when both tables have said a time.
        await LiveStatus.UntilAsync(killed, status =>
        {
            // Rows of other queries are in Delta long before the hour of these two is over, or the input.
            Assert.True(DateTime.UtcNow.Hour != hour || killed.Output.Contains("the input has ended", StringComparison.Ordinal) || (Position(status, "event_counts") ?? Position(Purchases(status), "order_flow")) is null, "A trigger of an hour let rows out before.");
            return Frontier(status) > ShopFile.Start.AddMinutes(40) && Frontier(Purchases(status)) is not null;
        }, TimeSpan.FromMinutes(1));
        killed.Send(Signals.Kill);
        await killed.EndAsync(TimeSpan.FromMinutes(1));

        var report = station.In("report.json");
        await station.FinishAsync([.. inputs, "--report", report]);
        CountsEachTopic(report, happened);
        // At the end of the input nothing waits.
        var rows = JsonDocument.Parse(await File.ReadAllTextAsync(report)).RootElement.GetProperty("rows");
        Assert.All((string[])["gold/event_counts", "gold/order_flow"], table => Assert.True(rows.GetProperty(table).GetInt64() > 0, $"{table} is empty"));
        await station.ExportOnlyAsync(Tables);
        var counts = await Oracle.CheckTopicsAsync(station, shop, purchases);
        Assert.All(Tables, name => Assert.True(counts.GetProperty(name).GetInt64() > 0, $"{name} is empty, so nothing was compared"));

        // What a replay does not compute is not swapped away unsaid.
        await station.AskAsync(2, "replay", "--version", "v2", "--swap");
        await station.AskAsync(0, "replay", "--version", "v2");
        await station.AskAsync(2, "swap", "--version", "v2");
        await station.AskAsync(0, "swap", "--version", "v2", "--main-only");
    }

    /// <summary>The report has each topic by itself, and all of them together. Nothing is broken here, and an id that comes again is a duplicate.</summary>
    private static void CountsEachTopic(string file, IReadOnlyList<DemoEvent> happened)
    {
        var report = JsonDocument.Parse(File.ReadAllText(file)).RootElement;
        var told = report.GetProperty("topics").EnumerateObject().ToDictionary(t => t.Name, t => (t.Value.GetProperty("events_in").GetInt32(), t.Value.GetProperty("duplicates").GetInt32()));
        var ids = happened.Select(e => (e.IsPurchase, Id: JsonDocument.Parse(e.Value).RootElement.GetProperty("event_id").GetString())).ToList();
        var purchases = ids.Where(e => e.IsPurchase).ToList();
        Assert.Equal(new() { ["events"] = (ids.Count, ids.Count - ids.Distinct().Count()), ["purchases"] = (purchases.Count, purchases.Count - purchases.Distinct().Count()) }, told);
        Assert.Equal((ids.Count + purchases.Count, told.Values.Sum(t => t.Item2)), (report.GetProperty("events_in").GetInt32(), report.GetProperty("duplicates").GetInt32()));
    }

    private static JsonElement? Purchases(JsonElement? status) => status?.GetProperty("sources").GetProperty("purchases");

    private static DateTimeOffset? Frontier(JsonElement? status) => Time(status?.GetProperty("frontier"));

    /// <summary>End of the last window of a query that is in Delta.</summary>
    private static DateTimeOffset? Position(JsonElement? status, string query) =>
        status?.GetProperty("positions") is { } positions && positions.TryGetProperty(query, out var position) ? Time(position) : null;

    private static DateTimeOffset? Time(JsonElement? time) => time is { ValueKind: JsonValueKind.String } known ? known.GetDateTimeOffset() : null;

    private static void Write(string path, IEnumerable<DemoEvent> events)
    {
        using var file = File.Create(path);
        foreach (var item in events)
        {
            file.Write(item.Value);
            file.WriteByte((byte)'\n');
        }
    }
}
