using System.Collections.Concurrent;
using System.Diagnostics;
using System.Diagnostics.Metrics;
using Tidemark.Domain.Ledger;
using Tidemark.Functions.Costs;
using Tidemark.Functions.Status;

namespace Tidemark.Functions.Telemetry;

/// <summary>
/// The instruments of <see cref="Metrics"/>. Gauges have values on the instance that ticks and none elsewhere, so that sums over instances are right.
/// </summary>
public sealed class PipelineMetrics : IDisposable
{
    private readonly Meter _meter = new(Metrics.Meter);
    private readonly CostCounters _costs;
    private readonly Dictionary<string, long> _told = [];
    private readonly Counter<long> _consumed, _sent, _records, _events, _quarantined, _late, _committed, _published, _failures, _requests, _entityOperations, _deltaCommits;
    private readonly Histogram<double> _process, _latency, _tick, _phase;
    private readonly ConcurrentDictionary<string, Gauges> _gauges = new();

    /// <summary>Creates the instruments; they cost next to nothing while nobody listens.</summary>
    public PipelineMetrics(CostCounters costs)
    {
        _costs = costs;
        (_consumed, _sent, _records, _events) = (Counter(Metrics.Consumed), Counter(Metrics.Sent), Counter(Metrics.Records), Counter(Metrics.Events));
        (_quarantined, _late, _committed, _published) = (Counter(Metrics.Quarantined), Counter(Metrics.Late), Counter(Metrics.Committed), Counter(Metrics.Published));
        (_failures, _requests, _entityOperations, _deltaCommits) = (Counter(Metrics.Failures), Counter(Metrics.Requests), Counter(Metrics.EntityOperations), Counter(Metrics.DeltaCommits));
        (_process, _latency, _tick, _phase) = (Histogram(Metrics.ProcessDuration), Histogram(Metrics.Latency), Histogram(Metrics.TickDuration), Histogram(Metrics.PhaseDuration));
        Gauge(Metrics.Lag, g => g.Status.Partitions.Select(p => new Measurement<double>(p.Lag, Tag(Metrics.PartitionId, p.Partition.ToString(System.Globalization.CultureInfo.InvariantCulture)))));
        Gauge(Metrics.WatermarkAge, g => One((g.Status.UpdatedAt - g.Status.Frontier)?.TotalSeconds));
        Gauge(Metrics.Ratio, g => One(g.View.ProcessedRatio));
        Gauge(Metrics.OpenRanges, g => One(g.Status.OpenRanges));
        Gauge(Metrics.OpenBytes, g => One(g.Status.OpenBytes));
        Gauge(Metrics.Hold, g => One(g.Status.Hold ? 1 : 0));
        Gauge(Metrics.Entities, g => One(g.Status.Entities));
        Gauge(Metrics.StateSize, g => One(g.Tick.EntityStates.Sum(e => (double)e.StateBytes)));
        Gauge(Metrics.StateLargest, g => One(g.Tick.EntityStates.Select(e => (double)e.StateBytes).DefaultIfEmpty().Max()));
        Gauge(Metrics.Backlog, g => One(g.Tick.EntityStates.Sum(e => (double)e.Backlog)));
        Gauge(Metrics.Lost, g => One(g.Status.Gaps.Sum(gap => (double)(gap.To - gap.From))));
        Gauge(Metrics.Commits, g => g.View.Tables.Select(t => new Measurement<double>(t.CommitsSince, Tag(Metrics.TableName, t.Table))));
        Gauge(Metrics.SmallFiles, g => g.View.Tables.Select(t => new Measurement<double>(t.SmallFiles, Tag(Metrics.TableName, t.Table))));
        Gauge(Metrics.Alerts, g => AlertRule.All.Select(rule => new Measurement<double>(
            g.Status.Alerts.Count(a => a.Active && a.Name == rule.Name), Tag(Metrics.AlertName, rule.Name), Tag(Metrics.Severity, rule.Severity.ToString().ToLowerInvariant()))));
    }

    public void Dispose() => _meter.Dispose();

    /// <summary>Notes a batch, processed or failed.</summary>
    internal void Batch(string topic, string group, int records, TimeSpan took, Exception? failure)
    {
        var tags = new TagList { { Metrics.System, "kafka" }, { Metrics.Destination, topic }, { Metrics.Operation, "process" }, { Metrics.Group, group } };
        if (failure is not null)
            tags.Add(Metrics.Error, failure.GetType().FullName);
        _consumed.Add(records, tags);
        _process.Record(took.TotalSeconds, tags);
    }

    /// <summary>Notes records that were sent and acknowledged.</summary>
    internal void Sent(string topic, int count) =>
        _sent.Add(count, new TagList { { Metrics.System, "kafka" }, { Metrics.Destination, topic }, { Metrics.Operation, "send" } });

    /// <summary>Notes a run that failed.</summary>
    internal void Failed(string function) => _failures.Add(1, Tag(Metrics.Function, function));

    /// <summary>Notes a tick.</summary>
    /// <param name="source">Name of its topic.</param>
    /// <param name="tick">What it saw.</param>
    /// <param name="counted">Its counts, each range once.</param>
    /// <param name="status">The status after it.</param>
    /// <param name="view">Rates and tables.</param>
    /// <param name="took">Duration.</param>
    internal void Ticked(string source, TickReport tick, IReadOnlyDictionary<string, long> counted, StatusReport status, OperatorView view, TimeSpan took)
    {
        foreach (var (name, count) in counted)
        {
            if (name == StatusBoard.RecordCount)
                _records.Add(count);
            else if (name == "events")
                _events.Add(count);
            else if (name.Split('/', 2) is ["quarantined", var reason])
                _quarantined.Add(count, Tag(Metrics.Reason, reason));
            else if (name.Split('/', 2) is ["late", var query])
                _late.Add(count, Tag(Metrics.Query, query));
        }

        foreach (var ms in tick.VisibleInTablesMs)
            _latency.Record(ms / 1000.0, Tag(Metrics.Sink, "tables"));
        foreach (var ms in tick.VisibleInDeltaMs)
            _latency.Record(ms / 1000.0, Tag(Metrics.Sink, "delta"));
        foreach (var (phase, ms) in tick.PhasesMs)
            _phase.Record(ms / 1000, Tag(Metrics.Phase, phase));
        _tick.Record(took.TotalSeconds);
        _gauges[source] = new Gauges(tick, status, view);
        TellCosts();
    }

    /// <summary>Another instance ticks now: what is known here is old.</summary>
    internal void Skipped(string source)
    {
        _gauges.TryRemove(source, out _);
        TellCosts();
    }

    private void TellCosts()
    {
        Tell(_committed, CostCounters.Committed, _costs.Of(CostCounters.Committed), Metrics.TableName);
        Tell(_published, CostCounters.Published, _costs.Of(CostCounters.Published), Metrics.Query);
        Tell(_requests, "", _costs.StorageTransactions(), Metrics.Kind);
        Tell(_entityOperations, "", _costs.EntityOperations(), Metrics.Kind);
        if (Since("delta", _costs.DeltaCommits) is > 0 and var commits)
            _deltaCommits.Add(commits);
    }

    private void Tell(Counter<long> counter, string prefix, IReadOnlyDictionary<string, long> counts, string tag)
    {
        foreach (var (kind, count) in counts)
            if (Since(prefix + kind, count) is > 0 and var more)
                counter.Add(more, Tag(tag, kind));
    }

    private long Since(string what, long count)
    {
        var more = count - _told.GetValueOrDefault(what);
        _told[what] = count;
        return more;
    }

    private Counter<long> Counter(Metric metric) => _meter.CreateCounter<long>(metric.Name, metric.Unit, metric.Text);

    private Histogram<double> Histogram(Metric metric) => _meter.CreateHistogram<double>(metric.Name, metric.Unit, metric.Text);

    private void Gauge(Metric metric, Func<Gauges, IEnumerable<Measurement<double>>> read) =>
        _meter.CreateObservableGauge(metric.Name, () => _gauges.SelectMany(g => read(g.Value).Select(m => new Measurement<double>(m.Value, [.. m.Tags, Tag(Metrics.Source, g.Key)]))), metric.Unit, metric.Text);

    private static IEnumerable<Measurement<double>> One(double? value) => value is { } known ? [new Measurement<double>(known)] : [];

    private static KeyValuePair<string, object?> Tag(string name, string value) => new(name, value);

    private sealed record Gauges(TickReport Tick, StatusReport Status, OperatorView View);
}
