using Tidemark.Domain.Ledger;
using Xunit.Abstractions;

namespace Tidemark.Domain.Tests.Ledger.Simulation;

/// <summary>Each rule (those of joins of two topics are in <see cref="JoinSimulationTests"/>) without which a trace lost, doubled or misjudged an event: switched off, the simulation must notice.</summary>
public sealed class RuleTests(ITestOutputHelper output)
{
    private const int MostSeeds = 2_000;

    public static TheoryData<string> Rules => [.. Enum.GetNames<ProtocolRule>()
        .Where(name => name is not (nameof(ProtocolRule.None) or nameof(ProtocolRule.TimeAfterRows) or nameof(ProtocolRule.JoinPathFromTables) or nameof(ProtocolRule.JoinTimeIsLesser)
            or nameof(ProtocolRule.IdleTopicLetsGo) or nameof(ProtocolRule.IdleTopicGoesBeyond) or nameof(ProtocolRule.JoinStartIsRecorded)))];

    [Theory]
    [MemberData(nameof(Rules))]
    public void Switching_a_rule_off_is_noticed(string name)
    {
        var rule = Enum.Parse<ProtocolRule>(name);
        for (var seed = 1; seed <= MostSeeds; seed++)
        {
            if (new Simulation(seed, Provoking(rule, seed), rule).Run() is not { } error)
                continue;
            output.WriteLine($"{name}: noticed at seed {seed}: {error}");
            Assert.Null(new Simulation(seed, Provoking(rule, seed)).Run());
            return;
        }

        Assert.Fail($"{name} switched off went unnoticed in {MostSeeds} seeds.");
    }

    /// <summary>A scenario in which the rule matters more often than in a drawn one.</summary>
    private static Scenario Provoking(ProtocolRule rule, int seed) => rule switch
    {
        ProtocolRule.LagIsNeverIdle => Scenario.Draw(seed) with { Orderly = true, StallRate = 0.2, IdleTimeoutMs = 3_000, Partitions = 3, Instances = 3 },
        ProtocolRule.NewPartitionFromStart => Scenario.Draw(seed) with { Orderly = false, PartitionAppears = true },
        ProtocolRule.WatchdogAsksKafka => Scenario.Draw(seed) with { SkipRate = 1, FaultRate = 0.05 },
        ProtocolRule.FetchHoles or ProtocolRule.ContiguousRanges => Scenario.Draw(seed) with { SkipRate = 1, FaultRate = 0.03, ControlRecords = true },
        ProtocolRule.StagedNamePerAttempt => Scenario.Draw(seed) with { FaultRate = 0.03, Instances = 3, RepeatRate = 0.3 },
        ProtocolRule.FencedResults => Scenario.Draw(seed) with
        {
            Ticks = 2, OnlyPicky = true, StallOn = "write picky open", FaultRate = 0.03, HonourLease = false, Orderly = false, Partitions = 2, EventsPerPartition = 60, Kept = null,
            EndsTwice = false, TickStallRate = 0.4,
        },
        ProtocolRule.StreamRowsPutOff => Scenario.Draw(seed) with { Races = true },
        ProtocolRule.RetentionKeepsKnownRows => Scenario.Draw(seed) with { Ticks = 1, FaultRate = 0.02, TickStallRate = 0.4, Kept = new(TimeSpan.FromSeconds(1), 1) },
        ProtocolRule.TxnMustBeEqual => Scenario.Draw(seed) with { Ticks = 3, FaultRate = 0, CallStallRate = 0.02, HonourLease = false, Orderly = false, Partitions = 2, EventsPerPartition = 60 },
        ProtocolRule.ChainWaitsForTrigger => Scenario.Draw(seed) with { Orderly = false, Triggers = new Dictionary<string, TimeSpan> { ["tumbling"] = TimeSpan.FromSeconds(25) } },
        ProtocolRule.TriggerKeepsTouched => Scenario.Draw(seed) with
        {
            Ticks = 1, FaultRate = 0, TickStallRate = 0, Orderly = false, Rests = true, Kept = null, Triggers = new Dictionary<string, TimeSpan> { ["tumbling"] = TimeSpan.FromSeconds(9), ["sliding"] = TimeSpan.FromSeconds(17) },
        },
        ProtocolRule.StopAtLoss => Scenario.Draw(seed) with { Orderly = false, Retention = true, OnDataLoss = OnDataLoss.Stop },
        ProtocolRule.CutLogIsMarked => Scenario.Draw(seed) with { Orderly = false, Retention = false, CutsLog = true, OnDataLoss = OnDataLoss.Stop },
        ProtocolRule.SinkCursorAfterDelivery or ProtocolRule.SinkCursorBeforeEmission => Scenario.Draw(seed) with { FaultRate = 0.03 },
        ProtocolRule.CacheMustContinue => Scenario.Draw(seed) with { Ticks = 2, TickStallRate = 0.4, FaultRate = 0, HonourLease = false, Orderly = false, EventsPerPartition = 90, Partitions = 2 },
        _ => Scenario.Draw(seed) with { Ticks = 2, FaultRate = 0.02, HonourLease = false },
    };
}
