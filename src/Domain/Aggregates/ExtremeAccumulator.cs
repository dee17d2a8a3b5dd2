using Tidemark.Domain.Columns;

namespace Tidemark.Domain.Aggregates;

/// <summary>Least or greatest value of an integer, decimal, time or date column. Saved: a byte that says whether there is one, then 8 bytes.</summary>
internal sealed class ExtremeAccumulator(int column, bool greatest, double divisor) : Accumulator
{
    private long[] values = new long[16];
    private bool[] any = new bool[16];
    private int used;

    public override void Grow(int slots)
    {
        Grow(ref values, slots);
        Grow(ref any, slots);
        used = Math.Max(used, slots);
    }

    public override void Clear()
    {
        Array.Clear(values, 0, used);
        Array.Clear(any, 0, used);
        used = 0;
    }

    public override void Add(BatchView batch, ReadOnlySpan<int> rows, ReadOnlySpan<int> slots)
    {
        var source = batch.Rows.Columns[column];
        for (var i = 0; i < slots.Length; i++)
            if (!source.IsNull(rows[i]))
                Take(slots[i], source is Int64Column wide ? wide.Values[rows[i]] : ((Int32Column)source).Values[rows[i]]);
    }

    public override void Merge(int slot, Accumulator from, int fromSlot)
    {
        var other = (ExtremeAccumulator)from;
        if (other.any[fromSlot])
            Take(slot, other.values[fromSlot]);
    }

    public override void Read(int slot, ref ByteReader from)
    {
        if (from.Byte() != 0)
            Take(slot, (long)from.UInt64());
    }

    public override void Write(int slot, ByteWriter to)
    {
        to.Byte(any[slot] ? (byte)1 : (byte)0);
        if (any[slot])
            to.UInt64((ulong)values[slot]);
    }

    public override void Emit(int slot, ColumnBuilder to)
    {
        if (!any[slot])
            to.AppendNull();
        else if (to is Int64ColumnBuilder wide)
            wide.Append(values[slot]);
        else
            ((Int32ColumnBuilder)to).Append((int)values[slot]);
    }

    public override double? Number(int slot) => any[slot] ? values[slot] / divisor : null;

    private void Take(int slot, long value)
    {
        if (any[slot] && (greatest ? value <= values[slot] : value >= values[slot]))
            return;
        (values[slot], any[slot]) = (value, true);
    }
}
