using Tidemark.Domain.Ledger;
using Tidemark.Functions.Costs;
using Tidemark.Functions.Status;

namespace Tidemark.Functions.Tests.Status;

public sealed class StatusBoardTests
{
    private readonly StatusBoard _board = new(new PipelineId("v1", "events", 1), new CostCounters(), TimeProvider.System, "me");

    [Fact]
    public void Counts_add_up_and_go_on_from_an_earlier_process()
    {
        _board.Seed(new StatusReport { Pipeline = "x", State = "running", Counts = new Dictionary<string, long> { ["records"] = 5 }, ResultRows = 2 });
        Ticked(new TickReport { Fresh = [Range(0, 10, ("records", 10), ("late/q", 1))], ResultRows = 3 });
        var status = Ticked(new TickReport { Fresh = [Range(10, 11, ("records", 1))] });
        Assert.Equal((16, 1, 5), (status.EventsIn, status.Counts["late/q"], status.ResultRows));
    }

    [Fact]
    public void Ranges_that_were_open_at_a_restart_are_counted_once()
    {
        _board.Seed(new StatusReport
        {
            Pipeline = "x", State = "running", Counts = new Dictionary<string, long> { ["records"] = 30 }, Partitions = [new PartitionStatus(0, 30, 40, 10, null)],
        });
        var status = Ticked(new TickReport { Fresh = [Range(10, 20, ("records", 10)), Range(20, 30, ("records", 10)), Range(30, 37, ("records", 7))] });
        Assert.Equal(37, status.EventsIn);
    }

    [Fact]
    public void An_end_asked_for_before_the_first_tick_is_not_answered_by_an_earlier_run()
    {
        _board.DrainAsked();
        _board.Seed(new StatusReport { Pipeline = "x", State = "drained", DrainedAt = DateTimeOffset.UnixEpoch });
        var asked = DateTimeOffset.UtcNow;
        Assert.Null(Ticked(new TickReport()).DrainedAt);
        Assert.True(Ticked(new TickReport { Drained = true, StartedMs = asked.AddSeconds(1).ToUnixTimeMilliseconds() }).DrainedAt >= asked);
    }

    [Fact]
    public void A_failure_shows_until_the_same_function_succeeds()
    {
        Ticked(new TickReport());
        _board.Failed("Ingest", new InvalidOperationException("outer", new IOException("the cause\nstack")));
        _board.Succeeded("Tick");
        var status = Ticked(new TickReport());
        Assert.Equal(("failing", "Ingest", "outer ← the cause"), (status.State, status.LastError!.Where, status.LastError.Text));

        _board.Succeeded("Ingest");
        Assert.Null(_board.Current.LastError);
        Assert.Equal("running", Ticked(new TickReport()).State);
    }

    [Fact]
    public void Being_drained_stays_until_more_comes_or_is_announced()
    {
        Assert.NotNull(Ticked(new TickReport { Drained = true }).DrainedAt);
        Assert.Equal("drained", Ticked(new TickReport()).State);
        Assert.Null(Ticked(new TickReport { Fresh = [Range(0, 1, ("records", 1))] }).DrainedAt);
        Ticked(new TickReport { Drained = true });
        _board.DrainAsked();
        Assert.Null(_board.Current.DrainedAt);
    }

    [Fact]
    public void A_skipped_tick_leaves_the_figures_and_says_that_another_instance_has_them()
    {
        Ticked(new TickReport { OpenRanges = 7 });
        Assert.True(_board.HasTicked);
        Assert.Equal(7, Ticked(new TickReport { Skipped = "lease" }).OpenRanges);
        Assert.False(_board.HasTicked);
    }

    [Fact]
    public void Quantiles_are_at_most_an_eighth_too_high_and_never_too_low()
    {
        var random = new Random(3);
        var samples = Enumerable.Range(0, 5000).Select(_ => (long)Math.Exp(random.NextDouble() * 15)).Append(0).Append(long.MaxValue / 2).Order().ToList();
        var histogram = new LatencyHistogram();
        samples.ForEach(histogram.Add);
        foreach (var quantile in new[] { 0.0001, 0.1, 0.5, 0.9, 0.99, 1 })
        {
            var exact = samples[Math.Max((int)Math.Ceiling(quantile * samples.Count) - 1, 0)];
            Assert.InRange(histogram.Quantile(quantile)!.Value, exact, exact + exact / 8);
        }

        Assert.Null(new LatencyHistogram().Quantile(0.5));
    }

    private static RangeCounts Range(long from, long to, params (string Name, long Count)[] counts) =>
        new(0, from, to, counts.ToDictionary(c => c.Name, c => c.Count));

    private StatusReport Ticked(TickReport tick) => _board.Ticked(tick, TimeSpan.FromMilliseconds(5), [], []);
}
