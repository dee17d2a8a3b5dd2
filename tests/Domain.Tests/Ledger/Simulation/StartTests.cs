using Tidemark.Domain.Ledger;

namespace Tidemark.Domain.Tests.Ledger.Simulation;

/// <summary>Starts by offset and by time, while everything goes wrong: the pipeline begins there, wherever its trigger delivers from, and later starts go on.</summary>
public sealed class StartTests
{
    private const int Seeds = 40;
    private static readonly StartFrom Offsets = StartFrom.At(new Dictionary<int, long> { [0] = 7, [1] = 0, [2] = 31 });

    [Theory]
    [InlineData("offsets", 0)]
    [InlineData("offsets", 25)]
    [InlineData("time", 0)]
    [InlineData("time", 38)]
    public void The_tables_hold_what_is_behind_the_start_wherever_the_trigger_delivers_from(string start, int groupAt)
    {
        for (var seed = 1; seed <= Seeds; seed++)
        {
            // Records are a tenth of a second apart, the last one of a tenth of a second ago.
            var from = start == "offsets" ? Offsets : StartFrom.Time(new SimWorld(seed, false).NowMs - (1 + seed % 38) * 100 - 50);
            Check(seed, Scenario(seed) with { StartFrom = from, GroupAt = groupAt });
        }
    }

    [Fact]
    public void A_start_below_what_retention_left_is_a_gap_like_any_other()
    {
        for (var seed = 1; seed <= Seeds; seed++)
        {
            var simulation = Check(seed, Scenario(seed) with { StartFrom = Offsets, RetainedBefore = 12 });
            Assert.Equal([(0, 7, 12)], simulation.Ledger.Gaps.Where(gap => gap.Partition == 0).Select(gap => (gap.Partition, (int)gap.From, (int)gap.To)));
            Assert.DoesNotContain(simulation.Ledger.Gaps, gap => gap.Partition == 2);
        }
    }

    [Fact]
    public void A_later_start_has_no_effect_and_says_so_once_a_process()
    {
        var simulation = new Simulation(1, Scenario(1) with { StartFrom = Offsets, FaultRate = 0, Ticks = 1 });
        simulation.Ledger.Meta = new VersionedMeta(new Meta(Offsets.Offsets!, null, false, false) { StartedFrom = "earliest" }, simulation.Ledger.NextETag());
        Assert.Null(simulation.Run());
        Assert.Equal(
            "StartFrom is 0:7,1:0,2:31, but the pipeline of topic clicks has begun already, from earliest, and goes on where it is: the setting counts at the first start only. "
            + "To read from there, start a new PipelineVersion, or compute one beside this one with ./run replay --start.",
            Assert.Single(simulation.Changes));
        Assert.Equal("earliest", simulation.Ledger.Meta!.Value.Value.StartedFrom);
    }

    [Fact]
    public void The_start_that_was_made_is_noted_and_asks_for_no_word()
    {
        var simulation = Check(3, Scenario(3) with { StartFrom = Offsets });
        Assert.Equal("0:7,1:0,2:31", simulation.Ledger.Meta!.Value.Value.StartedFrom);
        Assert.Empty(simulation.Changes);
    }

    // All is in the log before the first start, and no event twice: one below the start is not remembered.
    private static Scenario Scenario(int seed) =>
        Ledger.Simulation.Scenario.Draw(seed) with { Orderly = true, Partitions = 3, EventsPerPartition = 40, PartitionAppears = false, Retention = false, ControlRecords = false, DuplicateRate = 0 };

    private static Simulation Check(int seed, Scenario scenario)
    {
        var simulation = new Simulation(seed, scenario);
        var error = simulation.Run();
        Assert.True(error is null, $"seed {seed} ({scenario}): {error}");
        return simulation;
    }
}
