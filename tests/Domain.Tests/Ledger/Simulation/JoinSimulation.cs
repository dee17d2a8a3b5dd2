using Tidemark.Domain.Ledger;
using Tidemark.Domain.Pipelines;
using Tidemark.Domain.Streams;

namespace Tidemark.Domain.Tests.Ledger.Simulation;

/// <summary>
/// Two topics with ingest and ticks of their own, and ticks of a join of both, in one world: crashes, competing ticks, one topic far behind the other, silent or without any event, a
/// join that is added when both topics have been there for long.
/// </summary>
internal sealed class JoinSimulation
{
    private const int MaxSteps = 120_000;
    private readonly ProtocolRule _off;
    private readonly Dictionary<SimActor, Action<SimActor>> _respawn = [];
    private readonly Topic[] _topics;
    private readonly SimLedgerData _ledger = new();
    private readonly SimResultData _results = new();
    private readonly SimLakeData _lake;
    private readonly SimEntityData _entities;
    private readonly ToyJoinPipeline _join;
    private readonly PipelineId _id = new("v1", "left.1+right", 1);
    private readonly List<(string Name, string Text)> _alerts = [];
    private readonly Scenario _scenario;
    private Exception? _unexpected;
    private bool _isThrough;
    private int _asked;

    public JoinSimulation(int seed, ProtocolRule off = ProtocolRule.None, bool trace = false)
    {
        _off = off;
        var random = new Random(seed * 104_729);
        _scenario = Scenario.Draw(seed) with { Retention = false, Orderly = false, DuplicateRate = 0, Partitions = 1 + random.Next(2), EventsPerPartition = 8 + random.Next(30), HonourLease = random.Next(3) == 0, Ticks = 1 + random.Next(2) };
        World = new SimWorld(seed, trace) { FaultRate = Math.Max(_scenario.FaultRate, 1e-9), StallRate = _scenario.CallStallRate };
        _topics = [new Topic(this, "left", _scenario), new Topic(this, "right", _scenario with { EventsPerPartition = random.Next(8) == 0 ? 0 : 4 + random.Next(30), Partitions = 1 + random.Next(2) })];
        _join = new ToyJoinPipeline(_topics[0].Id, _topics[1].Id, off);
        _lake = new SimLakeData { Compactions = _scenario.Compacts ? new Random(seed) : null };
        _entities = new SimEntityData(World, _join, off);
        World.OnCrash = actor => _respawn[actor](actor);
        // One topic begins long after the other, or both at once.
        _startsAfterMs = [random.Next(3) == 0 ? random.Next(90_000) : 0, random.Next(3) == 0 ? random.Next(90_000) : 0, random.Next(4) == 0 ? random.Next(60_000) : 0];
    }

    private readonly int[] _startsAfterMs;
    private readonly HashSet<long>[] _begun = [[], []];

    public SimWorld World { get; }

    /// <summary>Pairs that came out, for tests that want to see some.</summary>
    public int Pairs => Rows("pairs").Count;

    public int LateEvents => Rows("late").Count;

    /// <summary>Whether one of the tables said a time beyond its own frontier.</summary>
    public bool WentBeyond => _topics.Any(t => t.Lake.Table("silver").Any(c => c.Moves.Any(m => m.AppId == t.Id.TableTimeAppId("silver") && m.Next > c.FrontierMs)));

    /// <summary>Whether the join began behind commits that it never took.</summary>
    public bool BeganLater => Starts().Any(s => s.Left > 0 || s.Right > 0);

    public string? Run()
    {
        try
        {
            for (var i = 0; i < 2; i++)
                _topics[i].Start(_startsAfterMs[i]);
            for (var i = 0; i < _scenario.Ticks; i++)
                World.At(_startsAfterMs[2], () => SpawnTick($"join{i}", 1));
            World.RunUntil(() => _topics.All(t => t.IsProduced), MaxSteps);
            World.RunUntil(() => false, 400);
            World.Faults = false;
            foreach (var topic in _topics)
                topic.Calm();
            // Input has not ended, it is only silent: what was in time must be joined all the same.
            if (!World.RunUntil(() => World.Steps % 200 == 0 && IsJoined(), MaxSteps))
                return _unexpected?.ToString() ?? $"The join stalls at {string.Join(" or ", Starts())} with {Pairs} pairs: {string.Join(", ", _topics.Select(t => t.Ledger.Meta?.Value.FrontierMs))}";
            if (!World.RunUntil(IsThrough, MaxSteps))
                return _unexpected?.ToString() ?? $"The run does not come to an end: {string.Join(", ", _topics.Select(t => t.Ledger.Meta?.Value.FrontierMs))}, asked {_asked}";
            return _unexpected?.ToString() ?? Compare();
        }
        catch (Exception e) when (e is not OutOfMemoryException)
        {
            return e.ToString();
        }
    }

    /// <summary>The input of both ends; when both are at theirs, the join is asked.</summary>
    private bool IsThrough()
    {
        if (World.Steps % 20 != 0)
            return false;
        if (_asked == 0 && _topics.All(t => t.IsRead && t.Ledger.Meta is not null))
        {
            foreach (var topic in _topics)
                topic.Ledger.Meta = new VersionedMeta(topic.Ledger.Meta!.Value.Value with { EndOfInput = true }, topic.Ledger.NextETag());
            _asked = 1;
        }

        if (_asked == 1 && _ledger.Meta is { } meta && _topics.All(t => t.Ledger.Meta is { Value.EndOfInput: false }))
        {
            _ledger.Meta = new VersionedMeta(meta.Value with { EndOfInput = true }, _ledger.NextETag());
            (_asked, _isThrough) = (2, false);
        }

        return _asked == 2 && _isThrough && _ledger.Meta is { Value.EndOfInput: false };
    }

    /// <summary>Whether every event that was read is in its table, and every pair of those in time is out.</summary>
    private bool IsJoined() => _topics.All(t => t.IsRead && t.Ledger.Committed.Sum(r => r.Rows.GetValueOrDefault("silver")) == t.Lake.Table("silver").Sum(c => c.Rows.Sum(rows => rows.Count)))
        && Starts().Any(start => Texts(Expected(InTime(Sides(start)))).SequenceEqual(Texts(Rows("pairs"))));

    /// <summary>What is wrong wherever the join may have begun; null = nothing.</summary>
    private string? Compare() => Starts().Select(Compare).MinBy(error => error is not null);

    private string? Compare((long Left, long Right) start)
    {
        var errors = new List<string>();
        if (Late().Count != Rows("late").Count)
            errors.Add("late: an event is there twice");
        foreach (var (side, events) in Sides(start))
            foreach (var (row, beyond) in events.Where(e => Late().Contains((side, e.Row[5]))))
                if (!(row[2] <= Math.Max(beyond, _topics[side].Ledger.Committed.First(r => r.Partition == row[0] && r.From <= row[1] && row[1] < r.To).Tag ?? Frontier.None) - ToyJoinPipeline.DelayMs))
                    errors.Add($"late: event {row[5]} of side {side} was in time for its own topic");
        var inTime = InTime(Sides(start));
        var pairs = Expected(inTime);
        Same("pairs", pairs, Rows("pairs"), errors);
        Same("results/pairs", pairs, _results.Table("pairs").Values.Select(r => new[] { r.Row.Start, r.Row.End, r.Row.Key, r.Row.Count, r.Row.Sum }), errors);
        var matched = pairs.Select(p => p[3]).ToHashSet();
        Same("alone", inTime[0].Where(l => !matched.Contains(l[5])).Select(l => new[] { l[2], l[5], l[3], 0, 0 }), Rows("alone"), errors);
        errors.AddRange(_alerts.Where(a => a.Name is "entity-forgot" or "entity-fault").Select(a => a.Text));
        return errors.Count == 0 ? null : string.Join(Environment.NewLine, errors.Take(8));
    }

    private HashSet<(int Side, long Id)> Late() => [.. Rows("late").Select(r => ((int)r[2], r[1]))];

    /// <summary>The events of each table from where the join began, and the greatest time beyond its own frontier that the table said before each, as it does when its topic is idle.</summary>
    private List<(int Side, List<(long[] Row, long Beyond)> Events)> Sides((long Left, long Right) start)
    {
        var sides = new List<(int, List<(long[], long)>)>();
        for (var side = 0; side < 2; side++)
        {
            var events = new List<(long[], long)>();
            var beyond = Frontier.None;
            foreach (var (commit, version) in _topics[side].Lake.Table("silver").Select((commit, version) => (commit, version)))
            {
                if (version >= (side == 0 ? start.Left : start.Right))
                    events.AddRange(commit.Rows.SelectMany(ToyRows.Rows).Select(row => (row, beyond)));
                if (commit.Moves.FirstOrDefault(m => m.AppId == _topics[side].Id.TableTimeAppId("silver")) is { AppId: not null } said && !(said.Next <= commit.FrontierMs))
                    beyond = Math.Max(beyond, said.Next);
            }

            sides.Add((side, events));
        }

        return sides;
    }

    /// <summary>The versions of both tables that the join took first: as its own table says, or any that a tick decided on.</summary>
    private List<(long Left, long Right)> Starts()
    {
        var said = Enumerable.Range(0, 2).Select(side => _lake.Table(TableNames.Gold("pairs")).SelectMany(c => c.Moves).Where(m => m.AppId == _id.SideAppId("pairs", side)).Select(m => m.Next).ToList()).ToList();
        return said[0].Count > 0 ? [(said[0].Single(), said[1].Single())] : [.. from left in _begun[0] from right in _begun[1] select (left, right)];
    }

    private List<long[]>[] InTime(List<(int Side, List<(long[] Row, long Beyond)> Events)> sides)
    {
        var late = Late();
        return [.. sides.Select(s => s.Events.Select(e => e.Row).Where(r => !late.Contains((s.Side, r[5]))).ToList())];
    }

    private static List<long[]> Expected(List<long[]>[] inTime) =>
        [.. from l in inTime[0] join r in inTime[1] on l[3] equals r[3] where l[2] <= r[2] && r[2] <= l[2] + ToyJoinPipeline.WithinMs select new[] { l[2], r[2], l[5] * 1_000_000 + r[5], l[5], r[5] }];

    private static List<string> Texts(IEnumerable<long[]> rows) => [.. rows.Select(r => string.Join(",", r)).Order(StringComparer.Ordinal)];

    private List<long[]> Rows(string stream) => [.. _lake.Table(TableNames.Gold(stream)).SelectMany(c => c.Rows).SelectMany(ToyRows.Rows).Select(r => r[..5])];

    private static void Same(string table, IEnumerable<long[]> expected, IEnumerable<long[]> actual, List<string> errors)
    {
        var (want, have) = (Texts(expected), Texts(actual));
        if (!want.SequenceEqual(have))
            errors.Add($"{table}: {want.Count} expected, {have.Count} there; missing [{string.Join(" | ", want.Except(have).Take(4))}], not expected [{string.Join(" | ", have.Except(want).Take(4))}]");
    }

    private void SpawnTick(string name, int generation)
    {
        var actor = new SimActor($"{name}.{generation}");
        _respawn[actor] = _ => SpawnTick(name, generation + 1);
        var own = new SimLake(World, actor, _lake, new SimBlobs(), _off);
        var lake = new ToyJoinLake(own, _topics[0].LakeOf(actor), _topics[1].LakeOf(actor), (side, version) => _begun[side].Add(version));
        var stores = new TickStores(
            new SimLedger(World, actor, _ledger, _scenario.HonourLease), new NoTopicLog(), new SimSegments(World, actor, new SimBlobs()), new SimEntities(World, actor, _entities), lake,
            new SimResults(World, actor, _results, _off), new SimAlerts(World, actor, _alerts));
        var ingest = new Ingest(_join, stores.Ledger, stores.Log, stores.Segments, new IngestOptions(), World.Time, lake);
        var tick = new Tick(_join, _id, stores, ingest, Options(_scenario), World.Time, actor.Name, _off);
        World.Start(() => TickLoopAsync(actor, tick, report => _isThrough |= report.Drained));
    }

    private async Task TickLoopAsync(SimActor actor, Tick tick, Action<TickReport> seen)
    {
        while (true)
        {
            var stalls = World.Faults && World.Random.NextDouble() < _scenario.TickStallRate;
            await World.StepAsync(actor, 300 + World.Random.Next(stalls ? 25_000 : 900));
            try
            {
                seen(await tick.RunAsync(CancellationToken.None));
            }
            catch (SimStoreException e)
            {
                World.Note($"{actor.Name}: failed: {e.Message}");
            }
            catch (Exception e)
            {
                World.Note($"{actor.Name}: failed: {e}");
                _unexpected ??= e;
            }
        }
    }

    private static TickOptions Options(Scenario scenario) => new()
    {
        DeltaInterval = TimeSpan.FromSeconds(3), CheckpointInterval = TimeSpan.FromMilliseconds(scenario.CheckpointMs), IdleTimeout = TimeSpan.FromMilliseconds(scenario.IdleTimeoutMs),
        WatchdogTimeout = TimeSpan.FromSeconds(15), SweepInterval = TimeSpan.FromSeconds(5), SweepAge = TimeSpan.Zero, LeaseTime = TimeSpan.FromSeconds(4), MaxRowsPerCommit = 5, BackfillEntities = 12,
    };

    /// <summary>One of the two topics with everything that belongs to it.</summary>
    private sealed class Topic
    {
        private readonly JoinSimulation _sim;
        private readonly Scenario _scenario;
        private readonly ToyPipeline _pipeline;
        private readonly SimTopicData _log = new();
        private readonly SimBlobs _blobs = new();
        private readonly SimResultData _results = new();
        private readonly SimEntityData _entities;
        private readonly SimTrigger _trigger;
        private readonly SimProducer _producer;
        private readonly List<(string, string)> _alerts = [];

        public Topic(JoinSimulation sim, string name, Scenario scenario)
        {
            (_sim, _scenario, Id) = (sim, scenario, new PipelineId("v1", name, 1));
            Lake = new SimLakeData { Frontier = () => Ledger.Meta?.Value.FrontierMs, Compactions = scenario.Compacts ? new Random(scenario.EventsPerPartition) : null };
            _pipeline = new ToyPipeline(appendOnly: true);
            _entities = new SimEntityData(sim.World, _pipeline, ProtocolRule.None);
            _trigger = new SimTrigger(sim.World, _log, NewIngest, scenario.Instances) { SkipRate = scenario.SkipRate, StallRate = scenario.StallRate, RepeatRate = scenario.RepeatRate };
            _producer = new SimProducer(sim.World, _log, scenario);
        }

        public PipelineId Id { get; }

        public SimLedgerData Ledger { get; } = new();

        public SimLakeData Lake { get; }

        public bool IsProduced => _producer.IsDone;

        public bool IsRead => _log.Partitions.All(p => Ledger.Heads.TryGetValue(p.Key, out var head) && head.Value.Next >= p.Value.End);

        public void Start(int afterMs)
        {
            for (var p = 0; p < _scenario.Partitions; p++)
                _log.Partitions[p] = new SimPartition();
            _sim.World.At(afterMs, _producer.Start);
            _trigger.Start();
            for (var i = 0; i < _scenario.Ticks; i++)
                SpawnTick($"tick-{Id.Topic}{i}", 1);
        }

        public void Calm() => _trigger.IsCalm = true;

        public SimLake LakeOf(SimActor actor) => new(_sim.World, actor, Lake, _blobs, _sim._off);

        private Ingest NewIngest(SimActor actor)
        {
            _sim._respawn[actor] = _trigger.Respawn;
            return new(_pipeline, new SimLedger(_sim.World, actor, Ledger, _scenario.HonourLease), new SimTopicLog(_sim.World, actor, _log), new SimSegments(_sim.World, actor, _blobs),
                new IngestOptions { MaxRangeRecords = 15, HoldPoll = TimeSpan.FromSeconds(1) }, _sim.World.Time, LakeOf(actor), new SimAlerts(_sim.World, actor, _alerts));
        }

        private void SpawnTick(string name, int generation)
        {
            var actor = new SimActor($"{name}.{generation}");
            var ledger = new SimLedger(_sim.World, actor, Ledger, _scenario.HonourLease);
            var stores = new TickStores(
                ledger, new SimTopicLog(_sim.World, actor, _log), new SimSegments(_sim.World, actor, _blobs), new SimEntities(_sim.World, actor, _entities), LakeOf(actor),
                new SimResults(_sim.World, actor, _results, ProtocolRule.None), new SimAlerts(_sim.World, actor, _alerts));
            var options = Options(_scenario) with
            {
                FollowedTable = "silver",
                Partner = new TopicPartner(_pipeline, _sim._join.Streams.Max(s => s.HorizonMs), cancel => Other.EndAsync(actor, cancel), cancel => Other.StandAsync(actor, cancel)),
            };
            var tick = new Tick(_pipeline, Id, stores, NewIngest(actor), options, _sim.World.Time, actor.Name, _sim._off);
            _sim._respawn[actor] = _ => SpawnTick(name, generation + 1);
            _sim.World.Start(() => _sim.TickLoopAsync(actor, tick, _ => { }));
        }

        private Topic Other => _sim._topics[this == _sim._topics[0] ? 1 : 0];

        private Task<TopicStand> StandAsync(SimActor actor, CancellationToken cancel) =>
            TopicStand.ReadAsync(new SimLedger(_sim.World, actor, Ledger, false), LakeOf(actor), Id, "silver", cancel);

        private Task<TopicEnd> EndAsync(SimActor actor, CancellationToken cancel) =>
            TopicEnd.ReadAsync(new SimLedger(_sim.World, actor, Ledger, false), new SimTopicLog(_sim.World, actor, _log), cancel);
    }
}
