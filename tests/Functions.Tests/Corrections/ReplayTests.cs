using Microsoft.Extensions.DependencyInjection;
using Tidemark.Domain.Events;
using Tidemark.Domain.Ledger;
using Tidemark.Domain.Pipelines;
using Tidemark.Domain.Queries;
using Tidemark.Domain.Replays;
using Tidemark.Functions.Http;
using Tidemark.Functions.Kafka;
using Tidemark.Functions.Tests.Azure;
using Tidemark.Functions.Tests.Kafka;
using Tidemark.Functions.Tests.Triggers;
using Tidemark.Functions.Triggers;
using static Tidemark.Functions.Tests.Corrections.EventScenario;

namespace Tidemark.Functions.Tests.Corrections;

/// <summary>Another definition over the records of an earlier version, while that one has open ranges: its own results, and nothing of the earlier one changes.</summary>
[Collection(AzuriteCollection.Name)]
public sealed class ReplayTests(Azurite azurite)
{
    private static readonly TimeSpan Minute = TimeSpan.FromMinutes(1);

    [Fact]
    public async Task A_changed_query_gives_its_own_results_from_bronze_and_open_ranges_and_a_replay_that_was_cut_short_goes_on()
    {
        using var broker = new MockBroker("events", Partitions);
        var records = await ProduceAsync(broker);
        await using var old = new App(azurite, broker.Brokers, With(Query.Named("views").Tumbling(10 * Minute).Watermark(2 * Minute).By("category").Count("events").Append()));
        for (var at = 0; at < 700; at += 100)
        {
            await old.Get<IngestFunction>().RunAsync([.. records.Skip(at).Take(100)], old.Context);
            await TickAsync(old, 2);
        }

        // Committed and in no table yet.
        await old.Get<IngestFunction>().RunAsync([.. records.Skip(700).Take(60)], old.Context);
        var before = await RowsAsync(old, "views");
        var ledger = old.Services.GetRequiredService<ILedger>();
        var frontier = (await ledger.ReadMetaAsync(default))!.Value.Value.FrontierMs!.Value;
        var log = new RecordedLog(
            old.Services.GetRequiredService<IPipeline>(), ledger, old.Services.GetRequiredService<ILake>(), old.Services.GetRequiredService<ISegmentStore>());
        var ends = new Dictionary<int, long>();
        foreach (var partition in await log.PartitionsAsync(default))
            ends[partition] = (await log.BoundsAsync(partition, default)).End;
        Assert.Equal(760, ends.Values.Sum());

        var changed = Query.Named("views").Sliding(10 * Minute, 5 * Minute).Watermark(2 * Minute).By("user_id").Count("events").Update();
        await using var anew = new App(azurite, broker.Brokers, services =>
        {
            With(changed)(services);
            services.AddSingleton<ITopicLog>(log);
        }, ("MaxRangeRecords", "50"), ("DeltaInterval", "1s"), ("CheckpointInterval", "5s"), ("IdleTimeout", "1s"));
        using var cut = new CancellationTokenSource();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => RunAsync(anew, log, ends, frontier, progress =>
        {
            if (progress.Next.Values.Sum() >= 300)
                cut.Cancel();
        }, cut.Token));
        await using var again = anew.Again();
        again.Time.Advance(anew.Time.GetUtcNow() - again.Time.GetUtcNow());
        long? first = null;
        await RunAsync(again, log, ends, frontier, progress => first ??= progress.Next.Values.Sum(), CancellationToken.None);
        Assert.InRange(first!.Value, 300, 759);

        var replayed = (await again.Services.GetRequiredService<ILedger>().ReadMetaAsync(default))!.Value.Value.FrontierMs!.Value;
        Assert.True(replayed >= frontier);
        var late = await LateAsync(again);
        Same(Expected(late, "views", 10, 5, null, replayed - 120_000, e => e.User, users: false, e => e.Number < 760), await RowsAsync(again, "views"));
        Assert.Equal(before, await RowsAsync(old, "views"));
        Assert.Equal(760, await again.CountAsync("bronze/events", Partitions));

        // It goes on with what Kafka has, and the earlier version with its own.
        await again.Get<IngestFunction>().RunAsync([.. records.Skip(600)], again.Context);
        await again.Get<DrainFunction>().RunAsync(App.Request(), again.Context);
        Assert.Equal(900, (await again.Services.GetRequiredService<ILedger>().ReadHeadAsync(0, default))!.Value.Value.Next + (await again.Services.GetRequiredService<ILedger>().ReadHeadAsync(1, default))!.Value.Value.Next);
        Assert.Equal(records[4].Value, (await log.FetchAsync(0, 2, 3, 10, default)).Single().Value);
        Assert.Equal(350, await log.OffsetAtAsync(0, HandTime.Start + 700 * 6_000, default));
    }

    [Fact]
    public async Task A_replay_from_the_topic_begins_where_it_is_told_to()
    {
        using var broker = new MockBroker("events", Partitions);
        await ProduceAsync(broker);
        await using var app = new App(azurite, broker.Brokers, With(Query.Named("views").Tumbling(10 * Minute).Watermark(2 * Minute).By("category").Count("events").Append()), ("DeltaInterval", "1s"));
        var log = app.Services.GetRequiredService<ITopicLog>();
        var (starts, ends) = (new Dictionary<int, long>(), new Dictionary<int, long>());
        foreach (var partition in await log.PartitionsAsync(default))
        {
            starts[partition] = 350;
            ends[partition] = (await log.BoundsAsync(partition, default)).End;
        }

        await RunAsync(app, log, ends, null, _ => { }, CancellationToken.None, starts);
        Assert.Equal(200, await app.CountAsync("bronze/events", Partitions));
        Assert.Equal(ends[0], await log.OffsetAtAsync(0, HandTime.Start + 900_000 * 6_000L, default));
    }

    private static async Task RunAsync(App app, ITopicLog log, IReadOnlyDictionary<int, long> ends, long? frontier, Action<ReplayProgress> report, CancellationToken cancel, IReadOnlyDictionary<int, long>? starts = null)
    {
        var runner = app.Services.GetRequiredService<TickRunner>();
        await app.Services.GetRequiredService<Preparation>().EnsureAsync(cancel);
        await new Replayer(app.Services.GetRequiredService<Ingest>(), stop =>
        {
            app.Time.Advance(TimeSpan.FromSeconds(2));
            return runner.RunAsync(app.Client, stop);
        }, app.Services.GetRequiredService<ILedger>(), log, TimeProvider.System).RunAsync(ends, starts, frontier, report, cancel);
    }

    private static Action<IServiceCollection> With(QueryDefinition query) => services => services.AddSingleton<IPipeline>(new EventPipeline(new EventOptions("events"), [query]));
}
