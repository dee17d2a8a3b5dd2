namespace Tidemark.Functions.Telemetry;

/// <summary>A metric: name, instrument, unit (UCUM), what it says, and the attributes it is split by.</summary>
public sealed record Metric(string Name, string Instrument, string Unit, string Text, params string[] Attributes);

/// <summary>
/// Every metric there is, in the order of docs/metrics.md. The first are OpenTelemetry's for messaging, the others ours; workbooks and queries use
/// these names and no others.
/// </summary>
public static class Metrics
{
    /// <summary>Name of the meter.</summary>
    public const string Meter = "Tidemark";

    internal const string System = "messaging.system";
    internal const string Destination = "messaging.destination.name";
    internal const string PartitionId = "messaging.destination.partition.id";
    internal const string Operation = "messaging.operation.name";
    internal const string Group = "messaging.consumer.group.name";
    internal const string Error = "error.type";
    internal const string Query = "tidemark.query";
    internal const string TableName = "tidemark.table";
    internal const string Reason = "tidemark.reason";
    internal const string Phase = "tidemark.phase";
    internal const string Sink = "tidemark.sink";
    internal const string Kind = "tidemark.kind";
    internal const string AlertName = "tidemark.alert";
    internal const string Severity = "tidemark.severity";
    internal const string Function = "tidemark.function";
    internal const string Source = "tidemark.source";

    internal static readonly Metric Consumed = new("messaging.client.consumed.messages", "counter", "{message}", "Records that the trigger delivered to this instance, repeats included.", System, Destination, Operation, Group, Error);
    internal static readonly Metric ProcessDuration = new("messaging.process.duration", "histogram", "s", "Duration of one batch, from delivery to the commit in the ledger.", System, Destination, Operation, Group, Error);
    internal static readonly Metric Sent = new("messaging.client.sent.messages", "counter", "{message}", "Records sent to Kafka and acknowledged: results, dead letters, and what was sent again from quarantine.", System, Destination, Operation);

    internal static readonly Metric Records = new("tidemark.records", "counter", "{record}", "Records committed to the ledger, each once.");
    internal static readonly Metric Events = new("tidemark.events", "counter", "{event}", "Of these, valid events.");
    internal static readonly Metric Quarantined = new("tidemark.quarantined", "counter", "{record}", "Of these, records put in quarantine.", Reason);
    internal static readonly Metric Late = new("tidemark.late", "counter", "{row}", "Events that came after a window of a query had closed.", Query);
    internal static readonly Metric Committed = new("tidemark.rows.committed", "counter", "{row}", "Rows committed to Delta.", TableName);
    internal static readonly Metric Published = new("tidemark.rows.published", "counter", "{row}", "Rows written to Table storage.", Query);
    internal static readonly Metric Latency = new("tidemark.latency", "histogram", "s", "From Kafka time to visible, by where: `tables` (Table storage) or `delta`.", Sink);
    internal static readonly Metric TickDuration = new("tidemark.tick.duration", "histogram", "s", "Duration of a tick. No value for some minutes: nothing ticks.");
    internal static readonly Metric PhaseDuration = new("tidemark.tick.phase.duration", "histogram", "s", "Duration of a tick's phases: `getBatch`, `addBatch`, `walCommit`, `latestOffset`.", Phase);
    internal static readonly Metric Failures = new("tidemark.function.failures", "counter", "{run}", "Runs of a function that failed and are tried again.", Function);
    internal static readonly Metric Requests = new("tidemark.storage.requests", "counter", "{request}", "Requests to storage by kind, each attempt.", Kind);
    internal static readonly Metric EntityOperations = new("tidemark.entity.operations", "counter", "{operation}", "Operations on durable entities by kind.", Kind);
    internal static readonly Metric DeltaCommits = new("tidemark.delta.commits", "counter", "{commit}", "Commits to Delta tables.");

    internal static readonly Metric Lag = new("tidemark.lag", "gauge", "{record}", "Records in Kafka that are not processed yet.", PartitionId, Source);
    internal static readonly Metric WatermarkAge = new("tidemark.watermark.age", "gauge", "s", "How far event time (the frontier) is behind the clock.", Source);
    internal static readonly Metric Ratio = new("tidemark.processed.ratio", "gauge", "1", "Records processed over records that came, of the last two minutes.", Source);
    internal static readonly Metric OpenRanges = new("tidemark.ranges.open", "gauge", "{range}", "Ranges in the ledger that are not yet in Delta and the entities.", Source);
    internal static readonly Metric OpenBytes = new("tidemark.ranges.size", "gauge", "By", "Bytes of their payload.", Source);
    internal static readonly Metric Hold = new("tidemark.hold", "gauge", "1", "1 while reading waits because ranges pile up.", Source);
    internal static readonly Metric Entities = new("tidemark.state.entities", "gauge", "{entity}", "Entities in memory.", Source);
    internal static readonly Metric StateSize = new("tidemark.state.size", "gauge", "By", "Bytes of their saved state.", Source);
    internal static readonly Metric StateLargest = new("tidemark.state.largest", "gauge", "By", "Bytes of the largest one.", Source);
    internal static readonly Metric Backlog = new("tidemark.state.backlog", "gauge", "{range}", "Ranges that entities do not have yet.", Source);
    internal static readonly Metric Lost = new("tidemark.gap.records", "gauge", "{record}", "Offsets that were gone before they could be read, all time.", Source);
    internal static readonly Metric Commits = new("tidemark.table.commits_since_maintenance", "gauge", "{commit}", "Commits to a Delta table since it was last maintained.", TableName, Source);
    internal static readonly Metric SmallFiles = new("tidemark.table.small_files", "gauge", "{file}", "Files below 32 MB that the last maintenance left, with the commits since.", TableName, Source);
    internal static readonly Metric Alerts = new("tidemark.alerts", "gauge", "{alert}", "Alerts that are active, by name; 0 for those that are not.", AlertName, Severity, Source);

    /// <summary>The table.</summary>
    public static IReadOnlyList<Metric> All { get; } =
    [
        Consumed, ProcessDuration, Sent,
        Records, Events, Quarantined, Late, Committed, Published, Latency, TickDuration, PhaseDuration, Failures, Requests, EntityOperations, DeltaCommits,
        Lag, WatermarkAge, Ratio, OpenRanges, OpenBytes, Hold, Entities, StateSize, StateLargest, Backlog, Lost, Commits, SmallFiles, Alerts,
    ];
}
