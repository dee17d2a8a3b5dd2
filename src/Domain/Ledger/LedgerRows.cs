using Tidemark.Domain.Pipelines;

namespace Tidemark.Domain.Ledger;

/// <summary>
/// The identity every id begins with, <c>{version}/{topic}.{generation}</c>: replays, new versions and recreated topics never meet the old.
/// Table keys use <c>|</c> in place of <c>/</c>, which Table storage does not allow in keys.
/// </summary>
public sealed record PipelineId(string Version, string Topic, int Generation)
{
    /// <summary><c>{version}|{topic}.{generation}</c>, for partition keys.</summary>
    public string Key => FormattableString.Invariant($"{Version}|{Topic}.{Generation}");

    /// <summary><c>{version}/{topic}.{generation}</c>, for appIds and entity keys.</summary>
    public override string ToString() => FormattableString.Invariant($"{Version}/{Topic}.{Generation}");

    /// <summary>appId of a base table for one partition; its txn version is the offset after the last row in the table.</summary>
    public string TableAppId(string table, int partition) => FormattableString.Invariant($"{this}/{table}/{partition}");

    /// <summary>appId below which a base table's positions lie.</summary>
    public string TableAppId(string table) => $"{this}/{table}";

    /// <summary>appId of a followed base table's time; its txn version is the frontier in ms below which every row that is in time is in the table.</summary>
    public string TableTimeAppId(string table) => $"{this}/{table}/time";

    /// <summary>appId of what a followed base table's time takes into account: how many rows, by their offsets, the table of the other topic had.</summary>
    public string TableSeenAppId(string table) => $"{this}/{table}/seen";

    /// <summary>appId of a side of a join of two topics (<c>left</c>, <c>right</c>); its txn version is the version of that side's table that the join took first.</summary>
    public string SideAppId(string stream, int side) => $"{this}/{stream}/{(side == 0 ? "left" : "right")}";

    /// <summary>appId of the time that the side's table said before that version, ms.</summary>
    public string SideTimeAppId(string stream, int side) => SideAppId(stream, side) + "/time";

    /// <summary>
    /// appId of a window query, its txn version the watermark in ms up to which windows are in the table; of a chained stream, its txn version
    /// the version of the source table.
    /// </summary>
    public string QueryAppId(string query) => $"{this}/{query}";

    /// <summary>
    /// appId of the corrections of a query, its txn version their number. No query is named so, and it is not below the query's own appId: whoever follows
    /// the query's commits does not see it.
    /// </summary>
    public string CorrectionAppId(string query) => $"{this}/~corrections/{query}";

    /// <summary>appId of a stream for one partition; its txn version is the offset up to which its output is in the table.</summary>
    public string StreamAppId(string stream, int partition) => FormattableString.Invariant($"{this}/{stream}/{partition}");

    /// <summary>appId of a chained stream's time; its txn version is the watermark of its source in ms that its output was computed at.</summary>
    public string ChainTimeAppId(string stream) => $"{this}/{stream}/time";

    /// <summary>appId of a stream's time for one partition; its txn version is the frontier in ms that its output was computed at.</summary>
    public string StreamTimeAppId(string stream, int partition) => FormattableString.Invariant($"{this}/{stream}/{partition}/time");
}

/// <summary>The fence of a partition: where ingest goes on, and the frontier that lateness is judged by.</summary>
/// <param name="Next">First offset not yet processed.</param>
/// <param name="MaxEventTimeMs">Greatest event time committed, ms; null before the first valid event.</param>
/// <param name="FrontierMs">Frontier, ms; null before the topic has one.</param>
/// <param name="LastActivityMs">When the partition last moved (or joined), ms of wall time: what idleness is measured from.</param>
public sealed record Head(long Next, long? MaxEventTimeMs, long? FrontierMs, long LastActivityMs)
{
    /// <summary>The loss before which the partition stands; null = none, or the policy is to go on.</summary>
    public Loss? Loss { get; init; }

    /// <summary>Offsets below this may be lost: somebody has accepted it; null = none.</summary>
    public long? LossAcceptedTo { get; init; }
}

/// <summary>A head as read, with the ETag that any change must match.</summary>
public readonly record struct VersionedHead(Head Value, string ETag);

/// <summary>One committed range of offsets: the log from which every state and table follows.</summary>
public sealed record RangeRow
{
    /// <summary>Kafka partition.</summary>
    public required int Partition { get; init; }

    /// <summary>First offset, always the head's <c>Next</c> at the commit, so that ranges are contiguous.</summary>
    public required long From { get; init; }

    /// <summary>Offset after the last one.</summary>
    public required long To { get; init; }

    /// <summary>Frontier (ms) of the head that this very commit was made under; null before the first.</summary>
    public required long? Tag { get; init; }

    /// <summary>Rows by base table; only tables with rows.</summary>
    public required IReadOnlyDictionary<string, int> Rows { get; init; }

    /// <summary>Entities that the range touches.</summary>
    public required IReadOnlyList<EntityKey> Entities { get; init; }

    /// <summary>Counts of the segment, for reports.</summary>
    public required IReadOnlyDictionary<string, long> Counts { get; init; }

    /// <summary>Latest Kafka time in the range, ms: what visible latency is measured from; 0 when unknown.</summary>
    public required long KafkaTimeMs { get; init; }

    /// <summary>The encoded segment when it is small enough to ride in the row; null when staged.</summary>
    public byte[]? Inline { get; init; }

    /// <summary>Where the segment was staged; null when inline.</summary>
    public StagedSegment? Staged { get; init; }

    /// <summary>Event times of the valid events; null when there is none.</summary>
    public EventTimes? EventTimes { get; init; }

    /// <summary>W3C trace context of the batch that committed the range; null when it was not traced.</summary>
    public string? TraceParent { get; init; }

    /// <summary>Bytes of the payload that the row carries in memory.</summary>
    public int PayloadBytes => Inline?.Length ?? 0;
}

/// <summary>Least, mean and greatest event time, ms, of so many events.</summary>
public readonly record struct EventTimes(long MinMs, long MeanMs, long MaxMs, long Events);

/// <summary>A segment too large for the ledger: one file per table, ready to be added to Delta, and a blob of partials.</summary>
/// <param name="Attempt">Id of the ingest attempt that wrote it; part of every blob's name, so that two attempts never share one.</param>
/// <param name="Files">Per base table the description of its staged data file, as the lake returned it.</param>
/// <param name="Partials">Name of the blob with the partials.</param>
public sealed record StagedSegment(string Attempt, IReadOnlyDictionary<string, string> Files, string Partials);

/// <summary>Offsets that the source no longer had when they were due: recorded and alerted, never passed over in silence.</summary>
public sealed record Gap(int Partition, long From, long To, long DetectedMs);

/// <summary>What a topic's partitions have in common.</summary>
/// <param name="Starts">Per known partition the offset that the pipeline began at.</param>
/// <param name="FrontierMs">Published frontier, ms; null before the first.</param>
/// <param name="Hold">Ingest waits while this is set: ranges pile up.</param>
/// <param name="EndOfInput">The input is bounded and all of it is in Kafka: once it is processed every window closes, unless <see cref="KeepOpen"/>.</param>
public sealed record Meta(IReadOnlyDictionary<int, long> Starts, long? FrontierMs, bool Hold, bool EndOfInput)
{
    /// <summary>The input that ends, or ended last, will go on: windows that the watermark has not reached stay open.</summary>
    public bool KeepOpen { get; init; }

    /// <summary>What <see cref="StartFrom"/> was at the first start; null = it was not noted.</summary>
    public string? StartedFrom { get; init; }

    /// <summary>By query and stream the definition that its state was made by; null = none was noted.</summary>
    public IReadOnlyDictionary<string, DefinitionRow>? Definitions { get; init; }
}

/// <summary>Meta as read.</summary>
public readonly record struct VersionedMeta(Meta Value, string ETag);

/// <summary>Registry row of a live entity: the version last seen when ranges were settled into it.</summary>
public readonly record struct RegistryRow(EntityKey Entity, long Version, string ETag)
{
    /// <summary>
    /// Sum of the entity's positions at that version: an entity that lost its state and was given an older one by a signal that had been under way has
    /// less, whatever its version.
    /// </summary>
    public long Reach { get; init; }

    /// <summary>Whether the entity, as read, is what ranges were settled into, or beyond it.</summary>
    public bool IsHeldBy(EntitySnapshot? entity) => (entity?.Version ?? 0) >= Version && (Reach == 0 || ReachOf(entity?.Position) >= Reach);

    /// <summary>Sum of positions.</summary>
    public static long ReachOf(IReadOnlyDictionary<int, long>? position) => position?.Values.Sum() ?? 0;
}

/// <summary>How far results of a query have been published from its Delta table.</summary>
/// <param name="TableVersion">Delta version up to which committed rows are published; −1 = none.</param>
/// <param name="PositionMs">Watermark of that version; null = none.</param>
public sealed record Cursor(long TableVersion, long? PositionMs);

/// <summary>The lease that keeps ticks from competing for nothing; correctness never rests on it.</summary>
public sealed record Lease(string Owner, long UntilMs);
