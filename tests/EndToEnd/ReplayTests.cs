using System.Text.Json;
using System.Text.RegularExpressions;
using Tidemark.EndToEnd.Running;
using Tidemark.Functions.Tests.Kafka;
using Tidemark.Native;

namespace Tidemark.EndToEnd;

/// <summary>Everything computed anew beside what is there, from what was recorded or from the topic, and shown in its place.</summary>
public partial class ReplayTests
{
    private static readonly TimeSpan Limit = TimeSpan.FromMinutes(2);

    [Fact]
    public async Task A_replay_from_bronze_that_was_killed_goes_on_equals_the_oracle_leaves_what_is_there_alone_and_goes_on_after_the_swap()
    {
        await using var station = new Station();
        var options = ShopFile.Clean with { Seed = 71, OutOfOrderShare = 1, DuplicateShare = 0.02, BrokenShare = 0.01 };
        var first = ShopFile.Write(station, "first.ndjson", options, 12_000, 3);
        station.MoveQuickly();
        station.Set("EventCountsTopic", "counts");
        await station.FinishAsync("--input", first);
        var before = await HistoryAsync(station);

        station.Set("MaxRangeRecords", "200");
        var run = station.StartBare("replay", "--version", "v2", "--data", station.Data);
        await Station.UntilAsync(() => Task.FromResult(run.HasEnded || run.Output.Split('\n').Count(line => line.EndsWith("to go", StringComparison.Ordinal)) > 2), Limit, run.Transcript);
        Assert.False(run.HasEnded, run.Transcript());
        run.Send(Signals.Kill);
        await run.EndAsync(Limit);
        var early = station.StartBare("swap", "--version", "v2", "--data", station.Data);
        Assert.Equal(1, await early.EndAsync(Limit));
        Assert.Contains("again first", early.Errors, StringComparison.Ordinal);

        Assert.Contains("in version v1", await station.AskAsync(0, "replay", "--version", "v2"), StringComparison.Ordinal);
        Assert.Equal(before, await HistoryAsync(station));
        await station.AskAsync(0, "swap", "--version", "v2");
        Assert.NotEqual(before, await HistoryAsync(station));
        station.Unset("MaxRangeRecords");

        await ExportAsync(station, "lake");
        await Oracle.CheckAsync(station, first);
        await ExportAsync(station, "lake-v2");
        var verdict = await Oracle.CheckAsync(station, first);
        Assert.Empty(verdict.GetProperty("late").EnumerateObject());
        var positions = await Oracle.PositionsAsync(station, "positions.json");

        // The new version goes on with the topic, from where the earlier one had read it.
        var second = ShopFile.Write(station, "second.ndjson", options with { Seed = 72 }, 3_000, 3, ShopFile.Start.AddDays(3));
        await station.FinishAsync("--input", second);
        await ExportAsync(station, "lake-v2");
        verdict = await Oracle.CheckAsync(station, first, (positions, second));
        Assert.Equal(15_000, verdict.GetProperty("rows").GetProperty("bronze/events").GetInt64());

        // Readers of a topic of results have every closed window once, those of the first input from before the replay.
        var nothing = station.In("nothing.ndjson");
        File.WriteAllText(nothing, "");
        var last = station.Start("--input", nothing);
        Assert.True(await last.AnswersAsync(station.Port, Limit), last.Transcript());
        await Station.UntilAsync(() => Task.FromResult(Kafka().IsMatch(last.Output)), Limit, last.Transcript);
        NativeKafka.Load();
        var told = TopicReader.All(Kafka().Match(last.Output).Groups[1].Value, "counts").Select(r => JsonDocument.Parse(r.Value!).RootElement)
            .Where(row => row.GetProperty("is_final").GetBoolean()).Select(row => (At: row.GetProperty("window_start").GetString()!, Type: row.GetProperty("event_type").GetString())).ToList();
        Assert.Equal(told.Count, told.Distinct().Count());
        Assert.Equal(2, told.Select(row => row.At[..10]).Distinct().Count());
        last.Send(Signals.Terminate);
        Assert.Equal(0, await last.EndAsync(Limit));
    }

    [GeneratedRegex(@"Kafka (127\.0\.0\.1:\d+)")]
    private static partial Regex Kafka();

    private static Task<string> HistoryAsync(Station station) => station.AskAsync(0, "history", "gold/country_revenue");

    private static async Task ExportAsync(Station station, string container)
    {
        station.Set("LakeContainer", container);
        await station.ExportAsync();
        station.Unset("LakeContainer");
    }
}
