using Tidemark.Domain.Aggregates;
using Tidemark.Domain.Columns;
using Tidemark.Domain.Groups;

namespace Tidemark.Domain.Windows;

/// <summary>
/// The map side of one query: rows of a batch to groups per slice. Works column by column over the rows that pass the filter: slice, group,
/// then every aggregate. Memory is kept from batch to batch. Not thread-safe.
/// </summary>
internal sealed class WindowMap(QueryPlan plan)
{
    private readonly GroupStore groups = new(plan.Layout);
    private readonly NumberTable slices = new(), combined = new();
    private readonly ByteWriter key = new();
    private int[] rows = [], sliceOf = [], group = [], firstRow = [], keptRows = [], keptSlots = [];
    private SliceWindows[] windows = new SliceWindows[16];

    /// <summary>Groups of the batch last run.</summary>
    public GroupStore Groups => groups;

    /// <summary>Rows of the batch that are late, with what they missed; null when none is.</summary>
    public LateRows? Late { get; private set; }

    /// <summary>Judges and aggregates a batch; lateness is judged by the frontier.</summary>
    public void Run(BatchView batch, long frontierMs)
    {
        groups.Clear();
        slices.Clear();
        Late = null;
        Reserve(batch.Rows.Count);
        var count = Select(batch);
        count = CutInSlices(batch, count, plan.Watermark(frontierMs));
        if (count == 0)
            return;
        AssignGroups(batch, count);
        for (var i = 0; i < plan.Aggregates.Length; i++)
            Aggregate(batch, plan.Aggregates[i], groups.Accumulators[i], count);
    }

    private int Select(BatchView batch)
    {
        var mask = batch.Mask(plan.Definition.Where, plan.WhereText);
        var count = 0;
        for (var row = 0; row < mask.Length; row++)
        {
            rows[count] = row;
            count += mask[row];
        }
        return count;
    }

    /// <summary>Finds each row's slice, notes late rows, and keeps those that count in at least one window.</summary>
    private int CutInSlices(BatchView batch, int count, long watermark)
    {
        var times = (Int64Column)batch.Rows.Columns[plan.TimeColumn];
        long start = 0, length = 0;   // of the slice last used, µs
        var slice = 0;
        var kept = 0;
        var hasNulls = times.Nulls is not null;
        for (var i = 0; i < count; i++)
        {
            var row = rows[i];
            var time = times.Values[row];
            if (hasNulls && times.IsNull(row))
                continue;
            if ((ulong)(time - start) >= (ulong)length)
            {
                slice = SliceNumber(SliceGrid.FloorDivide(time, 1000), watermark);
                (start, length) = (windows[slice].Start * 1000, plan.Grid.Slice * 1000);
            }
            if (windows[slice].Missed > 0)
            {
                (Late ??= new LateRows()).Add(row, windows[slice]);
                if (windows[slice].FirstEnd is null)
                    continue;
            }
            rows[kept] = row;
            sliceOf[kept++] = slice;
        }
        return kept;
    }

    private int SliceNumber(long timeMs, long watermark)
    {
        var start = plan.Grid.SliceOf(timeMs);
        var known = slices.Count;
        var number = slices.Number((ulong)start);
        if (slices.Count == known)
            return number;
        if (number == windows.Length)
            Array.Resize(ref windows, number * 2);
        windows[number] = SliceWindows.Judge(plan.Grid, start, watermark);
        return number;
    }

    /// <summary>Numbers the combinations of slice and key codes; <see cref="group"/> becomes the slot of each row.</summary>
    private void AssignGroups(BatchView batch, int count)
    {
        var slots = group.AsSpan(0, count);
        sliceOf.AsSpan(0, count).CopyTo(slots);
        var limit = slices.Count;
        foreach (var column in plan.KeyColumns)
            limit = Combine(batch.Codes(column), slots, limit);
        Densify(slots, limit);
        for (var slot = 0; slot < combined.Count; slot++)
        {
            var row = rows[firstRow[slot]];
            var window = windows[sliceOf[firstRow[slot]]];
            key.Clear();
            OrderedKey.AppendTime(key, window.Start);
            OrderedKey.AppendTime(key, window.FirstEnd!.Value);
            foreach (var column in plan.KeyColumns)
                OrderedKey.Append(key, batch.Rows.Columns[column], row);
            groups.SlotOf(key.Written);
        }
    }

    private int Combine(KeyCodes codes, Span<int> slots, int limit)
    {
        if ((long)limit * codes.Limit > int.MaxValue)
            limit = Densify(slots, limit);
        var values = codes.Values;
        if ((long)limit * codes.Limit <= int.MaxValue)
        {
            for (var i = 0; i < slots.Length; i++)
                slots[i] = slots[i] * codes.Limit + values[rows[i]];
            return limit * codes.Limit;
        }
        combined.Clear();
        for (var i = 0; i < slots.Length; i++)
            slots[i] = combined.Number((ulong)slots[i] << 32 | (uint)values[rows[i]]);
        return combined.Count;
    }

    private int Densify(Span<int> slots, int limit)
    {
        combined.Clear();
        for (var i = 0; i < slots.Length; i++)
        {
            var known = combined.Count;
            var number = combined.Number((ulong)slots[i]);
            if (number == known)
                firstRow[number] = i;
            slots[i] = number;
        }
        return combined.Count;
    }

    private void Aggregate(BatchView batch, AggregatePlan aggregate, Accumulator into, int count)
    {
        if (aggregate.Where is null)
        {
            into.Add(batch, rows.AsSpan(0, count), group.AsSpan(0, count));
            return;
        }
        var mask = batch.Mask(aggregate.Where, aggregate.WhereText);
        var kept = 0;
        for (var i = 0; i < count; i++)
        {
            keptRows[kept] = rows[i];
            keptSlots[kept] = group[i];
            kept += mask[rows[i]];
        }
        into.Add(batch, keptRows.AsSpan(0, kept), keptSlots.AsSpan(0, kept));
    }

    private void Reserve(int count)
    {
        if (rows.Length > count)
            return;
        var size = count * 5 / 4 + 16;   // one more than rows: the selection writes before it knows
        (rows, sliceOf, group, firstRow, keptRows, keptSlots) = (new int[size], new int[size], new int[size], new int[size], new int[size], new int[size]);
    }
}
