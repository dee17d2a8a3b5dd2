using System.Globalization;
using System.Text.Json;
using Confluent.Kafka;
using Microsoft.Azure.Functions.Worker;
using Microsoft.Extensions.DependencyInjection;
using Tidemark.Domain.Columns;
using Tidemark.Domain.Corrections;
using Tidemark.Domain.Ledger;
using Tidemark.Domain.Pipelines;
using Tidemark.Functions.Lake;
using Tidemark.Functions.Tests.Kafka;
using Tidemark.Functions.Tests.Triggers;

namespace Tidemark.Functions.Tests.Corrections;

/// <summary>A handful of events, some late, and what a window query must make of them, computed without the pipeline.</summary>
internal static class EventScenario
{
    public const int Partitions = 2;
    public const int Events = 900;

    public static async Task TickAsync(App app, int times)
    {
        for (var i = 0; i < times; i++)
        {
            app.Time.Advance(TimeSpan.FromSeconds(20));
            await app.TickAsync();
        }
    }

    /// <summary>Rows of windows with end in (after, upTo], from the events and the windows that the table of late events says each missed.</summary>
    public static List<string> Expected(
        IReadOnlyDictionary<(string, string), long> late, string query, int size, int slide, long? after, long upTo, Func<Sent, string> key, bool users, Func<Sent, bool>? where = null) =>
        [.. All.Where(where ?? (_ => true)).SelectMany(e => Ends(e.TimeMs, size * 60_000L, slide * 60_000L).Select(end => (Event: e, End: end)))
            .Where(p => !(p.End <= after) && p.End <= upTo && !(late.TryGetValue((query, p.Event.Id), out var missed) && p.End <= missed))
            .GroupBy(p => (p.End, Key: key(p.Event)))
            .Select(g => string.Join("|", new[] { Text(g.Key.End - size * 60_000L), Text(g.Key.End), g.Key.Key, $"{g.Count()}" }
                .Concat(users ? [$"{g.Select(p => p.Event.User).Distinct().Count()}"] : [])))
            .Order(StringComparer.Ordinal)];

    public static void Same(IEnumerable<string> expected, IReadOnlyList<string> actual)
    {
        var wanted = expected.ToList();
        Assert.True(wanted.SequenceEqual(actual), $"missing:\n{string.Join("\n", wanted.Except(actual))}\nunexpected:\n{string.Join("\n", actual.Except(wanted))}\n{actual.Count} rows, {wanted.Count} expected");
    }

    public static IEnumerable<long> Ends(long time, long size, long slide)
    {
        for (var start = time / slide * slide; start > time - size; start -= slide)
            yield return start + size;
    }

    public static string Text(long ms) => DateTimeOffset.FromUnixTimeMilliseconds(ms).UtcDateTime.ToString("yyyy-MM-ddTHH:mm:ss.ffffff'Z'", CultureInfo.InvariantCulture);

    public static async Task<List<string>> RowsAsync(App app, string query)
    {
        var table = app.Services.GetRequiredService<LakeTables>()[$"gold/{query}"];
        var lines = new List<string>();
        var snapshot = await table.Delta.SnapshotAsync();
        var columns = table.Rows.Fields.Select(f => f.Name).ToList();
        foreach (var file in snapshot.Files)
        {
            var rows = await table.ReadAsync([file], columns, default);
            lines.AddRange(Enumerable.Range(0, rows.Count).Select(row => string.Join("|", Enumerable.Range(0, rows.Columns.Count).Select(c => rows.Text(row, c) ?? "null"))));
        }

        return [.. lines.Order(StringComparer.Ordinal)];
    }

    public static async Task<Dictionary<(string, string), long>> LateAsync(App app)
    {
        var late = new Dictionary<(string, string), long>();
        await foreach (var row in LateEvent.ReadAsync(app.Services.GetRequiredService<ILake>(), app.Services.GetRequiredService<IPipeline>(), null, null, default))
            late[(row.Query, row.EventId)] = row.LastMissedEndMs;
        return late;
    }

    public sealed record Sent(int Number, long TimeMs, string Category, string User, bool IsView)
    {
        public string Id => $"e{Number}";
    }

    // Two minutes of every twenty an event is some ten minutes late.
    public static readonly IReadOnlyList<Sent> All =
        [.. Enumerable.Range(0, Events).Select(i => new Sent(i, HandTime.Start + i * 6_000L - (i % 40 == 39 ? 1_000_000 : 0), i % 3 == 0 ? "hats" : "shoes", $"u{i % 7}", i % 4 != 0))];

    public static async Task<List<KafkaRecord>> ProduceAsync(MockBroker broker)
    {
        using var producer = new ProducerBuilder<byte[]?, byte[]?>(new ProducerConfig { BootstrapServers = broker.Brokers }).Build();
        var records = All.Select(e => new KafkaRecord
        {
            Topic = "events", Partition = e.Number % Partitions, Offset = e.Number / Partitions, Key = null!, Headers = [],
            Value = JsonSerializer.SerializeToUtf8Bytes(new
            {
                event_id = e.Id, event_type = e.IsView ? "view" : "click", timestamp = DateTimeOffset.FromUnixTimeMilliseconds(e.TimeMs).ToString("O", CultureInfo.InvariantCulture),
                user_id = e.User, category = e.Category,
            }),
            Timestamp = new KafkaTimestamp { UnixTimestampMs = HandTime.Start + e.Number * 6_000L },
        }).ToList();
        await Task.WhenAll(records.Select(r => producer.ProduceAsync(new TopicPartition("events", r.Partition), new Message<byte[]?, byte[]?>
        {
            Value = r.Value, Timestamp = new Timestamp(r.Timestamp.UnixTimestampMs, TimestampType.CreateTime),
        })));
        return records;
    }
}
