using Tidemark.Domain.Ledger;

namespace Tidemark.Domain.Tests.Ledger.Simulation;

/// <summary>What one run is like; drawn from the seed, or set by a test that wants to provoke one thing.</summary>
internal sealed record Scenario
{
    public int Partitions { get; init; } = 3;

    public int EventsPerPartition { get; init; } = 40;

    public int Instances { get; init; } = 2;

    public int Ticks { get; init; } = 2;

    public bool HonourLease { get; init; }

    public double FaultRate { get; init; } = 0.01;

    public double SkipRate { get; init; } = 0.3;

    public double StallRate { get; init; } = 0.02;

    public double RepeatRate { get; init; } = 0.1;

    /// <summary>Most ids that an index holds.</summary>
    public int MaxIds { get; init; } = 100_000;

    /// <summary>How often a producer sends an event that it has sent before.</summary>
    public double DuplicateRate { get; init; } = 0.1;

    /// <summary>How often a tick's instance sleeps for long, as the other one goes on.</summary>
    public double TickStallRate { get; init; } = 0.02;

    /// <summary>Events arrive in order of event time within their partition, and all are in the log from the start: then nothing may be late.</summary>
    public bool Orderly { get; init; }

    public bool PartitionAppears { get; init; }

    public bool Retention { get; init; }

    public bool ControlRecords { get; init; }

    /// <summary>The platform loses the state of one entity that ranges were settled into.</summary>
    public bool HubForgets { get; init; }

    public long IdleTimeoutMs { get; init; } = 20_000;

    /// <summary>How often a single call is under way for seconds.</summary>
    public double CallStallRate { get; init; } = 0.005;

    /// <summary>A call of ticks that is often under way for seconds; null = none more than others.</summary>
    public string? StallOn { get; init; }

    /// <summary>No query publishes provisional rows, so that no ETag of a result stands between two ticks.</summary>
    public bool AppendOnly { get; init; }

    /// <summary>Only the query that withdraws rows publishes provisional ones, so that nothing but its fence stands between two ticks.</summary>
    public bool OnlyPicky { get; init; }

    /// <summary>How often entities are brought up to date.</summary>
    public int CheckpointMs { get; init; } = 2_000;

    /// <summary>Open ranges beyond which ingest is held.</summary>
    public int MaxOpenRanges { get; init; } = 60;

    /// <summary>State beyond which an entity is handed the whole state.</summary>
    public int MaxEntityBytes { get; init; } = EntityFold.MaxStateBytes;

    /// <summary>The input is said to end twice: the first time windows stay open.</summary>
    public bool EndsTwice { get; init; }

    /// <summary>Trigger intervals by query.</summary>
    public IReadOnlyDictionary<string, TimeSpan> Triggers { get; init; } = new Dictionary<string, TimeSpan>();

    /// <summary>When all is read and nothing has come for a minute, rows of open windows are compared too.</summary>
    public bool Rests { get; init; }

    /// <summary>Event time counts as racing whenever it moves, and results are put off as long as it does.</summary>
    public bool Races { get; init; }

    /// <summary>Tables are compacted now and then: commits that no output comes with.</summary>
    public bool Compacts { get; init; }

    /// <summary>Where the first start begins.</summary>
    public StartFrom StartFrom { get; init; } = StartFrom.Earliest;

    /// <summary>What happens where records are gone; where partitions stand, somebody accepts it after a while.</summary>
    public OnDataLoss OnDataLoss { get; init; }

    /// <summary>The end of a log is cut off once.</summary>
    public bool CutsLog { get; init; }

    /// <summary>What retention removed of each log before the first start.</summary>
    public long RetainedBefore { get; init; }

    /// <summary>What the consumer group has committed before the first start.</summary>
    public long GroupAt { get; init; }

    /// <summary>How far back results go; null = without end.</summary>
    public ResultsKept? Kept { get; init; }

    public static Scenario Draw(int seed)
    {
        var random = new Random(seed * 7919);
        return new Scenario
        {
            Partitions = 1 + random.Next(4),
            EventsPerPartition = 10 + random.Next(50),
            Instances = 1 + random.Next(3),
            Ticks = 1 + random.Next(2),
            HonourLease = random.Next(3) == 0,
            FaultRate = random.Next(4) switch { 0 => 0, 1 => 0.003, 2 => 0.01, _ => 0.03 },
            SkipRate = random.Next(3) == 0 ? 0.5 : 0,
            StallRate = random.Next(3) == 0 ? 0.1 : 0.01,
            RepeatRate = random.Next(2) == 0 ? 0.2 : 0.02,
            DuplicateRate = random.Next(3) switch { 0 => 0, 1 => 0.05, _ => 0.3 },
            TickStallRate = random.Next(2) == 0 ? 0.1 : 0,
            Orderly = random.Next(4) == 0,
            PartitionAppears = random.Next(4) == 0,
            Retention = random.Next(6) == 0,
            ControlRecords = random.Next(3) == 0,
            MaxEntityBytes = random.Next(3) == 0 ? 400 : EntityFold.MaxStateBytes,
            IdleTimeoutMs = random.Next(2) == 0 ? 20_000 : 3_000,
            Races = seed % 3 == 0,
            Compacts = seed % 2 == 1,
            EndsTwice = random.Next(3) == 0,
            Kept = random.Next(4) switch { 0 => new(TimeSpan.FromSeconds(10), 1), 1 => new(TimeSpan.FromSeconds(40), 5), _ => null },
            Triggers = random.Next(3) == 0 ? DrawTriggers(random) : new Dictionary<string, TimeSpan>(),
        };
    }

    /// <summary>Triggers of about half of the queries, shorter and longer than the Delta interval of three seconds.</summary>
    public static IReadOnlyDictionary<string, TimeSpan> DrawTriggers(Random random) =>
        new[] { "tumbling", "sliding", "minutes", "picky" }.Where(_ => random.Next(2) == 0).ToDictionary(name => name, _ => TimeSpan.FromMilliseconds(1_000 + random.Next(20_000)));
}
