namespace Tidemark.Domain.Ledger;

/// <summary>What one tick saw and did.</summary>
public sealed record TickReport
{
    /// <summary>Why nothing was done: another tick holds the lease, or was seen to be alive; null when the tick ran.</summary>
    public string? Skipped { get; init; }

    /// <summary>Everything that was listed, every window that the frontier closed, and all that a join of two topics can take of their tables, is in Delta and in Table storage by this tick.</summary>
    public bool Emitted { get; init; }

    /// <summary>Definitions that were taken over from this program since the last report: what was added, changed or removed, in words.</summary>
    public IReadOnlyList<string> Changes { get; init; } = [];

    /// <summary>When the tick began, before it read anything; ms of wall time.</summary>
    public long StartedMs { get; init; }

    /// <summary>Published frontier, ms.</summary>
    public long? FrontierMs { get; init; }

    /// <summary>Whether ingest is on hold.</summary>
    public bool Hold { get; init; }

    /// <summary>The input is bounded and ended, and everything of it is processed, closed, committed, published and settled.</summary>
    public bool Drained { get; init; }

    /// <summary>The input is bounded and ended, and not everything of it is through.</summary>
    public bool IsEnding { get; init; }

    /// <summary>Per partition where ingest and the log stand.</summary>
    public IReadOnlyList<PartitionReport> Partitions { get; init; } = [];

    /// <summary>Ranges in the ledger.</summary>
    public int OpenRanges { get; init; }

    /// <summary>Payload bytes of those ranges.</summary>
    public long OpenBytes { get; init; }

    /// <summary>Entities in memory.</summary>
    public int Entities { get; init; }

    /// <summary>Rows written to Table storage by this tick.</summary>
    public int ResultRows { get; init; }

    /// <summary>
    /// Ranges that this tick saw for the first time; after a restart the open ones come again, so whoever counts compares with how far it had counted.
    /// </summary>
    public IReadOnlyList<RangeCounts> Fresh { get; init; } = [];

    /// <summary>Per range first published to Table storage by this tick: ms from its latest Kafka time to now.</summary>
    public IReadOnlyList<long> VisibleInTablesMs { get; init; } = [];

    /// <summary>Per range whose rows this tick committed to Delta: ms from its latest Kafka time to now.</summary>
    public IReadOnlyList<long> VisibleInDeltaMs { get; init; } = [];

    /// <summary>Milliseconds by phase; the names are Spark's: getBatch (reading the ledger), addBatch (results and Delta), walCommit (checkpoint), latestOffset (asking Kafka).</summary>
    public IReadOnlyDictionary<string, double> PhasesMs { get; init; } = new Dictionary<string, double>();

    /// <summary>Entities in memory, newest first, at most 300.</summary>
    public IReadOnlyList<EntityReport> EntityStates { get; init; } = [];

    /// <summary>Open ranges, the newest 50 of each partition.</summary>
    public IReadOnlyList<RangeReport> Ranges { get; init; } = [];

    /// <summary>Versions of the Delta tables; −1 = there is none.</summary>
    public IReadOnlyDictionary<string, long> TableVersions { get; init; } = new Dictionary<string, long>();

    /// <summary>By query the rows of open windows, for queries that show them; by stream the entries that it holds.</summary>
    public IReadOnlyDictionary<string, long> OpenRows { get; init; } = new Dictionary<string, long>();

    /// <summary>Per query the watermark up to which its windows are in Delta, ms.</summary>
    public IReadOnlyDictionary<string, long?> Positions { get; init; } = new Dictionary<string, long?>();

    /// <summary>Whether this tick saw or did something that an earlier one had not.</summary>
    public bool HasMovedSince(TickReport earlier) =>
        Fresh.Count > 0
        || (FrontierMs, OpenRanges, Entities) != (earlier.FrontierMs, earlier.OpenRanges, earlier.Entities)
        || TableVersions.Any(table => earlier.TableVersions.GetValueOrDefault(table.Key, -1) != table.Value);
}

/// <summary>What a range was made of: its offsets [From, To) and the counts of its segment.</summary>
public readonly record struct RangeCounts(int Partition, long From, long To, IReadOnlyDictionary<string, long> Counts)
{
    /// <summary>Event times of its valid events; null when it has none.</summary>
    public EventTimes? EventTimes { get; init; }

    /// <summary>W3C trace context of the batch that committed it; null when it was not traced.</summary>
    public string? TraceParent { get; init; }
}

/// <summary>One partition in a <see cref="TickReport"/>: <paramref name="Next"/> is the offset up to which its ranges were seen.</summary>
public readonly record struct PartitionReport(int Partition, long Next, long LogEnd, long? MaxEventTimeMs);
