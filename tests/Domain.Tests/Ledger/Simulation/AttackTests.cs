namespace Tidemark.Domain.Tests.Ledger.Simulation;

/// <summary>Scenarios aimed at one weakness each, which a drawn scenario meets too seldom.</summary>
public sealed class AttackTests
{
    [Theory]
    [InlineData("slow reads, no provisional rows", 1, 320)]
    [InlineData("three ticks", 425, 20)]
    [InlineData("held back", 1, 40)]
    [InlineData("slow withdrawals", 1, 300)]
    [InlineData("little memory for ids", 1, 150)]
    public void The_tables_equal_a_batch_computation(string attack, int first, int seeds)
    {
        var withdrawn = 0;
        var waited = 0;
        for (var seed = first; seed < first + seeds; seed++)
        {
            var scenario = Of(attack, seed);
            var simulation = new Simulation(seed, scenario);
            var error = simulation.Run();
            withdrawn += simulation.Results.Deleted;
            Assert.True(error is null, $"{attack}, seed {seed} ({scenario}): {error}");
            waited += simulation.Alerts.Any(alert => alert.Name == "deduplication-full") ? 1 : 0;
        }

        Assert.True(attack != "slow withdrawals" || withdrawn > seeds, $"only {withdrawn} rows were withdrawn");
        Assert.Equal(attack == "little memory for ids", waited > 0);
    }

    private static Scenario Of(string attack, int seed) => attack switch
    {
        "slow reads, no provisional rows" => Scenario.Draw(seed) with
        {
            Ticks = 2, AppendOnly = true, HonourLease = false, StallOn = seed % 2 == 0 ? "read entity" : "read registry", CheckpointMs = 4_000,
        },
        "three ticks" => Scenario.Draw(seed) with { Ticks = 3, CallStallRate = 0.03, HonourLease = false },
        "held back" => Scenario.Draw(seed) with { MaxOpenRanges = 6, FaultRate = 0.02 },
        "slow withdrawals" => Scenario.Draw(seed) with { Ticks = 2 + seed % 2, OnlyPicky = seed % 3 > 0, StallOn = "write picky", HonourLease = false, EventsPerPartition = 60 },
        "little memory for ids" => Scenario.Draw(seed) with { MaxIds = 40, DuplicateRate = 0.1, EventsPerPartition = 60 },
        _ => throw new ArgumentOutOfRangeException(nameof(attack), attack, "No such attack."),
    };
}
