using System.Globalization;
using System.Text;
using System.Text.Json;
using Microsoft.Azure.Functions.Worker;
using Microsoft.Extensions.DependencyInjection;
using Tidemark.Domain.Events;
using Tidemark.Domain.Pipelines;
using Tidemark.Domain.Queries;
using Tidemark.Domain.Sensors;
using Tidemark.Functions.Http;
using Tidemark.Functions.Lake;
using Tidemark.Functions.Tests.Azure;
using Tidemark.Functions.Tests.Kafka;
using Tidemark.Functions.Tests.Triggers;
using Tidemark.Functions.Triggers;
using static Tidemark.Functions.Tests.Corrections.EventScenario;

namespace Tidemark.Functions.Tests.Corrections;

/// <summary>A changed query over records of another schema, which have no ids, types and users.</summary>
[Collection(AzuriteCollection.Name)]
public sealed class ReadingsChangeTests(Azurite azurite)
{
    private static readonly TimeSpan Minute = TimeSpan.FromMinutes(1);

    [Fact]
    public async Task A_changed_query_counts_its_open_windows_from_the_readings_that_are_there_less_the_late_ones()
    {
        using var broker = new MockBroker("events", 1);
        await using var old = new App(azurite, broker.Brokers, With(Query.Named("by_device").Tumbling(5 * Minute).Watermark(Minute).By("device_id").Count("readings").Append()), ("DeltaInterval", "1s"));
        // Ten minutes, a reading every five seconds; then one of the first minute, which is late.
        await IngestAsync(old, broker, 0, 120);
        await TickAsync(old, 3);
        await IngestAsync(old, broker, 120, 1, at: _ => 30);
        await TickAsync(old, 3);
        await using var anew = old.Again(With(Query.Named("by_device").Tumbling(5 * Minute).Watermark(Minute).By("device_id", "metric").Count("readings").Max("most", "value").Append()));
        anew.Time.Advance(old.Time.GetUtcNow() - anew.Time.GetUtcNow());
        await IngestAsync(anew, broker, 121, 60, at: i => 600 + (i - 121) * 5);
        await TickAsync(anew, 2);
        await anew.Get<DrainFunction>().RunAsync(App.Request(), anew.Context);
        for (var i = 0; i < 30 && (await anew.StatusAsync()).DrainedAt is null; i++)
            await TickAsync(anew, 1);

        Assert.NotNull((await anew.StatusAsync()).DrainedAt);
        // The first window closed under the earlier definition, by device alone; the late reading is in none.
        var readings = Enumerable.Range(0, 120).Select(i => (At: i * 5, Number: i)).Concat(Enumerable.Range(121, 60).Select(i => (At: 600 + (i - 121) * 5, Number: i)));
        var expected = readings.GroupBy(r => (Window: r.At / 300, Device: $"d{r.Number % 3}", Metric: r.At < 300 ? null : $"m{r.Number % 2}"))
            .Select(g => $"{g.Key.Window}|{g.Key.Device}|{g.Key.Metric}|{g.Count()}|{(g.Key.Metric is null ? null : g.Max(r => r.Number))}");
        var rows = (await anew.RowsAsync("by_device")).Select(row =>
            $"{(row.GetProperty("window_start").GetDateTimeOffset().ToUnixTimeMilliseconds() - Start) / 300_000}|{Text(row, "device_id")}|{Text(row, "metric")}|{row.GetProperty("readings")}|{(Text(row, "most") is { } most ? decimal.Parse(most, CultureInfo.InvariantCulture).ToString("0", CultureInfo.InvariantCulture) : null)}");
        Assert.Equal(expected.Order(StringComparer.Ordinal), rows.Order(StringComparer.Ordinal));
        Assert.Single(await LateRowsAsync(anew));
    }

    private static long Start => HandTime.Start - HandTime.Start % 300_000;

    private static Action<IServiceCollection> With(QueryDefinition query) => services =>
        services.AddSingleton<IPipeline>(new EventPipeline(new EventOptions("events"), [query], schema: SensorPipeline.Readings));

    private static async Task IngestAsync(App app, MockBroker broker, int from, int count, Func<int, int>? at = null)
    {
        var records = Enumerable.Range(from, count).Select(i => new KafkaRecord
        {
            Topic = "events", Partition = 0, Offset = i, Key = null!, Headers = [], Timestamp = new KafkaTimestamp { UnixTimestampMs = HandTime.Start + 3_600_000 },
            Value = Encoding.UTF8.GetBytes($"{{\"device_id\":\"d{i % 3}\",\"metric\":\"m{i % 2}\",\"value\":{i},\"ts\":{Start + (at?.Invoke(i) ?? i * 5) * 1000L}}}"),
        }).ToArray();
        await broker.ProduceAsync("events", 0, count);
        await app.Get<IngestFunction>().RunAsync(records, app.Context);
    }

    private static async Task<IReadOnlyList<string>> LateRowsAsync(App app)
    {
        var table = app.Services.GetRequiredService<LakeTables>()["silver/sensors_late"];
        var snapshot = await table.Delta.SnapshotAsync();
        return [.. snapshot.Files.SelectMany(f => Enumerable.Repeat(f.Path, (int)f.RowCount))];
    }

    private static string? Text(JsonElement row, string column) =>
        row.TryGetProperty(column, out var value) && value.ValueKind != JsonValueKind.Null ? value.ToString() : null;
}
