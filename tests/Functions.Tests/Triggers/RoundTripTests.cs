using System.Globalization;
using System.Text;
using System.Text.Json;
using Confluent.Kafka;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Mvc;
using Microsoft.Azure.Functions.Worker;
using Microsoft.DurableTask.Client;
using Microsoft.Extensions.DependencyInjection;
using NSubstitute;
using Tidemark.Domain.Ledger;
using Tidemark.Domain.Pipelines;
using Tidemark.Functions.Costs;
using Tidemark.Functions.Entities;
using Tidemark.Functions.Http;
using Tidemark.Functions.Lake;
using Tidemark.Functions.Sources;
using Tidemark.Functions.Status;
using Tidemark.Functions.Tests.Azure;
using Tidemark.Functions.Tests.Configuration;
using Tidemark.Functions.Tests.Kafka;
using Tidemark.Functions.Triggers;

namespace Tidemark.Functions.Tests.Triggers;

/// <summary>Everything wired as in production over real stores and a real broker; only the entities' backend is in memory, and time is turned by hand.</summary>
[Collection(AzuriteCollection.Name)]
public sealed class RoundTripTests(Azurite azurite)
{
    private const long Start = 1_700_000_100_000;

    [Fact]
    public async Task Events_become_rows_in_tables_and_in_Delta_and_the_status_says_so()
    {
        using var broker = new MockBroker("events", 2);
        await using var app = new App(azurite, broker.Brokers);
        var produced = await ProduceAsync(broker, 600);

        Assert.Equal("starting", (await app.StatusAsync()).State);
        Assert.Equal(StatusCodes.Status409Conflict, (await app.Get<DrainFunction, Reply>(f => f.RunAsync(App.Request(), app.Context))).Status);
        await app.Get<IngestFunction>().RunAsync([.. produced.Take(400)], app.Context);
        await app.TickAsync();

        var open = await app.RowsAsync("category_views");
        Assert.NotEmpty(open);
        Assert.All(open, row => Assert.False(row.GetProperty("is_final").GetBoolean()));

        // Delivered again with an overlap, as after a rebalance.
        await app.Get<IngestFunction>().RunAsync([.. produced.Skip(200)], app.Context);
        // More of the same time may follow: nothing closes that the watermark has not reached.
        Assert.Equal(StatusCodes.Status202Accepted, (await app.Get<DrainFunction, Reply>(f => f.RunAsync(App.Request("?keep-open=true"), app.Context))).Status);
        await DrainedAsync(app);
        Assert.Contains(await app.RowsAsync("category_views"), row => !row.GetProperty("is_final").GetBoolean());
        Assert.Equal(StatusCodes.Status202Accepted, (await app.Get<DrainFunction, Reply>(f => f.RunAsync(App.Request(), app.Context))).Status);
        await DrainedAsync(app);

        var status = await app.StatusAsync();
        Assert.NotNull(status.DrainedAt);
        Assert.Equal((600, 0, 0), (status.EventsIn, status.Lag, status.OpenRanges));
        Assert.True(status.Costs.DeltaCommits > 0 && status.Costs.StorageTransactions[StorageKinds.TableTransaction] > 0);
        Assert.True(status.LatencyMs.Tables.Samples > 0 && status.LatencyMs.Delta.Samples > 0);

        // Against the events themselves, counted without the pipeline.
        var expected = Enumerable.Range(0, 600).GroupBy(i => (Window: Time(i) / 300_000 * 300_000, Category: Category(i)))
            .ToDictionary(g => (g.Key.Window, g.Key.Category), g => g.Count());
        var rows = await app.RowsAsync("category_views");
        Assert.Equal(expected.Count, rows.Count);
        Assert.All(rows, row => Assert.True(row.GetProperty("is_final").GetBoolean()));
        Assert.All(rows, row => Assert.Equal(
            expected[(row.GetProperty("window_start").GetDateTimeOffset().ToUnixTimeMilliseconds(), row.GetProperty("category").GetString()!)],
            row.GetProperty("view_count").GetInt32()));

        var committed = 0;
        await foreach (var commit in app.Services.GetRequiredService<ILake>().ReadCommitsAsync("gold/category_views", app.Services.GetRequiredService<PipelineId>().QueryAppId("category_views"), -1, null, default))
            committed += commit.Rows.Count;
        Assert.Equal(expected.Count, committed);
        Assert.Equal(600, await app.CountAsync("silver/events", 2));

        // The packed tables hold the same rows, and what has none is there all the same.
        await app.Get<MaintainFunction>().RunAsync(new TimerInfo(), app.Context);
        var tables = app.Services.GetRequiredService<LakeTables>();
        var packed = await tables["silver/events"].Delta.SnapshotAsync();
        Assert.Equal(600, packed.Files.Sum(f => f.RowCount));
        Assert.Equal(packed.Files.Select(f => f.PartitionValues["event_date"]).Distinct().Count(), packed.Files.Count());
        Assert.All(tables.Names, name => Assert.True(tables[name].Delta.RefreshAsync().AsTask().Result.Version >= 0));
    }

    [Fact]
    public async Task One_run_of_the_tick_brings_a_bounded_input_to_its_end()
    {
        using var broker = new MockBroker("events", 2);
        await using var app = new App(azurite, broker.Brokers);
        var produced = await ProduceAsync(broker, 600);
        await app.TickAsync();
        await app.Get<IngestFunction>().RunAsync([.. produced.Take(400)], app.Context);
        await app.Get<DrainFunction, Reply>(f => f.RunAsync(App.Request(), app.Context));
        // A third is in Kafka and not delivered yet: the run ends all the same, and the input does not.
        await app.TickAsync();
        Assert.Null((await app.StatusAsync()).DrainedAt);

        await app.Get<IngestFunction>().RunAsync([.. produced.Skip(400)], app.Context);
        app.Time.Advance(TimeSpan.FromSeconds(20));
        await app.TickAsync();
        var status = await app.StatusAsync();
        Assert.NotNull(status.DrainedAt);
        Assert.Equal((600, 0, 0), (status.EventsIn, status.Lag, status.OpenRanges));
    }

    [Fact]
    public async Task An_end_that_is_told_again_is_not_taken_off_by_a_tick_that_saw_the_first()
    {
        using var broker = new MockBroker("events", 2);
        await using var app = new App(azurite, broker.Brokers);
        await app.TickAsync();
        var ledger = app.Services.GetRequiredService<HostedSources>().Main.Ledger;
        Task<Reply> TellAsync() => app.Get<DrainFunction, Reply>(f => f.RunAsync(App.Request(), app.Context));
        await TellAsync();
        var seen = (await ledger.ReadMetaAsync(default))!.Value;
        await TellAsync();
        Assert.Null(await ledger.TryWriteMetaAsync(seen.Value with { EndOfInput = false }, seen.ETag, default));

        // Nothing was ever sent, so only what is told can bring it to its end.
        await DrainedAsync(app);
    }

    [Fact]
    public async Task A_broker_that_is_away_fails_the_tick_and_shows_in_the_status_and_health()
    {
        await using var app = new App(azurite, "127.0.0.1:1");
        await Assert.ThrowsAnyAsync<Exception>(() => app.TickAsync());
        var status = await app.StatusAsync();
        Assert.Equal(("failing", "Tick"), (status.State, status.LastError!.Where));
        Assert.Equal(503, (await app.Get<StatusFunction, Reply>(f => f.HealthAsync(App.Request(), app.Context))).Status);
    }

    [Fact]
    public async Task Questions_that_make_no_sense_are_answered_in_a_sentence()
    {
        await using var app = new App(azurite, "127.0.0.1:1");
        Assert.Equal(404, (await app.Get<QueriesFunction, Reply>(f => f.RowsAsync(App.Request(), "nothing", app.Context))).Status);
        foreach (var limit in new[] { "0", "1001", "-1", "x", "1e3" })
            Assert.Equal(400, (await app.Get<QueriesFunction, Reply>(f => f.RowsAsync(App.Request("?limit=" + limit), "category_views", app.Context))).Status);
        Assert.Empty(await app.RowsAsync("category_views"));
        var queries = JsonDocument.Parse(((Reply)app.Get<QueriesFunction>().List(App.Request())).Body).RootElement;
        Assert.Equal("CategoryViews", queries.EnumerateArray().First(q => q.GetProperty("name").GetString() == "category_views").GetProperty("table").GetString());
    }

    [Fact]
    public void The_page_is_compiled_in_and_nothing_else_can_be_fetched()
    {
        var page = new PageFunction();
        var home = (Reply)page.Home(App.Request());
        Assert.Equal(200, home.Status);
        foreach (var asset in System.Text.RegularExpressions.Regex.Matches(Encoding.UTF8.GetString(home.Body.Span), "(?:href|src)=\"assets/([^\"]+)\"").Select(m => m.Groups[1].Value))
            Assert.Equal(200, ((Reply)page.Assets(App.Request(), asset)).Status);
        foreach (var path in new[] { "", "../index.html", "..%2findex.html", "none.js", "/etc/passwd" })
            Assert.Equal(404, ((Reply)page.Assets(App.Request(), path)).Status);
    }

    private static async Task DrainedAsync(App app)
    {
        for (var i = 0; i < 20 && (await app.StatusAsync()).DrainedAt is null; i++)
        {
            app.Time.Advance(TimeSpan.FromSeconds(20));
            await app.TickAsync();
        }

        Assert.NotNull((await app.StatusAsync()).DrainedAt);
    }

    private static long Time(int i) => Start + i * 2_000L;

    private static string Category(int i) => i % 3 == 0 ? "a/b <b>" : "shoes";

    private static async Task<List<KafkaRecord>> ProduceAsync(MockBroker broker, int count)
    {
        using var producer = new ProducerBuilder<byte[]?, byte[]?>(new ProducerConfig { BootstrapServers = broker.Brokers }).Build();
        var records = new List<KafkaRecord>();
        for (var i = 0; i < count; i++)
        {
            var value = JsonSerializer.SerializeToUtf8Bytes(new
            {
                event_id = $"e{i}", event_type = "view", timestamp = DateTimeOffset.FromUnixTimeMilliseconds(Time(i)).ToString("O", CultureInfo.InvariantCulture),
                user_id = $"u{i % 17}", session_id = $"s{i % 31}", category = Category(i),
            });
            records.Add(new KafkaRecord
            {
                Topic = "events", Partition = i % 2, Offset = i / 2, Value = value, Key = null!, Headers = [],
                Timestamp = new KafkaTimestamp { UnixTimestampMs = Time(i) },
            });
        }

        await Task.WhenAll(records.Select(r => producer.ProduceAsync(new TopicPartition("events", r.Partition), new Message<byte[]?, byte[]?>
        {
            Value = r.Value, Timestamp = new Timestamp(r.Timestamp.UnixTimestampMs, TimestampType.CreateTime),
        })));
        return records;
    }
}
