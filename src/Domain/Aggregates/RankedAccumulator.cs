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
    private readonly ByteWriter key = new();
    private List<byte[]>[] kept = [];   // best first
    private int used;

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
        used = 0;
    }

    public override void Clear(int slot) => kept[slot].Clear();

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
            Keep(kept[slots[i]], key.Written, null);
        }
    }

    public override void Merge(int slot, Accumulator from, int fromSlot)
    {
        foreach (var value in ((RankedAccumulator)from).kept[fromSlot])
            Keep(kept[slot], value, value);
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
            Keep(kept[slot], value, null);
        }
    }

    public override void Write(int slot, ByteWriter to)
    {
        to.Varint((ulong)kept[slot].Count);
        foreach (var value in kept[slot])
            to.Sized(value);
    }

    public override void Emit(int slot, ColumnBuilder to)
    {
        if (ranking.List)
            ((BinaryColumnBuilder)to).Append(Json(kept[slot]));
        else if (kept[slot].Count == 0)
            to.AppendNull();
        else
            ReadValue(kept[slot][0], to);
    }

    public override double? Number(int slot) => null;

    private void Keep(List<byte[]> list, ReadOnlySpan<byte> value, byte[]? same)
    {
        if (list.Count == ranking.Limit && !Before(value, list[^1]))
            return;
        int low = 0, high = list.Count;
        while (low < high)
        {
            var middle = (low + high) / 2;
            if (Before(list[middle], value))
                low = middle + 1;
            else
                high = middle;
        }
        if (ranking.Distinct && low < list.Count && value.SequenceEqual(list[low]))
            return;
        list.Insert(low, same ?? value.ToArray());
        if (list.Count > ranking.Limit)
            list.RemoveAt(ranking.Limit);
    }

    private bool Before(ReadOnlySpan<byte> a, ReadOnlySpan<byte> b) => ranking.Greatest ? a.SequenceCompareTo(b) > 0 : a.SequenceCompareTo(b) < 0;

    private void ReadValue(byte[] value, ColumnBuilder to)
    {
        var reader = new ByteReader(value);
        if (ranking.TimeColumn is not null)
            reader.Take(OrderedKey.TimeBytes);
        OrderedKey.Read(ref reader, to);
    }

    private byte[] Json(List<byte[]> values)
    {
        var builder = ColumnBuilder.For(field);
        foreach (var value in values)
            ReadValue(value, builder);
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
