using System.Text;
using System.Text.Json;
using Microsoft.Azure.Functions.Worker;
using Microsoft.Extensions.DependencyInjection;
using Tidemark.Domain.Ledger;
using Tidemark.Domain.Replays;
using Tidemark.Functions.Http;
using Tidemark.Functions.Sources;
using Tidemark.Functions.Tests.Azure;
using Tidemark.Functions.Tests.Kafka;
using Tidemark.Functions.Tests.Triggers;
using Tidemark.Functions.Triggers;
using static Tidemark.Functions.Tests.Corrections.EventScenario;

namespace Tidemark.Functions.Tests.Corrections;

/// <summary>All topics computed anew, and what joins two of them, while one of these is far behind the other.</summary>
[Collection(AzuriteCollection.Name)]
public sealed class TopicsReplayTests(Azurite azurite)
{
    private const int Views = 60;
    private const long EveryMs = 120_000;
    private const long Begin = HandTime.Start - Views * EveryMs;
    private static readonly string[] Outputs = ["view_to_purchase", "order_flow", "sensor_metrics", "sensor_alerts", "category_views"];

    [Fact]
    public async Task Tables_of_three_topics_are_those_of_the_earlier_version_and_a_topic_that_was_behind_is_late_for_no_join()
    {
        using var broker = new MockBroker(2, "events", "readings", "orders");
        (string, string?)[] settings = [("SensorsTopic", "readings"), ("PurchasesTopic", "orders"), ("DeltaInterval", "1s"), ("CheckpointInterval", "1s")];
        await using var old = new App(azurite, broker.Brokers, null, settings);
        var purchases = await ProduceAsync(broker, "orders", Views, i => Event("purchase", i, 60_000));
        await old.Get<IngestFunction>().RunAsync(await ProduceAsync(broker, "events", Views, i => Event("view", i, 0)), old.Context);
        await old.Get<IngestFunction>().SensorsAsync(await ProduceAsync(broker, "readings", Views, i => JsonSerializer.Serialize(
            new { device_id = $"d{i % 2}", metric = "temperature", value = i == 40 ? 41 : 20 + i % 3, ts = Begin + i * EveryMs })), old.Context);
        // The order service is more than an hour and a half behind.
        await old.Get<IngestFunction>().PurchasesAsync(purchases[..10], old.Context);
        await TickAsync(old, 6);

        await using var anew = new App(azurite, broker.Brokers, null, [.. settings, ("IdleTimeout", "1s")]);
        var first = await TopicsAsync(old);
        Assert.True(first.All.Single(t => t.Name == "events").SaidMs - first.All.Single(t => t.Name == "purchases").SaidMs > 90 * 60_000);
        await using var begun = anew.Again(services => services.AddSingleton(first));
        await ReplayAsync(begun, first);

        await old.Get<IngestFunction>().PurchasesAsync(purchases[10..], old.Context);
        await TickAsync(old, 2);
        await old.Get<DrainFunction>().RunAsync(App.Request(), old.Context);
        for (var i = 0; i < 20 && ((await old.StatusAsync()).DrainedAt is null || (await old.StatusAsync()).Sources.Values.Any(s => s.DrainedAt is null)); i++)
            await TickAsync(old, 1);
        var rest = await TopicsAsync(old);
        await using var again = anew.Again(services => services.AddSingleton(rest));
        again.Time.Advance(begun.Time.GetUtcNow() - again.Time.GetUtcNow());
        await ReplayAsync(again, rest);

        Assert.Empty(await RowsAsync(again, "view_to_purchase_late"));
        Assert.Equal(
            Enumerable.Range(0, Views).Select(i => $"view{i} purchase{i}").Order(StringComparer.Ordinal),
            (await RowsAsync(again, "view_to_purchase")).Select(row => row.Split('|')).Select(row => $"{row[^2]} {row[^1]}").Order(StringComparer.Ordinal));
        foreach (var output in Outputs)
        {
            var rows = await RowsAsync(old, output);
            Assert.NotEmpty(rows);
            Same(rows, await RowsAsync(again, output));
        }
    }

    private static Task<ReplayedTopics> TopicsAsync(App app)
    {
        var lake = app.Services.GetRequiredService<ILake>();
        return ReplayedTopics.ReadAsync(
            app.Services.GetRequiredService<HostedSources>(), app.Services.GetRequiredService<HostedPipelines>(), lake,
            source => new RecordedLog(source.Hosted.Pipeline, source.Ledger, lake, source.Segments), default);
    }

    private static async Task ReplayAsync(App app, ReplayedTopics topics)
    {
        await app.Services.GetRequiredService<Preparation>().EnsureAsync(default);
        await new TopicsReplayer(topics, app.Services.GetRequiredService<HostedSources>(), app.Services.GetRequiredService<HostedPipelines>(), app.Services.GetRequiredService<ILake>(), (source, stop) =>
        {
            app.Time.Advance(TimeSpan.FromSeconds(2));
            return source.Runner.RunAsync(app.Client, stop);
        }, TimeProvider.System).RunAsync(new Dictionary<string, IReadOnlyDictionary<int, long>>(), (_, _) => { }, new CancellationTokenSource(TimeSpan.FromMinutes(2)).Token);
    }

    private static async Task TickAsync(App app, int times)
    {
        // Far from the watchdog's patience, as the records that are kept back are in Kafka.
        for (var i = 0; i < times; i++)
        {
            app.Time.Advance(TimeSpan.FromSeconds(2));
            await app.TickAsync();
        }
    }

    private static string Event(string type, int i, long afterMs) => JsonSerializer.Serialize(new
    {
        event_id = $"{type}{i}", event_type = type, ts = Begin + i * EveryMs + afterMs, user_id = $"u{i}", product_id = "p", category = "shoes", revenue = 2,
    });

    private static async Task<KafkaRecord[]> ProduceAsync(MockBroker broker, string topic, int count, Func<int, string> value)
    {
        var records = Enumerable.Range(0, count).Select(i => new KafkaRecord
        {
            Topic = topic, Partition = i % 2, Offset = i / 2, Value = Encoding.UTF8.GetBytes(value(i)), Key = null!, Headers = [], Timestamp = new KafkaTimestamp { UnixTimestampMs = Begin + (i + 1) * EveryMs },
        }).ToArray();
        await broker.ProduceAsync(topic, records);
        return records;
    }
}
