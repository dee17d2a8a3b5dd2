using System.Text;
using System.Text.Json;
using Confluent.Kafka;
using Microsoft.Azure.Functions.Worker;
using Microsoft.Extensions.DependencyInjection;
using Tidemark.Domain.Ledger;
using Tidemark.Functions.Http;
using Tidemark.Functions.Replay;
using Tidemark.Functions.Tests.Azure;
using Tidemark.Functions.Tests.Kafka;
using Tidemark.Functions.Tests.Triggers;
using Tidemark.Functions.Triggers;

namespace Tidemark.Functions.Tests.Replay;

/// <summary>Quarantined records are sent again byte for byte, each once, also when an attempt was broken off.</summary>
[Collection(AzuriteCollection.Name)]
public sealed class QuarantineReplayTests(Azurite azurite)
{
    [Fact]
    public async Task A_record_is_sent_again_once_with_its_bytes_key_and_headers_whoever_asks()
    {
        using var broker = new MockBroker("events", 2);
        await using var app = new App(azurite, broker.Brokers, null, ("DeltaInterval", "1s"));
        await QuarantineAsync(app, broker);

        var answers = await Task.WhenAll(Enumerable.Range(0, 5).Select(_ => ReplayAsync(app, 1)));
        Assert.Equal(["busy", "busy", "busy", "busy", "sent"], answers.Select(a => a.Outcome is "already" ? "busy" : a.Outcome).Order());
        Assert.Equal("already", (await ReplayAsync(app, 1)).Outcome);
        Assert.Equal("missing", (await ReplayAsync(app, 2)).Outcome);

        var records = await LogAsync(app);
        Assert.Equal(4, records.Count);
        Assert.Equal("{broken €"u8.ToArray(), records[3].Value);
        Assert.Equal("k1"u8.ToArray(), records[3].Key);
        Assert.Equal([("h", "\u0009"), (QuarantineReplay.Header, "0/1")], records[3].Headers.Select(h => (h.Key, Encoding.UTF8.GetString(h.Value!))));

        var listed = JsonDocument.Parse((await app.Get<QuarantineFunction, Reply>(f => f.ListAsync(App.Request(), app.Context))).Body).RootElement.GetProperty("records");
        Assert.Equal(3, listed.EnumerateArray().Single(r => r.GetProperty("record").GetProperty("kafka_offset").GetInt64() == 1).GetProperty("replay").GetProperty("sent_as").GetInt64());
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task An_attempt_that_was_broken_off_is_looked_for_before_it_is_sent_again(bool arrived)
    {
        using var broker = new MockBroker("events", 2);
        await using var app = new App(azurite, broker.Brokers, null, ("DeltaInterval", "1s"));
        await QuarantineAsync(app, broker);
        var store = app.Services.GetRequiredService<Quarantines>().Find("events")!.Replays;
        Assert.NotNull(await store.TryWriteAsync(new ReplayRow(0, 1, app.Time.GetUtcNow(), 3, null), null, default));
        if (arrived)
        {
            // Others write to the topic meanwhile; a header alone that names another record means nothing.
            await ProduceAsync(broker, "noise", (QuarantineReplay.Header, "0/2"));
            await ProduceAsync(broker, "{broken €", (QuarantineReplay.Header, "0/1"));
        }

        Assert.Equal("busy", (await ReplayAsync(app, 1)).Outcome);
        app.Time.Advance(TimeSpan.FromMinutes(2));
        var outcome = await ReplayAsync(app, 1);
        Assert.Equal(arrived ? ("already", 4L) : ("sent", 3L), (outcome.Outcome, outcome.SentAs));
        Assert.Equal(arrived ? 5 : 4, (await LogAsync(app)).Count);
        Assert.Equal("already", (await ReplayAsync(app, 1)).Outcome);
    }

    [Theory]
    [InlineData("{")]
    [InlineData("{}")]
    [InlineData("{\"records\":[]}")]
    [InlineData("{\"records\":[{\"partition\":\"x\"}]}")]
    [InlineData("{\"topic\":\"sensors\",\"records\":[{\"partition\":0,\"offset\":1}]}", 404)]
    public async Task A_question_that_makes_no_sense_is_answered_in_a_sentence(string body, int status = 400)
    {
        await using var app = new App(azurite, "127.0.0.1:1");
        var request = App.Request();
        request.Body = new MemoryStream(Encoding.UTF8.GetBytes(body));
        var reply = await app.Get<QuarantineFunction, Reply>(f => f.ReplayAsync(request, app.Context));
        Assert.Equal(status, reply.Status);
        Assert.NotEmpty(JsonDocument.Parse(reply.Body).RootElement.GetProperty("detail").GetString()!);
    }

    private static async Task<ReplayOutcome> ReplayAsync(App app, long offset) => await app.Services.GetRequiredService<Quarantines>().Find("events")!.Replay.ReplayAsync(0, offset, default);

    /// <summary>Three records on partition 0, of which the second is broken; all in Delta.</summary>
    private static async Task QuarantineAsync(App app, MockBroker broker)
    {
        await ProduceAsync(broker, Event(0));
        await ProduceAsync(broker, "{broken €", ("h", "\u0009"));
        await ProduceAsync(broker, Event(2));
        var records = await app.Services.GetRequiredService<ITopicLog>().FetchAsync(0, 0, 3, 10, default);
        await app.Get<IngestFunction>().RunAsync([.. records.Select(r => new KafkaRecord
        {
            Topic = "events", Partition = 0, Offset = r.Offset, Key = r.Key!, Value = r.Value!, Timestamp = new KafkaTimestamp { UnixTimestampMs = HandTime.Start },
            Headers = [.. r.Headers.Select(h => new KafkaHeader { Key = h.Key, Value = h.Value! })],
        })], app.Context);
        await app.TickAsync();
        app.Time.Advance(TimeSpan.FromSeconds(5));
        await app.TickAsync();
    }

    private static string Event(int i) => JsonSerializer.Serialize(new { event_id = $"e{i}", event_type = "view", ts = HandTime.Start, user_id = "u" });

    private static async Task ProduceAsync(MockBroker broker, string value, params (string Key, string Value)[] headers)
    {
        using var producer = new ProducerBuilder<byte[], byte[]>(new ProducerConfig { BootstrapServers = broker.Brokers }).Build();
        var all = new Headers();
        foreach (var (key, text) in headers)
            all.Add(key, Encoding.UTF8.GetBytes(text));
        await producer.ProduceAsync(new TopicPartition("events", 0), new Message<byte[], byte[]> { Key = "k1"u8.ToArray(), Value = Encoding.UTF8.GetBytes(value), Headers = all });
    }

    private static async Task<IReadOnlyList<Domain.Pipelines.SourceRecord>> LogAsync(App app)
    {
        var log = app.Services.GetRequiredService<ITopicLog>();
        return await log.FetchAsync(0, 0, (await log.BoundsAsync(0, default)).End, 100, default);
    }
}
