using Tidemark.Domain.Ledger;
using Xunit.Abstractions;

namespace Tidemark.Domain.Tests.Ledger.Simulation;

/// <summary>
/// The whole protocol under a seeded scheduler. TIDEMARK_SEEDS=N runs that many seeds, TIDEMARK_SEED=N one seed with its trace.
/// </summary>
public sealed class SimulationTests(ITestOutputHelper output)
{
    [Fact]
    public void Whatever_happens_the_tables_equal_a_batch_computation()
    {
        if (Number("TIDEMARK_SEED") is { } one)
        {
            var simulation = new Simulation(one, Scenario.Draw(one), trace: true);
            var error = simulation.Run();
            File.WriteAllLines(Path.Combine(AppContext.BaseDirectory, $"trace-{one}.txt"), simulation.World.Trace!);
            Assert.True(error is null, $"seed {one}: {error}");
            return;
        }

        for (var seed = 1; seed <= (Number("TIDEMARK_SEEDS") ?? 2_000); seed++)
            Check(seed);
    }

    [Fact]
    public void State_that_the_platform_lost_is_refused_and_alerted_never_computed_from()
    {
        var forgot = 0;
        for (var seed = 1; seed <= 60; seed++)
        {
            var simulation = new Simulation(seed, Scenario.Draw(seed) with { HubForgets = true, FaultRate = 0, TickStallRate = 0 });
            var error = simulation.Run();
            if (simulation.Entities.Forgotten.Count == 0)
                continue;
            forgot++;
            var wrong = error is not null && !error.StartsWith("The run does not come to an end", StringComparison.Ordinal)
                && !error.StartsWith("alert without cause", StringComparison.Ordinal);
            Assert.False(wrong, $"seed {seed}: {error}");
        }

        Assert.True(forgot > 5, $"only {forgot} runs lost state");
    }

    private void Check(int seed)
    {
        if (new Simulation(seed, Scenario.Draw(seed)).Run() is not { } error)
            return;
        var replay = new Simulation(seed, Scenario.Draw(seed), trace: true);
        replay.Run();
        output.WriteLine(string.Join(Environment.NewLine, replay.World.Trace!.TakeLast(300)));
        Assert.Fail($"Seed {seed} ({Scenario.Draw(seed)}): {error}{Environment.NewLine}Replay: TIDEMARK_SEED={seed} dotnet test tests/Domain.Tests --filter SimulationTests");
    }

    private static int? Number(string name) => int.TryParse(Environment.GetEnvironmentVariable(name), out var value) ? value : null;
}
