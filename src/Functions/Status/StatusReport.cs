using System.Text.Json;
using System.Text.Json.Serialization;
using Tidemark.Domain.Ledger;

namespace Tidemark.Functions.Status;

/// <summary>
/// What <c>/api/status</c> answers, in snake_case. Tick writes it to the ledger's table, since on Azure the page is served by other instances than
/// those that tick; times are UTC, figures without a unit in their name are counts.
/// </summary>
public sealed record StatusReport
{
    internal static readonly JsonSerializerOptions Json = new(JsonSerializerDefaults.Web)
    {
        PropertyNamingPolicy = JsonNamingPolicy.SnakeCaseLower,
    };

    /// <summary>The pipeline's id, <c>version/topic.generation</c>.</summary>
    public required string Pipeline { get; init; }

    /// <summary><c>starting</c>, <c>running</c>, <c>holding</c> (reading waits), <c>drained</c> or <c>failing</c>.</summary>
    public required string State { get; init; }

    /// <summary>When this was written.</summary>
    public DateTimeOffset UpdatedAt { get; init; }

    /// <summary>The instance that wrote it.</summary>
    public string Instance { get; init; } = "";

    /// <summary>The last failure; null when the last run of every function succeeded.</summary>
    public StatusError? LastError { get; init; }

    /// <summary>Event time up to which windows are being closed; null before the first.</summary>
    public DateTimeOffset? Frontier { get; init; }

    /// <summary>Whether reading waits because ranges pile up.</summary>
    public bool Hold { get; init; }

    /// <summary>When a bounded input was completely processed; null before, and again once more of it comes.</summary>
    public DateTimeOffset? DrainedAt { get; init; }

    /// <summary>Duration of the last tick, ms.</summary>
    public long TickMs { get; init; }

    /// <summary>Partitions of the topic, ascending.</summary>
    public IReadOnlyList<PartitionStatus> Partitions { get; init; } = [];

    /// <summary>Records in Kafka that are not processed yet.</summary>
    public long Lag { get; init; }

    /// <summary>Ranges in the ledger, and their bytes.</summary>
    public int OpenRanges { get; init; }

    /// <summary>See <see cref="OpenRanges"/>.</summary>
    public long OpenBytes { get; init; }

    /// <summary>Slices whose state is in memory.</summary>
    public int Entities { get; init; }

    /// <summary>Records processed since the first start.</summary>
    public long EventsIn { get; init; }

    /// <summary>Records processed a second, over the last minute.</summary>
    public double EventsPerSecond { get; init; }

    /// <summary>Named counts since the first start, such as <c>late/category_views</c> and <c>quarantined/missing_user_id</c>.</summary>
    public IReadOnlyDictionary<string, long> Counts { get; init; } = new Dictionary<string, long>();

    /// <summary>Rows written to Table storage since the first start.</summary>
    public long ResultRows { get; init; }

    /// <summary>From Kafka time to visible, over the last minutes.</summary>
    public LatencyStatus LatencyMs { get; init; } = new(new(null, null, 0), new(null, null, 0));

    /// <summary>Likewise, since this process started.</summary>
    public LatencyStatus LatencyMsWholeRun { get; init; } = new(new(null, null, 0), new(null, null, 0));

    /// <summary>Per query the end of the last window in Delta.</summary>
    public IReadOnlyDictionary<string, DateTimeOffset?> Positions { get; init; } = new Dictionary<string, DateTimeOffset?>();

    /// <summary>Offsets that were lost before they could be read.</summary>
    public IReadOnlyList<Gap> Gaps { get; init; } = [];

    /// <summary>Alerts, newest first.</summary>
    public IReadOnlyList<AlertStatus> Alerts { get; init; } = [];

    /// <summary>Of each further topic by its name the same, in the main topic's status only.</summary>
    public IReadOnlyDictionary<string, StatusReport> Sources { get; init; } = new Dictionary<string, StatusReport>();

    /// <summary>What the instance asked of paid services since it started.</summary>
    public CostStatus Costs { get; init; } = new(new Dictionary<string, long>(), new Dictionary<string, long>(), 0);
}

/// <summary>A failure.</summary>
public sealed record StatusError(DateTimeOffset At, string Where, string Text);

/// <summary>One partition: where reading and the log stand.</summary>
public sealed record PartitionStatus(int Partition, long Next, long LogEnd, long Lag, DateTimeOffset? MaxEventTime);

/// <summary>Median and 99th percentile, ms (up to 12.5 % high), and the number of samples (one for each range).</summary>
public sealed record LatencyFigures(long? P50, long? P99, long Samples);

/// <summary>From Kafka time to visible in Table storage and in Delta.</summary>
public sealed record LatencyStatus(LatencyFigures Tables, LatencyFigures Delta);

/// <summary>An alert; active until it is withdrawn, or a while after it was last raised, see <see cref="AlertRule.Holds"/>.</summary>
public sealed record AlertStatus(string Name, string Subject, string Text, DateTimeOffset RaisedAt, DateTimeOffset LastAt, bool Active)
{
    /// <summary>Whether it was withdrawn after it was last raised.</summary>
    [JsonIgnore]
    internal bool IsWithdrawn { get; init; }

    /// <summary><c>critical</c>, <c>error</c>, <c>warning</c> or <c>informational</c>.</summary>
    public string Severity => (AlertRule.Find(Name)?.Severity ?? AlertSeverity.Warning).ToString().ToLowerInvariant();

    /// <summary>What it means.</summary>
    public string Meaning => AlertRule.Find(Name)?.Text ?? "";
}

/// <summary>Counts of <see cref="Costs.CostCounters"/>.</summary>
public sealed record CostStatus(IReadOnlyDictionary<string, long> StorageTransactions, IReadOnlyDictionary<string, long> EntityOperations, long DeltaCommits);
