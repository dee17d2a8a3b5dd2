using System.IO.Compression;
using System.Text;
using System.Text.Json;
using Confluent.Kafka;
using Tidemark.EndToEnd.Running;
using Tidemark.LocalHost.Demo;

namespace Tidemark.EndToEnd;

/// <summary>Records over Kafka itself that no file of lines could carry, and files that are damaged, packed in parts, or given again.</summary>
public class BadInputTests
{
    private const int Partitions = 3;
    private static readonly TimeSpan Limit = TimeSpan.FromMinutes(1);

    [Fact]
    public async Task Bad_records_are_quarantined_with_reason_and_origin_and_the_good_ones_between_them_count()
    {
        await using var station = new Station();
        await using var azurite = new OwnAzurite(station);
        await azurite.StartAsync();
        station.Set(Station.Storage, azurite.ConnectionString);
        using var kafka = new MockKafka("shop-events", Partitions);
        var records = Records().ToList();
        await kafka.ProduceAsync(records);
        var sent = station.In("sent.records");
        await File.WriteAllLinesAsync(sent, records.Select(r =>
            r.Value is null ? """{"value":null}""" : $$"""{"value":"{{Convert.ToBase64String(r.Value)}}"}"""));

        station.Set("KafkaTopic", kafka.Topic);
        await station.FinishAsync("--kafka", kafka.Address);
        await station.ExportAsync();
        var verdict = await Oracle.CheckAsync(station, sent);
        var reasons = verdict.GetProperty("quarantined");
        foreach (var reason in (string[])
            [
                "tombstone", "invalid_utf8", "invalid_json", "not_an_object", "too_large", "too_deep", "missing_event_id", "missing_event_type",
                "missing_event_time", "missing_user_id", "invalid_user_id", "invalid_price", "invalid_event_time", "event_time_out_of_range", "event_time_in_future",
            ])
            Assert.True(reasons.TryGetProperty(reason, out _), $"No record was quarantined as {reason}: {reasons}");
        await StandsBeforeALossAsync(station, kafka, verdict.GetProperty("rows").GetProperty("bronze/events").GetInt64());
    }

    /// <summary>
    /// The broker keeps about 5 MB a partition, and drops of what now comes a part before it is read. With <c>OnDataLoss</c> stop the partition stands until that is accepted; then what is left is read.
    /// </summary>
    private static async Task StandsBeforeALossAsync(Station station, MockKafka kafka, long read)
    {
        var before = Bounds(kafka);
        await kafka.ProduceAsync(Enumerable.Range(0, 8).Select(n => ((byte[]?)"u-lost"u8.ToArray(), (byte[]?)Encoding.UTF8.GetBytes(Event($"lost-{n}", $",\"note\":\"{new string('x', 900_000)}\"")))));
        var after = Bounds(kafka);
        var partition = Enumerable.Range(0, Partitions).Single(p => after[p].End != before[p].End);
        var (from, to) = (before[partition].End, after[partition].Start);
        Assert.True(from < to, "The broker has dropped nothing.");

        station.Set("OnDataLoss", "stop");
        station.Set("WatchdogTimeout", "5s");
        station.Set("LeaseDuration", "5s");
        station.MoveQuickly();
        var standing = station.Start("--kafka", kafka.Address);
        await LiveStatus.UntilAsync(standing, status => status?.GetProperty("alerts").EnumerateArray().Any(alert => alert.GetProperty("name").GetString() == "stopped-at-loss") == true, Limit);
        standing.Send(Signals.Terminate);
        Assert.True(await standing.EndAsync(Limit) == 0, standing.Transcript());

        Assert.Equal($"events: partition {partition} stands before offsets {from} to {to - 1}\n", await station.AskAsync(0, "losses", "list"));
        Assert.Equal($"events: partition {partition} goes on behind offset {to - 1}; offsets {from} to {to - 1} are lost\n", await station.AskAsync(0, "losses", "accept", "--partition", $"{partition}"));
        var report = station.In("report.json");
        await station.FinishAsync("--kafka", kafka.Address, "--report", report);
        Assert.StartsWith($"events: partition {partition} passed offsets {from} to {to - 1}, ", await station.AskAsync(0, "losses", "list"), StringComparison.Ordinal);
        Assert.Equal(read + after[partition].End - to, JsonDocument.Parse(await File.ReadAllTextAsync(report)).RootElement.GetProperty("events_in").GetInt64());
    }

    [Fact]
    public async Task A_damaged_file_gives_way_to_others_and_one_that_was_read_is_not_read_again()
    {
        await using var station = new Station();
        await File.WriteAllBytesAsync(station.In("damaged.gz"), [0x1f, 0x8b, 8, 0, 1, 2, 3]);
        var damaged = station.Start("--input", station.In("damaged.gz"), "--once", "--partitions", "2");
        Assert.True(await damaged.EndAsync(Limit) == 2, damaged.Transcript());
        Assert.Contains("damaged.gz is damaged after line 0", Assert.Single(damaged.Errors.Split('\n', StringSplitOptions.RemoveEmptyEntries)));

        var first = ShopFile.Write(station, "first.ndjson", ShopFile.Clean with { Seed = 62 }, 600, 1);
        var lines = await File.ReadAllLinesAsync(ShopFile.Write(station, "second.ndjson", ShopFile.Clean with { Seed = 63 }, 600, 1, ShopFile.Start.AddDays(1)));
        var second = station.In("second.gz");
        foreach (var part in lines.Chunk(250))
        {
            await using var packed = new StreamWriter(new GZipStream(File.Open(second, FileMode.Append), CompressionLevel.Fastest));
            foreach (var line in part)
                await packed.WriteLineAsync(line);
        }

        var report = station.In("report.json");
        Dictionary<string, string> rows = [];
        foreach (var input in (string[])[first, second, first])
        {
            var run = await station.FinishAsync("--input", input, "--report", report);
            var root = JsonDocument.Parse(await File.ReadAllTextAsync(report)).RootElement;
            Assert.Equal(input == first && rows.Count == 0 ? 600 : 1_200, root.GetProperty("events_in").GetInt64());
            if (rows.Count == 2)
            {
                Assert.Contains($"--input {first} is not read again: its content was read before (600 lines); --again reads it again.", run.Output);
                Assert.Equal(rows[second], root.GetProperty("rows").ToString());
            }

            rows[input] = root.GetProperty("rows").ToString();
        }
    }

    private static (long Start, long End)[] Bounds(MockKafka kafka)
    {
        using var consumer = new ConsumerBuilder<byte[], byte[]>(new ConsumerConfig { BootstrapServers = kafka.Address, GroupId = "bounds" }).Build();
        return [.. Enumerable.Range(0, Partitions).Select(p => consumer.QueryWatermarkOffsets(new TopicPartition(kafka.Topic, p), Limit)).Select(bounds => (bounds.Low.Value, bounds.High.Value))];
    }

    /// <summary>2,000 records of the shop, a fifth of them broken in every way there is, and some that are valid in unusual ways.</summary>
    private static IEnumerable<(byte[]? Key, byte[]? Value)> Records()
    {
        var options = ShopFile.Clean with { Seed = 61, BrokenShare = 0.2, BinaryBroken = true };
        var count = 0;
        // At most three huge values: the mock broker keeps about 5 MB a partition.
        var huge = 0;
        foreach (var item in new ShopSimulation(options).Generate(ShopFile.Start, DateTimeOffset.MaxValue, 2).Take(2_000))
        {
            if (item.Value is { Length: > BrokenEvents.HugeBytes } && ++huge > 2)
                continue;
            yield return (item.Key, item.Value);
            if (++count % 100 == 0)
                foreach (var text in Unusual(count))
                    yield return ("u-odd"u8.ToArray(), Encoding.UTF8.GetBytes(text));
        }
        yield return ("u-huge"u8.ToArray(), Encoding.UTF8.GetBytes(Event("huge", $",\"note\":\"{new string('x', BrokenEvents.HugeBytes)}\"")));
        yield return (null, null);
    }

    private static IEnumerable<string> Unusual(int n) =>
    [
        Event($"null-{n}", ",\"price\":null,\"extra\":null"),
        Event($"escape-{n}", ",\"page\":\"\\u00e9\\ud83d\\ude00\\n\\\"\""),
        Event($"text-money-{n}", ",\"price\":\"12.3456\",\"quantity\":\"3\""),
        Event($"negative-{n}", ",\"revenue\":-15.3,\"quantity\":-6"),
        Event($"small-{n}", ",\"revenue\":0.00005,\"price\":1e-3"),
        Event($"deep-enough-{n}", $",\"nested\":{new string('[', 60)}{new string(']', 60)}"),
        Event($"twice-{n}", ",\"country\":\"first\",\"country\":\"last\""),
        Event($"space-{n}", " , \"country\" : \"Spain\" "),
        "",
        "null",
        "{}",
        "{\"event_id\":\"\",\"event_type\":\"view\",\"ts\":1740988800000,\"user_id\":\"u\"}",
        $"{{\"_event_id\":\"alias-{n}\",\"event_type\":\"\",\"action\":\"view\",\"ts\":\"1740988800000\",\"user_id\":77}}",
        $"{{\"event_id\":\"noon-{n}\",\"event_type\":\"purchase\",\"timestamp\":\"2025-02-29T12:00:00Z\",\"user_id\":\"u\"}}",
        $"{{\"event_id\":\"zone-{n}\",\"event_type\":\"purchase\",\"timestamp\":\"2025-03-03 08:00:00.1234567+05:30\",\"user_id\":\"u\"}}",
        $"{{\"event_id\":\"tomorrow-{n}\",\"event_type\":\"view\",\"ts\":{DateTimeOffset.UtcNow.AddDays(3).ToUnixTimeMilliseconds()},\"user_id\":\"u\"}}",
    ];

    private static string Event(string id, string more) =>
        $"{{\"event_id\":{JsonSerializer.Serialize(id)},\"event_type\":\"purchase\",\"timestamp\":\"2025-03-03T08:05:00Z\",\"user_id\":\"u-odd\",\"session_id\":\"s\"{more}}}";
}
