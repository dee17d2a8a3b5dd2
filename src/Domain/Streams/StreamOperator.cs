using Tidemark.Domain.Columns;

namespace Tidemark.Domain.Streams;

/// <summary>Counts of an operator since they were last taken, for tests and progress.</summary>
public sealed class OperatorCounts
{
    /// <summary>Groups (of one call) that were late; for operators without groups, rows.</summary>
    public long DroppedLate { get; set; }

    /// <summary>Rows that were late.</summary>
    public long DroppedLateRows { get; set; }

    /// <summary>Rows that were duplicates.</summary>
    public long DroppedDuplicates { get; set; }

    /// <summary>State entries forgotten.</summary>
    public long Removed { get; set; }
}

/// <summary>
/// A stage at work: a deterministic machine over rows in order and moves of the watermark, whose state can be saved between any two calls. Lateness of
/// rows is judged by the watermark of the last <see cref="Advance"/>; rows that an earlier stage emits while it advances come before this
/// stage advances, so they are never late for being emitted. Times are microseconds. Not thread-safe.
/// </summary>
internal abstract class StreamOperator
{
    /// <summary>Columns of what it emits.</summary>
    public abstract RowSchema Output { get; }

    /// <summary>Column of <see cref="Output"/> that is the event time; null when there is none.</summary>
    public virtual string? EventTime => null;

    /// <summary>Watermark of the last advance; long.MinValue before the first.</summary>
    public long Watermark { get; private protected set; } = long.MinValue;

    /// <summary>Watermark for the stages behind.</summary>
    public virtual long OutputWatermark => Watermark;

    /// <summary>Whether what it emits may be in the memory of what it is given.</summary>
    public virtual bool SharesRows => false;

    /// <summary>Entries in state.</summary>
    public virtual long StateRows => 0;

    /// <summary>What happened since they were replaced.</summary>
    public OperatorCounts Counts { get; set; } = new();

    /// <summary>Takes rows of one of its inputs.</summary>
    public abstract void Add(int port, RowBatch rows, Action<RowBatch> emit);

    /// <summary>Moves the watermark (never back): emits what is closed, forgets what is not needed.</summary>
    /// <param name="watermark">Event time watermark; long.MaxValue at the end of bounded input.</param>
    /// <param name="nowMs">Processing time, ms; only timeouts by processing time read it.</param>
    /// <param name="emit">Where rows go.</param>
    public virtual void Advance(long watermark, long nowMs, Action<RowBatch> emit) => Watermark = Math.Max(Watermark, watermark);

    /// <summary>The whole result in complete mode; null for stages that have none.</summary>
    public virtual RowBatch? Table() => null;

    /// <summary>Saves the state without the watermark. Equal states give equal bytes.</summary>
    public virtual void Save(ByteWriter to)
    {
    }

    /// <summary>Restores what <see cref="Save"/> wrote, into a new operator, at a watermark.</summary>
    public virtual void Load(ref ByteReader from, long watermark) => Watermark = watermark;

    private protected static RowBatch Empty(RowSchema schema) => RowBatches.Empty(schema);
}
