using Tidemark.Domain.Pipelines;

namespace Tidemark.Domain.Ledger;

/// <summary>
/// The road from the ledger to tables and results: merge, publish, emit, checkpoint, settle. Everything a tick does follows from one snapshot, and
/// everything it changes is decided by compare-and-set, so that ticks may crash at any point and run beside each other: of two, one wins and the
/// other starts over. Not thread-safe; one per process.
/// </summary>
public sealed class Tick
{
    private const double LeastPublishMs = 500;
    private const int LeastRecordsToJudge = 1_000;
    private const int LongestPutOffMs = 60_000;
    private const int CrowdedMs = 5_000;

    private readonly IPipeline _pipeline;
    private readonly PipelineId _id;
    private readonly ILedger _ledger;
    private readonly TickOptions _options;
    private readonly TimeProvider _time;
    private readonly string _owner;
    private readonly Definitions _definitions;
    private readonly TruthReader _reader;
    private readonly TableEmitter _tables;
    private readonly QueryEmitter _queries;
    private readonly ResultPublisher _results;
    private readonly StreamEmitter _streams;
    private readonly Checkpointer _checkpointer;
    private readonly Settler _settler;
    private readonly Watchdog _watchdog;
    private readonly SinkPublisher _sinks;
    private readonly Phases _phases;
    private readonly Triggers _triggers;
    private readonly Partitions _partitions;
    private Truth? _truth;
    private bool _raced;
    private double _publishMsPerRecord = 0.04;
    private long _publishedMs;
    private long _frontierMovedMs;
    private long _emittedMs;
    private long _checkpointedMs;
    private long _lookedMs = long.MinValue;
    private long _sweptMs;
    private long _leasedUntilMs;

    /// <summary>Creates a tick. <paramref name="owner"/> names this instance in the lease.</summary>
    public Tick(IPipeline pipeline, PipelineId id, TickStores stores, Ingest ingest, TickOptions options, TimeProvider time, string owner)
        : this(pipeline, id, stores, ingest, options, time, owner, ProtocolRule.None)
    {
    }

    internal Tick(IPipeline pipeline, PipelineId id, TickStores stores, Ingest ingest, TickOptions options, TimeProvider time, string owner, ProtocolRule off)
    {
        (_pipeline, _id, _ledger, _options, _time, _owner) = (pipeline, id, stores.Ledger, options, time, owner);
        var partitions = _partitions = new Partitions(pipeline, stores.Ledger, stores.Log, options.StartFrom, time, off);
        var frontier = new FrontierPublisher(stores.Ledger, stores.Log, pipeline, options, time, off);
        _triggers = new Triggers(pipeline, options, time);
        _definitions = new Definitions(pipeline, stores.Ledger);
        _reader = new TruthReader(pipeline, id, stores.Ledger, stores.Segments, stores.Entities, stores.Lake, stores.Results, partitions, frontier, _definitions, stores.Alerts, off);
        _tables = new TableEmitter(pipeline, id, stores.Segments, stores.Lake, options, off);
        _queries = new QueryEmitter(pipeline, id, stores.Lake, _triggers);
        _results = new ResultPublisher(pipeline, id, stores.Ledger, stores.Lake, stores.Results, options.Results, _triggers, off);
        _streams = new StreamEmitter(pipeline, id, stores.Lake, _results, off);
        _checkpointer = new Checkpointer(pipeline, id, stores.Ledger, stores.Entities, stores.Alerts, options, off);
        _settler = new Settler(pipeline, id, stores.Ledger, stores.Entities, stores.Segments, options, off);
        _watchdog = new Watchdog(stores.Log, stores.Ledger, ingest, partitions, stores.Alerts, options, time, off);
        _sinks = new SinkPublisher(pipeline, id, stores, options, time, _triggers, off);
        _phases = new Phases(time);
        _publishedMs = _emittedMs = _checkpointedMs = _sweptMs = _frontierMovedMs = time.GetUtcNow().ToUnixTimeMilliseconds();
    }

    /// <summary>Runs once. Any failure leaves nothing half-done that the next run does not repair; it is passed on to the caller.</summary>
    public async Task<TickReport> RunAsync(CancellationToken cancel)
    {
        var now = Now();
        _phases.Take();
        if (_leasedUntilMs - now < (long)_options.LeaseTime.TotalMilliseconds / 2)
        {
            var until = now + (long)_options.LeaseTime.TotalMilliseconds;
            if (!await _ledger.TryTakeLeaseAsync(new Lease(_owner, until), now, cancel))
            {
                _triggers.Skip(now);
                return new TickReport { Skipped = "Another tick holds the lease." };
            }

            _leasedUntilMs = until;
        }

        var cached = _truth;
        _truth = null;
        try
        {
            var due = IsEmitDue(cached, now);
            var triggered = _triggers.Begin(now);
            var backfill = cached?.States.Count > _options.BackfillEntities;
            var frontier = cached?.Meta.Value.FrontierMs;
            Truth truth;
            using (_phases.Begin(Phases.GetBatch))
                truth = await _reader.ReadAsync(cached, due || triggered || backfill, cancel);
            // Where time moved for a query with a trigger of its own only, the others wait for their turn.
            var emit = due || truth.Meta.Value.EndOfInput || (cached is not null && truth.Meta.Value.FrontierMs != frontier && (backfill || !triggered));
            if (truth.Meta.Value.EndOfInput)
                _triggers.All();
            await _sinks.BeginAsync(truth, cancel);
            var report = await WorkAsync(truth, emit, triggered, IsRacing(frontier, truth.Meta.Value.FrontierMs, now), cancel);
            // What follows may fail without making what is known less true. An entity that forgot is looked at again by the next tick.
            _truth = truth.Refused.Count == 0 ? truth : null;
            report = await FinishAsync(truth, report with { StartedMs = now }, cancel);
            report = report with { PhasesMs = _phases.Take(), Changes = [.. _definitions.TakeChanges(), .. Ignored(truth)] };
            // Not before: a tick that fails reports nothing, and the next one must report these ranges again.
            truth.Fresh.Clear();
            return report;
        }
        catch (CompetingTickException e)
        {
            return new TickReport { Skipped = e.Message };
        }
    }

    /// <summary>Gives the lease back, so that another process need not wait until it ends. Not while a run is under way.</summary>
    public async Task LeaveAsync(CancellationToken cancel)
    {
        var now = Now();
        if (_leasedUntilMs > now)
            await _ledger.TryTakeLeaseAsync(new Lease(_owner, now), now, cancel);
        _leasedUntilMs = 0;
    }

    /// <summary>
    /// Whether event time runs far ahead of wall time, as in a backfill: what a checkpoint would hand to entities now closes a tick later anyway. The first
    /// frontier can only be held against the clock: what lies far behind it is history.
    /// </summary>
    private bool IsRacing(long? before, long? after, long now)
    {
        if (after is not { } frontier)
            return false;
        if (after == before)
        {
            _raced &= now - _frontierMovedMs <= (long)_options.RacingStep.TotalMilliseconds;
            return false;
        }

        var wall = now - _frontierMovedMs;
        _frontierMovedMs = now;
        return _raced = before is { } last
            ? frontier - last > (2 * wall) + (long)_options.RacingStep.TotalMilliseconds
            : IsHistory(frontier, now);
    }

    /// <summary>
    /// Whether results go to Table storage by this tick. While event time races and input still comes, a row of now is replaced or old a tick later: then
    /// they get half a second, or a share of the time, by what they cost before, and a turn each minute whatever that was; cursors and what is known of rows
    /// keep what is left for a later tick.
    /// </summary>
    private bool IsPublishDue(Truth truth)
    {
        var now = Now();
        if (!Races(truth, now) || truth.Fresh.Count == 0 || now - _publishedMs >= LongestPutOffMs)
            return true;
        var share = _options.RacingPublishShare;
        return truth.Unseen.Sum(range => range.Records) * _publishMsPerRecord <= (share > 0 ? Math.Max(LeastPublishMs, share * (now - _publishedMs)) : 0);
    }

    /// <summary>Before there is a frontier, the newest event tells whether it is history that comes.</summary>
    private bool Races(Truth truth, long now) => truth.Meta.Value.FrontierMs is null
        ? truth.Heads.Values.Max(head => head.MaxEventTimeMs) is { } newest && IsHistory(newest, now)
        : _raced;

    private bool IsHistory(long eventTimeMs, long now) => now - eventTimeMs > (long)(_options.RacingStep + _options.IdleTimeout).TotalMilliseconds;

    private async Task<TickReport> WorkAsync(Truth truth, bool emit, bool triggered, bool racing, CancellationToken cancel)
    {
        var fresh = truth.Fresh.ToList();
        using var adding = _phases.Begin(Phases.AddBatch);
        var publish = IsPublishDue(truth);
        var written = 0;
        var publishing = TimeSpan.Zero;
        if (publish)
            await PublishAsync(async () => await _results.PublishFinalAsync(truth, cancel) + await _results.PublishStreamsAsync(truth, cancel));
        var inDelta = new List<long>();
        if (emit)
        {
            var waiting = truth.Ranges.Values.SelectMany(ranges => ranges).Where(range => !TableEmitter.IsInTables(truth, _id, range)).ToList();
            await _tables.EmitAsync(truth, cancel);
            inDelta = Ages(waiting.Select(range => range.KafkaTimeMs));
        }

        if (emit || triggered)
            await _queries.EmitAsync(truth, all: emit, cancel);
        if (emit)
        {
            await _streams.EmitAsync(truth, publish, cancel);
            _emittedMs = Now();
        }

        var visible = new List<long>();
        if (publish)
        {
            // Those of open windows a moment after the emission, so that a window which it closed is written once, as final.
            await PublishAsync(async () => await _results.PublishFinalAsync(truth, cancel));
            _sinks.Note(truth);
            await PublishAsync(async () => await _results.PublishOpenAsync(truth, cancel));
            visible = Published(truth, publishing);
        }

        adding.Dispose();

        if (IsCheckpointDue(truth, emit))
            await CheckpointAsync(truth, racing, cancel);
        else if (IsCrowded(truth))
            await ReleaseAsync(truth, cancel);
        await HoldAsync(truth, cancel);
        return Report(truth, fresh) with { Emitted = emit && IsComplete(truth) && _results.IsThrough(truth), ResultRows = written, VisibleInTablesMs = visible, VisibleInDeltaMs = inDelta };

        async Task PublishAsync(Func<Task<int>> rows)
        {
            var began = _time.GetTimestamp();
            written += await rows();
            publishing += _time.GetElapsedTime(began);
        }
    }

    /// <summary>Notes that everything is published and what it took. Returns how old what became visible is.</summary>
    private List<long> Published(Truth truth, TimeSpan took)
    {
        var records = truth.Unseen.Sum(range => range.Records);
        if (records >= LeastRecordsToJudge)
            _publishMsPerRecord = took.TotalMilliseconds / records;
        _publishedMs = Now();
        var visible = Ages(truth.Unseen.Select(range => range.KafkaTimeMs));
        truth.Unseen.Clear();
        return visible;
    }

    /// <summary>Whether no query has closed windows that wait for its trigger, and no join of two topics has commits that it could take.</summary>
    private bool IsComplete(Truth truth) =>
        _pipeline.Streams.All(stream => stream.Joined is null || truth.Refused.Contains(StreamEntities.Chain(stream).Bundle) || truth.Chains[stream.Name].IsThrough)
        && (truth.Meta.Value.FrontierMs is not { } frontier || _pipeline.Queries.All(query =>
            truth.Refused.Contains(query.Bundle) || (truth.ClosedTo.TryGetValue(query.Name, out var closed) && closed >= frontier - query.DelayMs)));

    private async Task<TickReport> FinishAsync(Truth truth, TickReport report, CancellationToken cancel)
    {
        // Last, so that a sink which fails or is away keeps nothing else from being done.
        using (_phases.Begin(Phases.AddBatch))
            await _sinks.PublishAsync(truth, cancel);
        var changed = await LookAsync(truth, cancel);
        if (Now() - _sweptMs >= (long)_options.SweepInterval.TotalMilliseconds)
        {
            await _settler.SweepAsync(truth, Now(), cancel);
            _sweptMs = Now();
        }

        var drained = !changed && await IsDrainedAsync(truth, cancel);
        return report with { Drained = drained, IsEnding = !drained && truth.Meta.Value.EndOfInput };
    }

    /// <summary>
    /// Whether state is handed to entities now. While output of streams is not in Delta their state cannot go, and no range of theirs be settled: a
    /// checkpoint that is due waits for the next emission, which is never far. Where ranges pile up it does not wait for its interval.
    /// </summary>
    private bool IsCheckpointDue(Truth truth, bool emit)
    {
        if (truth.Meta.Value.EndOfInput)
            return true;
        var (since, interval) = (Now() - _checkpointedMs, (long)_options.CheckpointInterval.TotalMilliseconds);
        return since >= (IsCrowded(truth) ? Math.Min(interval, CrowdedMs) : interval)
            && (emit || !truth.Streams.Values.Any(streams => streams.HasPending) || since >= interval + (long)_options.DeltaInterval.TotalMilliseconds);
    }

    /// <summary>Whether so many ranges are open that ingest would soon be held back.</summary>
    private bool IsCrowded(Truth truth) => truth.Open is var (count, bytes) && (count > _options.MaxOpenRanges / 2 || bytes > _options.MaxOpenBytes / 2);

    /// <summary>Settles what entities have taken since the last checkpoint, before the next one would.</summary>
    private async Task ReleaseAsync(Truth truth, CancellationToken cancel)
    {
        if (truth.Entities.Values.All(entity => entity.IsRead))
            return;
        using var phase = _phases.Begin(Phases.WalCommit);
        await _checkpointer.ConfirmAsync(truth, cancel);
        await _settler.SettleAsync(truth, await _ledger.ReadRegistryAsync(cancel), cancel);
    }

    private async Task CheckpointAsync(Truth truth, bool racing, CancellationToken cancel)
    {
        using var phase = _phases.Begin(Phases.WalCommit);
        await _checkpointer.ConfirmAsync(truth, cancel);
        var registry = await _ledger.ReadRegistryAsync(cancel);
        await _settler.SettleAsync(truth, registry, cancel);
        await _checkpointer.ApplyStreamsAsync(truth, cancel);
        if (!racing && (!truth.Meta.Value.EndOfInput || IsPastTheEnd(truth)))
            await _checkpointer.ApplyAsync(truth, cancel);
        await _settler.EvictAsync(truth, registry, cancel);
        _checkpointedMs = Now();
    }

    /// <summary>Back-pressure: ingest waits while ranges pile up.</summary>
    private async Task HoldAsync(Truth truth, CancellationToken cancel)
    {
        var (count, bytes) = truth.Open;
        var meta = truth.Meta.Value;
        var over = count > _options.MaxOpenRanges || bytes > _options.MaxOpenBytes;
        var under = count <= _options.MaxOpenRanges / 2 && bytes <= _options.MaxOpenBytes / 2;
        if (meta.Hold ? !under : !over)
            return;
        await TryWriteMetaAsync(truth, meta with { Hold = !meta.Hold }, cancel);
    }

    private async Task<bool> LookAsync(Truth truth, CancellationToken cancel)
    {
        var interval = (long)_options.WatchdogTimeout.TotalMilliseconds / 4;
        if (!truth.Meta.Value.EndOfInput && _lookedMs != long.MinValue && Now() - _lookedMs < interval)
            return false;
        using var phase = _phases.Begin(Phases.LatestOffset);
        var changed = await _watchdog.LookAsync(truth, cancel);
        _lookedMs = Now();
        return changed;
    }

    /// <summary>
    /// Whether a bounded input is through: caught up with the log, every window closed and committed (unless they are to stay open), every range settled, no
    /// entity left that could go. Ends the boundedness, so that what is produced later is a stream again. True as long as nothing new comes, so no answer
    /// can be missed.
    /// </summary>
    private async Task<bool> IsDrainedAsync(Truth truth, CancellationToken cancel)
    {
        var meta = truth.Meta.Value;
        var settled = IsPastTheEnd(truth)
            && truth.Refused.Count == 0
            && truth.Streams.Values.All(streams => !streams.HasPending)
            && truth.Chains.Values.All(chain => chain.Pending.Count == 0 && (chain.Spec.Joined is not null ? chain.IsThrough : chain.At == truth.Tables[chain.Spec.Source].Version))
            && truth.Ranges.Values.All(ranges => ranges.Count == 0)
            && _results.IsThrough(truth)
            && _sinks.IsThrough(truth);
        if (!settled && meta is { EndOfInput: false, KeepOpen: true })
            await TryWriteMetaAsync(truth, meta with { KeepOpen = false }, cancel);
        if (!settled || !await _watchdog.IsCaughtUpAsync(truth, cancel))
            return false;
        var registry = await _ledger.ReadRegistryAsync(cancel);
        if (registry.Any(row => truth.IsEvictable(_pipeline, _id, row.Entity)))
            return false;
        return !meta.EndOfInput || await TryWriteMetaAsync(truth, meta with { EndOfInput = false }, cancel);
    }

    private async Task<bool> TryWriteMetaAsync(Truth truth, Meta changed, CancellationToken cancel)
    {
        if (await _ledger.TryWriteMetaAsync(changed, truth.Meta.ETag, cancel) is not { } etag)
            return false;
        truth.Meta = new VersionedMeta(changed, etag);
        return true;
    }

    /// <summary>
    /// Whether every window that is to be closed is: all of them where the frontier is far enough beyond every event, none where they are to stay open; before
    /// the first valid event, whether the input has ended.
    /// </summary>
    private bool IsPastTheEnd(Truth truth) =>
        truth.Meta.Value.KeepOpen
        || (truth.Heads.Values.Max(head => head.MaxEventTimeMs) is { } newest
            ? truth.Meta.Value.FrontierMs >= EndOfInput.FrontierMs(_pipeline, newest)
            : truth.Meta.Value.EndOfInput);

    private bool IsEmitDue(Truth? truth, long now) =>
        now - _emittedMs >= (long)_options.DeltaInterval.TotalMilliseconds
        || (truth is not null && now - _emittedMs >= CrowdedMs && IsCrowded(truth))
        || (truth is not null
            && truth.Ranges.Values.Sum(ranges => ranges.Where(range => !TableEmitter.IsInTables(truth, _id, range)).Sum(range => (long)range.PayloadBytes)) > _options.EmitBytes);

    private TickReport Report(Truth truth, List<RangeRow> fresh)
    {
        var (count, bytes) = truth.Open;
        return new TickReport
        {
            FrontierMs = truth.Meta.Value.FrontierMs ?? truth.Chains.Values.Where(chain => chain.Spec.Joined is not null).Min(chain => chain.State.FrontierMs),
            Hold = truth.Meta.Value.Hold,
            Partitions = TickView.Partitions(truth, _watchdog.Bounds),
            OpenRanges = count,
            OpenBytes = bytes,
            Entities = truth.Entities.Count,
            Fresh = [.. fresh.Select(range => new RangeCounts(range.Partition, range.From, range.To, range.Counts) { EventTimes = range.EventTimes, TraceParent = range.TraceParent })],
            EntityStates = TickView.Entities(truth),
            Ranges = TickView.Ranges(truth, _id),
            TableVersions = truth.Tables.ToDictionary(t => t.Key, t => t.Value.Version),
            OpenRows = TickView.OpenRows(truth, _pipeline),
            Positions = _pipeline.Queries.ToDictionary(q => q.Name, q => truth.PositionOf(_id, q.Name)),
        };
    }

    private IEnumerable<string> Ignored(Truth truth) => _partitions.TakeIgnoredStart(truth.Meta.Value, _id.Topic) is { } start ? [start] : [];

    private List<long> Ages(IEnumerable<long> kafkaTimesMs)
    {
        var now = Now();
        return [.. kafkaTimesMs.Where(time => time > 0).Select(time => now - time)];
    }

    private long Now() => _time.GetUtcNow().ToUnixTimeMilliseconds();
}
