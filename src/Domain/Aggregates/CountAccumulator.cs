using Tidemark.Domain.Columns;

namespace Tidemark.Domain.Aggregates;

/// <summary>Rows, or rows where a column has a value. Saved: one variable-length integer.</summary>
internal sealed class CountAccumulator(int? column) : Accumulator
{
    private long[] counts = new long[16];
    private int used;

    public override void Grow(int slots)
    {
        Grow(ref counts, slots);
        used = Math.Max(used, slots);
    }

    public override void Clear()
    {
        Array.Clear(counts, 0, used);
        used = 0;
    }

    public override void Add(BatchView batch, ReadOnlySpan<int> rows, ReadOnlySpan<int> slots)
    {
        var into = counts;
        if (column is { } index && batch.Rows.Columns[index] is { Nulls: not null } nullable)
            for (var i = 0; i < slots.Length; i++)
                into[slots[i]] += nullable.IsNull(rows[i]) ? 0 : 1;
        else
            for (var i = 0; i < slots.Length; i++)
                into[slots[i]]++;
    }

    public override void Merge(int slot, Accumulator from, int fromSlot) => counts[slot] += ((CountAccumulator)from).counts[fromSlot];

    public override void Read(int slot, ref ByteReader from) => counts[slot] += (long)from.Varint();

    public override void Write(int slot, ByteWriter to) => to.Varint((ulong)counts[slot]);

    public override void Emit(int slot, ColumnBuilder to) => ((Int64ColumnBuilder)to).Append(counts[slot]);

    public override double? Number(int slot) => counts[slot];
}
