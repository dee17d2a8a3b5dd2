using Tidemark.Domain.Ledger;

namespace Tidemark.Functions.Status;

/// <summary>
/// What the status is too short for: progress by query, series for the charts, entities and open ranges. Kept by the instance that ticks and written
/// beside the status every few seconds.
/// </summary>
public sealed record OperatorView
{
    /// <summary>When this was made.</summary>
    public DateTimeOffset UpdatedAt { get; init; }

    /// <summary>Number of the last tick.</summary>
    public long BatchId { get; init; }

    /// <summary>Milliseconds by phase of the last tick.</summary>
    public IReadOnlyDictionary<string, double> PhasesMs { get; init; } = new Dictionary<string, double>();

    /// <summary>Records that came to the topic a second, over the last two minutes; null before there is enough to tell.</summary>
    public double? InputPerSecond { get; init; }

    /// <summary>Records processed a second, over the same time.</summary>
    public double? ProcessedPerSecond { get; init; }

    /// <summary>The second over the first.</summary>
    public double? ProcessedRatio { get; init; }

    /// <summary>Rows a second that left: committed to Delta and written to Table storage, over the last minute.</summary>
    public double RowsOutPerSecond { get; init; }

    /// <summary>Rows committed by table and written by query, and ranges committed, a second over the last minute.</summary>
    public IReadOnlyDictionary<string, double> EdgesPerSecond { get; init; } = new Dictionary<string, double>();

    /// <summary>By query the rows of its open windows, by stream the entries that it holds, such as open sessions.</summary>
    public IReadOnlyDictionary<string, long> OpenRows { get; init; } = new Dictionary<string, long>();

    /// <summary>Series over the last quarter of an hour.</summary>
    public Series History { get; init; } = new([], [], [], [], [], [], []);

    /// <summary>Entities in memory, newest first.</summary>
    public IReadOnlyList<EntityStatus> Entities { get; init; } = [];

    /// <summary>Ranges that entities do not have yet, all together.</summary>
    public long Backlog { get; init; }

    /// <summary>The newest open ranges.</summary>
    public IReadOnlyList<RangeStatus> Ranges { get; init; } = [];

    /// <summary>Delta tables as maintenance left them, with what came since.</summary>
    public IReadOnlyList<TableStatus> Tables { get; init; } = [];
}

/// <summary>Points in time (ms since 1970) with records in and rows out a second, lag, latency in Table storage (ms), and the frontier's age (s).</summary>
public sealed record Series(
    IReadOnlyList<long> At, IReadOnlyList<double> In, IReadOnlyList<double> Out, IReadOnlyList<long> Lag, IReadOnlyList<long?> P50, IReadOnlyList<long?> P99, IReadOnlyList<double?> WatermarkAge);

/// <summary>An entity: version, bytes of state, ranges it does not have yet; and since when it has had some without moving.</summary>
public sealed record EntityStatus(string Key, string Bundle, DateTimeOffset? Start, long Version, long StateBytes, int Backlog, long BacklogBytes, DateTimeOffset? WaitingSince);

/// <summary>An open range of a partition: offsets [From, To).</summary>
public sealed record RangeStatus(int Partition, long From, long To, DateTimeOffset? Frontier, int Rows, int Bytes, bool Staged, DateTimeOffset? KafkaTime, bool InDelta);

/// <summary>A Delta table: version now, when it was last maintained and at which version, and its small files (an estimate between two rounds).</summary>
public sealed record TableStatus(string Table, long Version, DateTimeOffset? MaintainedAt, long CommitsSince, long SmallFiles);
