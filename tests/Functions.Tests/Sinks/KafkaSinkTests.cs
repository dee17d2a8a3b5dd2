using System.Text.Json;
using Microsoft.Azure.Functions.Worker;
using Microsoft.Extensions.DependencyInjection;
using Tidemark.Domain.Columns;
using Tidemark.Domain.Ledger;
using Tidemark.Domain.Pipelines;
using Tidemark.Functions.Http;
using Tidemark.Functions.Tests.Azure;
using Tidemark.Functions.Tests.Kafka;
using Tidemark.Functions.Tests.Triggers;
using Tidemark.Functions.Triggers;

namespace Tidemark.Functions.Tests.Sinks;

/// <summary>Results and dead letters in Kafka, through the whole of the functions.</summary>
[Collection(AzuriteCollection.Name)]
public sealed class KafkaSinkTests(Azurite azurite)
{
    [Fact]
    public async Task Counts_are_in_the_topic_as_they_change_and_again_as_final_equal_to_Delta()
    {
        using var broker = new MockBroker("events", 1);
        await using var app = new App(azurite, broker.Brokers, null, ("EventCountsTopic", "event-counts"), ("DeadLetterSuffix", ".dlq"), ("AlertsTopic", "alerts"));
        await TickUntilAsync(app, _ => true);
        await DeliverAsync(app, broker, 0, 40);
        await TickUntilAsync(app, _ => TopicReader.All(broker.Brokers, "event-counts").Count > 0);
        Assert.All(TopicReader.All(broker.Brokers, "event-counts"), r => Assert.Equal("false", r.Headers["is_final"]));
        await DeliverAsync(app, broker, 40, 80);
        await DrainAsync(app);

        var records = TopicReader.All(broker.Brokers, "event-counts");
        var rows = records.Select(r => (Record: r, Row: JsonDocument.Parse(r.Bytes!).RootElement)).ToList();
        Assert.All(rows, r =>
        {
            Assert.Equal(r.Row.GetProperty("event_type").GetString(), r.Record.Key);
            Assert.Equal(r.Record.Headers["is_final"], r.Row.GetProperty("is_final").GetRawText());
            Assert.Equal("event_counts", r.Record.Headers["tidemark-query"]);
        });
        // A record that is the same has the same id, another one has another.
        Assert.Equal(records.Select(r => (r.Key, r.Value)).Distinct().Count(), records.Select(r => r.Headers["tidemark-id"]).Distinct().Count());
        // The last of each key and window is final, and as Table storage and, from it, Delta have it.
        var last = rows.GroupBy(r => (r.Record.Key, Window: r.Row.GetProperty("window_start").GetString())).Select(g => g.Last()).ToList();
        Assert.All(last, r => Assert.Equal("true", r.Record.Headers["is_final"]));
        var expected = (await app.RowsAsync("event_counts")).Select(r => (r.GetProperty("event_type").GetString(), r.GetProperty("window_start").GetDateTimeOffset(), r.GetProperty("events").GetInt64()));
        Assert.Equal(expected.Order(), last.Select(r => (r.Record.Key, r.Row.GetProperty("window_start").GetDateTimeOffset(), r.Row.GetProperty("events").GetInt64())).Order());
        Assert.Contains(rows, r => r.Record.Headers["is_final"] == "false");

        var letters = TopicReader.All(broker.Brokers, "events.dlq");
        Assert.Equal([("k", "{broken 7", "invalid_json", "events", "0", "7"), ("k", "{broken 47", "invalid_json", "events", "0", "47")], letters.Select(r =>
            (r.Key, r.Value, r.Headers["dlq-error"], r.Headers["dlq-topic"], r.Headers["dlq-partition"], r.Headers["dlq-offset"])).OrderBy(r => r.Item6.Length));
        Assert.Equal("kept", letters[0].Headers["own"]);
    }

    [Fact]
    public async Task While_Kafka_is_away_tables_go_on_and_an_alert_says_what_waits()
    {
        using var broker = new MockBroker("events", 1);
        var slow = new Sink("gold/event_counts");
        await using var app = new App(azurite, broker.Brokers, services => services.AddSingleton<IRowSink>(slow), ("DeltaInterval", "1s"));
        await TickUntilAsync(app, _ => true);
        slow.Failure = new InvalidOperationException("the shelf is full.");
        await DeliverAsync(app, broker, 0, 40);
        await DrainAsync(app, _ => app.RowsAsync("event_counts").Result is { Count: > 0 } rows && rows.All(r => r.GetProperty("is_final").GetBoolean()));
        var alert = Assert.Single((await app.StatusAsync()).Alerts, a => a.Name == "results-undelivered");
        Assert.Contains("the shelf is full.", alert.Text, StringComparison.Ordinal);
        Assert.True(alert.Active);
        Assert.Null((await app.StatusAsync()).DrainedAt);

        slow.Failure = null;
        await DrainAsync(app);
        Assert.Equal((await app.RowsAsync("event_counts")).Count, slow.Arrived);
        app.Time.Advance(TimeSpan.FromMinutes(5));
        await app.TickAsync();
        Assert.False(Assert.Single((await app.StatusAsync()).Alerts, a => a.Name == "results-undelivered").Active);
    }

    [Fact]
    public async Task A_delivery_that_takes_long_holds_no_tick_up_and_is_not_begun_twice()
    {
        using var broker = new MockBroker("events", 1);
        var slow = new Sink("silver/quarantine") { Gate = new TaskCompletionSource() };
        await using var app = new App(azurite, broker.Brokers, services => services.AddSingleton<IRowSink>(slow), ("DeltaInterval", "1s"));
        await TickUntilAsync(app, _ => true);
        await DeliverAsync(app, broker, 0, 20);
        await TickUntilAsync(app, _ => slow.Begun > 0);
        var ticked = (await app.StatusAsync()).UpdatedAt;
        await TickUntilAsync(app, _ => true);
        Assert.True((await app.StatusAsync()).UpdatedAt > ticked);
        Assert.Equal((1, 0), (slow.Begun, slow.Arrived));
        slow.Gate.SetResult();
        await TickUntilAsync(app, _ => slow.Arrived > 0);
        await TickUntilAsync(app, _ => true);
        Assert.Equal((1, 1), (slow.Begun, slow.Arrived));
    }

    private static async Task DrainAsync(App app, Predicate<App>? until = null)
    {
        await app.Get<DrainFunction, Reply>(f => f.RunAsync(App.Request(), app.Context));
        await TickUntilAsync(app, until ?? (a => a.StatusAsync().Result.DrainedAt is not null));
    }

    private static async Task TickUntilAsync(App app, Predicate<App> until)
    {
        for (var i = 0; i < 30; i++)
        {
            app.Time.Advance(TimeSpan.FromSeconds(20));
            await app.TickAsync();
            if (until(app))
                return;
        }

        Assert.Fail("Thirty ticks were not enough.");
    }

    /// <summary>Events a second apart, of two types; every fortieth from the seventh on is broken.</summary>
    private static async Task DeliverAsync(App app, MockBroker broker, int from, int to)
    {
        for (var i = from; i < to; i++)
            await broker.ProduceAsync("events", 0, "k", i % 40 == 7 ? $"{{broken {i}" : Event(i), ("own", "kept"));
        var records = await app.Services.GetRequiredService<ITopicLog>().FetchAsync(0, from, to, 1_000, default);
        await app.Get<IngestFunction>().RunAsync([.. records.Select(r => new KafkaRecord
        {
            Topic = "events", Partition = 0, Offset = r.Offset, Key = r.Key!, Value = r.Value!, Timestamp = new KafkaTimestamp { UnixTimestampMs = HandTime.Start },
            Headers = [.. r.Headers.Select(h => new KafkaHeader { Key = h.Key, Value = h.Value! })],
        })], app.Context);
    }

    private static string Event(int i) => JsonSerializer.Serialize(new { event_id = $"e{i}", event_type = i % 3 == 0 ? "view" : "click", ts = HandTime.Start + (i * 1000), user_id = "u" });

    private sealed class Sink(string table) : IRowSink
    {
        public string Name => "shelf";

        public string Table => table;

        public bool Provisional => false;

        public Exception? Failure { get; set; }

        public TaskCompletionSource? Gate { get; init; }

        public int Begun { get; private set; }

        public int Arrived { get; private set; }

        public async Task DeliverAsync(RowBatch rows, bool final, CancellationToken cancel)
        {
            Begun++;
            if (Failure is { } failure)
                throw failure;
            if (Gate is { } gate)
                await gate.Task.WaitAsync(cancel);
            Arrived += rows.Count;
        }
    }
}
