using System.Globalization;
using System.Text.RegularExpressions;
using Tidemark.EndToEnd.Running;

namespace Tidemark.EndToEnd;

/// <summary>What a run reads that begins anew on the emulator's log after a restart.</summary>
public partial class RestartTests
{
    private static readonly TimeSpan Limit = TimeSpan.FromMinutes(1);

    [Fact]
    public async Task A_new_version_computes_what_the_log_still_has_and_what_it_has_not_is_a_gap_and_no_record()
    {
        await using var station = new Station();
        var input = ShopFile.Write(station, "shop.ndjson", ShopFile.Clean with { Seed = 91, BrokenShare = 0.01 }, 3_000, 20);
        // More than the emulator keeps of a partition.
        var lines = File.ReadAllLines(input).Select(line => line.EndsWith('}') ? $$"""{{line[..^1]}},"note":"{{new string('n', 3_000)}}"}""" : line).ToArray();
        File.WriteAllLines(input, lines);
        await station.FinishAsync("--input", input, "--partitions", "1");

        Set(station, "v2");
        foreach (var (name, value) in new[] { ("StartFrom", "0:0"), ("SensorsStartFrom", "earliest"), ("PurchasesStartFrom", "earliest") })
            station.Set(name, value);
        await station.FinishAsync("--input", input);
        var gap = Gap().Match(await station.AskAsync(0, "losses", "list"));
        Assert.True(gap.Success);
        Assert.Equal(("events", "passed", "0"), (gap.Groups[1].Value, gap.Groups[2].Value, gap.Groups[3].Value));
        var start = int.Parse(gap.Groups[4].Value, CultureInfo.InvariantCulture) + 1;
        Assert.InRange(lines.Skip(start).Sum(line => (long)line.Length), 4 << 20, 5 << 20);
        var held = station.In("held.ndjson");
        File.WriteAllLines(held, lines.Skip(start));
        await station.ExportAsync();
        var verdict = await Oracle.CheckAsync(station, held);
        Assert.Equal(lines.Length - start, verdict.GetProperty("rows").GetProperty("bronze/events").GetInt64());
        Assert.Empty(verdict.GetProperty("late").EnumerateObject());

        Set(station, "v3");
        station.Set("OnDataLoss", "stop");
        var standing = station.Start("--input", input);
        await LiveStatus.UntilAsync(standing, status => LiveStatus.Alerts(status).Any(text => text.Contains($"{start - 1}", StringComparison.Ordinal)), Limit);
        Assert.Equal(0, LiveStatus.Count(await LiveStatus.OfAsync(standing), "records"));
        standing.Send(Signals.Terminate);
        Assert.Equal(0, await standing.EndAsync(Limit));
        gap = Gap().Match(await station.AskAsync(0, "losses", "list"));
        Assert.Equal(("stands before", "0", $"{start - 1}"), (gap.Groups[2].Value, gap.Groups[3].Value, gap.Groups[4].Value));
    }

    private static void Set(Station station, string version)
    {
        station.Set("PipelineVersion", version);
        station.Set("LakeContainer", $"lake-{version}");
        station.Set("KafkaGroup", $"tidemark-{version}");
    }

    [GeneratedRegex(@"(\w+): partition 0 (passed|stands before) offsets (\d+) to (\d+)")]
    private static partial Regex Gap();
}
