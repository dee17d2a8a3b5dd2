using System.Globalization;
using System.Text;
using System.Text.Json;
using Azure.Data.Tables;
using Microsoft.AspNetCore.Http;
using Microsoft.Azure.Functions.Worker;
using Microsoft.DurableTask.Entities;
using Microsoft.Extensions.DependencyInjection;
using Tidemark.Domain.Clickstream;
using Tidemark.Domain.Events;
using Tidemark.Domain.Ledger;
using Tidemark.Domain.Sensors;
using Tidemark.Functions.Configuration;
using Tidemark.Functions.Http;
using Tidemark.Functions.Lake;
using Tidemark.Functions.Sources;
using Tidemark.Functions.Status;
using Tidemark.Functions.Tables;
using Tidemark.Functions.Tests.Azure;
using Tidemark.Functions.Tests.Kafka;
using Tidemark.Functions.Tests.Triggers;
using Tidemark.Functions.Triggers;

namespace Tidemark.Functions.Tests.Sources;

/// <summary>Several topics in one deployment, wired as in production.</summary>
[Collection(AzuriteCollection.Name)]
public sealed class SourcesTests(Azurite azurite)
{
    [Fact]
    public async Task Each_topic_has_tables_results_and_status_of_its_own_and_all_are_shown_and_maintained()
    {
        using var broker = new MockBroker(2, "events", "readings", "orders");
        await using var app = New(broker, ("SensorsTopic", "readings"), ("PurchasesTopic", "orders"));
        await DeliverAsync(app, broker);
        await DrainAsync(app);

        var status = await app.StatusAsync();
        Assert.Equal(30, status.EventsIn);
        Assert.Equal([("joined", 0L), ("purchases", 20L), ("sensors", 40L)], status.Sources.OrderBy(s => s.Key).Select(s => (s.Key, s.Value.EventsIn)));
        Assert.All(status.Sources.Values, s => Assert.NotNull(s.DrainedAt));
        Assert.Equal(30, await CountAsync(app, "silver/events"));
        Assert.Equal(20, await CountAsync(app, "silver/purchases"));
        Assert.Equal(40, await CountAsync(app, "silver/sensors"));

        // One reading a second of each of two devices: 20 of them, in one minute.
        var metrics = await app.RowsAsync("sensor_metrics");
        Assert.Equal(["d0", "d1"], metrics.Select(r => r.GetProperty("device_id").GetString()).Order());
        Assert.All(metrics, r => Assert.Equal((20, 1m), (r.GetProperty("readings").GetInt32(), r.GetProperty("min_value").GetDecimal())));
        Assert.Equal(20, Assert.Single(await app.RowsAsync("order_flow")).GetProperty("events").GetInt32());
        // User and product come together again only after 21 events: each purchase follows one view, at the same second.
        app.Time.Advance(TimeSpan.FromSeconds(20));
        await app.TickAsync();
        var pairs = await app.RowsAsync("view_to_purchase");
        Assert.Equal(Enumerable.Range(0, 20).Select(i => $"view{i} purchase{i} 0").Order(), pairs.Select(r => $"{r.GetProperty("view_id").GetString()} {r.GetProperty("purchase_id").GetString()} {r.GetProperty("seconds_to_purchase").GetDouble()}").Order());
        Assert.Equal(["above", "silent", "silent"], (await app.RowsAsync("sensor_alerts")).Select(r => r.GetProperty("rule").GetString()).Order());

        var names = JsonDocument.Parse(((Reply)app.Get<QueriesFunction>().List(App.Request())).Body).RootElement.EnumerateArray().Select(q => q.GetProperty("name").GetString()).ToList();
        Assert.Superset(new HashSet<string?> { "category_views", "sensor_metrics", "sensor_alerts", "order_flow", "view_to_purchase" }, names.ToHashSet());
        var progress = JsonDocument.Parse((await app.Get<ProgressFunction, Reply>(f => f.ProgressAsync(App.Request(), app.Context))).Body).RootElement;
        Assert.Superset(new HashSet<string?> { "category_views", "sensor_metrics", "order_flow" }, progress.EnumerateArray().Select(p => p.GetProperty("name").GetString()).ToHashSet());
        var timeline = JsonDocument.Parse((await app.Get<LakeFunction, Reply>(f => f.TimelineAsync(App.Request("?user=u3"), app.Context))).Body).RootElement;
        Assert.Equal(Enumerable.Range(0, 30).Select(i => $"view{i}").Concat(Enumerable.Range(0, 20).Select(i => $"purchase{i}")).Where(id => int.Parse(id.Trim("viewpurchase".ToCharArray()), CultureInfo.InvariantCulture) % 7 == 3).Order(),
            timeline.GetProperty("events").EnumerateArray().Select(e => e.GetProperty("event_id").GetString()!).Order());
        var at = timeline.GetProperty("events").EnumerateArray().Select(e => e.GetProperty("event_time").GetString()).ToList();
        Assert.Equal(at.OrderDescending(), at);
        await app.Get<MaintainFunction>().RunAsync(new TimerInfo(), app.Context);
        var maintained = await app.Services.GetRequiredService<MaintenanceStore>().ReadAsync(default);
        Assert.Superset(new HashSet<string> { "silver/events", "bronze/sensors", "gold/sensor_alerts", "silver/purchases_late" }, maintained.Select(t => t.Table).ToHashSet());
    }

    [Fact]
    public async Task Records_that_are_none_of_a_further_topic_are_listed_sent_again_to_it_and_dead_letters_and_alerts_are_in_Kafka()
    {
        using var broker = new MockBroker(2, "events", "readings");
        await using var app = New(broker, ("SensorsTopic", "readings"), ("DeadLetterSuffix", ".dlq"), ("AlertsTopic", "shop-alerts"));
        var start = HandTime.Start - HandTime.Start % 60_000;
        // Every seventh is broken; one is beyond its bounds.
        await app.Get<IngestFunction>().SensorsAsync(await ProduceAsync(broker, "readings", 40, i => i % 7 == 3 ? $"broken {i}" : string.Create(CultureInfo.InvariantCulture,
            $"{{\"device_id\":\"d{i % 2}\",\"metric\":\"temperature\",\"value\":{(i == 32 ? 41 : 20)},\"ts\":{start + i * 500}}}")), app.Context);
        await DrainAsync(app);
        var broken = Enumerable.Range(0, 40).Where(i => i % 7 == 3).ToList();

        async Task<JsonElement> ListAsync(string? topic) =>
            JsonDocument.Parse((await app.Get<QuarantineFunction, Reply>(f => f.ListAsync(App.Request(topic is null ? "" : $"?topic={topic}"), app.Context))).Body).RootElement;
        var listed = await ListAsync("sensors");
        Assert.Equal(("sensors", "silver/sensors_quarantine"), (listed.GetProperty("topic").GetString(), listed.GetProperty("table").GetString()));
        Assert.Equal(["events", "sensors"], listed.GetProperty("topics").EnumerateArray().Select(t => t.GetString()));
        Assert.Equal(broken.Select(i => (i % 2, (long)(i / 2))).Order(), listed.GetProperty("records").EnumerateArray().Select(r => (r.GetProperty("record").GetProperty("kafka_partition").GetInt32(), r.GetProperty("record").GetProperty("kafka_offset").GetInt64())).Order());
        Assert.Empty((await ListAsync(null)).GetProperty("records").EnumerateArray());
        Assert.Equal(404, (await app.Get<QuarantineFunction, Reply>(f => f.ListAsync(App.Request("?topic=purchases"), app.Context))).Status);
        Assert.Equal(400, (await app.Get<QuarantineFunction, Reply>(f => f.ListAsync(App.Request("?topic=x"), app.Context))).Status);

        var request = App.Request();
        request.Body = new MemoryStream(Encoding.UTF8.GetBytes("""{"topic":"sensors","records":[{"partition":1,"offset":1},{"partition":1,"offset":2}]}"""));
        var outcomes = JsonDocument.Parse((await app.Get<QuarantineFunction, Reply>(f => f.ReplayAsync(request, app.Context))).Body).RootElement.GetProperty("outcomes");
        Assert.Equal([("sent", 20L), ("missing", -1L)], outcomes.EnumerateArray().Select(o => (o.GetProperty("outcome").GetString(), o.GetProperty("sent_as").ValueKind == JsonValueKind.Null ? -1 : o.GetProperty("sent_as").GetInt64())));
        Assert.Equal("broken 3", TopicReader.All(broker.Brokers, "readings").Single(r => r is { Partition: 1, Offset: 20 }).Value);
        Assert.Equal(20, (await ListAsync("sensors")).GetProperty("records").EnumerateArray().Single(r => r.TryGetProperty("replay", out _)).GetProperty("replay").GetProperty("sent_as").GetInt64());

        Assert.Equal(broken.Select(i => $"broken {i}").Order(), TopicReader.All(broker.Brokers, "readings.dlq").Select(r => r.Value).Order());
        var alerts = TopicReader.All(broker.Brokers, "shop-alerts");
        Assert.All(alerts, r => Assert.Equal("sensor_alerts", r.Headers["tidemark-query"]));
        Assert.Equal((await app.RowsAsync("sensor_alerts")).Select(r => $"{r.GetProperty("rule")} {r.GetProperty("device_id")}").Order(),
            alerts.Select(r => JsonDocument.Parse(r.Value!).RootElement is var row ? $"{row.GetProperty("rule")} {r.Key}" : "").Order());
        Assert.Equal(3, alerts.Count);
    }

    [Fact]
    public async Task A_topic_that_fails_keeps_no_other_from_being_brought_up_to_date()
    {
        using var broker = new MockBroker(2, "events", "readings", "orders");
        await using var app = New(broker, ("SensorsTopic", "readings"), ("PurchasesTopic", "orders"));
        await DeliverAsync(app, broker);
        var ledger = app.Services.GetRequiredService<TableServiceClient>().GetTableClient(app.Services.GetRequiredService<TidemarkOptions>().LedgerTable);
        var damaged = new TableEntity(TableLedger.MetaPartitionOf(app.Services.GetRequiredService<TidemarkOptions>().Sensors!), "meta");
        SplitBinary.Put(damaged, "m", "no meta"u8.ToArray());
        await ledger.UpsertEntityAsync(damaged, TableUpdateMode.Replace);
        await Assert.ThrowsAnyAsync<Exception>(() => app.TickAsync());
        var status = await app.StatusAsync();
        Assert.Equal(("failing", "sensors: Tick"), (status.State, status.LastError!.Where));
        Assert.Equal((30, 20), (status.EventsIn, status.Sources["purchases"].EventsIn));
        Assert.Equal(503, (await app.Get<StatusFunction, Reply>(f => f.HealthAsync(App.Request(), app.Context))).Status);
    }

    [Fact]
    public async Task Without_further_topics_there_is_the_main_one_alone_and_its_status_names_no_others()
    {
        using var broker = new MockBroker("events", 1);
        await using var app = New(broker);
        await app.TickAsync();
        Assert.Empty((await app.StatusAsync()).Sources);
        Assert.DoesNotContain(app.Services.GetRequiredService<LakeTables>().Names, name => name.Contains("sensor", StringComparison.Ordinal));
        var e = await Assert.ThrowsAsync<InvalidOperationException>(() => app.Get<IngestFunction>().SensorsAsync([], app.Context));
        Assert.Contains("No topic is named for sensors", e.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Pipelines_share_no_table_and_an_entity_belongs_to_the_one_whose_id_it_begins_with()
    {
        HostedPipeline Sensors(string version) => new("sensors", new PipelineId(version, "sensors", 1), SensorPipeline.Create(new EventOptions("sensors")));
        var shop = new HostedPipeline("events", new PipelineId("v1", "events", 1), ClickstreamPipeline.Create(new EventOptions("events")));
        var all = new HostedPipelines([shop, Sensors("v1"), new("purchases", new PipelineId("v1", "sensors.1", 1), PurchasePipeline.Create(new EventOptions("p")))]);
        Assert.Equal("sensors", all.Of(new EntityInstanceId("slices", "v1/sensors.1/1m/0")).Name);
        Assert.Equal("purchases", all.Of(new EntityInstanceId("slices", "v1/sensors.1.1/1m/0")).Name);
        Assert.Throws<FormatException>(() => all.Of(new EntityInstanceId("slices", "v2/sensors.1/1m/0")));
        Assert.Contains("bronze/sensors", Assert.Throws<ArgumentException>(() => new HostedPipelines([Sensors("v1"), Sensors("v2")])).Message, StringComparison.Ordinal);
        var long_ = new PipelineId("v1", new string('t', 90), 1);
        Assert.Throws<InvalidSettingException>(() => new HostedPipelines([shop, Sensors("v1") with { Id = long_ }]));
    }

    private App New(MockBroker broker, params (string, string?)[] settings) => new(azurite, broker.Brokers, null, [("DeltaInterval", "1s"), ("CheckpointInterval", "1s"), .. settings]);

    private static async Task DeliverAsync(App app, MockBroker broker)
    {
        await app.Get<IngestFunction>().RunAsync(await ProduceAsync(broker, "events", 30, Event("view")), app.Context);
        await app.Get<IngestFunction>().SensorsAsync(await ProduceAsync(broker, "readings", 40, i => string.Create(CultureInfo.InvariantCulture,
            $"{{\"device_id\":\"d{i % 2}\",\"metric\":\"temperature\",\"value\":{(i == 33 ? 41 : i / 2 + 1)},\"ts\":{HandTime.Start - HandTime.Start % 60_000 + i / 2 * 1_000}}}")), app.Context);
        await app.Get<IngestFunction>().PurchasesAsync(await ProduceAsync(broker, "orders", 20, Event("purchase")), app.Context);
    }

    private static async Task DrainAsync(App app)
    {
        await app.TickAsync();
        Assert.Equal(StatusCodes.Status202Accepted, (await app.Get<DrainFunction, Reply>(f => f.RunAsync(App.Request(), app.Context))).Status);
        for (var i = 0; i < 20; i++)
        {
            app.Time.Advance(TimeSpan.FromSeconds(20));
            await app.TickAsync();
            var status = await app.StatusAsync();
            if (status.DrainedAt is not null && status.Sources.Values.All(s => s.DrainedAt is not null))
                return;
        }

        Assert.Fail("The input was not processed to its end.");
    }

    private static Func<int, string> Event(string type) => i => JsonSerializer.Serialize(new
    {
        event_id = $"{type}{i}", event_type = type, ts = HandTime.Start - HandTime.Start % 60_000 + i * 1_000L, user_id = $"u{i % 7}", product_id = $"p{i % 3}", category = "shoes", revenue = 2,
    });

    private static async Task<KafkaRecord[]> ProduceAsync(MockBroker broker, string topic, int count, Func<int, string> value)
    {
        var records = Enumerable.Range(0, count).Select(i => new KafkaRecord
        {
            Topic = topic, Partition = i % 2, Offset = i / 2, Value = Encoding.UTF8.GetBytes(value(i)), Key = null!, Headers = [], Timestamp = new KafkaTimestamp { UnixTimestampMs = HandTime.Start + 100_000 },
        }).ToArray();
        await broker.ProduceAsync(topic, records);
        return records;
    }

    private static async Task<long> CountAsync(App app, string table) =>
        (await app.Services.GetRequiredService<LakeTables>()[table].Delta.SnapshotAsync()).Files.Sum(f => f.RowCount);
}
