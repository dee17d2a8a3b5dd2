namespace Tidemark.Functions.Status;

/// <summary>How bad it is; the numbers are Azure Monitor's (Sev0 to Sev3).</summary>
public enum AlertSeverity
{
    /// <summary>Results are missing or wrong until somebody acts.</summary>
    Critical = 0,

    /// <summary>A part stands still, or will soon.</summary>
    Error = 1,

    /// <summary>Results come late, or something needs a look.</summary>
    Warning = 2,

    /// <summary>Costs more than it should.</summary>
    Informational = 3,
}

/// <summary>An alert that there is: docs/runbook.md has a section for each, infra an alert rule.</summary>
/// <param name="Name">Its name, also the section of the runbook.</param>
/// <param name="Severity">How bad it is.</param>
/// <param name="Text">What it means.</param>
/// <param name="Holds">How long it stays active after it was last raised: conditions are raised by every tick, events once.</param>
public sealed record AlertRule(string Name, AlertSeverity Severity, string Text, TimeSpan Holds)
{
    private static readonly TimeSpan Condition = TimeSpan.FromSeconds(30);
    private static readonly TimeSpan Event = TimeSpan.FromMinutes(10);

    internal static readonly AlertRule Gap = new("gap", AlertSeverity.Critical, "Records were gone from Kafka before they could be read.", TimeSpan.FromDays(1));
    internal static readonly AlertRule TopicRecreated = new("topic-recreated", AlertSeverity.Critical, "The topic ends before offsets that were processed.", Event);
    internal static readonly AlertRule StoppedAtLoss = new("stopped-at-loss", AlertSeverity.Critical, "A partition stands before records that Kafka has lost until that is accepted.", Event);
    internal static readonly AlertRule EntityForgot = new("entity-forgot", AlertSeverity.Critical, "The task hub lost state that ranges had been settled into.", Event);
    internal static readonly AlertRule EntityFault = new("entity-fault", AlertSeverity.Error, "An entity refused an operation.", Event);
    internal static readonly AlertRule EntityStuck = new("entity-stuck", AlertSeverity.Error, "An entity has had work for minutes and does not move.", Condition);
    internal static readonly AlertRule TriggerStalled = new("trigger-stalled", AlertSeverity.Error, "The Kafka trigger has stopped delivering; the tick reads in its place.", Event);
    internal static readonly AlertRule TickSlow = new("tick-slow", AlertSeverity.Error, "A tick or its checkpoint took a minute or longer.", TimeSpan.FromMinutes(5));
    internal static readonly AlertRule DeduplicationFull = new("deduplication-full", AlertSeverity.Error, "A partition waits because more event ids would have to be remembered than fit.", TimeSpan.FromMinutes(2));
    internal static readonly AlertRule CatalogUnavailable = new("catalog-unavailable", AlertSeverity.Error, "The catalog, the customers or the countries cannot be read; the last version stays in use, and without one reading may wait.", TimeSpan.FromMinutes(5));
    internal static readonly AlertRule ResultsUndelivered = new("results-undelivered", AlertSeverity.Error, "Rows cannot be delivered to a Kafka topic (or another sink); they wait in Delta.", TimeSpan.FromMinutes(2));
    internal static readonly AlertRule StateNearLimit = new("state-near-limit", AlertSeverity.Error, "The state of an entity is near the largest that there may be.", Event);
    internal static readonly AlertRule Lag = new("lag", AlertSeverity.Warning, "Many records wait in Kafka, and they become more.", Condition);
    internal static readonly AlertRule FallingBehind = new("falling-behind", AlertSeverity.Warning, "Less than four fifths of what comes in is processed.", Condition);
    internal static readonly AlertRule BatchOverInterval = new("batch-over-interval", AlertSeverity.Warning, "Ticks take longer than the time between them.", Condition);
    internal static readonly AlertRule WatermarkHeld = new("watermark-held", AlertSeverity.Warning, "Events come, but event time does not move, so no window closes.", Condition);
    internal static readonly AlertRule QuarantineRate = new("quarantine-rate", AlertSeverity.Warning, "A large part of the records are no valid events.", Condition);
    internal static readonly AlertRule SchemaRefused = new("schema-refused", AlertSeverity.Warning, "Records are refused because of their schema; they are in quarantine.", TimeSpan.FromMinutes(10));
    internal static readonly AlertRule ReferenceRefused = new("reference-refused", AlertSeverity.Warning, "Records of the catalog's, customers' or countries' topic are no rows; the rows stay as they were.", TimeSpan.FromMinutes(5));
    internal static readonly AlertRule SourceSilent = new("source-silent", AlertSeverity.Warning, "Nothing has come from Kafka for long.", Condition);
    internal static readonly AlertRule Maintenance = new("maintenance", AlertSeverity.Warning, "A Delta table could not be maintained.", TimeSpan.FromHours(2));
    internal static readonly AlertRule ScorerFailed = new("scorer-failed", AlertSeverity.Warning, "The model that scores purchases fails; they are kept without a score.", Event);
    internal static readonly AlertRule ScorerSlow = new("scorer-slow", AlertSeverity.Warning, "The model that scores purchases takes longer than a second; ticks wait for it.", Event);
    internal static readonly AlertRule SmallFiles = new("small-files", AlertSeverity.Informational, "A Delta table gathers small files faster than maintenance packs them.", Condition);

    /// <summary>All of them, the worst first.</summary>
    public static IReadOnlyList<AlertRule> All { get; } =
    [
        Gap, TopicRecreated, StoppedAtLoss, EntityForgot, EntityFault, EntityStuck, TriggerStalled, TickSlow, DeduplicationFull, CatalogUnavailable, ResultsUndelivered, StateNearLimit,
        Lag, FallingBehind, BatchOverInterval, WatermarkHeld, QuarantineRate, SchemaRefused, ReferenceRefused, SourceSilent, Maintenance, ScorerFailed, ScorerSlow, SmallFiles,
    ];

    /// <summary>The rule of that name; null for a name that no rule has.</summary>
    public static AlertRule? Find(string name) => All.FirstOrDefault(rule => rule.Name == name);
}
