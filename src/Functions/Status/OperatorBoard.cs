using System.Globalization;
using Tidemark.Domain.Ledger;
using Tidemark.Domain.Pipelines;
using Tidemark.Functions.Costs;

namespace Tidemark.Functions.Status;

/// <summary>Makes <see cref="OperatorView"/> and the progress of every query from what ticks report. One tick at a time.</summary>
internal sealed class OperatorBoard(PipelineId id, IPipeline pipeline, CostCounters costs, string broker, string instance)
{
    private const int MostSamples = 180;
    private const int MostRanges = 300;
    /// <summary>Bundle of the entities that hold what streams of a partition remember.</summary>
    private const string StreamBundle = "streams";
    private const string Arrived = "arrived";
    private const string Processed = "processed";
    private const string RangeCount = "ranges";
    private const string Out = "out";
    private static readonly TimeSpan SampleEvery = TimeSpan.FromSeconds(5);
    private static readonly TimeSpan LeastForRates = TimeSpan.FromSeconds(10);
    private readonly RateWindow _flow = new(TimeSpan.FromMinutes(2));
    private readonly RateWindow _edges = new(TimeSpan.FromMinutes(1));
    private readonly Queue<(long At, double In, double Out, long Lag, long? P50, long? P99, double? Age)> _series = new();
    private readonly Dictionary<EntityKey, (long Version, DateTimeOffset Since, long? FrontierMs)> _waiting = [];
    private Dictionary<int, long> _startOffsets = [];
    private Dictionary<string, long> _lastCommitted = [];
    private Dictionary<string, long> _lastPublished = [];
    private (DateTimeOffset At, long Events, double Out)? _lastSample;
    private long _ranges;

    /// <summary>The latest view.</summary>
    public OperatorView View { get; private set; } = new();

    /// <summary>Progress of the last tick, a record for each query.</summary>
    public IReadOnlyList<QueryProgress> Progress { get; private set; } = [];

    /// <summary>Goes on from what an earlier process wrote.</summary>
    public void Seed(OperatorView? earlier)
    {
        if (earlier is null)
            return;
        View = earlier;
        for (var i = 0; i < earlier.History.At.Count; i++)
            _series.Enqueue((earlier.History.At[i], earlier.History.In[i], earlier.History.Out[i], earlier.History.Lag[i], earlier.History.P50[i], earlier.History.P99[i], earlier.History.WatermarkAge[i]));
    }

    /// <summary>Notes a tick.</summary>
    /// <param name="tick">What it saw.</param>
    /// <param name="status">The status after it.</param>
    /// <param name="counted">Its counts, each range once.</param>
    /// <param name="maintained">Delta tables as maintenance left them.</param>
    public void Ticked(TickReport tick, StatusReport status, IReadOnlyDictionary<string, long> counted, IReadOnlyList<MaintainedTableRow> maintained)
    {
        var now = status.UpdatedAt;
        var (committed, published) = (costs.Of(CostCounters.Committed).ToDictionary(), costs.Of(CostCounters.Published).ToDictionary());
        var rowsOut = committed.Values.Sum() + (double)published.Values.Sum();
        _ranges += tick.Fresh.Count;
        _flow.Add(now, new Dictionary<string, double> { [Arrived] = tick.Partitions.Sum(p => (double)p.LogEnd), [Processed] = tick.Partitions.Sum(p => (double)p.Next) });
        var edges = committed.Select(c => (CostCounters.Committed + c.Key, (double)c.Value)).Concat(published.Select(c => (CostCounters.Published + c.Key, (double)c.Value)))
            .Append((RangeCount, _ranges)).Append((Out, rowsOut)).ToDictionary(e => e.Item1, e => e.Item2);
        _edges.Add(now, edges);
        Sample(status, rowsOut);
        var (input, processed) = (_flow.PerSecond(Arrived, LeastForRates), _flow.PerSecond(Processed, LeastForRates));
        View = new OperatorView
        {
            UpdatedAt = now,
            BatchId = View.BatchId + 1,
            PhasesMs = tick.PhasesMs.ToDictionary(p => p.Key, p => Math.Round(p.Value, 1)),
            InputPerSecond = input,
            ProcessedPerSecond = processed,
            ProcessedRatio = input > 0 ? Math.Round(processed!.Value / input.Value, 3) : null,
            RowsOutPerSecond = _edges.PerSecond(Out, TimeSpan.FromSeconds(1)) ?? 0,
            EdgesPerSecond = edges.Keys.Where(k => k != Out).ToDictionary(k => k, k => _edges.PerSecond(k, TimeSpan.FromSeconds(1)) ?? 0),
            OpenRows = tick.OpenRows,
            History = Series(),
            Entities = Entities(tick, now),
            Backlog = tick.EntityStates.Sum(e => (long)e.Backlog),
            Ranges = [.. Ranges(tick)],
            Tables = [.. tick.TableVersions.Select(t => Table(t.Key, t.Value, maintained.FirstOrDefault(m => m.Table == t.Key)))],
        };
        Progress =
        [
            .. pipeline.Queries.Select(query => Of(query, query.Bundle, $"windows of {query.Bundle}", query.DelayMs, tick, status, counted, committed, published)),
            .. pipeline.Streams.Select(stream => Of(stream, stream.IsChained ? "~" + stream.Name : StreamBundle, $"stream over {stream.Source}", 0, tick, status, counted, committed, published)),
        ];
        _startOffsets = tick.Partitions.ToDictionary(p => p.Partition, p => p.Next);
        (_lastCommitted, _lastPublished) = (committed, published);
    }

    private void Sample(StatusReport status, double rowsOut)
    {
        var now = status.UpdatedAt;
        if (_lastSample is { } last)
        {
            var seconds = (now - last.At).TotalSeconds;
            if (seconds < SampleEvery.TotalSeconds)
                return;
            _series.Enqueue((now.ToUnixTimeMilliseconds(), Math.Round((status.EventsIn - last.Events) / seconds, 1), Math.Round((rowsOut - last.Out) / seconds, 1), status.Lag,
                status.LatencyMs.Tables.P50, status.LatencyMs.Tables.P99, status.Frontier is { } frontier ? Math.Round((now - frontier).TotalSeconds, 1) : null));
            while (_series.Count > MostSamples)
                _series.Dequeue();
        }

        _lastSample = (now, status.EventsIn, rowsOut);
    }

    private Series Series() => new(
        [.. _series.Select(s => s.At)], [.. _series.Select(s => s.In)], [.. _series.Select(s => s.Out)], [.. _series.Select(s => s.Lag)],
        [.. _series.Select(s => s.P50)], [.. _series.Select(s => s.P99)], [.. _series.Select(s => s.Age)]);

    /// <summary>An entity waits since its first unmoved backlog; a backfill, where event time runs ahead of the clock, hands nothing to entities and so restarts the wait.</summary>
    private List<EntityStatus> Entities(TickReport tick, DateTimeOffset now)
    {
        var found = new List<EntityStatus>();
        foreach (var gone in _waiting.Keys.Except(tick.EntityStates.Select(e => e.Key)).ToList())
            _waiting.Remove(gone);
        foreach (var entity in tick.EntityStates)
        {
            if (entity.Backlog == 0)
                _waiting.Remove(entity.Key);
            else if (!_waiting.TryGetValue(entity.Key, out var waiting) || waiting.Version != entity.Version || IsBackfill(waiting, now, tick.FrontierMs))
                _waiting[entity.Key] = (entity.Version, now, tick.FrontierMs);
            found.Add(new EntityStatus(
                entity.Key.ToString(), entity.Key.Bundle, StatusBoard.Time(entity.Key.Start), entity.Version, entity.StateBytes, entity.Backlog, entity.BacklogBytes,
                _waiting.TryGetValue(entity.Key, out var since) ? since.Since : null));
        }

        return found;
    }

    private static bool IsBackfill((long Version, DateTimeOffset Since, long? FrontierMs) waiting, DateTimeOffset now, long? frontier) =>
        frontier - waiting.FrontierMs > (2 * (now - waiting.Since).TotalMilliseconds) + 60_000;

    private static IEnumerable<RangeStatus> Ranges(TickReport tick)
    {
        var each = Math.Max(MostRanges / Math.Max(tick.Partitions.Count, 1), 1);
        return tick.Ranges.GroupBy(r => r.Partition).OrderBy(g => g.Key).SelectMany(g => g.OrderByDescending(r => r.From).Take(each)).Select(r => new RangeStatus(
            r.Partition, r.From, r.To, StatusBoard.Time(r.TagMs), r.Rows, r.PayloadBytes, r.Staged, StatusBoard.Time(r.KafkaTimeMs), r.InDelta));
    }

    private static TableStatus Table(string name, long version, MaintainedTableRow? maintained)
    {
        var since = Math.Max(version - (maintained?.Version ?? -1), 0);
        return new TableStatus(name, version, maintained?.At, since, (maintained?.SmallFiles ?? 0) + since);
    }

    private QueryProgress Of(
        IOutput query, string bundle, string operatorName, long delayMs, TickReport tick, StatusReport status, IReadOnlyDictionary<string, long> counted, Dictionary<string, long> committed, Dictionary<string, long> published)
    {
        var entities = tick.EntityStates.Where(e => e.Key.Bundle == bundle).ToList();
        var table = TableNames.Gold(query.Name);
        var rows = counted.GetValueOrDefault(StatusBoard.RecordCount);
        return new QueryProgress
        {
            Id = id.QueryAppId(query.Name),
            RunId = instance,
            Name = query.Name,
            Timestamp = DateTimeOffset.FromUnixTimeMilliseconds(tick.StartedMs),
            BatchId = View.BatchId,
            BatchDuration = status.TickMs,
            DurationMs = new SortedDictionary<string, long>(tick.PhasesMs.Append(new("triggerExecution", status.TickMs)).ToDictionary(p => p.Key, p => (long)Math.Round(p.Value)), StringComparer.Ordinal),
            NumInputRows = rows,
            InputRowsPerSecond = View.InputPerSecond,
            ProcessedRowsPerSecond = View.ProcessedPerSecond,
            EventTime = EventTime(tick, delayMs),
            StateOperators =
            [
                new StateOperatorProgress(
                    operatorName, tick.OpenRows.TryGetValue(query.Name, out var open) ? open : null,
                    Math.Max(published.GetValueOrDefault(query.Name) - _lastPublished.GetValueOrDefault(query.Name), 0),
                    entities.Sum(e => e.StateBytes + e.BacklogBytes), counted.GetValueOrDefault("late/" + query.Name), entities.Count, (long)tick.PhasesMs.GetValueOrDefault("walCommit")),
            ],
            Sources = [Source(tick, rows)],
            Sink = new SinkProgress($"Delta {table}", Math.Max(committed.GetValueOrDefault(table) - _lastCommitted.GetValueOrDefault(table), 0)),
        };
    }

    private SourceProgress Source(TickReport tick, long rows) => new(
        $"Kafka {id.Topic} at {broker}",
        Offsets(tick.Partitions.Select(p => (p.Partition, _startOffsets.GetValueOrDefault(p.Partition, tick.Fresh.Where(f => f.Partition == p.Partition).Select(f => f.From).DefaultIfEmpty(p.Next).Min())))),
        Offsets(tick.Partitions.Select(p => (p.Partition, p.Next))),
        Offsets(tick.Partitions.Select(p => (p.Partition, p.LogEnd))),
        rows, View.InputPerSecond, View.ProcessedPerSecond,
        new Dictionary<string, string>
        {
            ["avgOffsetsBehindLatest"] = Text(tick.Partitions.Select(p => (double)Math.Max(p.LogEnd - p.Next, 0)).DefaultIfEmpty().Average()),
            ["maxOffsetsBehindLatest"] = Text(tick.Partitions.Select(p => (double)Math.Max(p.LogEnd - p.Next, 0)).DefaultIfEmpty().Max()),
            ["minOffsetsBehindLatest"] = Text(tick.Partitions.Select(p => (double)Math.Max(p.LogEnd - p.Next, 0)).DefaultIfEmpty().Min()),
        });

    private Dictionary<string, IReadOnlyDictionary<string, long>> Offsets(IEnumerable<(int Partition, long Offset)> offsets) => new()
    {
        [id.Topic] = offsets.ToDictionary(o => o.Partition.ToString(CultureInfo.InvariantCulture), o => o.Offset),
    };

    private static Dictionary<string, string> EventTime(TickReport tick, long delayMs)
    {
        var times = tick.Fresh.Select(f => f.EventTimes).OfType<EventTimes>().ToList();
        var text = new Dictionary<string, string>();
        if (times.Count > 0)
        {
            var events = times.Sum(t => t.Events);
            text["min"] = Iso(times.Min(t => t.MinMs));
            text["avg"] = Iso((long)times.Sum(t => t.MeanMs * ((double)t.Events / events)));
            text["max"] = Iso(times.Max(t => t.MaxMs));
        }

        if (StatusBoard.Time(tick.FrontierMs - delayMs) is { } watermark)
            text["watermark"] = Iso(watermark.ToUnixTimeMilliseconds());
        return text;
    }

    private static string Iso(long ms) => StatusBoard.Time(ms)?.ToString("yyyy-MM-ddTHH:mm:ss.fffZ", CultureInfo.InvariantCulture) ?? "";

    private static string Text(double value) => value.ToString("0.###", CultureInfo.InvariantCulture);
}
