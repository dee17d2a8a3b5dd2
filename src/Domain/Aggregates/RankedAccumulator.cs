using System.Text.Json;
using Tidemark.Domain.Columns;

namespace Tidemark.Domain.Aggregates;

/// <summary>What is kept of a group's values, and in which order.</summary>
/// <param name="TimeColumn">Values are ranked by this time first, then by themselves; null = by themselves only.</param>
/// <param name="Greatest">Keep the greatest instead of the least.</param>
/// <param name="Distinct">Keep each value once.</param>
/// <param name="Limit">How many are kept.</param>
/// <param name="List">The result is a JSON array of all kept (in rank order); otherwise the first one as a value.</param>
internal sealed record Ranking(int? TimeColumn, bool Greatest, bool Distinct, int Limit, bool List);

/// <summary>
/// The first few values of a group in some order: least and greatest text, first and last by event time, bounded lists and sets, the k greatest. Because
/// the order is total (equal times are ranked by value) and the k least of a union are the k least of the k least of its parts, merging in
/// any order gives the same. Nulls are not values. Saved: the kept values with their rank.
/// </summary>
internal sealed class RankedAccumulator(int column, RowField field, Ranking ranking) : Accumulator
{
    private const int SmallHeap = 1 << 16;
    private readonly ByteWriter key = new();
    private List<Value>[] kept = [];   // best first
    private byte[] heap = new byte[256], spare = [];
    private int heapUsed, heapLive;
    private int used;

    /// <summary>A value with its rank, in the heap.</summary>
    private readonly record struct Value(int At, int Length);

    public override void Grow(int slots)
    {
        var had = kept.Length;
        if (slots > had)
            Grow(ref kept, Math.Max(slots, 16));
        for (var i = had; i < kept.Length; i++)
            kept[i] = [];
        used = Math.Max(used, slots);
    }

    public override void Clear()
    {
        for (var i = 0; i < used; i++)
            kept[i].Clear();
        (used, heapUsed, heapLive) = (0, 0, 0);
    }

    public override void Clear(int slot)
    {
        foreach (var value in kept[slot])
            heapLive -= value.Length;
        kept[slot].Clear();
    }

    public override void Add(BatchView batch, ReadOnlySpan<int> rows, ReadOnlySpan<int> slots)
    {
        var source = batch.Rows.Columns[column];
        var times = ranking.TimeColumn is { } time ? (Int64Column)batch.Rows.Columns[time] : null;
        for (var i = 0; i < slots.Length; i++)
        {
            if (source.IsNull(rows[i]))
                continue;
            key.Clear();
            if (times is not null)
                OrderedKey.AppendTime(key, times.Values[rows[i]]);
            OrderedKey.Append(key, source, rows[i]);
            Keep(kept[slots[i]], key.Written);
        }
    }

    public override void Merge(int slot, Accumulator from, int fromSlot)
    {
        var other = (RankedAccumulator)from;
        for (var i = 0; i < other.kept[fromSlot].Count; i++)   // keeping may move the values of this very list
            Keep(kept[slot], other.Bytes(other.kept[fromSlot][i]));
    }

    public override void Read(int slot, ref ByteReader from)
    {
        for (var left = from.Count(2, ranking.Limit); left > 0; left--)
        {
            var value = from.Sized();
            var reader = new ByteReader(value);
            if (ranking.TimeColumn is not null)
                reader.Take(OrderedKey.TimeBytes);
            OrderedKey.Read(ref reader, ColumnBuilder.For(field));
            reader.End();
            Keep(kept[slot], value);
        }
    }

    public override void Write(int slot, ByteWriter to)
    {
        to.Varint((ulong)kept[slot].Count);
        foreach (var value in kept[slot])
            to.Sized(Bytes(value));
    }

    public override void Emit(int slot, ColumnBuilder to)
    {
        if (ranking.List)
            ((BinaryColumnBuilder)to).Append(Json(kept[slot]));
        else if (kept[slot].Count == 0)
            to.AppendNull();
        else
            ReadValue(Bytes(kept[slot][0]), to);
    }

    public override double? Number(int slot) => null;

    private void Keep(List<Value> list, ReadOnlySpan<byte> value)
    {
        if (list.Count == ranking.Limit && !Before(value, Bytes(list[^1])))
            return;
        int low = 0, high = list.Count;
        while (low < high)
        {
            var middle = (low + high) / 2;
            if (Before(Bytes(list[middle]), value))
                low = middle + 1;
            else
                high = middle;
        }
        if (ranking.Distinct && low < list.Count && value.SequenceEqual(Bytes(list[low])))
            return;
        list.Insert(low, Store(value));
        if (list.Count <= ranking.Limit)
            return;
        heapLive -= list[^1].Length;
        list.RemoveAt(ranking.Limit);
        if (heapUsed > SmallHeap && heapUsed > 2 * heapLive)
            Compact();
    }

    private ReadOnlySpan<byte> Bytes(Value value) => heap.AsSpan(value.At, value.Length);

    private Value Store(ReadOnlySpan<byte> value)
    {
        Grow(ref heap, checked(heapUsed + value.Length));
        value.CopyTo(heap.AsSpan(heapUsed));
        var stored = new Value(heapUsed, value.Length);
        heapUsed += value.Length;
        heapLive += value.Length;
        return stored;
    }

    /// <summary>Moves what is kept into the other heap, so that what was dropped takes no room.</summary>
    private void Compact()
    {
        (heap, spare, heapUsed, heapLive) = (spare, heap, 0, 0);
        for (var slot = 0; slot < used; slot++)
            for (var i = 0; i < kept[slot].Count; i++)
                kept[slot][i] = Store(spare.AsSpan(kept[slot][i].At, kept[slot][i].Length));
    }

    private bool Before(ReadOnlySpan<byte> a, ReadOnlySpan<byte> b) => ranking.Greatest ? a.SequenceCompareTo(b) > 0 : a.SequenceCompareTo(b) < 0;

    private void ReadValue(ReadOnlySpan<byte> value, ColumnBuilder to)
    {
        var reader = new ByteReader(value);
        if (ranking.TimeColumn is not null)
            reader.Take(OrderedKey.TimeBytes);
        OrderedKey.Read(ref reader, to);
    }

    private byte[] Json(List<Value> values)
    {
        var builder = ColumnBuilder.For(field);
        foreach (var value in values)
            ReadValue(Bytes(value), builder);
        var rows = new RowBatch(new RowSchema([field]), [builder.Build()], values.Count);
        using var buffer = new MemoryStream();
        using (var json = new Utf8JsonWriter(buffer))
        {
            json.WriteStartArray();
            for (var row = 0; row < rows.Count; row++)
                JsonCells.Write(json, rows, row);
            json.WriteEndArray();
        }
        return buffer.ToArray();
    }
}
