using Tidemark.Domain.Ledger;

namespace Tidemark.Domain.Tests.Ledger.Simulation;

/// <summary>Retention and cut logs under the policy to stop: nothing behind a loss is processed until it is accepted, and then all is right.</summary>
public sealed class LossTests
{
    private const int Seeds = 100;

    [Fact]
    public void Nothing_behind_what_retention_took_is_processed_until_it_is_accepted()
    {
        var stood = Run(seed => Scenario.Draw(seed) with { Orderly = false, Retention = true, OnDataLoss = OnDataLoss.Stop });
        Assert.True(stood > Seeds / 4, $"only {stood} losses were stood before");
    }

    [Fact]
    public void Nothing_is_processed_of_a_log_that_was_cut_until_it_is_accepted()
    {
        var stood = Run(seed => Scenario.Draw(seed) with { Orderly = false, CutsLog = true, Retention = seed % 3 == 0, OnDataLoss = OnDataLoss.Stop });
        Assert.True(stood > Seeds / 4, $"only {stood} losses were stood before");
    }

    [Fact]
    public void A_log_that_was_cut_goes_on_where_losses_are_passed() =>
        Assert.Equal(0, Run(seed => Scenario.Draw(seed) with { Orderly = false, CutsLog = true }));

    private static int Run(Func<int, Scenario> scenario)
    {
        var (stood, silent, cut) = (0, 0, 0);
        for (var seed = 1; seed <= Seeds; seed++)
        {
            var simulation = new Simulation(seed, scenario(seed));
            var error = simulation.Run();
            Assert.True(error is null, $"seed {seed} ({scenario(seed)}): {error}");
            stood += simulation.Stood.Count;
            cut += simulation.Topic.Partitions.Values.Count(partition => partition.CutBelow > 0);
            silent += simulation.Stood.Count > 0 && !simulation.Alerts.Exists(alert => alert.Name == "stopped-at-loss") ? 1 : 0;
        }

        // Who looks by chance may accept a loss before the process that was about to tell of it is alive again.
        Assert.True(silent <= stood / 20, $"of {stood} losses {silent} were told to nobody");
        Assert.True(!scenario(1).CutsLog || cut > Seeds / 4, $"only {cut} logs were cut");
        return stood;
    }
}
