using System.Collections.Concurrent;
using System.Diagnostics;
using System.Diagnostics.Metrics;
using System.Text;
using System.Text.Json;
using Microsoft.Azure.Functions.Worker;
using Microsoft.Extensions.DependencyInjection;
using Tidemark.Domain.Ledger;
using Tidemark.Functions.Http;
using Tidemark.Functions.Lake;
using Tidemark.Functions.Telemetry;
using Tidemark.Functions.Tests.Azure;
using Tidemark.Functions.Tests.Kafka;
using Tidemark.Functions.Tests.Triggers;
using Tidemark.Functions.Triggers;

namespace Tidemark.Functions.Tests.Telemetry;

/// <summary>What a run over a real broker and real storage tells about itself.</summary>
[Collection(AzuriteCollection.Name)]
public sealed class TelemetryTests(Azurite azurite)
{
    private const string Sender = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";

    [Fact]
    public async Task A_trace_leads_from_a_header_of_a_record_to_the_commit_of_its_table()
    {
        var spans = new ConcurrentQueue<Activity>();
        using var listener = new ActivityListener
        {
            ShouldListenTo = source => source.Name is TidemarkTrace.Name or LedgerTrace.Name,
            Sample = (ref ActivityCreationOptions<ActivityContext> _) => ActivitySamplingResult.AllDataAndRecorded,
            ActivityStopped = spans.Enqueue,
        };
        ActivitySource.AddActivityListener(listener);
        using var broker = new MockBroker("events", 1);
        await using var app = new App(azurite, broker.Brokers, null, ("DeltaInterval", "1s"));
        await broker.ProduceAsync("events", 0, 3);
        await app.Get<IngestFunction>().RunAsync([.. Enumerable.Range(0, 3).Select(i => Record(i, i == 1 ? Sender : i == 2 ? "rubbish" : null))], app.Context);
        app.Time.Advance(TimeSpan.FromSeconds(5));
        await app.TickAsync();
        app.Time.Advance(TimeSpan.FromSeconds(5));
        await app.TickAsync();

        // Other tests run beside this one: what belongs here follows from the sender's trace.
        var batch = Assert.Single(spans, s => s.OperationName == "process events" && s.Links.Any(l => l.Context.TraceId.ToHexString() == "0af7651916cd43dd8448eb211c80319c"));
        Assert.Equal(ActivityKind.Consumer, batch.Kind);
        Assert.Single(batch.Links);
        Assert.Equal(("kafka", "process", 3), (batch.GetTagItem("messaging.system"), batch.GetTagItem("messaging.operation.type"), batch.GetTagItem("messaging.batch.message_count")));
        var tick = Assert.Single(spans, s => s.OperationName == "tick" && s.Links.Any(l => l.Context.SpanId == batch.SpanId));
        var emit = Assert.Single(spans, s => s.OperationName == "emit bronze/events" && s.Links.Any(l => l.Context.SpanId == batch.SpanId));
        var commit = Assert.Single(spans, s => s.OperationName == "commit bronze/events" && s.ParentSpanId == emit.SpanId);
        Assert.NotEqual(batch.TraceId, tick.TraceId);
        var versions = new List<string?>();
        await foreach (var (version, at, info) in app.Services.GetRequiredService<LakeTables>()["bronze/events"].Delta.HistoryAsync())
            versions.Add(VersionCard.Of(version, at, info).Trace);
        Assert.Contains(commit.Id, versions);
    }

    [Fact]
    public async Task Metrics_count_what_came_and_what_became_of_it()
    {
        var sums = new ConcurrentDictionary<string, double>();
        using var listener = new MeterListener { InstrumentPublished = (instrument, self) => { if (instrument.Meter.Name == Metrics.Meter) self.EnableMeasurementEvents(instrument); } };
        void Add(Instrument instrument, double value, ReadOnlySpan<KeyValuePair<string, object?>> tags)
        {
            var suffix = string.Concat(tags.ToArray().Where(t => t.Key is "tidemark.reason" or "tidemark.table" or "messaging.consumer.group.name").Select(t => "/" + t.Value));
            sums.AddOrUpdate(instrument.Name + suffix, value, (_, old) => old + value);
        }

        listener.SetMeasurementEventCallback<long>((instrument, value, tags, _) => Add(instrument, value, tags));
        listener.SetMeasurementEventCallback<double>((instrument, value, tags, _) => Add(instrument, value, tags));
        using var broker = new MockBroker("events", 1);
        await using var app = new App(azurite, broker.Brokers, null, ("DeltaInterval", "1s"), ("KafkaGroup", "metrics"));
        listener.Start();
        await broker.ProduceAsync("events", 0, 20);
        await app.Get<IngestFunction>().RunAsync([.. Enumerable.Range(0, 20).Select(i => Record(i, null, valid: i % 4 != 0))], app.Context);
        // Delivered again: counted as delivered, not as committed.
        await app.Get<IngestFunction>().RunAsync([Record(3, null)], app.Context);
        app.Time.Advance(TimeSpan.FromSeconds(5));
        await app.TickAsync();
        app.Time.Advance(TimeSpan.FromSeconds(5));
        await app.TickAsync();

        Assert.Equal(21, sums["messaging.client.consumed.messages/metrics"]);
        Assert.True(sums["messaging.process.duration/metrics"] > 0);
        // Other tests may count at the same time, so these are at least.
        Assert.True(sums["tidemark.records"] >= 20 && sums["tidemark.events"] >= 15);
        Assert.True(sums["tidemark.quarantined/invalid_json"] >= 5);
        Assert.True(sums["tidemark.rows.committed/bronze/events"] >= 20);
        Assert.True(sums["tidemark.tick.duration"] > 0);
    }

    [Fact]
    public async Task Progress_has_the_fields_of_Spark_and_offsets_that_join()
    {
        using var broker = new MockBroker("events", 1);
        await using var app = new App(azurite, broker.Brokers, null, ("DeltaInterval", "1s"));
        await broker.ProduceAsync("events", 0, 20);
        await app.Get<IngestFunction>().RunAsync([.. Enumerable.Range(0, 12).Select(i => Record(i, null))], app.Context);
        await app.TickAsync();
        var first = await ProgressAsync(app);
        await app.Get<IngestFunction>().RunAsync([.. Enumerable.Range(12, 8).Select(i => Record(i, null))], app.Context);
        await app.TickAsync();
        var second = await ProgressAsync(app);

        Assert.Equal(
            ["batchDuration", "batchId", "durationMs", "eventTime", "id", "inputRowsPerSecond", "name", "numInputRows", "processedRowsPerSecond", "runId", "sink", "sources", "stateOperators", "timestamp"],
            first.EnumerateObject().Select(p => p.Name).Order(StringComparer.Ordinal));
        Assert.Equal((12, 8), (first.GetProperty("numInputRows").GetInt32(), second.GetProperty("numInputRows").GetInt32()));
        Assert.Equal(first.GetProperty("batchId").GetInt64() + 1, second.GetProperty("batchId").GetInt64());
        Assert.Equal((0, 12), (Offset(first, "startOffset"), Offset(first, "endOffset")));
        Assert.Equal((12, 20, 20), (Offset(second, "startOffset"), Offset(second, "endOffset"), Offset(second, "latestOffset")));
        var times = first.GetProperty("eventTime");
        Assert.Equal(
            [Time(0), (Time(0) + Time(11)) / 2, Time(11)],
            new[] { "min", "avg", "max" }.Select(name => times.GetProperty(name).GetDateTimeOffset().ToUnixTimeMilliseconds()));
        Assert.True(first.GetProperty("durationMs").GetProperty("triggerExecution").GetInt64() >= first.GetProperty("durationMs").GetProperty("getBatch").GetInt64());
        Assert.True(first.GetProperty("stateOperators")[0].GetProperty("numRowsUpdated").GetInt64() > 0);
    }

    private static long Offset(JsonElement progress, string which) => progress.GetProperty("sources")[0].GetProperty(which).GetProperty("events").GetProperty("0").GetInt64();

    private static async Task<JsonElement> ProgressAsync(App app) =>
        JsonDocument.Parse((await app.Get<ProgressFunction, Reply>(f => f.ProgressAsync(App.Request(), app.Context))).Body).RootElement[0];

    private static long Time(int i) => HandTime.Start + 1000 * i;

    private static KafkaRecord Record(int offset, string? trace, bool valid = true) => new()
    {
        Topic = "events", Partition = 0, Offset = offset, Key = null!, Timestamp = new KafkaTimestamp { UnixTimestampMs = Time(offset) },
        Headers = trace is null ? [] : [new KafkaHeader { Key = "traceparent", Value = Encoding.ASCII.GetBytes(trace) }],
        Value = valid ? JsonSerializer.SerializeToUtf8Bytes(new { event_id = $"e{offset}", event_type = "view", ts = Time(offset), user_id = "u", category = "c" }) : "{"u8.ToArray(),
    };
}
