using System.Collections.Concurrent;
using Tidemark.Domain.Ledger;
using Tidemark.Functions.Costs;

namespace Tidemark.Functions.Status;

/// <summary>
/// What this process knows of the pipeline's state. Counts go on from the status that an earlier process left; ranges that were open when it
/// crashed are counted again by the next, so after a crash counts may be a little high (the tables never are).
/// </summary>
public sealed class StatusBoard
{
    private static readonly TimeSpan RateOver = TimeSpan.FromMinutes(1);
    private readonly Lock _lock = new();
    private readonly PipelineId _id;
    private readonly CostCounters _costs;
    private readonly TimeProvider _time;
    private readonly string _instance;
    private readonly Latency _tables = new();
    private readonly Latency _delta = new();
    private readonly Dictionary<string, long> _counts = [];
    private readonly Queue<(DateTimeOffset At, long Events)> _recent = new();
    private readonly ConcurrentDictionary<string, StatusError> _errors = new();
    private long _resultRows;
    private DateTimeOffset _drainAskedAt;
    private readonly Dictionary<int, long> _countedTo = [];
    private DateTimeOffset? _drainedAt;
    private bool _isSeeded;
    private readonly Dictionary<string, long> _counted = [];

    /// <summary>Creates an empty board.</summary>
    public StatusBoard(PipelineId id, CostCounters costs, TimeProvider time, string instance)
    {
        (_id, _costs, _time, _instance) = (id, costs, time, instance);
        Current = new StatusReport { Pipeline = id.ToString(), State = "starting", UpdatedAt = time.GetUtcNow(), Instance = instance };
    }

    /// <summary>The latest status of this process.</summary>
    public StatusReport Current { get; private set; }

    /// <summary>Whether the last tick ran here and not on another instance, so that <see cref="Current"/> is the pipeline's status.</summary>
    public bool HasTicked { get; private set; }

    /// <summary>Counts of the last tick, each range once.</summary>
    internal IReadOnlyDictionary<string, long> Counted => _counted;

    /// <summary>Whether counts of earlier processes have been taken over.</summary>
    internal bool IsSeeded => _isSeeded;

    /// <summary>Takes over the counts of an earlier process.</summary>
    internal void Seed(StatusReport? earlier)
    {
        lock (_lock)
        {
            foreach (var (name, count) in earlier?.Counts ?? new Dictionary<string, long>())
                _counts[name] = _counts.GetValueOrDefault(name) + count;
            // What the earlier process had counted: its status was written with the offsets that its counts reach to.
            foreach (var partition in earlier?.Partitions ?? [])
                _countedTo[partition.Partition] = partition.Next;
            _resultRows += earlier?.ResultRows ?? 0;
            if (_drainAskedAt == default)
                _drainedAt ??= earlier?.DrainedAt;
            _isSeeded = true;
        }
    }

    /// <summary>Shows these alerts from now on.</summary>
    internal StatusReport Alerted(IReadOnlyList<AlertStatus> alerts)
    {
        lock (_lock)
            return Current = Current with { Alerts = alerts };
    }

    /// <summary>Notes a failure of a function.</summary>
    internal void Failed(string function, Exception e)
    {
        _errors[function] = new StatusError(_time.GetUtcNow(), function, Describe(e));
        lock (_lock)
            Current = Current with { UpdatedAt = _time.GetUtcNow(), State = "failing", LastError = LastError(), Costs = Costs() };
    }

    /// <summary>Notes that a function ran through.</summary>
    internal void Succeeded(string function)
    {
        if (_errors.TryRemove(function, out _))
            lock (_lock)
                Current = Current with { LastError = LastError() };
    }

    /// <summary>A bounded input was declared ended: what was drained before is of no interest any more.</summary>
    internal void DrainAsked()
    {
        lock (_lock)
        {
            _drainAskedAt = _time.GetUtcNow();
            _drainedAt = null;
            Current = Current with { DrainedAt = null };
        }
    }

    /// <summary>Notes what a tick saw and did; the new status.</summary>
    internal StatusReport Ticked(TickReport tick, TimeSpan took, IReadOnlyList<Gap> gaps, IReadOnlyList<AlertStatus> alerts)
    {
        lock (_lock)
        {
            HasTicked = tick.Skipped is null;
            var now = _time.GetUtcNow();
            if (tick.Skipped is not null)
                return Current = Current with { UpdatedAt = now, TickMs = (long)took.TotalMilliseconds, State = State(Current.Hold), LastError = LastError(), Costs = Costs() };
            Count(tick, now);
            return Current = new StatusReport
            {
                Pipeline = _id.ToString(),
                State = State(tick.Hold),
                UpdatedAt = now,
                Instance = _instance,
                LastError = LastError(),
                Frontier = Time(tick.FrontierMs),
                Hold = tick.Hold,
                DrainedAt = _drainedAt,
                TickMs = (long)took.TotalMilliseconds,
                Partitions = [.. tick.Partitions.Select(p => new PartitionStatus(p.Partition, p.Next, p.LogEnd, Math.Max(p.LogEnd - p.Next, 0), Time(p.MaxEventTimeMs)))],
                Lag = tick.Partitions.Sum(p => Math.Max(p.LogEnd - p.Next, 0)),
                OpenRanges = tick.OpenRanges,
                OpenBytes = tick.OpenBytes,
                Entities = tick.Entities,
                EventsIn = _counts.GetValueOrDefault(RecordCount),
                EventsPerSecond = Math.Round(_recent.Sum(r => r.Events) / RateOver.TotalSeconds, 1),
                Counts = new SortedDictionary<string, long>(_counts, StringComparer.Ordinal),
                ResultRows = _resultRows,
                LatencyMs = new LatencyStatus(_tables.Recent(), _delta.Recent()),
                LatencyMsWholeRun = new LatencyStatus(_tables.Whole(), _delta.Whole()),
                Positions = tick.Positions.ToDictionary(p => p.Key, p => Time(p.Value)),
                Gaps = gaps,
                Alerts = alerts,
                Costs = Costs(),
            };
        }
    }

    /// <summary>Count of a segment that says how many records it was made of.</summary>
    internal const string RecordCount = "records";

    private void Count(TickReport tick, DateTimeOffset now)
    {
        var events = 0L;
        _counted.Clear();
        foreach (var range in tick.Fresh.Where(range => range.To > _countedTo.GetValueOrDefault(range.Partition, -1)))
        {
            _countedTo[range.Partition] = range.To;
            events += range.Counts.GetValueOrDefault(RecordCount);
            foreach (var (name, count) in range.Counts)
            {
                _counts[name] = _counts.GetValueOrDefault(name) + count;
                _counted[name] = _counted.GetValueOrDefault(name) + count;
            }
        }

        _resultRows += tick.ResultRows;
        _tables.Add(tick.VisibleInTablesMs, now);
        _delta.Add(tick.VisibleInDeltaMs, now);
        _recent.Enqueue((now, events));
        while (_recent.TryPeek(out var oldest) && now - oldest.At > RateOver)
            _recent.Dequeue();
        // A tick that began before the drain was asked for may not have seen the end of the input.
        var drained = tick.Drained && tick.StartedMs >= _drainAskedAt.ToUnixTimeMilliseconds();
        _drainedAt = drained ? (_drainedAt >= _drainAskedAt ? _drainedAt : now) : events > 0 ? null : _drainedAt;
    }

    private string State(bool hold) => !_errors.IsEmpty ? "failing" : hold ? "holding" : _drainedAt is not null ? "drained" : "running";

    private StatusError? LastError() => _errors.Values.MaxBy(e => e.At);

    private CostStatus Costs() => new(_costs.StorageTransactions(), _costs.EntityOperations(), _costs.DeltaCommits);

    internal static DateTimeOffset? Time(long? milliseconds) => milliseconds is > -62_000_000_000_000 and < 250_000_000_000_000 ? DateTimeOffset.FromUnixTimeMilliseconds(milliseconds.Value) : null;

    // The whole chain in one line: the cause is often two exceptions deep.
    private static string Describe(Exception e)
    {
        var texts = new List<string>();
        for (var at = e; at is not null && texts.Count < 4; at = at.InnerException)
            if (at.Message.Split('\n')[0].Trim() is { Length: > 0 } line && !texts.Contains(line))
                texts.Add(line);
        return string.Join(" ← ", texts);
    }
}
