using System.Globalization;
using System.Text.Json;
using Tidemark.EndToEnd.Running;
using Tidemark.Functions.Tests.Kafka;

namespace Tidemark.EndToEnd;

/// <summary>Results and dead letters in Kafka, after the host was killed with SIGKILL, against what is in Delta.</summary>
public class KafkaResultsTests
{
    private const int Kills = 2;
    private static readonly TimeSpan Limit = TimeSpan.FromMinutes(3);

    [Fact]
    public async Task Topics_have_every_committed_row_and_repeats_are_the_same_whatever_kills_the_host()
    {
        const int Seed = 83;
        var random = new Random(Seed);
        await using var station = new Station();
        using var kafka = new MockKafka("shop-events", partitions: 3);
        station.MoveQuickly();
        foreach (var (name, value) in new[] { ("KafkaTopic", kafka.Topic), ("EventCountsTopic", "counts"), ("AlertsTopic", "alarms"), ("DeadLetterSuffix", "-dead") })
            station.Set(name, value);
        var input = ShopFile.Write(station, "shop.ndjson", ShopFile.Troubled with { Seed = Seed, OutOfOrderShare = 1, BrokenShare = 0.01 }, 20_000, 20);
        for (var kill = 1; kill <= Kills; kill++)
        {
            var run = station.Start("--input", input, "--once", "--rate", "3000", "--kafka", kafka.Address);
            await run.AnswersAsync(station.Port, Limit);
            await Task.Delay(TimeSpan.FromMilliseconds(random.Next(1_000, 3_000)));
            Assert.False(run.HasEnded, $"It ended by itself, seed {Seed}.\n{run.Transcript()}");
            run.Send(Signals.Kill);
            await run.EndAsync(Limit);
        }

        await station.FinishAsync("--input", input, "--kafka", kafka.Address);
        await using var azurite = new OwnAzurite(station, Path.Combine(station.Data, "azurite"));
        await azurite.StartAsync();
        station.Set(Station.Storage, azurite.ConnectionString);

        var counts = TopicReader.All(kafka.Address, "counts");
        await HasAllOfAsync(station, "event_counts", counts);
        // Behind the repeats, the last record of each key and window is the final row.
        Assert.All(
            counts.GroupBy(r => (r.Key, JsonDocument.Parse(r.Bytes!).RootElement.GetProperty("window_start").GetString())).Select(g => g.Last()),
            last => Assert.Equal("true", last.Headers["is_final"]));
        Assert.Contains(counts, r => r.Headers["is_final"] == "false");
        var alarms = TopicReader.All(kafka.Address, "alarms").GroupBy(r => r.Headers["tidemark-query"]).ToDictionary(g => g.Key, g => g.ToList());
        Assert.Subset(new HashSet<string> { "fraud_alerts", "traffic_anomalies", "revenue_anomalies" }, alarms.Keys.ToHashSet());
        Assert.NotEmpty(alarms["fraud_alerts"]);
        foreach (var query in (string[])["fraud_alerts", "traffic_anomalies", "revenue_anomalies"])
            await HasAllOfAsync(station, query, alarms.GetValueOrDefault(query) ?? []);

        var letters = TopicReader.All(kafka.Address, kafka.Topic + "-dead");
        var quarantine = await ShowAsync(station, "silver/quarantine");
        Assert.NotEmpty(quarantine);
        Assert.Equal(
            quarantine.Select(row => string.Join('|', row.GetProperty("reason"), row.GetProperty("kafka_topic"), row.GetProperty("kafka_partition"), row.GetProperty("kafka_offset"), row.GetProperty("kafka_key"), row.GetProperty("value"))).Order(StringComparer.Ordinal),
            letters.Select(r => string.Join('|', r.Headers["dlq-error"], r.Headers["dlq-topic"], r.Headers["dlq-partition"], r.Headers["dlq-offset"], r.Key, r.Value)).Distinct().Order(StringComparer.Ordinal));
    }

    /// <summary>Every row of the table is there as final, nothing else is, and records of one id have one content.</summary>
    private static async Task HasAllOfAsync(Station station, string query, IReadOnlyList<ReadRecord> records)
    {
        var committed = (await ShowAsync(station, "gold/" + query)).Select(Canonical).ToList();
        var final = records.Where(r => r.Headers["is_final"] == "true").ToList();
        Assert.Equal(committed.Order(StringComparer.Ordinal), final.DistinctBy(r => r.Headers["tidemark-id"]).Select(r => Canonical(JsonDocument.Parse(r.Bytes!).RootElement)).Order(StringComparer.Ordinal));
        Assert.All(records.GroupBy(r => r.Headers["tidemark-id"]), same => Assert.Single(same.Select(r => (r.Key, r.Value)).Distinct()));
    }

    private static string Canonical(JsonElement row) => string.Join(' ', row.EnumerateObject().Where(p => p.Name != "is_final").Select(p =>
        $"{p.Name}={(p.Value.ValueKind == JsonValueKind.Number ? p.Value.GetDouble().ToString("G15", CultureInfo.InvariantCulture) : p.Value.ToString())}"));

    internal static async Task<IReadOnlyList<JsonElement>> ShowAsync(Station station, string table)
    {
        var show = station.StartBare("show", table, "--limit", "1000000", "--data", station.Data);
        var code = await show.EndAsync(Limit);
        Assert.True(code == 0, show.Transcript());
        return [.. show.Output.Split('\n', StringSplitOptions.RemoveEmptyEntries).Select(line => JsonDocument.Parse(line).RootElement)];
    }
}
