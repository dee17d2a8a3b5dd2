using System.Globalization;
using Tidemark.Domain.Ledger;

namespace Tidemark.Functions.Status;

/// <summary>An alert that a rule raises now.</summary>
internal readonly record struct RaisedAlert(AlertRule Rule, string Subject, string Text);

/// <summary>
/// The rules that follow from what ticks see; the others are raised where it happens. A pure function of the ticks given so far and their times. One
/// tick at a time.
/// </summary>
internal sealed class AlertWatch(AlertOptions options)
{
    private const int FewestRecords = 100;
    private const int FewestTicks = 5;
    private const string Quarantined = "quarantined";
    private const string Records = "records";
    private const string LagNow = "lag";
    private static readonly TimeSpan Minute = TimeSpan.FromMinutes(1);
    private readonly RateWindow _quality = new(TimeSpan.FromMinutes(5));
    private readonly RateWindow _lag = new(Minute);
    private readonly Queue<(DateTimeOffset At, long Ms)> _ticks = new();
    private DateTimeOffset? _frontierHeldSince;
    private DateTimeOffset? _arrivedAt;
    private long? _frontierMs;
    private long _logEnds;

    /// <summary>What is to be raised after this tick, the worst first.</summary>
    /// <param name="tick">What the tick saw.</param>
    /// <param name="status">The status after it.</param>
    /// <param name="view">Rates, entities and tables.</param>
    public IReadOnlyList<RaisedAlert> Look(TickReport tick, StatusReport status, OperatorView view)
    {
        var now = status.UpdatedAt;
        _quality.Add(now, new Dictionary<string, double>
        {
            [Records] = status.EventsIn, [Quarantined] = status.Counts.Where(c => c.Key.StartsWith("quarantined/", StringComparison.Ordinal)).Sum(c => (double)c.Value),
        });
        _lag.Add(now, new Dictionary<string, double> { [LagNow] = status.Lag });
        _ticks.Enqueue((now, status.TickMs));
        while (now - _ticks.Peek().At > Minute)
            _ticks.Dequeue();
        List<RaisedAlert> raised =
        [
            .. status.Gaps.Where(g => now - DateTimeOffset.FromUnixTimeMilliseconds(g.DetectedMs) < AlertRule.Gap.Holds).Select(g => new RaisedAlert(AlertRule.Gap, $"partition {g.Partition}, offset {g.From}",
                Text($"Offsets {g.From} to {g.To - 1} of partition {g.Partition} were removed by retention before they could be read: {g.To - g.From} records are lost at most."))),
            .. Stuck(view, now), .. Slow(tick, status), .. LargeStates(tick), .. Behind(status, view), .. Held(tick, status, now), .. Quality(), .. Silent(tick, status, now),
            .. view.Tables.Where(t => t.SmallFiles > options.SmallFiles).Select(t => new RaisedAlert(AlertRule.SmallFiles, t.Table,
                Text($"{t.Table} has about {t.SmallFiles} small files, {t.CommitsSince} of them since it was last maintained ({t.MaintainedAt?.ToString("u", CultureInfo.InvariantCulture) ?? "never"})."))),
        ];
        return raised;
    }

    private IEnumerable<RaisedAlert> Stuck(OperatorView view, DateTimeOffset now) => view.Entities.Where(e => now - e.WaitingSince >= options.StuckAfter).Select(e => new RaisedAlert(
        AlertRule.EntityStuck, e.Key, Text($"Entity {e.Key} stands at version {e.Version} since {e.WaitingSince:u} while {e.Backlog} ranges wait for it.")));

    private IEnumerable<RaisedAlert> Slow(TickReport tick, StatusReport status)
    {
        var checkpoint = tick.PhasesMs.GetValueOrDefault("walCommit");
        if (status.TickMs >= options.TickLimit.TotalMilliseconds)
            yield return new RaisedAlert(AlertRule.TickSlow, "tick", Text($"The tick took {status.TickMs / 1000.0:0.0} s, {checkpoint / 1000:0.0} s of it for the checkpoint."));
        var mean = _ticks.Average(t => t.Ms);
        if (!options.IsBounded && _ticks.Count >= FewestTicks && mean > options.TickInterval.TotalMilliseconds)
            yield return new RaisedAlert(AlertRule.BatchOverInterval, "tick", Text($"Ticks of the last minute took {mean / 1000:0.0} s on average, but one is due every {options.TickInterval.TotalSeconds:0.#} s."));
    }

    private IEnumerable<RaisedAlert> LargeStates(TickReport tick) => tick.EntityStates.Where(e => e.StateBytes > options.StateBytes).Select(e => new RaisedAlert(
        AlertRule.StateNearLimit, e.Key.ToString(), Text($"The state of entity {e.Key} has {e.StateBytes >> 20} MB; beyond 64 MB checkpoints take long and memory gets short.")));

    private IEnumerable<RaisedAlert> Behind(StatusReport status, OperatorView view)
    {
        if (status.Lag > options.Lag && _lag.Covered >= Minute && _lag.Growth(LagNow) > 0)
            yield return new RaisedAlert(AlertRule.Lag, "topic", Text($"{status.Lag} records wait in Kafka, {_lag.Growth(LagNow)} more than a minute ago."));
        if (!options.IsBounded && view.ProcessedRatio < options.LeastRatio && status.Lag >= FewestRecords)
            yield return new RaisedAlert(AlertRule.FallingBehind, "topic", Text($"{view.InputPerSecond:0.#} records a second come and {view.ProcessedPerSecond:0.#} are processed; {status.Lag} wait."));
    }

    private IEnumerable<RaisedAlert> Held(TickReport tick, StatusReport status, DateTimeOffset now)
    {
        if (tick.FrontierMs != _frontierMs || status.DrainedAt is not null)
            _frontierHeldSince = null;
        else if (tick.Fresh.Count > 0)
            _frontierHeldSince ??= now;
        _frontierMs = tick.FrontierMs;
        if (now - _frontierHeldSince < options.HeldAfter || _frontierHeldSince is not { } since)
            yield break;
        var holding = status.Partitions.MinBy(p => p.MaxEventTime ?? DateTimeOffset.MinValue);
        yield return new RaisedAlert(AlertRule.WatermarkHeld, "topic", Text(
            $"Event time stands at {status.Frontier?.ToString("u", CultureInfo.InvariantCulture) ?? "nothing"} since {since:u} although events come; partition {holding?.Partition} is the furthest back, with {holding?.Lag} records waiting and {holding?.MaxEventTime?.ToString("u", CultureInfo.InvariantCulture) ?? "no event"} as its latest event."));
    }

    private IEnumerable<RaisedAlert> Quality()
    {
        var (records, quarantined) = (_quality.Growth(Records), _quality.Growth(Quarantined));
        if (records >= FewestRecords && quarantined > options.QuarantineShare * records)
            yield return new RaisedAlert(AlertRule.QuarantineRate, "topic", Text($"{quarantined} of the last {records} records ({100 * quarantined / records:0.#} %) were put in quarantine."));
    }

    private IEnumerable<RaisedAlert> Silent(TickReport tick, StatusReport status, DateTimeOffset now)
    {
        var ends = tick.Partitions.Sum(p => p.LogEnd);
        if (ends != _logEnds || tick.Fresh.Count > 0 || _arrivedAt is null)
            (_arrivedAt, _logEnds) = (now, ends);
        if (ends > 0 && status.DrainedAt is null && now - _arrivedAt >= options.SilentAfter)
            yield return new RaisedAlert(AlertRule.SourceSilent, "topic", Text($"No record has come since {_arrivedAt:u}."));
    }

    private static string Text(FormattableString text) => text.ToString(CultureInfo.InvariantCulture);
}
