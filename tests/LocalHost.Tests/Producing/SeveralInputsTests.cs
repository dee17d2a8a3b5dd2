using System.IO.Compression;
using Confluent.Kafka;
using Microsoft.Extensions.Logging.Abstractions;
using Tidemark.LocalHost.Kafka;
using Tidemark.LocalHost.Processes;
using Tidemark.LocalHost.Producing;
using Tidemark.LocalHost.Settings;

namespace Tidemark.LocalHost.Tests.Producing;

/// <summary>One data directory and inputs that follow each other: damaged ones, mended ones, the same ones again.</summary>
public sealed class SeveralInputsTests : IDisposable
{
    private readonly TestKafka kafka = new(3);
    private readonly TestFolder folder = new();
    private readonly DataDirectory data;
    private readonly List<string> told = [];

    public SeveralInputsTests() => data = DataDirectory.Open(folder["data"]);

    public void Dispose()
    {
        data.Dispose();
        folder.Dispose();
        kafka.Dispose();
    }

    [Fact]
    public async Task An_input_of_which_nothing_was_produced_gives_way_to_another()
    {
        await File.WriteAllBytesAsync(folder["damaged.gz"], [0x1f, 0x8b, 8, 0, 1, 2, 3]);
        var error = await Assert.ThrowsAsync<SettingException>(() => ReadAsync("damaged.gz"));
        Assert.Contains("is damaged after line 0", error.Message, StringComparison.Ordinal);
        kafka.Produce(9, first: 1_000_000);
        var lines = Write("good.ndjson", 100, "g");
        await ReadAsync("good.ndjson");
        AssertInKafka(lines);
    }

    [Fact]
    public async Task A_mended_copy_of_a_damaged_input_goes_on_behind_the_lines_that_are_in_Kafka_and_no_other_does()
    {
        var lines = Write("whole.ndjson", 3_000, "w");
        Pack("whole.ndjson", "damaged.gz");
        var bytes = await File.ReadAllBytesAsync(folder["damaged.gz"]);
        await File.WriteAllBytesAsync(folder["damaged.gz"], bytes[..(bytes.Length / 2)]);
        await Assert.ThrowsAsync<SettingException>(() => ReadAsync("damaged.gz"));
        await Assert.ThrowsAsync<SettingException>(() => ReadAsync("damaged.gz"));
        Assert.InRange(Records().Count, 100, 2_900);
        kafka.Produce(9, first: 1_000_000);

        Write("other.ndjson", 3_000, "o");
        var error = await Assert.ThrowsAsync<SettingException>(() => ReadAsync("other.ndjson"));
        Assert.Matches("is in the middle of .*damaged.gz; .* or with a copy that begins with the same lines", error.Message);
        await ReadAsync("whole.ndjson");
        AssertInKafka(lines);
        lines.AddRange(Write("next.ndjson", 10, "n"));
        await ReadAsync("next.ndjson");
        AssertInKafka(lines);
    }

    [Fact]
    public async Task A_file_that_is_damaged_before_what_a_killed_run_had_produced_doubles_no_line()
    {
        var lines = Write("input.ndjson", 2_000, "k");
        using (var cancel = new CancellationTokenSource())
        {
            var producer = Producer(false, "input.ndjson", rate: 2_000);
            var running = producer.RunAsync(cancel.Token);
            await Eventually.True(() => File.Exists(data["input.json"]), "progress is begun");
            var early = await File.ReadAllBytesAsync(data["input.json"]);
            await Eventually.True(() => producer.Lines > 1_000, "some lines were read");
            await cancel.CancelAsync();
            await running.ContinueWith(_ => { }, TaskScheduler.Default);
            await File.WriteAllBytesAsync(data["input.json"], early);
        }

        // What the file has become meanwhile: a line that is longer than any may be.
        await File.WriteAllTextAsync(folder["bad.ndjson"], new string('x', LineReader.MaxLength + 100));
        var saved = InputProgress.Read(data["input.json"])!;
        (saved with { Files = [InputFile.Of(folder["bad.ndjson"])] }).Write(data["input.json"]);
        await Assert.ThrowsAsync<SettingException>(() => ReadAsync("bad.ndjson"));
        var after = InputProgress.Read(data["input.json"])!;
        Assert.False(after.IsSettled);
        (after with { Files = [InputFile.Of(folder["input.ndjson"])] }).Write(data["input.json"]);
        await ReadAsync("input.ndjson");
        AssertInKafka(lines);
    }

    [Fact]
    public async Task What_was_read_before_is_not_read_again_whatever_came_between_and_whatever_it_is_called()
    {
        var lines = Write("a.ndjson", 1_500, "a");
        await ReadAsync("a.ndjson");
        lines.AddRange(Write("b.ndjson", 50, "b"));
        await ReadAsync("b.ndjson");
        Assert.Empty(told);
        await ReadAsync("a.ndjson");
        Assert.Equal($"--input {folder["a.ndjson"]} is not read again: its content was read before (1,500 lines); --again reads it again.", Assert.Single(told));
        File.Copy(folder["a.ndjson"], folder["copy.ndjson"]);
        File.SetLastWriteTimeUtc(folder["copy.ndjson"], DateTime.UnixEpoch);
        await ReadAsync("copy.ndjson");
        Assert.Equal($"--input {folder["copy.ndjson"]} is not read again: its content was read before from {folder["a.ndjson"]} (1,500 lines); --again reads it again.", told[^1]);
        AssertInKafka(lines);

        // A list of files that grows: only what is new is read.
        lines.AddRange(Write("c.ndjson", 70, "c"));
        await ReadAsync("a.ndjson", "b.ndjson", "c.ndjson");
        AssertInKafka(lines);
        Assert.Equal(4, told.Count);
    }

    [Fact]
    public async Task A_file_that_has_changed_is_read_from_its_beginning_even_if_its_length_and_first_bytes_have_not()
    {
        var lines = Write("a.ndjson", 1_500, "a");
        await ReadAsync("a.ndjson");
        var text = await File.ReadAllTextAsync(folder["a.ndjson"]);
        Assert.True(text.Length > 1 << 17);
        await File.WriteAllTextAsync(folder["a.ndjson"], text.Replace("\"a1499\"", "\"x1499\"", StringComparison.Ordinal));
        lines.AddRange(await File.ReadAllLinesAsync(folder["a.ndjson"]));
        await ReadAsync("a.ndjson");
        AssertInKafka(lines);
        await File.AppendAllTextAsync(folder["a.ndjson"], "{\"event_id\":\"grown\"}\n");
        lines.AddRange(await File.ReadAllLinesAsync(folder["a.ndjson"]));
        await ReadAsync("a.ndjson");
        AssertInKafka(lines);
        Assert.Empty(told);
    }

    [Fact]
    public async Task One_content_under_two_names_is_read_once_and_as_often_as_named_when_asked_for()
    {
        var lines = Write("a.ndjson", 40, "a");
        File.Copy(folder["a.ndjson"], folder["copy.ndjson"]);
        await ReadAsync("a.ndjson", "copy.ndjson");
        Assert.Equal($"--input {folder["copy.ndjson"]} is read once: it has the content of {folder["a.ndjson"]}; --again reads both.", Assert.Single(told));
        AssertInKafka(lines);
        await Producer(true, "a.ndjson", "copy.ndjson").RunAsync(CancellationToken.None);
        AssertInKafka([.. lines, .. lines, .. lines]);
    }

    [Fact]
    public async Task An_input_that_is_read_again_and_was_cut_off_goes_on_without_being_told_again()
    {
        var lines = Write("a.ndjson", 1_000, "a");
        await ReadAsync("a.ndjson");
        using (var cancel = new CancellationTokenSource())
        {
            var producer = Producer(true, "a.ndjson", rate: 300);
            var running = producer.RunAsync(cancel.Token);
            await Eventually.True(() => producer.Lines > 200, "some lines were read");
            await cancel.CancelAsync();
            await running.ContinueWith(_ => { }, TaskScheduler.Default);
        }

        await ReadAsync("a.ndjson");
        AssertInKafka([.. lines, .. lines]);
        Assert.Empty(told);
    }

    [Fact]
    public async Task What_an_earlier_version_read_last_is_remembered()
    {
        var lines = Write("a.ndjson", 40, "a");
        await ReadAsync("a.ndjson");
        File.Delete(data["input.finished.json"]);
        var saved = InputProgress.Read(data["input.json"])!;
        (saved with { Files = [new InputFile(saved.Files[0].Path, saved.Files[0].Fingerprint)] }).Write(data["input.json"]);
        lines.AddRange(Write("b.ndjson", 40, "b"));
        await ReadAsync("b.ndjson");
        await ReadAsync("a.ndjson");
        Assert.EndsWith("its content was read before; --again reads it again.", Assert.Single(told), StringComparison.Ordinal);
        AssertInKafka(lines);
    }

    private Task ReadAsync(params string[] names) => Producer(false, names).RunAsync(CancellationToken.None);

    private InputProducer Producer(bool again, params string[] names) => Producer(again, names, null);

    private InputProducer Producer(bool again, string name, double rate) => Producer(again, [name], rate);

    private InputProducer Producer(bool again, string[] names, double? rate) =>
        new(new InputPlan(data["input.json"], "events", "test", LineKey.User, [.. names.Select(n => InputFile.Of(folder[n]))], long.MaxValue, rate, again),
            new KafkaConnection(kafka.Brokers), TimeProvider.System, told.Add, NullLogger.Instance);

    /// <summary>Lines of a hundred bytes, a tenth of them without key.</summary>
    private List<string> Write(string name, int count, string id)
    {
        var lines = Enumerable.Range(0, count).Select(i => $$"""{"event_id":"{{id}}{{i}}",{{(i % 10 == 0 ? "" : $"\"user_id\":\"u{i % 30}\",")}}"pad":"{{Guid.NewGuid():N}}{{Guid.NewGuid():N}}"}""").ToList();
        File.WriteAllLines(folder[name], lines);
        return lines;
    }

    private void Pack(string from, string to)
    {
        using var packed = new GZipStream(File.Create(folder[to]), CompressionLevel.Optimal);
        packed.Write(File.ReadAllBytes(folder[from]));
    }

    private void AssertInKafka(List<string> lines)
    {
        var found = Records();
        Assert.True(lines.Order(StringComparer.Ordinal).SequenceEqual(found.Order(StringComparer.Ordinal)), $"{found.Count} records for {lines.Count} lines");
    }

    private List<string> Records()
    {
        using var consumer = new ConsumerBuilder<string?, string>(new ConsumerConfig { BootstrapServers = kafka.Brokers, GroupId = "check", EnablePartitionEof = true }).Build();
        consumer.Assign(Enumerable.Range(0, kafka.Partitions).Select(p => new TopicPartitionOffset("events", p, Offset.Beginning)));
        List<string> found = [];
        for (var ends = 0; ends < kafka.Partitions;)
        {
            var result = consumer.Consume(TimeSpan.FromSeconds(60)) ?? throw new TimeoutException("The emulator gave no record.");
            if (result.IsPartitionEOF)
                ends++;
            else if (result.Message.Value.Length != 4)
                found.Add(result.Message.Value);
        }

        return found;
    }
}
