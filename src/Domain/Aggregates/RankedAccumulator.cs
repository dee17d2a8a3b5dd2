using System.Runtime.InteropServices;
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
    private readonly bool isSingle = ranking.Limit == 1;
    private Value[] single = [];        // where one value is kept; length 0 = none
    private List<Value>?[] kept = [];   // where several are, best first; null = none yet
    private byte[] heap = new byte[256], spare = [];
    private int heapUsed, heapLive;
    private int used;

    /// <summary>A value with its rank, in the heap.</summary>
    private readonly record struct Value(int At, int Length);

    public override void Grow(int slots)
    {
        if (isSingle)
            Grow(ref single, slots);
        else
            Grow(ref kept, slots);
        used = Math.Max(used, slots);
    }

    public override void Clear()
    {
        if (isSingle)
            Array.Clear(single, 0, used);
        else
            for (var i = 0; i < used; i++)
                kept[i]?.Clear();
        (used, heapUsed, heapLive) = (0, 0, 0);
    }

    public override void Clear(int slot)
    {
        foreach (var value in Values(slot))
            heapLive -= value.Length;
        if (isSingle)
            single[slot] = default;
        else
            kept[slot]?.Clear();
    }

    public override void Add(BatchView batch, ReadOnlySpan<int> rows, ReadOnlySpan<int> slots)
    {
        var source = batch.Rows.Columns[column];
        var times = ranking.TimeColumn is { } time ? (Int64Column)batch.Rows.Columns[time] : null;
        for (var i = 0; i < slots.Length; i++)
        {
            if (source.IsNull(rows[i]) || times is not null && isSingle && IsBeaten(slots[i], times.Values[rows[i]]))
                continue;
            key.Clear();
            if (times is not null)
                OrderedKey.AppendTime(key, times.Values[rows[i]]);
            OrderedKey.Append(key, source, rows[i]);
            Keep(slots[i], key.Written);
        }
    }

    public override void Merge(int slot, Accumulator from, int fromSlot)
    {
        var other = (RankedAccumulator)from;
        for (var i = 0; i < other.Values(fromSlot).Length; i++)   // keeping may move the values of this very accumulator
            Keep(slot, other.Bytes(other.Values(fromSlot)[i]));
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
            Keep(slot, value);
        }
    }

    public override void Write(int slot, ByteWriter to)
    {
        to.Varint((ulong)Values(slot).Length);
        foreach (var value in Values(slot))
            to.Sized(Bytes(value));
    }

    public override void Emit(int slot, ColumnBuilder to)
    {
        if (ranking.List)
            ((BinaryColumnBuilder)to).Append(Json(Values(slot)));
        else if (Values(slot).IsEmpty)
            to.AppendNull();
        else
            ReadValue(Bytes(Values(slot)[0]), to);
    }

    public override double? Number(int slot) => null;

    private ReadOnlySpan<Value> Values(int slot) =>
        isSingle ? single.AsSpan(slot, single[slot].Length == 0 ? 0 : 1) : CollectionsMarshal.AsSpan(kept[slot]);

    /// <summary>Whether what a slot has is better by its time alone.</summary>
    private bool IsBeaten(int slot, long time) => single[slot].Length > 0
        && OrderedKey.TimeAt(heap, single[slot].At) is var best && (ranking.Greatest ? time < best : time > best);

    private void Keep(int slot, ReadOnlySpan<byte> value)
    {
        if (isSingle)
            Replace(ref single[slot], value);
        else
            Keep(kept[slot] ??= [], value);
        if (heapUsed > SmallHeap && heapUsed > 2 * heapLive)
            Compact();
    }

    private void Replace(ref Value by, ReadOnlySpan<byte> value)
    {
        if (by.Length > 0 && !Before(value, Bytes(by)))
            return;
        heapLive -= by.Length;
        if (value.Length > by.Length)
        {
            by = Store(value);
            return;
        }
        value.CopyTo(heap.AsSpan(by.At));
        by = by with { Length = value.Length };
        heapLive += value.Length;
    }

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
            foreach (ref var value in isSingle ? single.AsSpan(slot, single[slot].Length == 0 ? 0 : 1) : CollectionsMarshal.AsSpan(kept[slot]))
                value = Store(spare.AsSpan(value.At, value.Length));
    }

    private bool Before(ReadOnlySpan<byte> a, ReadOnlySpan<byte> b) => ranking.Greatest ? a.SequenceCompareTo(b) > 0 : a.SequenceCompareTo(b) < 0;

    private void ReadValue(ReadOnlySpan<byte> value, ColumnBuilder to)
    {
        var reader = new ByteReader(value);
        if (ranking.TimeColumn is not null)
            reader.Take(OrderedKey.TimeBytes);
        OrderedKey.Read(ref reader, to);
    }

    private byte[] Json(ReadOnlySpan<Value> values)
    {
        var builder = ColumnBuilder.For(field);
        foreach (var value in values)
            ReadValue(Bytes(value), builder);
        var rows = new RowBatch(new RowSchema([field]), [builder.Build()], values.Length);
        using var buffer = new MemoryStream();
        using (var json = new Utf8JsonWriter(buffer, StoredJson.Writer))
        {
            json.WriteStartArray();
            for (var row = 0; row < rows.Count; row++)
                JsonCells.Write(json, rows, row);
            json.WriteEndArray();
        }
        return buffer.ToArray();
    }
}
