using Tidemark.Domain.Columns;

namespace Tidemark.Domain.Aggregates;

/// <summary>
/// Sum of the different values of an integer or decimal column: exact up to a bound k. Beyond, the k values with the least hashes are kept: with t the share
/// of the hash space below the greatest of them, the sum of the others over t is an unbiased estimate (bottom-k sampling) with a relative
/// standard error of √((1 + v²) / k), v being deviation over mean of the values. Which values those are depends only on the values seen, so merging
/// gives the same in any order. Saved: a byte, and the values as differences in ascending order, at most 10 bytes each.
/// </summary>
internal sealed class SumDistinctAccumulator(int column, int exactUpTo, double divisor) : Accumulator
{
    private static readonly Int128 Limit = Int128.Parse("99999999999999999999999999999999999999", null);
    private Slot[] slots = [];
    private long[] sorted = [];
    private int used;

    private sealed class Slot
    {
        public HashSet<long> Values { get; } = [];

        /// <summary>Values with a greater hash are not in the sample; the greatest number while all values are kept.</summary>
        public ulong Bound { get; set; } = ulong.MaxValue;

        public bool IsSampled => Bound != ulong.MaxValue;

        public void Clear()
        {
            Values.Clear();
            Bound = ulong.MaxValue;
        }
    }

    public override void Grow(int count)
    {
        var had = slots.Length;
        if (count > had)
            Grow(ref slots, Math.Max(count, 16));
        for (var i = had; i < slots.Length; i++)
            slots[i] = new Slot();
        used = Math.Max(used, count);
    }

    public override void Clear()
    {
        for (var i = 0; i < used; i++)
            slots[i].Clear();
        used = 0;
    }

    public override void Clear(int slot) => slots[slot].Clear();

    public override void Add(BatchView batch, ReadOnlySpan<int> rows, ReadOnlySpan<int> into)
    {
        var source = batch.Rows.Columns[column];
        for (var i = 0; i < into.Length; i++)
            if (!source.IsNull(rows[i]))
                Add(slots[into[i]], source is Int64Column wide ? wide.Values[rows[i]] : ((Int32Column)source).Values[rows[i]]);
    }

    public override void Merge(int slot, Accumulator from, int fromSlot)
    {
        var other = ((SumDistinctAccumulator)from).slots[fromSlot];
        slots[slot].Bound = Math.Min(slots[slot].Bound, other.Bound);
        foreach (var value in other.Values)
            Add(slots[slot], value);
    }

    public override void Read(int slot, ref ByteReader from)
    {
        var into = slots[slot];
        if (from.Byte() != 0)
            into.Bound = Math.Min(into.Bound, from.UInt64());
        var value = 0L;
        for (var left = from.Count(1, exactUpTo); left > 0; left--)
            Add(into, value = unchecked(value + from.Zigzag()));
    }

    public override void Write(int slot, ByteWriter to)
    {
        var of = slots[slot];
        Trim(of);
        to.Byte(of.IsSampled ? (byte)1 : (byte)0);
        if (of.IsSampled)
            to.UInt64(of.Bound);
        var values = Sorted(of, byHash: false);
        to.Varint((ulong)values.Length);
        var before = 0L;
        foreach (var value in values)
        {
            to.Zigzag(unchecked(value - before));
            before = value;
        }
    }

    public override void Emit(int slot, ColumnBuilder to)
    {
        if (Sum(slot) is not { } sum || Int128.Abs(sum) > Limit)
            to.AppendNull();
        else if (to is Int128ColumnBuilder wide)
            wide.Append(sum);
        else if (sum >= long.MinValue && sum <= long.MaxValue)
            ((Int64ColumnBuilder)to).Append((long)sum);
        else
            to.AppendNull();
    }

    public override double? Number(int slot) => Sum(slot) is { } sum ? (double)sum / divisor : null;

    private Int128? Sum(int slot)
    {
        var of = slots[slot];
        Trim(of);
        if (of.Values.Count == 0)
            return null;
        Int128 sum = 0;
        foreach (var value in of.Values)
            if (!of.IsSampled || HashOf(value) < of.Bound)
                sum += value;
        return of.IsSampled ? (Int128)Math.Round((double)sum / (of.Bound * Math.Pow(2, -64))) : sum;
    }

    private void Add(Slot slot, long value)
    {
        if (HashOf(value) <= slot.Bound && slot.Values.Add(value) && slot.Values.Count > 2 * exactUpTo)
            Trim(slot);
    }

    /// <summary>Keeps the values with the least hashes, as many as there may be.</summary>
    private void Trim(Slot slot)
    {
        if (slot.Values.Count <= exactUpTo)
        {
            // After merging a sample, values beyond its bound may be left.
            if (slot.IsSampled)
                slot.Values.RemoveWhere(value => HashOf(value) > slot.Bound);
            return;
        }
        var byHash = Sorted(slot, byHash: true);
        slot.Bound = HashOf(byHash[exactUpTo - 1]);
        foreach (var value in byHash[exactUpTo..])
            slot.Values.Remove(value);
    }

    private ReadOnlySpan<long> Sorted(Slot slot, bool byHash)
    {
        if (sorted.Length < slot.Values.Count)
            sorted = new long[Math.Max(slot.Values.Count, sorted.Length * 2)];
        slot.Values.CopyTo(sorted);
        var values = sorted.AsSpan(0, slot.Values.Count);
        if (byHash)
            values.Sort((a, b) => HashOf(a).CompareTo(HashOf(b)));
        else
            values.Sort();
        return values;
    }

    private static ulong HashOf(long value) => Hash64.Of((ulong)value);
}
