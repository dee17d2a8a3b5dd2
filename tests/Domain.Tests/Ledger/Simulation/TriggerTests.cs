using Tidemark.Domain.Ledger;
using Tidemark.Domain.Pipelines;

namespace Tidemark.Domain.Tests.Ledger.Simulation;

/// <summary>Queries with trigger intervals of their own: rows come out less often, and in the end, and at rest, they are the same.</summary>
public sealed class TriggerTests
{
    private const int Seeds = 60;

    [Fact]
    public void Whatever_the_triggers_and_whatever_happens_the_tables_equal_a_batch_computation()
    {
        for (var seed = 1; seed <= 3 * Seeds; seed++)
            Check(seed, Scenario.Draw(seed) with { Triggers = Scenario.DrawTriggers(new Random(seed)) });
    }

    [Fact]
    public void Where_nothing_comes_rows_of_open_windows_are_there_after_the_longest_trigger()
    {
        for (var seed = 1; seed <= Seeds; seed++)
            Check(seed, Scenario.Draw(seed) with { Rests = true, Kept = null, Triggers = Scenario.DrawTriggers(new Random(seed)) });
    }

    [Fact]
    public void Rows_come_out_once_in_an_interval_at_most()
    {
        var (slow, ever) = (0, 0);
        for (var seed = 1; seed <= Seeds; seed++)
        {
            var calm = Scenario.Draw(seed) with { Ticks = 1, FaultRate = 0, TickStallRate = 0, CallStallRate = 0, StallRate = 0, Orderly = false, EventsPerPartition = 60, IdleTimeoutMs = 3_000 };
            var triggered = Check(seed, calm with { Triggers = new Dictionary<string, TimeSpan> { ["tumbling"] = TimeSpan.FromSeconds(20) } });
            var commits = Commits(triggered, "tumbling");
            Assert.True(commits.Count <= (commits.LastOrDefault() - commits.FirstOrDefault()) / 20_000 + 2, $"seed {seed}: commits at {string.Join(", ", commits)} ms");
            slow += commits.Count;
            ever += Commits(Check(seed, calm with { Triggers = new Dictionary<string, TimeSpan>() }), "tumbling").Count;
        }

        Assert.True(slow > Seeds / 4 && slow < ever, $"{slow} commits of the query with a trigger, {ever} without");
    }

    /// <summary>When the query's rows were committed before the input ended.</summary>
    private static List<long> Commits(Simulation simulation, string query) =>
        [.. simulation.Lake.Table(TableNames.Gold(query)).Where(commit => commit.Moves.Count > 0).Select(commit => commit.AtMs).Where(at => at < simulation.EndedMs)];

    private static Simulation Check(int seed, Scenario scenario)
    {
        var simulation = new Simulation(seed, scenario);
        var error = simulation.Run();
        Assert.True(error is null, $"seed {seed} ({scenario}): {error}");
        return simulation;
    }
}
