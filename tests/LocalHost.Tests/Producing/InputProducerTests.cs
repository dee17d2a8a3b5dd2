using System.IO.Compression;
using System.Text;
using Confluent.Kafka;
using Microsoft.Extensions.Logging.Abstractions;
using Tidemark.LocalHost.Kafka;
using Tidemark.LocalHost.Processes;
using Tidemark.LocalHost.Producing;
using Tidemark.LocalHost.Settings;

namespace Tidemark.LocalHost.Tests.Producing;

public sealed class InputProducerTests
{
    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    [InlineData(4)]
    public async Task An_input_that_was_cut_off_at_random_moments_is_in_Kafka_exactly_once_and_in_order(int seed)
    {
        var random = new Random(seed);
        using var kafka = new TestKafka(3);
        using var folder = new TestFolder();
        var files = WriteFiles(folder, random, 4000);
        var saved = new List<byte[]>();
        for (var cut = 0; cut < 5; cut++)
        {
            using var data = DataDirectory.Open(folder["data"]);
            using var cancel = new CancellationTokenSource();
            var producer = Producer(data, kafka, files, rate: 8000);
            var running = producer.RunAsync(cancel.Token);
            var until = producer.Lines + random.Next(100, 900);
            await Eventually.True(() => producer.Lines >= until || running.IsCompleted, "some lines were read");
            await cancel.CancelAsync();
            await running.ContinueWith(_ => { }, TaskScheduler.Default);

            // SIGKILL leaves the progress of some earlier moment behind: any of those saved so far, since the last start at most.
            if (File.Exists(data["input.json"]))
                saved.Add(await File.ReadAllBytesAsync(data["input.json"]));
            await File.WriteAllBytesAsync(data["input.json"], saved[random.Next(saved.Count)]);
        }

        using (var data = DataDirectory.Open(folder["data"]))
        {
            await Producer(data, kafka, files).RunAsync(CancellationToken.None);
            await Producer(data, kafka, files).RunAsync(CancellationToken.None); // A complete input is not produced again.
        }

        AssertExactlyOnce(kafka, Lines(files), $"seed {seed}");
    }

    [Fact]
    public async Task Records_of_others_between_ours_are_passed_over_on_resume()
    {
        using var kafka = new TestKafka(3);
        using var folder = new TestFolder();
        var files = WriteFiles(folder, new Random(5), 900);
        using var data = DataDirectory.Open(folder["data"]);
        using var cancel = new CancellationTokenSource();
        var producer = Producer(data, kafka, files, rate: 2000);
        var running = producer.RunAsync(cancel.Token);
        await Eventually.True(() => File.Exists(data["input.json"]), "progress is begun");
        var early = await File.ReadAllBytesAsync(data["input.json"]);
        await Eventually.True(() => producer.Lines > 200, "some lines were read");
        kafka.Produce(30, first: 1_000_000);
        await Eventually.True(() => producer.Lines > 500, "more lines were read");
        await cancel.CancelAsync();
        await running.ContinueWith(_ => { }, TaskScheduler.Default);
        await File.WriteAllBytesAsync(data["input.json"], early);
        await Producer(data, kafka, files).RunAsync(CancellationToken.None);
        AssertExactlyOnce(kafka, Lines(files), "with other records between");
    }

    [Fact]
    public async Task Another_input_in_the_middle_of_one_is_refused_and_accepted_after_it()
    {
        using var kafka = new TestKafka(3);
        using var folder = new TestFolder();
        var first = WriteFiles(folder, new Random(6), 500);
        await File.WriteAllTextAsync(folder["other.ndjson"], """{"user_id":"z","event_id":"other"}""");
        var other = new[] { InputFile.Of(folder["other.ndjson"]) };
        using var data = DataDirectory.Open(folder["data"]);
        using (var cancel = new CancellationTokenSource())
        {
            var producer = Producer(data, kafka, first, rate: 500);
            var running = producer.RunAsync(cancel.Token);
            await Eventually.True(() => producer.Lines > 50, "some lines were read");
            await cancel.CancelAsync();
            await running.ContinueWith(_ => { }, TaskScheduler.Default);
        }

        var error = await Assert.ThrowsAsync<SettingException>(() => Producer(data, kafka, other).RunAsync(CancellationToken.None));
        Assert.Contains("in the middle of", error.Message, StringComparison.Ordinal);
        await Producer(data, kafka, first).RunAsync(CancellationToken.None);
        await Producer(data, kafka, other).RunAsync(CancellationToken.None);
        AssertExactlyOnce(kafka, [.. Lines(first), .. Lines(other)], "two inputs");
    }

    [Fact]
    public async Task A_bulk_input_never_outruns_what_the_emulator_keeps()
    {
        const int Count = 80_000;
        using var kafka = new TestKafka(2);
        using var folder = new TestFolder();
        var path = folder["bulk.ndjson.gz"];
        await using (var file = new StreamWriter(new GZipStream(File.Create(path), CompressionLevel.Fastest)))
        {
            for (var i = 0; i < Count; i++)
                await file.WriteLineAsync($$"""{"user_id":"u{{i % 500}}","n":{{i}},"pad":"{{new string('p', 400)}}"}""");
        }

        var settings = TestHost.KafkaSettings(kafka);
        settings["AzureFunctionsJobHost__extensions__kafka__maxBatchSize"] = "5000";
        await using var host = await TestHost.StartAsync([typeof(BatchFunction)], settings);
        using var data = DataDirectory.Open(folder["data"]);
        await Producer(data, kafka, [InputFile.Of(path)], window: PacedProducer.EmulatorWindow).RunAsync(CancellationToken.None);
        await Eventually.True(() => host.Recorder.Records >= Count, "everything was delivered");
        var offsets = host.Recorder.Batches.SelectMany(b => b).GroupBy(r => r.Partition).Select(g => g.Select(r => r.Offset).Distinct().Count());
        Assert.Equal(Count, offsets.Sum());
    }

    private static InputProducer Producer(DataDirectory data, TestKafka kafka, IReadOnlyList<InputFile> files, double? rate = null, long window = long.MaxValue) =>
        Producer(data, kafka, new InputPlan(data["input.json"], "events", "test", LineKey.User, files, window, rate), []);

    private static InputProducer Producer(DataDirectory data, TestKafka kafka, InputPlan plan, List<string> told) =>
        new(plan, new KafkaConnection(kafka.Brokers), TimeProvider.System, told.Add, NullLogger.Instance);

    /// <summary>Two files with repeated lines, blank ones, broken ones, lines without user and with numbers as users.</summary>
    private static InputFile[] WriteFiles(TestFolder folder, Random random, int lines)
    {
        var text = new StringBuilder();
        string[] paths = [folder["a.ndjson"], folder["b.ndjson"]];
        foreach (var path in paths)
        {
            text.Clear();
            for (var i = 0; i < lines / 2; i++)
            {
                text.Append(random.Next(10) switch
                {
                    0 => "",
                    1 => "{ broken",
                    2 => """{"event_id":"no user"}""",
                    3 => $$"""{"nested":{"user_id":"inner"},"user_id":{{random.Next(20)}},"i":{{i}}}""",
                    4 => """{"user_id":"same","event_id":"again and again"}""",
                    _ => $$"""{"event_id":"{{path[^8]}}{{i}}","user_id":"u\u00e9{{random.Next(50)}}"}""",
                }).Append(i % 7 == 0 ? "\r\n" : "\n");
            }

            File.WriteAllText(path, text.ToString());
        }

        return [.. paths.Select(InputFile.Of)];
    }

    private static List<string> Lines(IEnumerable<InputFile> files) =>
        [.. files.SelectMany(f => File.ReadAllLines(f.Path)).Where(l => l.Trim().Length > 0)];

    /// <summary>As a whole each line as often as in the files; per key in their order.</summary>
    private static void AssertExactlyOnce(TestKafka kafka, List<string> lines, string what)
    {
        using var consumer = new ConsumerBuilder<string?, string>(new ConsumerConfig { BootstrapServers = kafka.Brokers, GroupId = "check", EnablePartitionEof = true }).Build();
        consumer.Assign(Enumerable.Range(0, kafka.Partitions).Select(p => new TopicPartitionOffset("events", p, Offset.Beginning)));
        List<(string? Key, string Value)> found = [];
        for (var ends = 0; ends < kafka.Partitions;)
        {
            var result = consumer.Consume(TimeSpan.FromSeconds(60)) ?? throw new TimeoutException("The emulator gave no record.");
            if (result.IsPartitionEOF)
                ends++;
            else if (result.Message.Value.Length != 4)
                found.Add((result.Message.Key, result.Message.Value));
        }

        Assert.True(lines.Order(StringComparer.Ordinal).SequenceEqual(found.Select(f => f.Value).Order(StringComparer.Ordinal)), $"{what}: {found.Count} records for {lines.Count} lines");
        foreach (var user in found.Where(f => f.Key is not null).GroupBy(f => f.Key))
        {
            var mine = user.Select(f => f.Value).ToHashSet();
            Assert.Equal(lines.Where(mine.Contains), user.Select(f => f.Value));
        }
    }
}
