using System.IO.Compression;
using System.Text;
using System.Text.Json;
using Tidemark.Functions.Tests.Kafka;
using Tidemark.LocalHost.Cli;
using Tidemark.LocalHost.Producing;

namespace Tidemark.LocalHost.Tests.Cli;

/// <summary><c>produce</c>, called as the program calls it, against the emulator.</summary>
public sealed class ProduceCommandTests
{
    [Fact]
    public async Task Lines_of_a_file_arrive_keyed_and_stamped_with_their_headers()
    {
        using var kafka = new TestKafka(3);
        using var folder = new TestFolder();
        var file = folder["events.ndjson.gz"];
        await using (var gz = new GZipStream(File.Create(file), CompressionLevel.Fastest))
            gz.Write(Encoding.UTF8.GetBytes(string.Join('\n', Enumerable.Range(0, 900).Select(i => $$"""{"n":{{i}},"account":"a{{i % 11}}","event_id":"e{{i}}"}""")) + "\n\n{broken\n"));

        var (code, output, errors) = await RunAsync("produce", file, "--kafka", kafka.Brokers, "--key", "account", "--header", "schema-version=2", "--source", "till", "--partitions", "5", "--json");
        Assert.True(code == ExitCodes.Success, errors);
        Assert.Contains("with 3 partitions instead of 5", errors, StringComparison.Ordinal);
        var report = JsonDocument.Parse(output).RootElement;
        Assert.Equal((901, 901, 0, 1, 1.0), (report.GetProperty("sent").GetInt32(), report.GetProperty("delivered").GetInt32(), report.GetProperty("failed").GetInt32(), report.GetProperty("without_key").GetInt32(), report.GetProperty("success_rate").GetDouble()));

        var records = TopicReader.All(kafka.Brokers, "events");
        Assert.Equal(901, records.Count);
        var broken = Assert.Single(records, r => r.Key is null);
        Assert.Equal("{broken", broken.Value);
        // The partition is the one that Kafka's own clients choose, and a key's events are in order.
        Assert.All(records.Except([broken]), r => Assert.Equal(KafkaPartitioner.Partition(Encoding.UTF8.GetBytes(r.Key!), 3), r.Partition));
        var events = records.Except([broken]).Select(r => (r.Key, Json: JsonDocument.Parse(r.Bytes!).RootElement)).ToList();
        Assert.All(events.GroupBy(e => e.Key), key => Assert.Equal(key.Select(e => e.Json.GetProperty("n").GetInt32()).Order(), key.Select(e => e.Json.GetProperty("n").GetInt32())));
        Assert.All(events, e => Assert.Equal($"e{e.Json.GetProperty("n").GetInt32()}", e.Json.GetProperty("event_id").GetString()));
        Assert.All(events, e => Assert.True(e.Json.GetProperty("timestamp").GetDateTimeOffset() > DateTimeOffset.UtcNow.AddMinutes(-10)));
        Assert.All(records, r => Assert.Equal(("till", "2"), (r.Headers["source"], r.Headers["schema-version"])));
    }

    [Theory]
    [InlineData("no such file", "produce", "/no/such/file", "--kafka", "localhost:1")]
    [InlineData("--rate", "produce", "--rate", "0", "--kafka", "localhost:1")]
    [InlineData("--header", "produce", "--header", "text", "--kafka", "localhost:1")]
    [InlineData("--partitions", "produce", "--replication", "3", "--kafka", "localhost:1")]
    [InlineData("--kafka HOST:PORT", "produce", "--data", "/no/such/folder")]
    [InlineData("--since", "dlq", "list", "--since", "yesterday")]
    [InlineData("PARTITION/OFFSET", "dlq", "replay", "--id", "12")]
    [InlineData("no data directory", "dlq", "list", "--data", "/no/such/folder")]
    public async Task A_wrong_option_ends_in_one_sentence(string says, params string[] arguments)
    {
        var (code, _, errors) = await RunAsync(arguments);
        Assert.Equal(ExitCodes.BadSetting, code);
        Assert.Contains(says, Assert.Single(errors.Split('\n', StringSplitOptions.RemoveEmptyEntries)), StringComparison.Ordinal);
    }

    private static async Task<(int Code, string Output, string Errors)> RunAsync(params string[] arguments)
    {
        var (output, errors) = (new StringWriter(), new StringWriter());
        var code = await CommandLine.RunAsync(arguments, output, errors);
        return (code, output.ToString(), errors.ToString());
    }
}
