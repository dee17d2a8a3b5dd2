namespace Tidemark.Domain.Ledger;

/// <summary>
/// Rules of the protocol without which a trace lost, doubled or misjudged an event. The simulation switches each off and must notice; nothing
/// else ever passes anything but <see cref="None"/>.
/// </summary>
[Flags]
internal enum ProtocolRule : long
{
    None = 0,

    /// <summary>Ingest drops repeats and offsets below Next.</summary>
    TrimRepeats = 1L << 0,

    /// <summary>The tag is the frontier of the head that this very commit was made under: a changed frontier is rejudged.</summary>
    RejudgeOnNewFrontier = 1L << 1,

    /// <summary>From = Next whatever holes follow.</summary>
    ContiguousRanges = 1L << 2,

    /// <summary>Holes are fetched from the log.</summary>
    FetchHoles = 1L << 3,

    /// <summary>A partition that appears later starts at its log start, not at its end.</summary>
    NewPartitionFromStart = 1L << 4,

    /// <summary>Apply takes effect only if both bases match.</summary>
    ApplyChecksBase = 1L << 5,

    /// <summary>Apply's base is what was read, never what was predicted.</summary>
    ApplyFromReads = 1L << 6,

    /// <summary>State is forgotten only up to min(txn, watermark).</summary>
    EvictOnlyPublished = 1L << 7,

    /// <summary>A cache stands in for entity reads only if the first new range continues it.</summary>
    CacheMustContinue = 1L << 8,

    /// <summary>Every head is raised to the frontier before ranges are listed.</summary>
    RaiseHeadsBeforeListing = 1L << 9,

    /// <summary>Txn positions must be equal to what was read ("greater wins" fails).</summary>
    TxnMustBeEqual = 1L << 10,

    /// <summary>An entity is in the registry before its first Apply.</summary>
    RegisterBeforeApply = 1L << 11,

    /// <summary>Result rows are written only with the ETag known from before the snapshot.</summary>
    ResultETags = 1L << 12,

    /// <summary>The cursor moves after the rows it covers.</summary>
    CursorAfterRows = 1L << 13,

    /// <summary>A range goes only when every table and entity it touches has it.</summary>
    SettleOnlyCovered = 1L << 14,

    /// <summary>A partition with lag or without a head is never idle.</summary>
    LagIsNeverIdle = 1L << 15,

    /// <summary>Neither the published frontier nor a head's ever goes back.</summary>
    FrontierNeverLowered = 1L << 16,

    /// <summary>Partitions and log ends come from Kafka itself, so that what the trigger lost is found.</summary>
    WatchdogAsksKafka = 1L << 17,

    /// <summary>ETags of results are read before the ranges.</summary>
    ETagsBeforeRanges = 1L << 18,

    /// <summary>Names of staged blobs hold the attempt's id.</summary>
    StagedNamePerAttempt = 1L << 19,

    /// <summary>A staged blob is swept only below Next and if no range names it, read in this order: blobs, Next, ranges.</summary>
    SweepBelowNext = 1L << 20,

    /// <summary>A partial is keyed by the first window end that it counts for.</summary>
    FirstEndInKey = 1L << 21,

    /// <summary>The state of a stream is checkpointed only where nothing of its output waits for its commit.</summary>
    StreamCheckpointAfterCommit = 1L << 22,

    /// <summary>A stream's position is the offset and the time that its output was computed at.</summary>
    StreamTimeIsPosition = 1L << 23,

    /// <summary>A range goes only when the streams of its partition have it.</summary>
    SettleWaitsForStreams = 1L << 24,

    /// <summary>An index of seen ids is used only under a head whose Next is its own.</summary>
    IndexFollowsHead = 1L << 25,

    /// <summary>What ranges no longer hold is read from Delta when an index is built.</summary>
    IndexReadsDelta = 1L << 26,

    /// <summary>What was judged and not committed is forgotten again.</summary>
    IndexForgetsRefused = 1L << 27,

    /// <summary>Results that can be withdrawn change only with their fence, read before the snapshot or moved by the tick itself.</summary>
    FencedResults = 1L << 28,

    /// <summary>The cursor of a sink moves after the rows were surely delivered.</summary>
    SinkCursorAfterDelivery = 1L << 29,

    /// <summary>A new sink has its cursor before anything is emitted.</summary>
    SinkCursorBeforeEmission = 1L << 30,

    /// <summary>A followed table's commit says a frontier only when every range listed under it is in the table.</summary>
    TimeAfterRows = 1L << 40,

    /// <summary>A join of two topics takes the commits of its tables in an order that follows from the tables alone.</summary>
    JoinPathFromTables = 1L << 41,

    /// <summary>The time of a join of two topics is the lesser of both.</summary>
    JoinTimeIsLesser = 1L << 42,

    /// <summary>A topic that is idle does not hold back a join of two.</summary>
    IdleTopicLetsGo = 1L << 43,

    /// <summary>An idle topic says a time beyond that of the other where the other's table has got rows since.</summary>
    IdleTopicGoesBeyond = 1L << 44,

    /// <summary>Where a join of two topics begins is in its table before anything is taken.</summary>
    JoinStartIsRecorded = 1L << 45,

    /// <summary>A row that is known to be in Table storage is replaced by its final one however old it is.</summary>
    RetentionKeepsKnownRows = 1L << 31,

    /// <summary>What a stream let out is published from the commit where that did not happen before it.</summary>
    StreamRowsPutOff = 1L << 36,

    /// <summary>Where losses are not accepted, a range ends before one.</summary>
    StopAtLoss = 1L << 32,

    /// <summary>A log that ends below what was read is noted on the head before it grows beyond that again.</summary>
    CutLogIsMarked = 1L << 33,

    /// <summary>Behind a query that waits for its trigger, time of a chained stream waits too.</summary>
    ChainWaitsForTrigger = 1L << 34,

    /// <summary>What changed while a query waited for its trigger is published with the next.</summary>
    TriggerKeepsTouched = 1L << 35,
}
