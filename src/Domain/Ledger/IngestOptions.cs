using Tidemark.Domain.Pipelines;

namespace Tidemark.Domain.Ledger;

/// <summary>Settings of <see cref="Ingest"/>.</summary>
public sealed record IngestOptions
{
    /// <summary>Most records in one range; larger batches become several ranges.</summary>
    public int MaxRangeRecords { get; init; } = 20_000;

    /// <summary>Most bytes of values in one range (at least one record goes in).</summary>
    public int MaxRangeBytes { get; init; } = 16 << 20;

    /// <summary>Where the first start begins.</summary>
    public StartFrom StartFrom { get; init; } = StartFrom.Earliest;

    /// <summary>What happens where records are gone before they were read.</summary>
    public OnDataLoss OnDataLoss { get; init; } = OnDataLoss.Continue;

    /// <summary>How often a held ingest looks whether the hold is over.</summary>
    public TimeSpan HoldPoll { get; init; } = TimeSpan.FromMilliseconds(500);

    /// <summary>How long a reading of the hold is good for.</summary>
    public TimeSpan HoldCache { get; init; } = TimeSpan.FromSeconds(1);

    /// <summary>
    /// Most ids that are remembered per partition to recognise duplicates (21 to 51 MB per million). A partition whose ids do not fit waits, with an
    /// alert, until event time has moved on; nothing is lost and nothing passes unchecked.
    /// </summary>
    public int DeduplicationMaxIds { get; init; } = 8_000_000;

    /// <summary>
    /// Asked before every batch whether what it is enriched with is there; until then ingest waits. May fetch it, and may throw: then the batch is delivered again.
    /// </summary>
    public Func<CancellationToken, ValueTask<bool>>? IsReady { get; init; }

    /// <summary>Fetches, before records are decoded, what decoding them needs; may throw: then the batch is delivered again.</summary>
    public Func<IReadOnlyList<SourceRecord>, CancellationToken, ValueTask>? Prepare { get; init; }

    /// <summary>Makes the id of an attempt, part of the names of staged blobs.</summary>
    public Func<string> NewAttempt { get; init; } = static () => Guid.NewGuid().ToString("N");
}
