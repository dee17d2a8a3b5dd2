using Tidemark.Domain.Columns;
using Tidemark.Domain.Deduplication;
using Tidemark.Domain.Enrichment;
using Tidemark.Domain.Pipelines;
using Tidemark.Domain.Windows;

namespace Tidemark.Domain.Events;

/// <summary>
/// Decoded records of one partition. Disposing it returns its memory for the next batch: it and every segment built from it must not be used
/// afterwards. Without disposal the memory is simply collected.
/// </summary>
internal sealed class DecodedEvents : IDecodedRecords
{
    private readonly Action<RecordBuffers>? giveBack;
    private RecordBuffers? buffers;

    public DecodedEvents(RowBatch bronze, RowBatch silver, RowBatch quarantine, IReadOnlyDictionary<string, long>? reasons, RecordBuffers buffers,
        Action<RecordBuffers>? giveBack)
    {
        (Bronze, Valid, Silver, Quarantine, Reasons) = (bronze, silver, silver, quarantine, reasons ?? new Dictionary<string, long>());
        (this.buffers, this.giveBack) = (buffers, giveBack);
        Measure();
    }

    public RowBatch Bronze { get; }

    /// <summary>All valid events.</summary>
    public RowBatch Valid { get; }

    /// <summary>The valid events that are kept: all of them as long as they are not judged.</summary>
    public RowBatch Silver { get; private set; }

    /// <summary>Rows of <see cref="Silver"/> that are too old to be told from duplicates.</summary>
    public IReadOnlyList<int> TooOld { get; private set; } = [];

    /// <summary>Valid events left out of <see cref="Silver"/>.</summary>
    public int Duplicates => Valid.Count - Silver.Count;

    public RowBatch Quarantine { get; }

    /// <summary>Quarantined records by reason.</summary>
    public IReadOnlyDictionary<string, long> Reasons { get; }

    /// <inheritdoc/>
    public long? MinEventTimeMs { get; private set; }

    /// <inheritdoc/>
    public long? MaxEventTimeMs { get; private set; }

    /// <summary>The reference data that these events are joined with, as it was when they were decoded.</summary>
    public ReferenceTables Reference { get; init; }

    /// <summary>Memory of the partials of the segment last built from them.</summary>
    public PartialBuffers Partials => Memory.Partials;

    /// <summary>The events, joined with it; see <see cref="EnrichedEvents"/>.</summary>
    public (RowBatch Rows, int Products, int Customers, int Countries) Enrich(CatalogJoin join) => ((EventBuffers)Memory).Enriched.Build(Silver, Reference, join);

    /// <summary>Takes verdicts on <see cref="Valid"/>, in place of earlier ones.</summary>
    public void Judge(ReadOnlySpan<Verdict> verdicts)
    {
        var mine = Memory;
        var kept = mine.Rows(verdicts.Length);
        var count = 0;
        List<int>? old = null;
        for (var row = 0; row < verdicts.Length; row++)
        {
            if (verdicts[row] == Verdict.Duplicate)
                continue;
            if (verdicts[row] == Verdict.TooOld)
                (old ??= []).Add(count);
            kept[count++] = row;
        }
        Silver = mine.Kept.Take(Valid, kept.AsSpan(0, count));
        TooOld = (IReadOnlyList<int>?)old ?? [];
        Measure();
    }

    /// <inheritdoc/>
    public Ledger.EventTimes? Times { get; private set; }

    /// <inheritdoc/>
    public void Dispose()
    {
        if (Interlocked.Exchange(ref buffers, null) is { } mine)
            giveBack?.Invoke(mine);
    }

    private RecordBuffers Memory => buffers ?? throw new ObjectDisposedException(nameof(DecodedEvents));

    private void Measure()
    {
        (MinEventTimeMs, MaxEventTimeMs, Times) = (null, null, null);
        if (Silver.Count == 0)
            return;
        var times = ((Int64Column)Silver["event_time"]).Values.AsSpan(0, Silver.Count);
        long least = long.MaxValue, greatest = long.MinValue, beyondFirst = 0;
        foreach (var time in times)
        {
            (least, greatest) = (Math.Min(least, time), Math.Max(greatest, time));
            beyondFirst += (time - times[0]) / 1000;
        }

        (MinEventTimeMs, MaxEventTimeMs) = (FloorMs(least), FloorMs(greatest));
        Times = new Ledger.EventTimes(FloorMs(least), FloorMs(times[0]) + (beyondFirst / Silver.Count), FloorMs(greatest), Silver.Count);
    }

    private static long FloorMs(long micros) => (micros - (micros < 0 ? 999 : 0)) / 1000;
}
