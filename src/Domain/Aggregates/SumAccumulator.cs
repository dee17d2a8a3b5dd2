using Tidemark.Domain.Columns;

namespace Tidemark.Domain.Aggregates;

/// <summary>
/// Exact sum of an integer or decimal column in 128 bits, with the number of values: the result is the sum, or the mean. Saved: number, then the
/// sum in 16 bytes. A sum beyond its result column (38 digits, or 64 bits for integers) comes out as null.
/// </summary>
/// <param name="column">Index of the column.</param>
/// <param name="mean">Whether the result is the mean.</param>
/// <param name="divisor">What an unscaled value must be divided by, 10^scale.</param>
internal sealed class SumAccumulator(int column, bool mean, double divisor) : Accumulator
{
    private static readonly Int128 Limit = Int128.Parse("99999999999999999999999999999999999999", null);
    private Int128[] sums = new Int128[16];
    private long[] counts = new long[16];
    private int used;

    public override void Grow(int slots)
    {
        Grow(ref sums, slots);
        Grow(ref counts, slots);
        used = Math.Max(used, slots);
    }

    public override void Clear()
    {
        Array.Clear(sums, 0, used);
        Array.Clear(counts, 0, used);
        used = 0;
    }

    public override void Add(BatchView batch, ReadOnlySpan<int> rows, ReadOnlySpan<int> slots)
    {
        var source = batch.Rows.Columns[column];
        if (source is Int64Column wide)
            for (var i = 0; i < slots.Length; i++)
            {
                if (wide.IsNull(rows[i]))
                    continue;
                sums[slots[i]] += wide.Values[rows[i]];
                counts[slots[i]]++;
            }
        else
            for (var i = 0; i < slots.Length; i++)
            {
                if (source.IsNull(rows[i]))
                    continue;
                sums[slots[i]] += ((Int32Column)source).Values[rows[i]];
                counts[slots[i]]++;
            }
    }

    public override void Merge(int slot, Accumulator from, int fromSlot)
    {
        var other = (SumAccumulator)from;
        sums[slot] += other.sums[fromSlot];
        counts[slot] += other.counts[fromSlot];
    }

    public override void Read(int slot, ref ByteReader from)
    {
        counts[slot] += (long)from.Varint();
        sums[slot] += from.Int128();
    }

    public override void Write(int slot, ByteWriter to)
    {
        to.Varint((ulong)counts[slot]);
        to.Int128(sums[slot]);
    }

    public override void Emit(int slot, ColumnBuilder to)
    {
        if (counts[slot] == 0)
            to.AppendNull();
        else if (mean)
            ((DoubleColumnBuilder)to).Append((double)sums[slot] / (counts[slot] * divisor));
        else if (to is Int128ColumnBuilder wide && Int128.Abs(sums[slot]) <= Limit)
            wide.Append(sums[slot]);
        else if (to is Int64ColumnBuilder narrow && sums[slot] >= long.MinValue && sums[slot] <= long.MaxValue)
            narrow.Append((long)sums[slot]);
        else
            to.AppendNull();
    }

    public override double? Number(int slot) =>
        counts[slot] == 0 ? null : (double)sums[slot] / (mean ? counts[slot] * divisor : divisor);
}
