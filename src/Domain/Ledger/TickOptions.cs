using Tidemark.Domain.Pipelines;

namespace Tidemark.Domain.Ledger;

/// <summary>Settings of <see cref="Tick"/>.</summary>
public sealed record TickOptions
{
    /// <summary>How often the frontier is published, closed windows and raw rows go to Delta, and final results to Table storage.</summary>
    public TimeSpan DeltaInterval { get; init; } = TimeSpan.FromSeconds(30);

    /// <summary>Trigger intervals by query, in place of those of the definitions; zero = none, so that the query comes with the others.</summary>
    public IReadOnlyDictionary<string, TimeSpan> Triggers { get; init; } = new Dictionary<string, TimeSpan>();

    /// <summary>No query has a trigger interval of its own.</summary>
    public bool IgnoresTriggers { get; init; }

    /// <summary>How far back Table storage goes; null = without end.</summary>
    public ResultsKept? Results { get; init; }

    /// <summary>How often durable entities are brought up to date and ranges settled.</summary>
    public TimeSpan CheckpointInterval { get; init; } = TimeSpan.FromSeconds(15);

    /// <summary>A partition that is caught up and silent for so long does not hold the frontier back.</summary>
    public TimeSpan IdleTimeout { get; init; } = TimeSpan.FromSeconds(30);

    /// <summary>How long a partition with lag may stand still before the alarm is raised and its tail processed here.</summary>
    public TimeSpan WatchdogTimeout { get; init; } = TimeSpan.FromSeconds(60);

    /// <summary>How often entities and staged blobs that nobody names are looked for.</summary>
    public TimeSpan SweepInterval { get; init; } = TimeSpan.FromMinutes(10);

    /// <summary>Staged blobs younger than this are never swept.</summary>
    public TimeSpan SweepAge { get; init; } = TimeSpan.FromDays(1);

    /// <summary>How long a lease lasts.</summary>
    public TimeSpan LeaseTime { get; init; } = TimeSpan.FromSeconds(15);

    /// <summary>How long a tick waits for deliveries to sinks; one that takes longer goes on beside the ticks that follow.</summary>
    public TimeSpan SinkWait { get; init; } = TimeSpan.FromSeconds(2);

    /// <summary>Ranges beyond which ingest is put on hold; it is released at half of it.</summary>
    public int MaxOpenRanges { get; init; } = 2_000;

    /// <summary>Payload bytes of ranges not yet in Delta beyond which ingest is put on hold.</summary>
    public long MaxOpenBytes { get; init; } = 128L << 20;

    /// <summary>Entities in memory beyond which every tick looks whether the frontier can move, as in a backfill.</summary>
    public int BackfillEntities { get; init; } = 24;

    /// <summary>Payload bytes of ranges not yet in Delta beyond which the next tick emits.</summary>
    public long EmitBytes { get; init; } = 8L << 20;

    /// <summary>Event time beyond twice the wall time that the frontier moves by at once when event time races, as in a backfill.</summary>
    public TimeSpan RacingStep { get; init; } = TimeSpan.FromMinutes(1);

    /// <summary>Share of the time that results get while event time races, as in a backfill.</summary>
    public double RacingPublishShare { get; init; } = 0.1;

    /// <summary>Rows after which a commit to a base table is cut; what is decoded in memory at a time.</summary>
    public int MaxRowsPerCommit { get; init; } = 50_000;

    /// <summary>State in bytes beyond which an entity is handed the whole state, in a blob where it is too large for a signal, instead of merging itself.</summary>
    public int MaxEntityBytes { get; init; } = EntityFold.MaxStateBytes;

    /// <summary>Base table that a join with another topic follows: its commits say the frontier. Null = none does.</summary>
    public string? FollowedTable { get; init; }

    /// <summary>The topic that this one is joined with: at the end of input both move to the same time. Null = there is none.</summary>
    public TopicPartner? Partner { get; init; }

    /// <summary>Where the first start begins.</summary>
    public StartFrom StartFrom { get; init; } = StartFrom.Earliest;

    /// <summary>The trigger interval of a query, ms; null = it has none of its own.</summary>
    public long? IntervalOf(QuerySpec query) => IgnoresTriggers ? null
        : Triggers.TryGetValue(query.Name, out var interval) ? (interval > TimeSpan.Zero ? (long)interval.TotalMilliseconds : null)
        : query.TriggerMs;
}
