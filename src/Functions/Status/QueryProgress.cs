using System.Text.Json;

namespace Tidemark.Functions.Status;

/// <summary>
/// Progress of one query in one tick: the fields of Spark's StreamingQueryProgress, in its spelling. Where the two differ: all queries share one
/// tick and one source, so <c>numInputRows</c> is what the tick saw for the first time; input is what came to the topic, processed what was
/// committed, both over two minutes; state is that of the query's bundle.
/// </summary>
public sealed record QueryProgress
{
    internal static readonly JsonSerializerOptions Json = new(JsonSerializerDefaults.Web);

    /// <summary>The query's position id, which never changes.</summary>
    public required string Id { get; init; }

    /// <summary>The instance that ticks.</summary>
    public required string RunId { get; init; }

    public required string Name { get; init; }

    /// <summary>When the tick began, UTC.</summary>
    public required DateTimeOffset Timestamp { get; init; }

    /// <summary>Number of the tick; goes on after a restart.</summary>
    public required long BatchId { get; init; }

    /// <summary>Duration of the tick, ms.</summary>
    public required long BatchDuration { get; init; }

    /// <summary>Milliseconds by phase.</summary>
    public required IReadOnlyDictionary<string, long> DurationMs { get; init; }

    public required long NumInputRows { get; init; }

    public double? InputRowsPerSecond { get; init; }

    public double? ProcessedRowsPerSecond { get; init; }

    /// <summary><c>min</c>, <c>avg</c>, <c>max</c> of the rows of this tick and <c>watermark</c>, as ISO 8601 UTC; absent where there is none.</summary>
    public required IReadOnlyDictionary<string, string> EventTime { get; init; }

    public required IReadOnlyList<StateOperatorProgress> StateOperators { get; init; }

    public required IReadOnlyList<SourceProgress> Sources { get; init; }

    public required SinkProgress Sink { get; init; }
}

/// <summary>State of a query.</summary>
/// <param name="OperatorName">What it is.</param>
/// <param name="NumRowsTotal">Rows of open windows (window and group), or entries of a stream; null for a query that does not show them.</param>
/// <param name="NumRowsUpdated">Of these, rows written by this tick.</param>
/// <param name="MemoryUsedBytes">Saved state and backlog of the bundle's entities.</param>
/// <param name="NumRowsDroppedByWatermark">Events of this tick that were late for a window.</param>
/// <param name="NumStateStoreInstances">Entities of the bundle.</param>
/// <param name="CommitTimeMs">Duration of this tick's checkpoint, 0 without one.</param>
public sealed record StateOperatorProgress(
    string OperatorName, long? NumRowsTotal, long NumRowsUpdated, long MemoryUsedBytes, long NumRowsDroppedByWatermark, int NumStateStoreInstances, long CommitTimeMs);

/// <summary>The source: offsets by topic and partition.</summary>
public sealed record SourceProgress(
    string Description,
    IReadOnlyDictionary<string, IReadOnlyDictionary<string, long>> StartOffset,
    IReadOnlyDictionary<string, IReadOnlyDictionary<string, long>> EndOffset,
    IReadOnlyDictionary<string, IReadOnlyDictionary<string, long>> LatestOffset,
    long NumInputRows, double? InputRowsPerSecond, double? ProcessedRowsPerSecond, IReadOnlyDictionary<string, string> Metrics);

/// <summary>The sink: rows of closed windows that this tick committed.</summary>
public sealed record SinkProgress(string Description, long NumOutputRows);
