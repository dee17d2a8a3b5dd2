using System.Text.Json;
using Tidemark.EndToEnd.Running;

namespace Tidemark.EndToEnd;

/// <summary>A folder with enriched events, gone on with or computed anew without what they are joined with: it is said, and nothing goes from sight unasked.</summary>
public class LostTableTests
{
    private const string Table = "gold/enriched_clickstream";
    private const string Unset = "Catalog, Customers and Countries are not set";

    [Fact]
    public async Task Enriched_events_that_a_run_or_a_replay_would_not_have_are_told_and_a_swap_that_lacks_them_is_refused_unless_it_is_asked_for_and_undone_by_another()
    {
        await using var station = new Station();
        var catalog = station.In("catalog.csv");
        await File.WriteAllTextAsync(catalog, "product_id,price\nP00001,1.25\n");
        station.Set("Catalog", $"file:{catalog}");
        var options = ShopFile.Clean with { Seed = 63 };
        var first = ShopFile.Write(station, "first.ndjson", options, 1_500, 1);
        Assert.DoesNotContain("not continued", (await station.FinishAsync("--input", first, "--partitions", "2")).Output, StringComparison.Ordinal);
        Assert.DoesNotContain("\"enrichment\"", await station.AskAsync(0, "doctor", "--json"), StringComparison.Ordinal);

        station.Unset("Catalog");
        Assert.DoesNotContain("\"enrichment\"", await station.AskAsync(0, "doctor", "--json"), StringComparison.Ordinal);
        // Offsets say nothing of the topics that this folder never read.
        station.Set("StartFrom", "0:0,1:0");
        var second = ShopFile.Write(station, "second.ndjson", options with { Seed = 64 }, 500, 1, ShopFile.Start.AddHours(2));
        Assert.Contains($"{Table} has 1,500 rows here and is not continued, since {Unset}.", (await station.FinishAsync("--input", second)).Output, StringComparison.Ordinal);
        Assert.Contains("\"enrichment\"", await station.AskAsync(5, "doctor", "--json"), StringComparison.Ordinal);
        foreach (var command in (string[][])[["losses", "list"], ["late", "list"], ["dlq", "list"], ["windows", "reopen", "--dry-run"]])
            await station.AskAsync(0, command);

        var lost = $"Version v2 has no {Table}, which has 1,500 rows in version v1, since {Unset}";
        Assert.Contains(lost, await RefusedAsync(station, "replay", "--version", "v2", "--swap"), StringComparison.Ordinal);
        Assert.Contains(lost, await station.AskAsync(0, "replay", "--version", "v2"), StringComparison.Ordinal);
        Assert.Contains($"give --without {Table}", await RefusedAsync(station, "swap", "--version", "v2"), StringComparison.Ordinal);
        Assert.Contains("does not lack such a table", await RefusedAsync(station, "swap", "--version", "v2", "--without", "gold/demand", "--without", Table), StringComparison.Ordinal);
        await station.AskAsync(0, "swap", "--version", "v2", "--without", Table);
        Assert.Contains(Table, (await RefusedAsync(station, "show", Table))[..60], StringComparison.Ordinal);

        Assert.Contains("began with", await RefusedAsync(station, "replay", "--version", "v1"), StringComparison.Ordinal);
        Assert.Contains("shows version v1 in container lake from now on", await station.AskAsync(0, "swap", "--version", "v1"), StringComparison.Ordinal);
        Assert.NotEmpty(await station.AskAsync(0, "show", Table, "--limit", "1"));
        // It goes on with the entities and tables that it had.
        var third = ShopFile.Write(station, "third.ndjson", options with { Seed = 65 }, 500, 1, ShopFile.Start.AddHours(4));
        await station.FinishAsync("--input", third, "--report", station.In("report.json"));
        var rows = JsonDocument.Parse(await File.ReadAllTextAsync(station.In("report.json"))).RootElement.GetProperty("rows");
        Assert.Equal(2_500, rows.GetProperty("silver/events").GetInt64());
    }

    private static async Task<string> RefusedAsync(Station station, params string[] arguments)
    {
        var run = station.StartBare([.. arguments, "--data", station.Data]);
        Assert.True(await run.EndAsync(TimeSpan.FromMinutes(2)) == 2, run.Transcript());
        return Assert.Single(run.Errors.Split('\n', StringSplitOptions.RemoveEmptyEntries));
    }
}
