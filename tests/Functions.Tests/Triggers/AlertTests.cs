using System.Text.Json;
using Microsoft.Azure.Functions.Worker;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging.Abstractions;
using Tidemark.Domain.Ledger;
using Tidemark.Domain.Pipelines;
using Tidemark.Functions.Lake;
using Tidemark.Functions.Sources;
using Tidemark.Functions.Status;
using Tidemark.Functions.Tests.Azure;
using Tidemark.Functions.Triggers;

namespace Tidemark.Functions.Tests.Triggers;

/// <summary>Faults of Kafka, of the task hub and of storage, and the alerts that follow, through the whole of the functions.</summary>
[Collection(AzuriteCollection.Name)]
public sealed class AlertTests(Azurite azurite)
{
    [Fact]
    public async Task A_trigger_that_delivers_nothing_is_noticed_and_its_records_are_read()
    {
        var log = new Log { End = 30 };
        await using var app = New(log);
        await app.TickAsync();
        for (var i = 0; i < 6; i++)
        {
            app.Time.Advance(TimeSpan.FromSeconds(20));
            await app.TickAsync();
        }

        Assert.Equal("trigger-stalled", Assert.Single((await app.StatusAsync()).Alerts).Name);
        app.Time.Advance(TimeSpan.FromSeconds(20));
        await app.TickAsync();
        Assert.Equal((30, 0), ((await app.StatusAsync()).EventsIn, (await app.StatusAsync()).Lag));
    }

    [Fact]
    public async Task Records_that_retention_took_are_a_gap_in_the_very_next_tick()
    {
        var log = new Log { End = 20 };
        await using var app = New(log);
        await DeliverAsync(app, 0, 5);
        await app.TickAsync();
        Assert.Empty((await app.StatusAsync()).Alerts);

        log.Start = 12;
        await DeliverAsync(app, 14, 6);
        app.Time.Advance(TimeSpan.FromSeconds(1));
        await app.TickAsync();
        var alert = Assert.Single((await app.StatusAsync()).Alerts);
        Assert.Equal(("gap", "critical", true), (alert.Name, alert.Severity, alert.Active));
        Assert.Contains("Offsets 5 to 11 of partition 0", alert.Text);
        // 12 and 13 were skipped by the trigger and are still there: read, not lost.
        Assert.Equal(13, (await app.StatusAsync()).EventsIn);
    }

    [Fact]
    public async Task A_topic_that_was_made_again_is_noticed()
    {
        var log = new Log { End = 20 };
        await using var app = New(log);
        await DeliverAsync(app, 0, 20);
        await app.TickAsync();
        log.End = 3;
        app.Time.Advance(TimeSpan.FromSeconds(30));
        await app.TickAsync();
        Assert.Equal("topic-recreated", Assert.Single((await app.StatusAsync()).Alerts).Name);
    }

    [Fact]
    public async Task Where_losses_stop_the_pipeline_nothing_behind_one_is_processed_until_it_is_accepted()
    {
        var log = new Log { End = 20 };
        await using var app = New(log, ("OnDataLoss", "stop"));
        await DeliverAsync(app, 0, 5);
        await app.TickAsync();
        log.Start = 12;
        await DeliverAsync(app, 14, 6);
        await TickAsync(app, 20);
        var status = await app.StatusAsync();
        Assert.Equal((5, 5L), (status.EventsIn, status.Partitions.Single().Next));
        var alert = Assert.Single(status.Alerts);
        Assert.Equal(("stopped-at-loss", "critical", true), (alert.Name, alert.Severity, alert.Active));
        Assert.Contains("offsets 5 to 11 were gone from Kafka", alert.Text);
        var ledger = app.Services.GetRequiredService<ILedger>();
        Assert.Empty(await ledger.ReadGapsAsync([0], default));

        // The last delivery was dropped: what comes behind the loss is fetched.
        Assert.Equal(new Loss(5, 12), await Losses.AcceptAsync(ledger, 0, default));
        await TickAsync(app, 20);
        Assert.Equal((13, 0), ((await app.StatusAsync()).EventsIn, (await app.StatusAsync()).Lag));
        Assert.Equal([(5L, 12L)], (await ledger.ReadGapsAsync([0], default)).Select(gap => (gap.From, gap.To)));
        Assert.Equal(["gap", "stopped-at-loss"], (await app.StatusAsync()).Alerts.Select(a => a.Name).Order());
    }

    [Fact]
    public async Task Where_losses_stop_the_pipeline_a_log_that_was_cut_is_not_read_on_when_it_has_grown_again()
    {
        var log = new Log { End = 20 };
        await using var app = New(log, ("OnDataLoss", "stop"));
        await DeliverAsync(app, 0, 20);
        await app.TickAsync();
        log.End = 8;
        app.Time.Advance(TimeSpan.FromSeconds(30));
        await app.TickAsync();
        log.End = 30;
        await DeliverAsync(app, 15, 15);
        await TickAsync(app, 20);
        Assert.Equal(20, (await app.StatusAsync()).EventsIn);
        Assert.Contains("ended at offset 8 although it had been read up to 20", (await app.StatusAsync()).Alerts.Single(a => a.Name == "stopped-at-loss").Text);

        Assert.Equal(new Loss(8, 20), await Losses.AcceptAsync(app.Services.GetRequiredService<ILedger>(), 0, default));
        await DeliverAsync(app, 15, 15);
        await TickAsync(app, 2);
        Assert.Equal((30, 30L), ((await app.StatusAsync()).EventsIn, (await app.StatusAsync()).Partitions.Single().Next));
    }

    [Fact]
    public async Task A_task_hub_that_lost_state_and_an_operation_that_cannot_be_applied_are_noticed()
    {
        var log = new Log { End = 60 };
        await using var app = New(log);
        await DeliverAsync(app, 0, 20);
        await TickAsync(app, 4);
        // One with window slices: what comes next makes the tick look at it again.
        var slices = app.Entities.Ids.First(id => id.Key.Contains("/5m/", StringComparison.Ordinal));

        await app.Entities.SignalEntityAsync(slices, "Apply", JsonSerializer.SerializeToElement("nonsense"));
        await DeliverAsync(app, 20, 20);
        await TickAsync(app, 4);
        Assert.Contains((await app.StatusAsync()).Alerts, a => a.Name == "entity-fault");

        // Another process, which has nothing in memory, finds an empty hub.
        app.Entities.Forget();
        await using var next = app.Again();
        next.Time.Advance(app.Time.GetUtcNow() - next.Time.GetUtcNow() + TimeSpan.FromMinutes(1));
        await next.TickAsync();
        await next.TickAsync();
        Assert.Contains((await next.StatusAsync()).Alerts, a => a is { Name: "entity-forgot", Severity: "critical", Active: true });
    }

    [Fact]
    public async Task A_table_that_cannot_be_maintained_is_noticed_and_the_others_are_maintained()
    {
        var log = new Log { End = 20 };
        await using var app = New(log);
        await DeliverAsync(app, 0, 20);
        await TickAsync(app, 2);
        var store = app.Services.GetRequiredService<Delta.IObjectStore>();
        await foreach (var item in store.ListAsync("silver/events/_delta_log/", null, default))
            await store.DeleteAsync(item.Path, default);
        await store.PutAsync("silver/events/_delta_log/00000000000000000000.json", "rubbish"u8.ToArray(), default);

        await Assert.ThrowsAsync<AggregateException>(() => app.Get<MaintainFunction>().RunAsync(new TimerInfo(), app.Context));
        var alerts = await app.Services.GetRequiredService<TableAlerts>().ListAsync(default);
        Assert.Equal(("maintenance", "silver/events"), (Assert.Single(alerts).Name, alerts[0].Subject));
        var left = await app.Services.GetRequiredService<MaintenanceStore>().ReadAsync(default);
        Assert.Equal(app.Services.GetRequiredService<LakeTables>().Names.Where(n => n != "silver/events").Order(), left.Select(t => t.Table).Order());
    }

    [Fact]
    public async Task The_same_alert_again_is_one_row_and_one_line_a_minute()
    {
        await using var app = New(new Log());
        await app.TickAsync();
        var alerts = app.Services.GetRequiredService<TableAlerts>();
        var costs = app.Services.GetRequiredService<Costs.CostCounters>();
        var before = costs.StorageTransactions()["table_write"];
        for (var second = 0; second < 90; second++)
        {
            await alerts.RaiseAsync("lag", "topic", $"{second} wait", default);
            app.Time.Advance(TimeSpan.FromSeconds(1));
        }

        Assert.Equal(2, costs.StorageTransactions()["table_write"] - before);
        var alert = Assert.Single(await alerts.ListAsync(default));
        Assert.Equal(("89 wait", true), (alert.Text, alert.Active));
        app.Time.Advance(AlertRule.Find("lag")!.Holds);
        Assert.False(Assert.Single(await alerts.ListAsync(default)).Active);
    }

    [Fact]
    public async Task A_process_that_ends_in_order_leaves_the_tick_to_the_next_at_once()
    {
        await using var first = New(new Log());
        await using var second = first.Again();
        Assert.Null(await SkippedAsync(first));
        Assert.NotNull(await SkippedAsync(second));
        await EndAsync(first);
        Assert.Null(await SkippedAsync(second));
        // What is another's by now is not given back.
        await EndAsync(first);
        Assert.NotNull(await SkippedAsync(first));

        static async Task<string?> SkippedAsync(App app) => (await app.Services.GetRequiredService<HostedSources>().Main.Runner.RunAsync(app.Client, default))!.Skipped;

        static async Task EndAsync(App app)
        {
            foreach (var service in app.Services.GetServices<IHostedService>())
                await service.StopAsync(default);
        }
    }

    [Fact]
    public async Task What_another_instance_raises_is_told_within_half_a_minute()
    {
        var table = await azurite.NewTableAsync();
        var time = new HandTime();
        TableAlerts Instance() => new(new PipelineId("v1", "events", 1), table, time, NullLogger<TableAlerts>.Instance);
        var (tick, ingest) = (Instance(), Instance());
        await tick.RaiseAsync("lag", "topic", "7 wait", default);
        Assert.Single(await tick.ListAsync(default));
        await ingest.RaiseAsync("schema-refused", "unknown_schema_version", "3 records", default);
        await ingest.RaiseAsync("lag", "topic", "old", default);
        time.Advance(TimeSpan.FromSeconds(20));
        await tick.RaiseAsync("lag", "topic", "8 wait", default);
        time.Advance(TimeSpan.FromSeconds(10));
        Assert.Equal([("lag", "8 wait"), ("schema-refused", "3 records")], (await tick.ListAsync(default)).Select(a => (a.Name, a.Text)).Order());
        time.Advance(TimeSpan.FromSeconds(40));
        await ingest.RaiseAsync("schema-refused", "unknown_schema_version", "5 records", default);
        Assert.Equal("5 records", (await tick.ListAsync(default))[0].Text);
    }

    [Fact]
    public async Task What_is_withdrawn_is_active_nowhere_until_it_is_raised_again()
    {
        var table = await azurite.NewTableAsync();
        var time = new HandTime();
        TableAlerts Instance() => new(new PipelineId("v1", "events", 1), table, time, NullLogger<TableAlerts>.Instance);
        var (tick, ingest) = (Instance(), Instance());
        await ingest.RaiseAsync("catalog-unavailable", "file:a", "gone", default);
        Assert.True(Assert.Single(await tick.ListAsync(default)).Active);
        await tick.WithdrawAsync("catalog-unavailable", "file:a", default);
        time.Advance(TimeSpan.FromSeconds(30));
        Assert.True(Assert.Single(await tick.ListAsync(default)).Active, "The instance that raised it still has it.");
        await ingest.WithdrawAsync("catalog-unavailable", "file:a", default);
        Assert.False(Assert.Single(await ingest.ListAsync(default)).Active);
        time.Advance(TimeSpan.FromSeconds(30));
        Assert.False(Assert.Single(await tick.ListAsync(default)).Active);
        Assert.False(Assert.Single(await Instance().ListAsync(default)).Active);
        await ingest.RaiseAsync("catalog-unavailable", "file:a", "gone again", default);
        time.Advance(TimeSpan.FromSeconds(30));
        Assert.All(await Task.WhenAll(tick.ListAsync(default), ingest.ListAsync(default)), list => Assert.Equal(("gone again", true), (list[0].Text, list[0].Active)));
    }

    private App New(Log log, params (string, string?)[] settings) =>
        new(azurite, "127.0.0.1:1", services => services.AddSingleton<ITopicLog>(log), [("DeltaInterval", "1s"), ("CheckpointInterval", "1s"), .. settings]);

    private static async Task TickAsync(App app, int times)
    {
        for (var i = 0; i < times; i++)
        {
            app.Time.Advance(TimeSpan.FromSeconds(5));
            await app.TickAsync();
        }
    }

    private static Task DeliverAsync(App app, int from, int count) => app.Get<IngestFunction>().RunAsync([.. Enumerable.Range(from, count).Select(i => new KafkaRecord
    {
        Topic = "events", Partition = 0, Offset = i, Key = null!, Value = Log.Value(i), Headers = [], Timestamp = new KafkaTimestamp { UnixTimestampMs = Log.Time(i) },
    })], app.Context);

    /// <summary>A topic of one partition whose log has offsets from <see cref="Start"/> to <see cref="End"/>.</summary>
    private sealed class Log : ITopicLog
    {
        public long Start { get; set; }

        public long End { get; set; }

        public static long Time(long i) => HandTime.Start + 1_900_000 + i * 100;

        public static byte[] Value(long i) => JsonSerializer.SerializeToUtf8Bytes(new { event_id = $"e{i}", event_type = "purchase", ts = Time(i), user_id = "u", country = "FR", revenue = 1 });

        public Task<IReadOnlyList<int>> PartitionsAsync(CancellationToken cancel) => Task.FromResult<IReadOnlyList<int>>([0]);

        public Task<LogBounds> BoundsAsync(int partition, CancellationToken cancel) => Task.FromResult(new LogBounds(Start, End));

        public Task<IReadOnlyList<SourceRecord>> FetchAsync(int partition, long from, long to, int limit, CancellationToken cancel) => Task.FromResult<IReadOnlyList<SourceRecord>>(
            [.. Enumerable.Range(0, (int)End).Where(i => i >= Math.Max(from, Start) && i < to).Take(limit).Select(i => new SourceRecord(i, Time(i), null, Value(i), []))]);

        public Task<long> OffsetAtAsync(int partition, long timeMs, CancellationToken cancel) => Task.FromResult(Math.Clamp((timeMs - Time(0) + 99) / 100, Start, End));
    }
}
