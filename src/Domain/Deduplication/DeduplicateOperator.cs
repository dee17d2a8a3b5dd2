using Tidemark.Domain.Columns;
using Tidemark.Domain.Streams;

namespace Tidemark.Domain.Deduplication;

/// <summary>
/// Lets the first row of each key pass. A row is late when its event time is at or below the watermark, whether or not that time is a key; a late row is
/// not counted as a duplicate. A key is forgotten when its expiry is at or below the watermark: the event time if it is one of the keys; the
/// first row's time plus the delay, if it is within the watermark; else never. State: key bytes and 8 bytes of expiry a key. Expired keys are
/// passed over at once and swept out when they may be half of a large table, so each is moved about once.
/// </summary>
internal sealed class DeduplicateOperator(DeduplicateStage stage, RowSchema source, string? eventTime, long delay) : StreamOperator
{
    private readonly int[] keys = [.. stage.Keys.Select(source.IndexOf)];
    private readonly int? timeColumn = eventTime is null ? null : source.IndexOf(eventTime);
    private readonly ByteWriter key = new();
    private StringTable seen = new();
    private StringTable spare = new();
    private long[] expiry = new long[64], spareExpiry = new long[64];
    private const int SmallTable = 4096;
    private long soonest = long.MaxValue;
    private int sweepAt = SmallTable;
    private bool[] isFirst = [];

    public override RowSchema Output => source;

    public override string? EventTime => eventTime;

    public override bool SharesRows => true;

    public override long StateRows
    {
        get
        {
            Sweep();
            return seen.Count;
        }
    }

    public override void Add(int port, RowBatch rows, Action<RowBatch> emit)
    {
        if (isFirst.Length < rows.Count)
            isFirst = new bool[rows.Count * 5 / 4];
        for (var row = 0; row < rows.Count; row++)
        {
            var time = TimeOf(rows, row);
            if (time <= Watermark && time is not null)
            {
                isFirst[row] = false;
                Counts.DroppedLate++;
                Counts.DroppedLateRows++;
                continue;
            }
            key.Clear();
            foreach (var column in keys)
                OrderedKey.Append(key, rows.Columns[column], row);
            isFirst[row] = Remember(key.Written, ExpiryOf(rows, row, time));
            Counts.DroppedDuplicates += isFirst[row] ? 0 : 1;
        }
        emit(RowBatches.Where(rows, row => isFirst[row]));
    }

    public override void Advance(long watermark, long nowMs, Action<RowBatch> emit)
    {
        base.Advance(watermark, nowMs, emit);
        if (seen.Count <= SmallTable || seen.Count >= sweepAt)
            Sweep();
    }

    /// <summary>Drops what is expired from the table.</summary>
    private void Sweep()
    {
        if (soonest > Watermark)
            return;
        // Two tables take turns, so that a sweep leaves no garbage.
        var (old, times) = (seen, expiry);
        (seen, expiry, spare, spareExpiry, soonest) = (spare, spareExpiry, old, times, long.MaxValue);
        seen.Clear();
        for (var number = 0; number < old.Count; number++)
            if (times[number] > Watermark)
                Remember(old[number], times[number]);
        Counts.Removed += old.Count - seen.Count;
        sweepAt = seen.Count * 2;
    }

    public override void Save(ByteWriter to)
    {
        Sweep();
        to.Varint((ulong)seen.Count);
        foreach (var number in Enumerable.Range(0, seen.Count).Order(Comparer<int>.Create((a, b) => seen[a].SequenceCompareTo(seen[b]))))
        {
            to.Sized(seen[number]);
            to.Zigzag(expiry[number]);
        }
    }

    public override void Load(ref ByteReader from, long watermark)
    {
        base.Load(ref from, watermark);
        for (var left = from.Count(2); left > 0; left--)
            Remember(from.Sized(), from.Zigzag());
    }

    private bool Remember(ReadOnlySpan<byte> bytes, long until)
    {
        var number = seen.Intern(bytes, Hash64.Of(bytes), out var isNew);
        if (!isNew)
        {
            if (expiry[number] > Watermark)
                return false;
            Counts.Removed++;
        }
        if (number >= expiry.Length)
            Array.Resize(ref expiry, expiry.Length * 2);
        expiry[number] = until;
        soonest = Math.Min(soonest, until);
        return true;
    }

    private long? TimeOf(RowBatch rows, int row) =>
        timeColumn is { } column && !rows.Columns[column].IsNull(row) ? ((Int64Column)rows.Columns[column]).Values[row] : null;

    private long ExpiryOf(RowBatch rows, int row, long? time)
    {
        if (stage.WithinWatermark)
            return time is { } at ? at + delay : long.MaxValue;
        if (stage.EventTimeKey is null || timeColumn is null)
            return long.MaxValue;
        var column = rows[stage.EventTimeKey];
        return column.IsNull(row) ? long.MaxValue : ((Int64Column)column).Values[row];
    }
}
