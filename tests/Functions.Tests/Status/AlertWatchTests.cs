using NSubstitute;
using Tidemark.Domain.Columns;
using Tidemark.Domain.Ledger;
using Tidemark.Domain.Pipelines;
using Tidemark.Functions.Costs;
using Tidemark.Functions.Status;

namespace Tidemark.Functions.Tests.Status;

/// <summary>What ticks see goes through the same boards as in production; time is turned by hand.</summary>
public sealed class AlertWatchTests
{
    private static readonly AlertOptions Bounds = new() { Lag = 1000, TickInterval = TimeSpan.FromSeconds(2) };
    private readonly Time _time = new();
    private readonly StatusBoard _status;
    private readonly OperatorBoard _operators;
    private AlertWatch _watch = new(Bounds);
    private IReadOnlyList<MaintainedTableRow> _maintained = [];
    private IReadOnlyList<Gap> _gaps = [];
    private TimeSpan _took = TimeSpan.FromMilliseconds(20);

    public AlertWatchTests()
    {
        var id = new PipelineId("v1", "events", 1);
        var pipeline = Substitute.For<IPipeline>();
        pipeline.Queries.Returns([new QuerySpec("q", 60_000, 60_000, 60_000, "1m", true, new RowSchema([]), [])]);
        var costs = new CostCounters();
        (_status, _operators) = (new StatusBoard(id, costs, _time, "i"), new OperatorBoard(id, pipeline, costs, "broker:9092", "i"));
    }

    [Fact]
    public void Lag_over_the_bound_is_raised_only_while_it_grows()
    {
        Assert.Empty(Run(90, second => Tick(next: 100 * second, end: 100 * second + 900 + second)));
        Assert.Contains("lag", Run(90, second => Tick(next: 20_000 + 100 * second, end: 25_000 + 110 * second)));
        Run(90, second => Tick(next: 40_000 + 110 * second, end: 60_000 + 110 * second));
        Assert.DoesNotContain("lag", Run(1, _ => Tick(next: 50_000, end: 69_999)));
    }

    [Fact]
    public void Falling_behind_needs_both_a_ratio_below_four_fifths_and_records_that_wait()
    {
        Assert.Empty(Run(130, second => Tick(next: 90 * second, end: 100 * second > 900 ? 90 * second + 99 : 100 * second)));
        Assert.Contains("falling-behind", Run(130, second => Tick(next: 11_700 + 70 * second, end: 11_799 + 100 * second)));
    }

    [Fact]
    public void Ticks_longer_than_their_interval_and_single_very_long_ones_are_told_apart()
    {
        _took = TimeSpan.FromSeconds(3);
        Assert.Empty(Run(4, second => Tick(next: second)));
        Assert.Equal(["batch-over-interval"], Run(2, second => Tick(next: 10 + second)));

        _took = TimeSpan.FromSeconds(61);
        Assert.Contains("tick-slow", Run(1, _ => Tick(next: 20)));
    }

    [Fact]
    public void A_bounded_input_is_read_as_fast_as_it_goes_which_is_no_alert()
    {
        _watch = new(Bounds with { IsBounded = true });
        _took = TimeSpan.FromSeconds(3);
        Assert.Empty(Run(130, second => Tick(next: 70 * second, end: 999 + 70 * second)));
        // What must be looked at in any run is raised.
        _took = TimeSpan.FromSeconds(61);
        Assert.Contains("tick-slow", Run(1, _ => Tick(next: 20_000)));
    }

    [Fact]
    public void Event_time_that_stands_still_is_raised_only_while_events_come()
    {
        Assert.Empty(Run(700, _ => Tick(next: 10, end: 10) with { FrontierMs = 1000 }));
        Assert.Empty(Run(590, second => Tick(next: 10 + second, fresh: 1) with { FrontierMs = 1000 }));
        Assert.Equal(["watermark-held"], Run(30, second => Tick(next: 700 + second, fresh: 1) with { FrontierMs = 1000 }));
        Assert.Empty(Run(10, second => Tick(next: 800 + second, fresh: 1) with { FrontierMs = 1000 + second }));
    }

    [Fact]
    public void A_silent_source_is_raised_until_something_comes()
    {
        Assert.Empty(Run(800, _ => Tick(next: 10, end: 10)));
        Assert.Equal(["source-silent"], Run(200, _ => Tick(next: 10, end: 10)));
        Assert.Empty(Run(1, _ => Tick(next: 10, end: 11)));
    }

    [Fact]
    public void An_input_that_has_ended_may_be_silent()
    {
        Run(1, _ => Tick(next: 10, end: 10) with { Drained = true, StartedMs = 4_000_000_000_000 });
        Assert.Empty(Run(2000, _ => Tick(next: 10, end: 10) with { Drained = true, StartedMs = 4_000_000_000_000 }));
    }

    [Fact]
    public void Quarantine_is_judged_over_five_minutes_and_not_on_few_records()
    {
        Assert.Empty(Run(1, _ => Tick(next: 50, fresh: 50, quarantined: 50)));
        Assert.Empty(Run(310, second => Tick(next: 50 + 10 * second, fresh: 10)));
        Assert.Contains("quarantine-rate", Run(60, second => Tick(next: 4000 + 10 * second, fresh: 10, quarantined: 6)));
    }

    [Fact]
    public void An_entity_is_stuck_when_it_has_work_and_keeps_its_version_but_not_during_a_backfill()
    {
        var key = new EntityKey("1m", 0);
        TickReport With(int second, long version, int backlog, long frontier) => Tick(next: second, fresh: 1) with { FrontierMs = frontier, EntityStates = [new EntityReport(key, version, 10, backlog, 5)] };
        Assert.Empty(Run(400, second => With(second, second / 10, 3, second)));
        Assert.Empty(Run(400, second => With(second, 50, 0, second)));
        Assert.Empty(Run(400, second => With(second, 50, 3, second * 3_600_000L)));
        Assert.Contains("entity-stuck", Run(400, second => With(second, 50, 3, 2_000_000_000 + second)));
    }

    [Fact]
    public void Large_state_gaps_and_small_files_name_what_they_are_about()
    {
        _gaps = [new Gap(3, 10, 25, _time.GetUtcNow().ToUnixTimeMilliseconds())];
        _maintained = [new MaintainedTableRow("silver/events", _time.GetUtcNow(), 100, 4, 4, 1000)];
        var tick = Tick(next: 1) with
        {
            EntityStates = [new EntityReport(new EntityKey("1m", 0), 1, 49L << 20, 0, 0), new EntityReport(new EntityKey("1m", 60_000), 1, 1000, 0, 0)],
            TableVersions = new Dictionary<string, long> { ["silver/events"] = 2097, ["gold/q"] = 1999 },
        };
        var raised = Raise(tick);
        Assert.Equal(["gap", "small-files", "state-near-limit"], raised.Select(r => r.Rule.Name).Order());
        Assert.Contains("15 records", raised.Single(r => r.Rule == AlertRule.Gap).Text);
        Assert.Equal("silver/events", raised.Single(r => r.Rule == AlertRule.SmallFiles).Subject);
        Assert.Equal("1m/0", raised.Single(r => r.Rule == AlertRule.StateNearLimit).Subject);
    }

    [Theory]
    [InlineData("* * * * * *", 1)]
    [InlineData("*/5 * * * * *", 5)]
    [InlineData("0 */2 * * * *", 60)]
    [InlineData("00:00:10", 10)]
    public void The_interval_follows_from_the_schedule(string schedule, int seconds) => Assert.Equal(TimeSpan.FromSeconds(seconds), AlertOptions.IntervalOf(schedule));

    /// <summary>Names raised by the last of so many ticks, a second apart.</summary>
    private IReadOnlyList<string> Run(int seconds, Func<int, TickReport> tick)
    {
        IReadOnlyList<RaisedAlert> last = [];
        for (var second = 1; second <= seconds; second++)
            last = Raise(tick(second));
        return [.. last.Select(r => r.Rule.Name)];
    }

    private IReadOnlyList<RaisedAlert> Raise(TickReport tick)
    {
        _time.Advance(TimeSpan.FromSeconds(1));
        var status = _status.Ticked(tick, _took, _gaps, []);
        _operators.Ticked(tick, status, _status.Counted, _maintained);
        return _watch.Look(tick, status, _operators.View);
    }

    private static TickReport Tick(long next, long end = 0, int fresh = 0, int quarantined = 0) => new()
    {
        Partitions = [new PartitionReport(0, next, Math.Max(end, next), null)],
        Fresh = fresh == 0 ? [] : [new RangeCounts(0, next - fresh, next, new Dictionary<string, long> { ["records"] = fresh, ["quarantined/invalid_json"] = quarantined })],
    };

    private sealed class Time : TimeProvider
    {
        private DateTimeOffset _now = DateTimeOffset.UnixEpoch.AddDays(20_000);

        public override DateTimeOffset GetUtcNow() => _now;

        public void Advance(TimeSpan by) => _now += by;
    }
}
