using Tidemark.Domain.Columns;
using Tidemark.Domain.Pipelines;

namespace Tidemark.Domain.Events;

/// <summary>
/// Decoded records of one partition. Disposing it returns its memory for the next batch: it and every segment built from it must not be used
/// afterwards. Without disposal the memory is simply collected.
/// </summary>
internal sealed class DecodedEvents : IDecodedRecords
{
    private readonly Action<EventBuffers>? giveBack;
    private EventBuffers? buffers;

    public DecodedEvents(RowBatch bronze, RowBatch silver, RowBatch quarantine, IReadOnlyDictionary<string, long>? reasons, EventBuffers buffers,
        Action<EventBuffers>? giveBack)
    {
        (Bronze, Silver, Quarantine, Reasons) = (bronze, silver, quarantine, reasons ?? new Dictionary<string, long>());
        (this.buffers, this.giveBack) = (buffers, giveBack);
        if (silver.Count == 0)
            return;
        var times = ((Int64Column)silver["event_time"]).Values.AsSpan(0, silver.Count);
        long least = long.MaxValue, greatest = long.MinValue, beyondFirst = 0;
        foreach (var time in times)
        {
            (least, greatest) = (Math.Min(least, time), Math.Max(greatest, time));
            beyondFirst += (time - times[0]) / 1000;
        }

        (MinEventTimeMs, MaxEventTimeMs) = (FloorMs(least), FloorMs(greatest));
        Times = new Ledger.EventTimes(FloorMs(least), FloorMs(times[0]) + (beyondFirst / silver.Count), FloorMs(greatest), silver.Count);
    }

    public RowBatch Bronze { get; }

    public RowBatch Silver { get; }

    public RowBatch Quarantine { get; }

    /// <summary>Quarantined records by reason.</summary>
    public IReadOnlyDictionary<string, long> Reasons { get; }

    /// <inheritdoc/>
    public long? MinEventTimeMs { get; }

    /// <inheritdoc/>
    public long? MaxEventTimeMs { get; }

    /// <inheritdoc/>
    public Ledger.EventTimes? Times { get; }

    /// <inheritdoc/>
    public void Dispose()
    {
        if (Interlocked.Exchange(ref buffers, null) is { } mine)
            giveBack?.Invoke(mine);
    }

    private static long FloorMs(long micros) => (micros - (micros < 0 ? 999 : 0)) / 1000;
}
