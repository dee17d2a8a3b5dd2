using System.Globalization;
using System.Text.Json;
using Microsoft.Azure.Functions.Worker;
using Microsoft.Extensions.DependencyInjection;
using Tidemark.Functions.Costs;
using Tidemark.Functions.Tests.Azure;
using Tidemark.Functions.Tests.Kafka;
using Tidemark.Functions.Triggers;
using Xunit.Abstractions;

namespace Tidemark.Functions.Tests.Triggers;

/// <summary>What services charge for is counted over a stream that is the same in every run, so that a change which costs more is noticed.</summary>
[Collection(AzuriteCollection.Name)]
public sealed class CostTests(Azurite azurite, ITestOutputHelper output)
{
    private const int Ticks = 14, PerTick = 600, Partitions = 2;
    private static readonly string[] Types = ["view", "view", "view", "page_view", "add_to_cart", "purchase"];
    private static readonly TimeSpan Interval = TimeSpan.FromSeconds(5);

    /// <summary>Some seventy seconds at 120 events a second: the smaller the rate, the more a thousand events cost.</summary>
    [Fact]
    public async Task A_steady_stream_costs_no_more_transactions_and_operations_than_it_did()
    {
        using var broker = new MockBroker("events", Partitions);
        await using var app = new App(azurite, broker.Brokers);
        await app.TickAsync();
        var counters = app.Services.GetRequiredService<CostCounters>();
        var before = Counts(counters);
        for (var tick = 0; tick < Ticks; tick++)
        {
            for (var partition = 0; partition < Partitions; partition++)
                await broker.ProduceAsync("events", partition, PerTick / Partitions);
            await app.Get<IngestFunction>().RunAsync([.. Enumerable.Range(tick * PerTick, PerTick).Select(i => Record(i, app.Time.GetUtcNow()))], app.Context);
            app.Time.Advance(Interval);
            await app.TickAsync();
        }

        var perThousand = Counts(counters).ToDictionary(c => c.Key, c => (c.Value - before[c.Key]) * 1000.0 / (Ticks * PerTick));
        output.WriteLine(string.Join(", ", perThousand.Select(c => string.Create(CultureInfo.InvariantCulture, $"{c.Key} {c.Value:0.0}"))));
        var storage = StorageKinds.All.Sum(kind => perThousand[kind]);
        var entities = perThousand[EntityKinds.Apply];
        Assert.True(storage is > 20 and < MostTransactions, $"{storage:0.0} storage transactions per 1,000 events");
        Assert.True(entities is > 0.5 and < MostOperations, $"{entities:0.0} entity operations per 1,000 events");
    }

    // Measured, and a tenth more.
    private const double MostTransactions = 60, MostOperations = 3.5;

    private static Dictionary<string, long> Counts(CostCounters counters) =>
        counters.StorageTransactions().Concat(counters.EntityOperations()).ToDictionary(c => c.Key, c => c.Value);

    private static KafkaRecord Record(int i, DateTimeOffset now)
    {
        var time = now.AddMilliseconds(i % PerTick * Interval.TotalMilliseconds / PerTick);
        var value = JsonSerializer.SerializeToUtf8Bytes(new
        {
            event_id = $"e{i}", event_type = Types[i % Types.Length], timestamp = time.ToString("O", CultureInfo.InvariantCulture), user_id = $"u{i % 40}",
            session_id = $"s{i % 80}", product_id = $"p{i % 25}", category = $"c{i % 8}", country = "DE", revenue = 12.5m,
        });
        return new KafkaRecord
        {
            Topic = "events", Partition = i % Partitions, Offset = i / Partitions, Value = value, Key = null!, Headers = [],
            Timestamp = new KafkaTimestamp { UnixTimestampMs = time.ToUnixTimeMilliseconds() },
        };
    }
}
