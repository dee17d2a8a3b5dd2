using Tidemark.Domain.Ledger;
using Tidemark.Domain.Pipelines;

namespace Tidemark.Domain.Tests.Ledger.Simulation;

/// <summary>Single interleavings, written out: what a seed would need luck for.</summary>
public sealed class InterleavingTests
{
    private const long Origin = 1_600_000_000_000;

    private readonly SimWorld _world = new(1, trace: false) { Faults = false };
    private readonly ToyPipeline _pipeline = new(appendOnly: true);
    private readonly SimTopicData _topic = new();
    private readonly SimLedgerData _ledger = new();
    private readonly SimBlobs _blobs = new();
    private readonly SimLakeData _lake = new();
    private readonly SimResultData _results = new();
    private readonly SimEntityData _entities;

    public InterleavingTests()
    {
        _entities = new SimEntityData(_world, _pipeline, ProtocolRule.None);
        _topic.Partitions[0] = new SimPartition();
    }

    [Fact]
    public void A_held_ingest_commits_nothing_until_it_is_released() => Run(async () =>
    {
        await IngestAsync(Origin);
        Meta(meta => meta with { Hold = true });
        var held = IngestAsync(Origin + 1);
        await _world.StepAsync(null, 10_000);
        Assert.False(held.IsCompleted);
        Assert.Single(_ledger.Committed);
        Meta(meta => meta with { Hold = false });
        await held;
        Assert.Equal(2, _ledger.Committed.Count);
    });

    [Fact]
    public void A_tick_takes_the_lease_so_that_a_second_one_rests() => Run(async () =>
    {
        var (first, second) = (NewTick("a", new TickOptions()), NewTick("b", new TickOptions()));
        Assert.Null((await first.RunAsync(default)).Skipped);
        Assert.NotNull((await second.RunAsync(default)).Skipped);
    });

    [Fact]
    public void A_range_that_an_entity_had_when_read_is_not_merged_again_when_it_is_listed() => Run(async () =>
    {
        var options = new TickOptions { LeaseTime = TimeSpan.Zero, DeltaInterval = TimeSpan.FromDays(1), CheckpointInterval = TimeSpan.FromDays(1) };
        await IngestAsync(Origin + 1_000);
        var slow = NewTick("slow", options, beforeEntities: async () =>
        {
            await IngestAsync(Origin + 2_000);
            await NewTick("other", options with { CheckpointInterval = TimeSpan.Zero }).RunAsync(default);
            await _world.StepAsync(null, 1_000);
        });
        await slow.RunAsync(default);
        await slow.RunAsync(default);
        Meta(meta => meta with { EndOfInput = true });
        await slow.RunAsync(default);
        var row = Assert.Single(_lake.Table(TableNames.Gold("tumbling")).SelectMany(commit => commit.Rows).SelectMany(ToyRows.Rows));
        Assert.Equal([Origin, Origin + 10_000, 0, 2, 2], row.Take(5));
    });

    [Fact]
    public void Input_that_follows_is_late_only_for_windows_that_the_end_of_input_closed() => Run(async () =>
    {
        await IngestAsync(Origin + 1_000);
        await EndAsync(keepOpen: false);
        // The last to come out is the quiet after the window [0, 10) s: closed 5 s behind its end, silent for 30 s more.
        var frontier = _ledger.Meta!.Value.Value.FrontierMs;
        Assert.Equal(Origin + 10_000 + 5_000 + ToyTotals.QuietMs, frontier);

        await IngestAsync(Origin + 31_000);
        var missed = from query in Enumerable.Range(0, _pipeline.Queries.Count)
                     where ToyPipeline.Counts(query, new ToyEvent(Origin + 31_000, 0, 1, 0))
                     from end in _pipeline.Ends(query, Origin + 31_000)
                     where end <= frontier - _pipeline.Queries[query].DelayMs
                     select (Query: (long)query, End: end);
        await EndAsync(keepOpen: false);
        var late = Rows("late").Select(row => (Query: row[2], End: row[3])).ToList();
        Assert.Equal(missed.GroupBy(m => m.Query).Select(m => m.Last()), late);
        Assert.Equal(["tumbling", "sliding"], late.Select(l => _pipeline.Queries[(int)l.Query].Name));
        Assert.Equal([Origin + 20_000, Origin + 80_000], Rows(TableNames.Gold("minutes")).Select(row => row[1]));
    });

    [Fact]
    public void Windows_that_are_kept_open_at_the_end_of_input_take_in_what_follows() => Run(async () =>
    {
        await IngestAsync(Origin + 1_000);
        await EndAsync(keepOpen: true);
        Assert.All(_pipeline.Queries, query => Assert.Empty(Rows(TableNames.Gold(query.Name))));
        Assert.Empty(_ledger.Ranges);

        await IngestAsync(Origin + 2_000);
        await EndAsync(keepOpen: true);
        await IngestAsync(Origin + 3_000);
        await EndAsync(keepOpen: false);
        Assert.Equal([Origin, Origin + 10_000, 0, 3, 3], Assert.Single(Rows(TableNames.Gold("tumbling"))).Take(5));
        Assert.Empty(Rows("late"));
    });

    [Fact]
    public void A_timer_that_fired_behind_a_compacted_table_does_not_fire_again_after_a_crash() => Run(async () =>
    {
        var options = new TickOptions { LeaseTime = TimeSpan.Zero, DeltaInterval = TimeSpan.Zero, CheckpointInterval = TimeSpan.FromDays(1) };
        await IngestAsync(Origin + 1_000);
        await IngestAsync(Origin + 41_000);
        await NewTick("checkpoints", options with { CheckpointInterval = TimeSpan.Zero }).RunAsync(default);
        await _world.StepAsync(null, 1_000);
        Assert.Single(_lake.Table(TableNames.Gold("tumbling")));
        _lake.Table(TableNames.Gold("tumbling")).Add(new SimCommit([], [], _world.NowMs, null));
        // No window closes, but the key of [0, 10) s has been silent for long now.
        await IngestAsync(Origin + 46_000);
        await NewTick("crashes", options).RunAsync(default);
        Assert.Equal(2, _lake.Table(TableNames.Gold("totals")).Count);
        await IngestAsync(Origin + 56_000);
        await NewTick("goes on", options).RunAsync(default);
        Assert.Equal(
            [[0, 10_000, 1], [10_000, 40_000, -1], [40_000, 50_000, 2]],
            Rows(TableNames.Gold("totals")).Select(row => new[] { row[0] - Origin, row[1] - Origin, row[3] }));
    });

    [Fact]
    public void Ranges_are_settled_before_ingest_is_held_back_though_streams_let_rows_out_all_the_time() => Run(async () =>
    {
        var tick = NewTick("ticks", new TickOptions
        {
            LeaseTime = TimeSpan.Zero, DeltaInterval = TimeSpan.FromSeconds(6), CheckpointInterval = TimeSpan.FromSeconds(15), MaxOpenRanges = 50, WatchdogTimeout = TimeSpan.FromDays(1),
        });
        var most = 0;
        for (var round = 0; round < 120; round++)
        {
            for (var i = 0; i < 2; i++)
                await IngestAsync(Origin + round * 1_000 + i);
            await tick.RunAsync(default);
            Assert.False(_ledger.Meta!.Value.Value.Hold, $"ingest is held back in second {round}");
            most = Math.Max(most, _ledger.Ranges.Count);
            await _world.StepAsync(null, 1_000);
        }

        Assert.InRange(most, 25, 50);
    });

    [Fact]
    public void A_partition_that_is_sent_nothing_but_broken_records_does_not_hold_event_time_back() => Run(async () =>
    {
        var (times, unread) = await LookAsync(round => Append(1, [1]), readsOn: true);
        Assert.Equal(Origin, times[5]);
        Assert.True(times[^1] >= Origin + 18_000, $"the frontier is {times[^1] - Origin} ms behind the first event");
        Assert.Equal(1, unread);
    });

    [Fact]
    public void A_partition_that_stands_with_something_unread_holds_event_time_back() => Run(async () =>
    {
        var (times, unread) = await LookAsync(round => Append(1, new ToyEvent(Origin + round * 1_000, 0, 1, round).Encode()), readsOn: false);
        Assert.All(times, time => Assert.Equal(Origin, time));
        Assert.Equal(40, unread);
    });

    /// <summary>
    /// Twenty looks a second apart at two partitions: one has an event a second, one is sent something before and behind every look at it, all of which is read before the next one or
    /// never. Returns the frontier at each, and how many records were unread at the last.
    /// </summary>
    private async Task<(List<long?> Times, long Unread)> LookAsync(Action<int> send, bool readsOn)
    {
        _topic.Partitions[1] = new SimPartition();
        var times = new List<long?>();
        var tick = NewTick("looks", new TickOptions
        {
            LeaseTime = TimeSpan.Zero, DeltaInterval = TimeSpan.Zero, IdleTimeout = TimeSpan.FromSeconds(10), WatchdogTimeout = TimeSpan.FromDays(1),
        });
        Append(1, new ToyEvent(Origin, 0, 1, 0).Encode());
        await ReadAsync(1);
        for (var round = 1; round <= 20; round++)
        {
            send(round);
            if (readsOn)
                await ReadAsync(1);
            send(round);
            await IngestAsync(Origin + round * 1_000);
            await tick.RunAsync(default);
            times.Add(_ledger.Meta!.Value.Value.FrontierMs);
            await _world.StepAsync(null, 1_000);
        }

        return (times, _topic.Partitions[1].End - _ledger.Heads[1].Value.Next);
    }

    private List<long[]> Rows(string table) => [.. _lake.Table(table).SelectMany(commit => commit.Rows).SelectMany(ToyRows.Rows)];

    /// <summary>The input ends; ticks run until they say that it is through, twice, since the first answer may be lost.</summary>
    private async Task EndAsync(bool keepOpen)
    {
        Meta(meta => meta with { EndOfInput = true, KeepOpen = keepOpen });
        var tick = NewTick("end", new TickOptions { LeaseTime = TimeSpan.Zero, CheckpointInterval = TimeSpan.FromSeconds(1) });
        var drained = 0;
        for (var i = 0; i < 100 && drained < 2; i++)
        {
            drained = (await tick.RunAsync(default)).Drained ? drained + 1 : 0;
            await _world.StepAsync(null, 1_000);
        }

        Assert.Equal((2, false), (drained, _ledger.Meta!.Value.Value.EndOfInput));
    }

    private void Run(Func<Task> story)
    {
        Task? told = null;
        _world.Start(() => told = story());
        Assert.True(_world.RunUntil(() => told!.IsCompleted, 20_000), "the story did not end");
        told!.GetAwaiter().GetResult();
    }

    private void Meta(Func<Meta, Meta> change) => _ledger.Meta = new VersionedMeta(change(_ledger.Meta!.Value.Value), _ledger.NextETag());

    private Task IngestAsync(long timeMs)
    {
        Append(0, new ToyEvent(timeMs, 0, 1, timeMs).Encode());
        return ReadAsync(0);
    }

    private void Append(int partition, byte[] value) => _topic.Partitions[partition].Append(new SourceRecord(0, _world.NowMs, null, value, []));

    private Task ReadAsync(int partition) => NewIngest(new SimActor("ingest")).ProcessAsync(
        new Dictionary<int, IReadOnlyList<SourceRecord>> { [partition] = [.. _topic.Partitions[partition].Records.Values] }, default);

    private Ingest NewIngest(SimActor actor) => new(
        _pipeline, new SimLedger(_world, actor, _ledger, honourLease: true), new SimTopicLog(_world, actor, _topic), new SimSegments(_world, actor, _blobs),
        new IngestOptions(), _world.Time, new SimLake(_world, actor, _lake, _blobs, ProtocolRule.None));

    private Tick NewTick(string name, TickOptions options, Func<Task>? beforeEntities = null)
    {
        var actor = new SimActor(name);
        ILedger ledger = new SimLedger(_world, actor, _ledger, honourLease: options.LeaseTime > TimeSpan.Zero);
        SimEntities entities = new(_world, actor, _entities);
        var stores = new TickStores(
            ledger, new SimTopicLog(_world, actor, _topic), new SimSegments(_world, actor, _blobs),
            beforeEntities is null ? entities : new Interrupted(entities, beforeEntities),
            new SimLake(_world, actor, _lake, _blobs, ProtocolRule.None), new SimResults(_world, actor, _results, ProtocolRule.None), new SimAlerts(_world, actor, []));
        return new Tick(_pipeline, new PipelineId("v1", "clicks", 1), stores, NewIngest(actor), options, _world.Time, name);
    }

    /// <summary>Lets something happen just before the first read of an entity, after the ranges were listed.</summary>
    private sealed class Interrupted(SimEntities inner, Func<Task> meanwhile) : IEntities
    {
        private Func<Task>? _meanwhile = meanwhile;

        public async Task<EntitySnapshot?> ReadAsync(EntityKey entity, CancellationToken cancel)
        {
            if (Interlocked.Exchange(ref _meanwhile, null) is { } happen)
                await happen();
            return await inner.ReadAsync(entity, cancel);
        }

        public Task SignalApplyAsync(EntityKey entity, ApplyInput input, CancellationToken cancel) => inner.SignalApplyAsync(entity, input, cancel);

        public Task DropStateAsync(EntityKey entity, string blob, CancellationToken cancel) => inner.DropStateAsync(entity, blob, cancel);

        public Task SweepStatesAsync(Func<EntityKey, bool> isEvictable, CancellationToken cancel) => inner.SweepStatesAsync(isEvictable, cancel);

        public Task<long?> ReadVersionAsync(EntityKey entity, CancellationToken cancel) => inner.ReadVersionAsync(entity, cancel);

        public Task SignalDeleteAsync(EntityKey entity, long version, CancellationToken cancel) => inner.SignalDeleteAsync(entity, version, cancel);

        public Task<IReadOnlyList<EntityKey>> ListAsync(CancellationToken cancel) => inner.ListAsync(cancel);
    }
}
