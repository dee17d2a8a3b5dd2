using Tidemark.Domain.Ledger;
using Tidemark.Domain.Pipelines;

namespace Tidemark.Domain.Tests.Ledger.Simulation;

/// <summary>Runs the real ingest and tick over stores in memory, with everything that can go wrong drawn from a seed.</summary>
internal sealed class Simulation
{
    private const int MaxSteps = 60_000;
    private const string Sweep = "sweep.";

    private readonly Scenario _scenario;
    private readonly ProtocolRule _off;
    private readonly SimTrigger _trigger;
    private readonly HashSet<SimActor> _tickActors = [];

    public Simulation(int seed, Scenario scenario, ProtocolRule off = ProtocolRule.None, bool trace = false)
    {
        (Seed, _scenario, _off, Pipeline) = (seed, scenario, off, new ToyPipeline(off, scenario.AppendOnly, scenario.OnlyPicky, scenario.Kept is not null));
        World = new SimWorld(seed, trace) { FaultRate = Math.Max(scenario.FaultRate, 1e-9), StallRate = scenario.CallStallRate, StallOn = scenario.StallOn };
        Lake = new SimLakeData { Compactions = scenario.Compacts ? new Random(seed) : null };
        Ledger = new SimLedgerData { CutBelow = p => Topic.Partitions[p].CutBelow };
        Entities = new SimEntityData(World, Pipeline, off);
        _trigger = new SimTrigger(World, Topic, NewIngest, scenario.Instances)
        {
            SkipRate = scenario.SkipRate, StallRate = scenario.StallRate, RepeatRate = scenario.RepeatRate,
        };
        World.OnCrash = Crashed;
    }

    public int Seed { get; }

    public Scenario Scenario => _scenario;

    public SimWorld World { get; }

    public ToyPipeline Pipeline { get; }

    public PipelineId Id { get; } = new("v1", "clicks", 1);

    public SimTopicData Topic { get; } = new();

    public SimLedgerData Ledger { get; }

    public SimBlobs Blobs { get; } = new();

    public SimEntityData Entities { get; }

    public SimLakeData Lake { get; }

    public SimResultData Results { get; } = new();

    public SimSinkData Sinks { get; } = new();

    public List<(string Name, string Text)> Alerts { get; } = [];

    /// <summary>Losses that partitions stood before until they were accepted.</summary>
    public List<(int Partition, Loss Loss)> Stood { get; } = [];

    /// <summary>What ticks said about definitions and settings that are not those of the ledger.</summary>
    public List<string> Changes { get; } = [];

    /// <summary>Runs to the end and compares; null when all is right, else what is wrong.</summary>
    public string? Run()
    {
        try
        {
            for (var p = 0; p < _scenario.Partitions; p++)
                Topic.Partitions[p] = new SimPartition { GroupOffset = _scenario.GroupAt };
            var producer = new SimProducer(World, Topic, _scenario) { IsNoticed = p => Alerts.Any(a => a.Name == "topic-recreated" && a.Text.StartsWith($"Partition {p} ", StringComparison.Ordinal)), NextOf = p => Ledger.Heads.TryGetValue(p, out var head) ? head.Value.Next : 0 };
            producer.Start();
            foreach (var partition in Topic.Partitions.Values)
                partition.Retain(_scenario.RetainedBefore);
            _trigger.Start();
            for (var i = 0; i < _scenario.Ticks; i++)
                SpawnTick(i, 1);
            if (_scenario.Kept is not null)
                SpawnSweep(1);
            if (_scenario.OnDataLoss == OnDataLoss.Stop)
                World.Start(OperateAsync);
            World.RunUntil(() => producer.IsDone, MaxSteps);
            World.RunUntil(() => false, 400 + (Seed % 5) * 200);
            World.Faults = false;
            _trigger.IsCalm = true;
            if (_unexpected is not null)
                return _unexpected.ToString();
            if (_scenario.Rests && Rest() is { } open)
                return open;
            EndedMs = World.NowMs;
            if (!World.RunUntil(IsDrained, MaxSteps))
                return _unexpected?.ToString() ?? $"The run does not come to an end (drained said: {_saidDrained}): {Oracle.Leftovers(this)}";
            return _unexpected?.ToString() ?? _drainedTooEarly ?? Oracle.Compare(this);
        }
        catch (Exception e) when (e is not OutOfMemoryException)
        {
            return e.ToString();
        }
    }

    /// <summary>When the input was about to end.</summary>
    public long EndedMs { get; private set; }

    private string? Rest()
    {
        if (!World.RunUntil(() => Topic.Partitions.All(p => Ledger.Heads.TryGetValue(p.Key, out var head) && head.Value.Next >= p.Value.End), MaxSteps))
            return $"What is there is not read: {Oracle.Leftovers(this)}";
        var until = World.NowMs + 60_000;
        World.RunUntil(() => World.NowMs >= until, MaxSteps);
        return _unexpected?.ToString() ?? Oracle.CompareOpen(this);
    }

    private bool IsDrained()
    {
        if (World.Steps % 20 != 0)
            return false;
        if (_scenario.HubForgets && Entities.Forgotten.Count == 0
            && Ledger.Registry.Values.FirstOrDefault(row => row.Version > 0 && Entities.States.ContainsKey(row.Entity)) is { Version: > 0 } row)
            Entities.Forget(row.Entity);
        var through = Topic.Partitions.All(p => Ledger.Heads.TryGetValue(p.Key, out var head) && head.Value.Next >= p.Value.End);
        if (through && Ledger.Meta is { } meta && !meta.Value.EndOfInput && !_ended)
        {
            _keepsOpen = _scenario.EndsTwice;
            Ledger.Meta = new VersionedMeta(meta.Value with { EndOfInput = true, KeepOpen = _keepsOpen }, Ledger.NextETag());
            _ended = true;
        }
        else if (through && _keepsOpen && _saidDrained && Ledger.Meta is { Value.EndOfInput: false } committed)
        {
            Ledger.Meta = new VersionedMeta(committed.Value with { EndOfInput = true, KeepOpen = false }, Ledger.NextETag());
            (_keepsOpen, _saidDrained) = (false, false);
        }

        return _ended && _saidDrained && Oracle.Leftovers(this) == "nothing";
    }

    private Exception? _unexpected;
    private bool _ended;
    private bool _saidDrained;
    private bool _keepsOpen;
    private string? _drainedTooEarly;

    /// <summary>A tick may say that all is through only when no row can come any more.</summary>
    private void NoteDrained(SimActor actor)
    {
        World.Note($"{actor.Name}: drained");
        _saidDrained = true;
        if (!_ended || Ledger.Ranges.Count > 0 || Topic.Partitions.Any(p => Ledger.Heads[p.Key].Value.Next < p.Value.End))
            _drainedTooEarly ??= $"{actor.Name} said drained at step {World.Steps} while there were {Oracle.Leftovers(this)}";
        if (_keepsOpen && Ledger.Meta!.Value.Value.FrontierMs > Ledger.Heads.Values.Max(h => h.Value.MaxEventTimeMs))
            _drainedTooEarly ??= $"{actor.Name} closed windows that were to stay open: the frontier is {Ledger.Meta.Value.Value.FrontierMs}";
    }

    private Ingest NewIngest(SimActor actor)
    {
        var attempts = 0;
        return new Ingest(
            Pipeline,
            new SimLedger(World, actor, Ledger, _scenario.HonourLease),
            new SimTopicLog(World, actor, Topic),
            new SimSegments(World, actor, Blobs),
            new IngestOptions { OnDataLoss = _scenario.OnDataLoss, StartFrom = _scenario.StartFrom, MaxRangeRecords = 15, DeduplicationMaxIds = _scenario.MaxIds, HoldPoll = TimeSpan.FromSeconds(1), NewAttempt = () => _off.HasFlag(ProtocolRule.StagedNamePerAttempt) ? "x" : $"{actor.Name}-{attempts++}" },
            World.Time,
            new SimLake(World, actor, Lake, Blobs, _off),
            new SimAlerts(World, actor, Alerts),
            _off);
    }

    private void Crashed(SimActor actor)
    {
        if (actor.Name.StartsWith(Sweep, StringComparison.Ordinal))
        {
            SpawnSweep(int.Parse(actor.Name[Sweep.Length..]) + 1);
            return;
        }

        if (!_tickActors.Remove(actor))
        {
            _trigger.Respawn(actor);
            return;
        }

        var parts = actor.Name.Split('.');
        SpawnTick(int.Parse(parts[0]["tick".Length..]), int.Parse(parts[1]) + 1);
    }

    private void SpawnTick(int instance, int generation)
    {
        var actor = new SimActor($"tick{instance}.{generation}");
        _tickActors.Add(actor);
        World.Start(() => TickLoopAsync(actor));
    }

    /// <summary>Somebody who looks for partitions that stand, thinks for a while, and accepts.</summary>
    private async Task OperateAsync()
    {
        var actor = new SimActor("operator");
        while (true)
        {
            await World.StepAsync(null, 5_000 + World.Random.Next(30_000));
            foreach (var (partition, head) in Ledger.Heads.ToList())
                if (head.Value.Loss is { } loss)
                {
                    Stood.Add((partition, loss));
                    Ledger.Heads[partition] = new VersionedHead(head.Value with { Loss = null, LossAcceptedTo = loss.To }, Ledger.NextETag());
                    World.Note($"{actor.Name}: accepts {loss} of {partition}");
                }
        }
    }

    private void SpawnSweep(int generation)
    {
        var actor = new SimActor($"{Sweep}{generation}");
        var old = new ResultRetention(Pipeline, Id, new SimLedger(World, actor, Ledger, _scenario.HonourLease), new SimLake(World, actor, Lake, Blobs, _off), new SimResults(World, actor, Results, _off), _scenario.Kept!);
        World.Start(async () =>
        {
            while (true)
            {
                await World.StepAsync(actor, 2_000 + World.Random.Next(10_000));
                try
                {
                    await old.RemoveAsync(5, CancellationToken.None);
                }
                catch (SimStoreException e)
                {
                    World.Note($"{actor.Name}: failed: {e.Message}");
                }
            }
        });
    }


    private async Task TickLoopAsync(SimActor actor)
    {
        var stores = new TickStores(
            new SimLedger(World, actor, Ledger, _scenario.HonourLease),
            new SimTopicLog(World, actor, Topic),
            new SimSegments(World, actor, Blobs),
            new SimEntities(World, actor, Entities),
            new SimLake(World, actor, Lake, Blobs, _off),
            new SimResults(World, actor, Results, _off),
            new SimAlerts(World, actor, Alerts))
        {
            Sinks = [.. SimSinkData.All.Select(sink => new SimSink(World, actor, Sinks, sink with { Provisional = sink.Provisional && Pipeline.Queries.Any(q => q.Update && TableNames.Gold(q.Name) == sink.Table) }))],
        };
        var options = new TickOptions
        {
            StartFrom = _scenario.StartFrom,
            Triggers = _scenario.Triggers,
            DeltaInterval = TimeSpan.FromSeconds(3),
            CheckpointInterval = TimeSpan.FromMilliseconds(_scenario.CheckpointMs),
            IdleTimeout = TimeSpan.FromMilliseconds(_scenario.IdleTimeoutMs),
            WatchdogTimeout = TimeSpan.FromSeconds(15),
            SweepInterval = TimeSpan.FromSeconds(5),
            SweepAge = TimeSpan.Zero,
            LeaseTime = TimeSpan.FromSeconds(4),
            MaxOpenRanges = _scenario.MaxOpenRanges,
            MaxRowsPerCommit = 40,
            Results = _scenario.Kept,
            RacingStep = _scenario.Races ? TimeSpan.FromDays(-1) : TimeSpan.FromMinutes(1),
            RacingPublishShare = _scenario.Races ? 0 : 0.25,
            BackfillEntities = 12,
            MaxEntityBytes = _scenario.MaxEntityBytes,
        };
        var tick = new Tick(Pipeline, Id, stores, NewIngest(actor), options, World.Time, actor.Name, _off);
        while (true)
        {
            var stalls = World.Faults && World.Random.NextDouble() < _scenario.TickStallRate;
            await World.StepAsync(actor, 300 + World.Random.Next(stalls ? 25_000 : 900));
            try
            {
                var report = await tick.RunAsync(CancellationToken.None);
                Changes.AddRange(report.Changes);
                if (report.Skipped is { } why)
                    World.Note($"{actor.Name}: skipped: {why}");
                if (report.Drained)
                    NoteDrained(actor);
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
}
