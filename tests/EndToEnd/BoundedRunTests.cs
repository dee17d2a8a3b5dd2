using System.Text.Json;
using Tidemark.EndToEnd.Running;

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
    public async Task Table_storage_holds_the_final_rows_of_every_query()
    {
        await using var station = new Station();
        await using var azurite = new OwnAzurite(station);
        await azurite.StartAsync();
        station.Set(Station.Storage, azurite.ConnectionString);
        var input = ShopFile.Write(station, "shop.ndjson", ShopFile.Clean with { Seed = 31 }, 12_000, 3);
        ShopFile.AppendSharedSession(input, ShopFile.Start.AddMinutes(60));
        await station.FinishAsync("--input", input);
        await station.ExportAsync();
        await Oracle.CheckAsync(station, input);
        foreach (var query in Station.Queries)
        {
            var gold = (await Oracle.RowsAsync(station, $"gold/{query}")).Select(ResultTables.Canonical).Order(StringComparer.Ordinal).ToList();
            var table = await ResultTables.ReadAsync(azurite.ConnectionString, query);
            Assert.NotEmpty(gold);
            Assert.Equal(gold, table.Select(row => row.Canonical).Order(StringComparer.Ordinal));
            Assert.All(table, row => Assert.True(row.IsFinal, $"{query}: {row.Canonical} is not final"));
            Assert.Equal(table.OrderByDescending(row => row.WindowStart).Select(row => row.WindowStart), table.Select(row => row.WindowStart));
        }
    }
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
