using System.Globalization;
using System.Text.Json;
using Tidemark.Domain.Clickstream;
using Tidemark.Domain.Events;
using Tidemark.Domain.Pipelines;
using Tidemark.EndToEnd.Running;
using Tidemark.LocalHost.Processes;

namespace Tidemark.EndToEnd;

/// <summary><c>--input FILE --once</c>: every table equals its independent computation.</summary>
public class BoundedRunTests
{
    [Fact]
    public async Task A_shuffled_input_with_duplicates_and_broken_records_equals_the_oracle()
    {
        await using var station = new Station();
        var options = ShopFile.Troubled with
        {
            Seed = 11, OutOfOrderShare = 1, DisorderBound = TimeSpan.FromSeconds(30), DuplicateShare = 0.03, BrokenShare = 0.02,
        };
        var input = ShopFile.Write(station, "shop.ndjson", options, 30_000, 5);
        ShopFile.AppendSharedSession(input, ShopFile.Start.AddMinutes(99));
        var report = station.In("report.json");
        station.MoveQuickly();
        await station.FinishAsync("--input", input, "--rate", "6000", "--partitions", "6", "--report", report);
        await station.ExportAsync();
        var verdict = await Oracle.CheckAsync(station, input);
        // Nothing within the disorder bound (30 s) may be late: every delay is at least a minute.
        Assert.Empty(verdict.GetProperty("late").EnumerateObject());
        var rows = verdict.GetProperty("rows").EnumerateObject().ToDictionary(table => table.Name, table => table.Value.GetInt64());
        Assert.Equal(Station.Exported.Order(StringComparer.Ordinal), rows.Keys.Order(StringComparer.Ordinal));
        Assert.All(rows, table => Assert.True(table.Value > 0 || table.Key == "silver/late", $"{table.Key} is empty, so nothing was compared"));
        Assert.InRange(verdict.GetProperty("duplicates").GetInt64(), 500, 1_200);
        Oracle.ComparedEveryStream(verdict);
        Assert.Equal(
            ["impossible_travel", "rapid_transactions", "unusual_amount_for_category", "unusual_amount_for_user"],
            verdict.GetProperty("alerts").EnumerateObject().Select(rule => rule.Name).Order(StringComparer.Ordinal));
        Reports.AgreesWith(report, verdict);
    }

    [SharedDataFact]
    public async Task The_retail_file_equals_the_oracle_and_the_report_agrees_with_the_tables()
    {
        await using var station = new Station();
        var report = station.In("report.json");
        await station.FinishAsync("--input", Places.Retail, "--report", report);
        await station.ExportAsync();
        var verdict = await Oracle.CheckAsync(station, Places.Retail);
        Assert.Equal(245_903, verdict.GetProperty("rows").GetProperty("bronze/events").GetInt64());
        Assert.Empty(verdict.GetProperty("late").EnumerateObject());
        // It holds purchases only, a year of them: nobody was seen to look at anything, but users stay away for months.
        Oracle.ComparedEveryStream(verdict, except: ["gold/click_to_purchase", "gold/abandoned_views", "gold/also_viewed"]);
        Reports.AgreesWith(report, verdict);
    }

    [Fact]
    public async Task Table_storage_holds_what_Delta_has_within_the_retention()
    {
        await using var station = new Station();
        await using var azurite = new OwnAzurite(station);
        await azurite.StartAsync();
        station.Set(Station.Storage, azurite.ConnectionString);
        var pipeline = ClickstreamPipeline.Create(new EventOptions("events"));
        // Of more than three hours. Windows that are long or far apart are kept longer: 60 of them.
        station.Set("ResultsRetention", "1h");
        var input = ShopFile.Write(station, "shop.ndjson", ShopFile.Clean with { Seed = 31 }, 12_000, 1);
        ShopFile.AppendSharedSession(input, ShopFile.Start.AddMinutes(60));
        await station.FinishAsync("--input", input);
        await station.ExportAsync();
        await Oracle.CheckAsync(station, input);
        var newest = (await Oracle.RowsAsync(station, "silver/events")).Max(row => (long)Math.Floor(row.GetProperty("event_time").GetDouble()));
        long UpTo(IOutput output) => newest - Math.Max(60 * 60_000, 60 * (output as QuerySpec)?.SlideMs ?? 0);
        string[] streams = ["user_sessions", "demand"];
        IReadOnlyList<IOutput> outputs = [.. pipeline.Queries.Where(q => q.InTableStorage), .. pipeline.Streams.Where(s => streams.Contains(s.Name))];
        var old = new Dictionary<string, int>();
        foreach (var output in outputs)
        {
            var upTo = UpTo(output);
            var gold = Newest(output, await Oracle.RowsAsync(station, $"gold/{output.Name}")).ToList();
            var wanted = gold.Where(row => row.GetProperty(output.AgeColumn!).GetDouble() > upTo).Select(ResultTables.Canonical).Order(StringComparer.Ordinal).ToList();
            var all = gold.Select(ResultTables.Canonical).ToHashSet(StringComparer.Ordinal);
            var table = await ResultTables.ReadAsync(azurite.ConnectionString, output);
            Assert.NotEmpty(wanted);
            Assert.Equal(wanted, table.Where(row => row.AgeTime > upTo).Select(row => row.Canonical).Order(StringComparer.Ordinal));
            Assert.All(table, row => Assert.True(row.IsFinal && all.Contains(row.Canonical), $"{output.Name}: {row.Canonical} is not final or not in Delta"));
            Assert.Equal(table.OrderByDescending(row => row.Time).Select(row => row.Time), table.Select(row => row.Time));
            old[output.Name] = gold.Count - wanted.Count;
        }

        Assert.All(outputs.Where(o => o is not QuerySpec { SlideMs: > 60_000 }), output => Assert.True(old[output.Name] > 0, $"nothing of {output.Name} is old"));
        await station.AskAsync(0, "maintain");
        foreach (var output in outputs)
            Assert.All(await ResultTables.ReadAsync(azurite.ConnectionString, output), row => Assert.True(row.AgeTime > UpTo(output), $"{output.Name}: {row.Canonical} is old"));

        // Services named by the environment are examined without a data directory; brokers that are away do not keep the rest from being told.
        station.Set("BrokerList", $"127.0.0.1:{FreePorts.Take()}");
        var findings = Findings(await station.AskAsync(1, "doctor", "--json"));
        Assert.Equal("Failure", findings["brokers"]);
        Assert.All((string[])["blob conditions", "table conditions", "tables", "gaps"], check => Assert.Equal("Ok", findings[check]));
    }

    internal static Dictionary<string, string?> Findings(string told) => JsonDocument.Parse(told).RootElement.GetProperty("findings").EnumerateArray()
        .GroupBy(f => f.GetProperty("check").GetString()!).ToDictionary(f => f.Key, f => f.First().GetProperty("outcome").GetString());

    /// <summary>Of a stream whose rows replace each other the last of each key; else all.</summary>
    private static IEnumerable<JsonElement> Newest(IOutput output, IEnumerable<JsonElement> rows) => output is StreamSpec { Results: StreamResults.Latest }
        ? rows.GroupBy(row => row.GetProperty(output.Keys[0]).GetString()).Select(key => key.MaxBy(row => row.GetProperty(output.AgeColumn!).GetDouble()))
        : rows;
}

/// <summary>A test on data outside the repository: skipped, with the reason, where it is absent.</summary>
public sealed class SharedDataFactAttribute : FactAttribute
{
    public SharedDataFactAttribute()
    {
        if (!File.Exists(Places.Retail))
            Skip = "../shared/data/retail-events.ndjson.gz is not there; the test needs that file beside the repository.";
    }
}
