using Tidemark.Domain.Ledger;
using Xunit.Abstractions;

namespace Tidemark.Domain.Tests.Ledger.Simulation;

/// <summary>A join of two topics under the seeded scheduler. TIDEMARK_SEEDS=N runs that many seeds, TIDEMARK_SEED=N one seed with its trace.</summary>
public sealed class JoinSimulationTests(ITestOutputHelper output)
{
    private const int MostSeeds = 400;

    [Fact]
    public void Whatever_happens_the_join_equals_a_batch_join_of_what_was_in_time()
    {
        if (Number("TIDEMARK_SEED") is { } one)
        {
            var simulation = new JoinSimulation(one, trace: true);
            var error = simulation.Run();
            File.WriteAllLines(Path.Combine(AppContext.BaseDirectory, $"trace-join-{one}.txt"), simulation.World.Trace!);
            Assert.True(error is null, $"seed {one}: {error}");
            return;
        }

        var (pairs, late, beyond, later, seeds) = (0, 0, 0, 0, Number("TIDEMARK_SEEDS") ?? 80);
        for (var seed = 1; seed <= seeds; seed++)
        {
            var simulation = new JoinSimulation(seed);
            Assert.True(simulation.Run() is not { } error || Fail(seed, error), "never");
            (pairs, late) = (pairs + simulation.Pairs, late + simulation.LateEvents);
            (beyond, later) = (beyond + (simulation.WentBeyond ? 1 : 0), later + (simulation.BeganLater ? 1 : 0));
        }

        var found = $"{pairs} pairs, {late} late events, {beyond} times an idle topic that let go, {later} times a later begin, in {seeds} runs";
        output.WriteLine(found);
        Assert.True(pairs > 5 * seeds && late > seeds / 4 && beyond > seeds / 4 && later > seeds / 20, $"{found}, say little");
    }

    [Theory]
    [InlineData(nameof(ProtocolRule.TimeAfterRows))]
    [InlineData(nameof(ProtocolRule.JoinPathFromTables))]
    [InlineData(nameof(ProtocolRule.JoinTimeIsLesser))]
    [InlineData(nameof(ProtocolRule.IdleTopicLetsGo))]
    [InlineData(nameof(ProtocolRule.IdleTopicGoesBeyond))]
    [InlineData(nameof(ProtocolRule.JoinStartIsRecorded))]
    public void Switching_a_rule_of_joins_off_is_noticed(string name)
    {
        for (var seed = 1; seed <= MostSeeds; seed++)
        {
            if (new JoinSimulation(seed, Enum.Parse<ProtocolRule>(name)).Run() is not { } error)
                continue;
            output.WriteLine($"{name}: noticed at seed {seed}: {error}");
            Assert.Null(new JoinSimulation(seed).Run());
            return;
        }

        Assert.Fail($"{name} switched off went unnoticed in {MostSeeds} seeds.");
    }

    private static bool Fail(int seed, string error)
    {
        Assert.Fail($"Seed {seed}: {error}{Environment.NewLine}Replay: TIDEMARK_SEED={seed} dotnet test tests/Domain.Tests --filter JoinSimulationTests");
        return false;
    }

    private static int? Number(string name) => int.TryParse(Environment.GetEnvironmentVariable(name), out var value) ? value : null;
}
