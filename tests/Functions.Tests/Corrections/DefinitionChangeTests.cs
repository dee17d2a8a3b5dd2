using System.Collections.Concurrent;
using System.Text.Json;
using Microsoft.Azure.Functions.Worker;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using Tidemark.Domain.Events;
using Tidemark.Domain.Ledger;
using Tidemark.Domain.Pipelines;
using Tidemark.Domain.Queries;
using Tidemark.Domain.Streams;
using Tidemark.Functions.Http;
using Tidemark.Functions.Tests.Azure;
using Tidemark.Functions.Tests.Kafka;
using Tidemark.Functions.Tests.Triggers;
using Tidemark.Functions.Triggers;

using static Tidemark.Functions.Tests.Corrections.EventScenario;

namespace Tidemark.Functions.Tests.Corrections;

/// <summary>A program with other queries goes on where an earlier one stopped with open windows: every row is that of a computation from the events alone.</summary>
[Collection(AzuriteCollection.Name)]
public sealed class DefinitionChangeTests(Azurite azurite)
{
    private const int Before = 500;
    private static readonly TimeSpan Minute = TimeSpan.FromMinutes(1);
    private static readonly Filter Views = Field.Named("event_type").Is("view");

    // Unchanged; changed: other aggregates and keys; changed: other windows; removed.
    private static readonly QueryDefinition[] Old =
    [
        Query.Named("kept").Sliding(10 * Minute, 5 * Minute).Watermark(2 * Minute).By("category").Count("events").CountDistinct("users", "user_id").Update(),
        Query.Named("counts").Where(Views).Tumbling(5 * Minute).Watermark(2 * Minute).By("category").Count("views").Update(),
        Query.Named("windows").Tumbling(10 * Minute).Watermark(2 * Minute).By("category").Count("events").Append(),
        Query.Named("gone").Tumbling(5 * Minute).Watermark(2 * Minute).Count("events").Append(),
    ];

    private static readonly QueryDefinition[] New =
    [
        Old[0],
        Query.Named("counts").Tumbling(5 * Minute).Watermark(2 * Minute).By("category").Count("views").CountDistinct("users", "user_id").Update(),
        Query.Named("windows").Sliding(6 * Minute, 3 * Minute).Watermark(Minute).By("category").Count("events").Append(),
        Query.Named("fresh").Tumbling(5 * Minute).Watermark(2 * Minute).By("user_id").Count("events").Update(),
    ];

    [Theory]
    [InlineData(0)]
    [InlineData(3)]
    public async Task Changed_added_and_removed_queries_go_on_from_the_events_that_are_there(int ticksBeforeTheStop)
    {
        using var broker = new MockBroker("events", Partitions);
        var records = await ProduceAsync(broker);
        await using var old = new App(azurite, broker.Brokers, With(Old));
        // A part is settled into entities, a part is open when the program stops; one event in a while comes late.
        for (var at = 0; at < Before - 100; at += 100)
        {
            await old.Get<IngestFunction>().RunAsync([.. records.Skip(at).Take(100)], old.Context);
            await TickAsync(old, 2);
        }

        await old.Get<IngestFunction>().RunAsync([.. records.Skip(Before - 100).Take(100)], old.Context);
        await TickAsync(old, ticksBeforeTheStop);
        var closed = New.Concat(Old).Select(q => q.Name).Distinct().ToDictionary(name => name, _ => (long?)null);
        var head = old.Services.GetRequiredService<PipelineId>();
        foreach (var query in Old)
            if ((await old.Services.GetRequiredService<ILake>().ReadHeadAsync($"gold/{query.Name}", default)).Positions.TryGetValue(head.QueryAppId(query.Name), out var position))
                closed[query.Name] = position;
        var frontier = (await old.Services.GetRequiredService<ILedger>().ReadMetaAsync(default))!.Value.Value.FrontierMs!.Value;
        var goneBefore = await RowsAsync(old, "gone");

        var said = new ConcurrentQueue<string>();
        await using var anew = old.Again(With(New, said));
        anew.Time.Advance(old.Time.GetUtcNow() - anew.Time.GetUtcNow());
        for (var at = Before; at < Events; at += 100)
        {
            await anew.Get<IngestFunction>().RunAsync([.. records.Skip(at).Take(100)], anew.Context);
            await TickAsync(anew, 2);
        }

        await anew.Get<DrainFunction>().RunAsync(App.Request(), anew.Context);
        for (var i = 0; i < 30 && (await anew.StatusAsync()).DrainedAt is null; i++)
            await TickAsync(anew, 1);
        Assert.NotNull((await anew.StatusAsync()).DrainedAt);
        Assert.Contains(said, line => line.Contains("counts", StringComparison.Ordinal) && line.Contains("another definition", StringComparison.Ordinal));
        Assert.Contains(said, line => line.Contains("fresh is new", StringComparison.Ordinal));
        Assert.Contains(said, line => line.StartsWith("gone is no longer", StringComparison.Ordinal));

        Assert.Equal(goneBefore, await RowsAsync(old, "gone"));
        Assert.Empty(anew.Entities.Ids);
        var late = await LateAsync(anew);
        Assert.NotEmpty(late);
        Same(Expected(late, "kept", 10, 5, null, long.MaxValue, e => e.Category, users: true), await RowsAsync(anew, "kept"));
        var counts = Expected(late, "counts", 5, 5, null, closed["counts"]!.Value, e => e.Category, users: false, e => e.IsView && e.Number < Before).Select(r => r + "|null")
            .Concat(Expected(late, "counts", 5, 5, closed["counts"], long.MaxValue, e => e.Category, users: true)).Order(StringComparer.Ordinal);
        Same(counts, await RowsAsync(anew, "counts"));
        var windows = Expected(late, "windows", 10, 10, null, closed["windows"]!.Value, e => e.Category, users: false, e => e.Number < Before)
            .Concat(Expected(late, "windows", 6, 3, closed["windows"], long.MaxValue, e => e.Category, users: false)).Order(StringComparer.Ordinal);
        Same(windows, await RowsAsync(anew, "windows"));
        Same(Expected(late, "fresh", 5, 5, frontier - 120_000, long.MaxValue, e => e.User, users: false), await RowsAsync(anew, "fresh"));
        // What the earlier definition had published of open windows is not left behind.
        foreach (var query in new[] { "kept", "counts", "fresh" })
            Assert.Equal((await RowsAsync(anew, query)).Count, (await anew.RowsAsync(query)).Count(row => row.GetProperty("is_final").GetBoolean()));
        Assert.All(await anew.RowsAsync("counts"), row => Assert.True(row.GetProperty("is_final").GetBoolean()));

        // The earlier program comes back while the other is at work.
        old.Time.Advance(TimeSpan.FromHours(2));
        var refused = await Assert.ThrowsAsync<InvalidOperationException>(() => old.TickAsync());
        Assert.Contains("Another program", refused.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_topic_of_results_never_takes_back_what_a_changed_query_had_counted()
    {
        using var broker = new MockBroker("events", Partitions);
        var records = await ProduceAsync(broker);
        var before = Query.Named("event_counts").Tumbling(10 * Minute).Watermark(2 * Minute).By("category").Count("events").Update();
        var after = Query.Named("event_counts").Tumbling(10 * Minute).Watermark(2 * Minute).By("category").Count("events").CountDistinct("users", "user_id").Update();
        await using var old = new App(azurite, broker.Brokers, With([before]), [("EventCountsTopic", "counts")]);
        await DeliverAsync(old, records.Take(Before));
        await using var anew = old.Again(With([after]));
        anew.Time.Advance(old.Time.GetUtcNow() - anew.Time.GetUtcNow());
        await DeliverAsync(anew, records.Skip(Before));

        var told = TopicReader.All(broker.Brokers, "counts").Select(r => JsonDocument.Parse(r.Value!).RootElement).ToList();
        Assert.Contains(told, row => row.TryGetProperty("users", out _));
        Assert.Contains(told, row => !row.TryGetProperty("users", out _));
        foreach (var group in told.GroupBy(row => (row.GetProperty("window_start").GetString(), row.GetProperty("category").GetString())))
        {
            var counts = group.Select(row => row.GetProperty("events").GetInt64()).ToList();
            Assert.Equal(counts.Order(), counts);
        }

        static async Task DeliverAsync(App app, IEnumerable<KafkaRecord> some)
        {
            foreach (var part in some.Chunk(20))
            {
                await app.Get<IngestFunction>().RunAsync(part, app.Context);
                await TickAsync(app, 2);
            }
        }
    }

    [Fact]
    public async Task A_changed_stream_is_refused_by_name_with_what_to_do()
    {
        using var broker = new MockBroker("events", Partitions);
        var records = await ProduceAsync(broker);
        await using var old = new App(azurite, broker.Brokers, With(Old, streams: [Sessions(20)]));
        await old.Get<IngestFunction>().RunAsync([.. records.Take(200)], old.Context);
        await TickAsync(old, 3);
        await using var anew = old.Again(With(Old, streams: [Sessions(30)]));
        anew.Time.Advance(TimeSpan.FromHours(2));
        var refused = await Assert.ThrowsAsync<InvalidOperationException>(() => anew.TickAsync());
        Assert.Contains("Stream visits has another definition", refused.Message, StringComparison.Ordinal);
        Assert.Contains("PipelineVersion", refused.Message, StringComparison.Ordinal);
    }

    private static EventStream Sessions(int minutes) => new("visits", "silver/events", "event_time", Minute, [new("events", Filter.All, ["user_id"])],
        [new SessionStage("sessions", "events", "event_time", minutes * Minute, null, ["user_id"], [new AggregateDefinition("events", AggregateFunction.Count, null)])])
    {
        Keys = ["user_id"], TimeColumn = "session_start", InTimeFor = minutes * Minute, Horizon = minutes * Minute,
    };

    private static Action<IServiceCollection> With(IReadOnlyList<QueryDefinition> queries, ConcurrentQueue<string>? said = null, IReadOnlyList<EventStream>? streams = null) => services =>
    {
        services.AddSingleton<IPipeline>(new EventPipeline(new EventOptions("events"), queries, streams: streams));
        if (said is not null)
            services.AddSingleton<ILoggerProvider>(new Listener(said));
    };

    private sealed class Listener(ConcurrentQueue<string> said) : ILoggerProvider, ILogger
    {
        public ILogger CreateLogger(string categoryName) => this;

        public IDisposable? BeginScope<TState>(TState state)
            where TState : notnull => null;

        public bool IsEnabled(LogLevel logLevel) => logLevel >= LogLevel.Warning;

        public void Log<TState>(LogLevel logLevel, EventId eventId, TState state, Exception? exception, Func<TState, Exception?, string> formatter)
        {
            if (IsEnabled(logLevel))
                said.Enqueue(formatter(state, exception));
        }

        public void Dispose()
        {
        }
    }
}
