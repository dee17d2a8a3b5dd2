using System.Text.Json;
using Tidemark.EndToEnd.Running;
using Tidemark.LocalHost.Demo;

namespace Tidemark.EndToEnd;

/// <summary>Three topics in one run, views and purchases that are joined, and readings: in disorder, late, twice and with a SIGKILL in between; then computed anew and gone on with.</summary>
public class TopicsTests
{
    private const string Refund = "a-refund-of-the-order-service";
    private static readonly string[] Windows = ["gold/order_flow", "gold/sensor_metrics", "gold/sensor_alerts"];
    private static readonly string[] Tables = ["silver/events", "silver/purchases", "gold/view_to_purchase", "gold/view_to_purchase_late"];

    [Fact]
    public async Task A_join_of_two_topics_equals_an_independent_computation_after_a_kill_and_a_replay_of_all_topics_that_goes_on_after_the_swap()
    {
        await using var station = new Station();
        station.MoveQuickly();
        station.Set("QueryTriggers", "event_counts=1h,order_flow=1h");
        var options = ShopFile.Clean with { Seed = 61, OutOfOrderShare = 1, DuplicateShare = 0.02, LateShare = 0.01, LateBy = TimeSpan.FromHours(1), Users = 150 };
        var happened = new ShopSimulation(options).Generate(ShopFile.Start, ShopFile.Start.AddHours(2), 3).ToList();
        var (shop, purchases) = (station.In("shop.ndjson"), station.In("purchases.ndjson"));
        Write(shop, happened);
        Write(purchases, happened.Where(e => e.IsPurchase));
        await File.AppendAllLinesAsync(purchases, [Line(Refund, "refund", ShopFile.Start.AddMinutes(115))]);
        var sensors = station.In("sensors.ndjson");
        await File.WriteAllLinesAsync(sensors, new SensorSimulation(new SensorOptions { Seed = 62, Devices = 3, ExcursionShare = 0.02, LateShare = 0, BrokenShare = 0 }).Generate(ShopFile.Start, ShopFile.Start.AddMinutes(30)).Select(r => System.Text.Encoding.UTF8.GetString(r.Value!)));
        string[] inputs = ["--input", shop, "--input", $"purchases={purchases}", "--input", $"sensors={sensors}", "--partitions", "2", "--rate", "1500"];
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
        // At the end of the input no trigger waits.
        var rows = JsonDocument.Parse(await File.ReadAllTextAsync(report)).RootElement.GetProperty("rows");
        Assert.All((string[])["gold/event_counts", "gold/order_flow"], table => Assert.True(rows.GetProperty(table).GetInt64() > 0, $"{table} is empty"));
        CountsEachTopic(report, happened, (await File.ReadAllLinesAsync(sensors)).Length);
        var windows = new List<string>();
        await station.WithStorageAsync(async () =>
        {
            await station.ExportOnlyAsync(Tables);
            var counts = await Oracle.CheckTopicsAsync(station, shop, purchases);
            Assert.All(Tables, name => Assert.True(counts.GetProperty(name).GetInt64() > 0, $"{name} is empty, so nothing was compared"));
            await ExplainAsync(station, (await Oracle.RowsAsync(station, "gold/view_to_purchase"))[0]);
            windows = await MergedAsync(station);
            Assert.All(Windows, table => Assert.Contains(windows, row => row.StartsWith(table, StringComparison.Ordinal)));
            Assert.Empty(await station.AskAsync(0, "windows", "reopen", "--json"));
        });

        await station.AskAsync(0, "replay", "--version", "v2", "--swap");
        // On storage that is named, settings say which version is meant.
        station.Set("LakeContainer", "lake-v2");
        station.Set("PipelineVersion", "v2");
        await station.WithStorageAsync(async () => Assert.Equal(windows, await MergedAsync(station)));

        // The new version goes on where the earlier one had read, its join with what it holds.
        var later = ShopFile.Start.AddDays(1);
        var (view, purchase) = (Line("late-view", "view", later), Line("late-purchase", "purchase", later.AddMinutes(5)));
        await File.WriteAllLinesAsync(station.In("shop2.ndjson"), [view]);
        await File.WriteAllLinesAsync(station.In("purchases2.ndjson"), [purchase]);
        await station.FinishAsync("--input", station.In("shop2.ndjson"), "--input", $"purchases={station.In("purchases2.ndjson")}");
        await File.AppendAllLinesAsync(shop, [view]);
        await File.AppendAllLinesAsync(purchases, [purchase]);
        await station.ExportOnlyAsync(Tables);
        await Oracle.CheckTopicsAsync(station, shop, purchases);
        Assert.Contains(await Oracle.RowsAsync(station, "gold/view_to_purchase"), row => row.GetProperty("view_id").GetString() == "late-view");
    }

    /// <summary>Rows of windows with all late events merged: what is late depends on when it came, and what the rows are then does not.</summary>
    private static async Task<List<string>> MergedAsync(Station station)
    {
        await station.AskAsync(0, "windows", "reopen");
        await station.ExportOnlyAsync(Windows);
        return await RowsAsync(station);
    }

    private static async Task<List<string>> RowsAsync(Station station)
    {
        var rows = new List<string>();
        foreach (var table in Windows)
            rows.AddRange((await Oracle.RowsAsync(station, table)).Select(row => $"{table} {ResultTables.Canonical(row)}").Order(StringComparer.Ordinal));
        return rows;
    }

    /// <summary>From an event to the topics that have it and what it touched in each, and from a row to its events, whatever topic they are of.</summary>
    private static async Task ExplainAsync(Station station, JsonElement pair)
    {
        var refund = JsonDocument.Parse(await station.AskAsync(0, "explain", "--event", Refund, "--json")).RootElement;
        var of = Assert.Single(refund.GetProperty("topics").EnumerateArray());
        Assert.Equal("purchases", of.GetProperty("topic").GetString());
        Assert.Equal(["order_flow counted"], of.GetProperty("windows").EnumerateArray().Select(w => $"{w.GetProperty("query").GetString()} {w.GetProperty("fate").GetString()}"));
        var row = JsonDocument.Parse(await station.AskAsync(0, "explain", "order_flow", "--window", $"{ShopFile.Start.AddMinutes(115):O}", "--key", "refund", "--json")).RootElement;
        Assert.True(row.GetProperty("agrees").GetBoolean(), row.ToString());
        Assert.Equal(Refund, Assert.Single(row.GetProperty("events").EnumerateArray()).GetProperty("eventId").GetString());

        // The shop's file has purchases, too.
        var (view, purchase) = (pair.GetProperty("view_id").GetString()!, pair.GetProperty("purchase_id").GetString()!);
        var bought = JsonDocument.Parse(await station.AskAsync(0, "explain", "--event", purchase, "--json")).RootElement;
        Assert.Equal(["events", "purchases"], bought.GetProperty("topics").EnumerateArray().Select(t => t.GetProperty("topic").GetString()));
        var joined = bought.GetProperty("joined").EnumerateArray().Single(r => r.GetProperty("table").GetString() == "gold/view_to_purchase" && r.GetProperty("row").GetProperty("view_id").GetString() == view);
        Assert.Equal([$"silver/events {view}", $"silver/purchases {purchase}"], joined.GetProperty("madeOf").EnumerateArray().Select(o => $"{o.GetProperty("table").GetString()} {o.GetProperty("eventId").GetString()}"));
    }

    private static string Line(string id, string type, DateTimeOffset at) =>
        $$"""{"event_id":"{{id}}","event_type":"{{type}}","timestamp":"{{at:O}}","user_id":"somebody","product_id":"P00001","revenue":5.5}""";

    /// <summary>The report has each topic by itself, and all of them together. Nothing is broken here, an id that comes again is a duplicate, and readings have none; one refund came to the purchases.</summary>
    private static void CountsEachTopic(string file, IReadOnlyList<DemoEvent> happened, int readings)
    {
        var report = JsonDocument.Parse(File.ReadAllText(file)).RootElement;
        var told = report.GetProperty("topics").EnumerateObject().ToDictionary(t => t.Name, t => (t.Value.GetProperty("events_in").GetInt32(), t.Value.GetProperty("duplicates").GetInt32()));
        var ids = happened.Select(e => (e.IsPurchase, Id: JsonDocument.Parse(e.Value).RootElement.GetProperty("event_id").GetString())).ToList();
        var purchases = ids.Where(e => e.IsPurchase).ToList();
        Assert.Equal(new() { ["events"] = (ids.Count, ids.Count - ids.Distinct().Count()), ["purchases"] = (purchases.Count + 1, purchases.Count - purchases.Distinct().Count()), ["sensors"] = (readings, 0) }, told);
        Assert.Equal((ids.Count + purchases.Count + 1 + readings, told.Values.Sum(t => t.Item2)), (report.GetProperty("events_in").GetInt32(), report.GetProperty("duplicates").GetInt32()));
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
