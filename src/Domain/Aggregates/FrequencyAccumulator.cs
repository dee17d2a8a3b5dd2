using System.Text.Json;
using Tidemark.Domain.Columns;

namespace Tidemark.Domain.Aggregates;

/// <summary>What is made of counted values.</summary>
/// <param name="Held">How many different values are counted; up to so many the counts are exact.</param>
/// <param name="Limit">How many the list has.</param>
/// <param name="List">A JSON array of values with counts; otherwise the most frequent value.</param>
internal sealed record Frequency(int Held, int Limit, bool List);

/// <summary>
/// The most frequent values of a group. Up to a bound of k different values every count is exact, and merging gives the same in any order. Beyond twice as many, the
/// (k + 1)th greatest count is subtracted from all and what is left of none is forgotten, as in the mergeable form of Misra and Gries' algorithm
/// (Agarwal et al., "Mergeable summaries", 2012): a count is then too low by at most what was subtracted, together at most
/// rows / (k + 1), and the outcome depends on the order of merging within that error. Saved: what was subtracted, then the values in order with
/// their counts, all that are held: saving and emitting change nothing, and what was saved goes on as what it was saved from.
/// </summary>
internal sealed class FrequencyAccumulator(int column, RowField field, Frequency frequency) : Accumulator
{
    private const int SmallTable = 1 << 12;
    private readonly ByteWriter key = new();
    private StringTable values = new(), spareValues = new();   // of all slots
    private NumberTable pairs = new(), sparePairs = new();     // slot and value
    private long[] counts = [], spareCounts = [];              // by pair; 0 = forgotten
    private int[] next = [], spareNext = [];                   // by pair: another pair of the slot, + 1
    private int[] first = [], held = [];              // by slot
    private long[] subtracted = [];                   // by slot
    private int[] numbers = [];                       // of the codes of a dictionary, + 1
    private int[] order = [];
    private Comparison<int>? byValue, byCount;
    private int used, live;                           // live: pairs with a count

    public override void Grow(int slots)
    {
        Grow(ref first, slots);
        Grow(ref held, slots);
        Grow(ref subtracted, slots);
        used = Math.Max(used, slots);
    }

    public override void Clear()
    {
        values.Clear();
        pairs.Clear();
        Array.Clear(first, 0, used);
        Array.Clear(held, 0, used);
        Array.Clear(subtracted, 0, used);
        (used, live) = (0, 0);
    }

    public override void Clear(int slot)
    {
        for (var pair = first[slot] - 1; pair >= 0; pair = next[pair] - 1)
            counts[pair] = 0;
        live -= held[slot];
        (held[slot], subtracted[slot]) = (0, 0);
        Compact();
    }

    public override void Add(BatchView batch, ReadOnlySpan<int> rows, ReadOnlySpan<int> slots)
    {
        var source = batch.Rows.Columns[column];
        var coded = source as DictionaryColumn;
        if (coded is not null)
        {
            Grow(ref numbers, coded.Dictionary.Count);
            Array.Clear(numbers, 0, coded.Dictionary.Count);
        }
        for (var i = 0; i < slots.Length; i++)
            if (!source.IsNull(rows[i]))
                Count(slots[i], coded is null ? NumberOf(source, rows[i]) : NumberOf(coded, rows[i]), 1);
        Compact();
    }

    public override void Merge(int slot, Accumulator from, int fromSlot)
    {
        var other = (FrequencyAccumulator)from;
        // Where counts may have to be taken off on the way the order matters: by value, as in what is saved.
        if (held[slot] + other.held[fromSlot] > 2 * frequency.Held)
            foreach (var pair in other.ByValue(fromSlot).ToArray())
                Count(slot, values.Intern(other.ValueOf(pair), out _), other.counts[pair]);
        else
            for (var pair = other.first[fromSlot] - 1; pair >= 0; pair = other.next[pair] - 1)
                if (other.counts[pair] > 0)
                    Count(slot, values.Intern(other.ValueOf(pair), out _), other.counts[pair]);
        subtracted[slot] += other.subtracted[fromSlot];
        Compact();
    }

    public override void Read(int slot, ref ByteReader from)
    {
        var gone = (long)from.Varint();
        for (var left = from.Count(3, 2 * frequency.Held); left > 0; left--)
        {
            var value = from.Sized();
            var reader = new ByteReader(value);
            OrderedKey.Read(ref reader, ColumnBuilder.For(field));
            reader.End();
            if ((long)from.Varint() is var count and > 0)
                Count(slot, values.Intern(value, out _), count);
            else
                throw from.Fault("a count of a frequent value is not positive");
        }
        subtracted[slot] += gone;
        Compact();
    }

    public override void Write(int slot, ByteWriter to)
    {
        var kept = ByValue(slot);
        to.Varint((ulong)subtracted[slot]);
        to.Varint((ulong)kept.Length);
        foreach (var pair in kept)
        {
            to.Sized(ValueOf(pair));
            to.Varint((ulong)counts[pair]);
        }
    }

    public override void Emit(int slot, ColumnBuilder to)
    {
        var kept = ByCount(slot);
        if (frequency.List)
            ((BinaryColumnBuilder)to).Append(Json(kept[..Math.Min(frequency.Limit, kept.Length)], subtracted[slot]));
        else if (kept.Length == 0)
            to.AppendNull();
        else
            Read(kept[0], to);
    }

    public override double? Number(int slot) => null;

    private int NumberOf(Column source, int row)
    {
        key.Clear();
        OrderedKey.Append(key, source, row);
        return values.Intern(key.Written, out _);
    }

    private int NumberOf(DictionaryColumn coded, int row)
    {
        ref var number = ref numbers[coded.Codes[row]];
        return (number != 0 ? number : number = NumberOf((Column)coded, row) + 1) - 1;
    }

    private void Count(int slot, int value, long count)
    {
        var pair = PairOf(slot, value);
        if (counts[pair] == 0)
        {
            held[slot]++;
            live++;
        }
        counts[pair] += count;
        if (held[slot] > 2 * frequency.Held)
            Reduce(slot);
    }

    /// <summary>Takes the first count too many off all counts.</summary>
    private void Reduce(int slot)
    {
        var kept = ByCount(slot);
        var off = counts[kept[frequency.Held]];
        foreach (var pair in kept)
        {
            counts[pair] = Math.Max(0, counts[pair] - off);
            if (counts[pair] == 0)
            {
                held[slot]--;
                live--;
            }
        }
        subtracted[slot] += off;
    }

    /// <summary>Moves what has a count into the other tables when most has none, so that what was forgotten takes neither room nor time. Numbers of values and pairs change.</summary>
    private void Compact()
    {
        if (pairs.Count <= SmallTable || pairs.Count <= 2 * live)
            return;
        (values, spareValues, pairs, sparePairs) = (spareValues, values, sparePairs, pairs);
        (counts, spareCounts, next, spareNext) = (spareCounts, counts, spareNext, next);
        values.Clear();
        pairs.Clear();
        for (var slot = 0; slot < used; slot++)
        {
            var pair = first[slot] - 1;
            for (first[slot] = 0; pair >= 0; pair = spareNext[pair] - 1)
            {
                if (spareCounts[pair] == 0)
                    continue;
                var moved = PairOf(slot, values.Intern(spareValues[(int)(uint)sparePairs[pair]], out _));
                counts[moved] = spareCounts[pair];
            }
        }
    }

    /// <summary>The number of a pair; a new one is linked to its slot, without a count.</summary>
    private int PairOf(int slot, int value)
    {
        var known = pairs.Count;
        var pair = pairs.Number((ulong)slot << 32 | (uint)value);
        if (pair < known)
            return pair;
        Grow(ref counts, Math.Max(pair + 1, 64));
        Grow(ref next, Math.Max(pair + 1, 64));
        (counts[pair], next[pair], first[slot]) = (0, first[slot], pair + 1);
        return pair;
    }

    private Span<int> ByValue(int slot)
    {
        var kept = PairsOf(slot);
        kept.Sort(byValue ??= (a, b) => ValueOf(a).SequenceCompareTo(ValueOf(b)));
        return kept;
    }

    private Span<int> ByCount(int slot)
    {
        var kept = PairsOf(slot);
        kept.Sort(byCount ??= (a, b) => counts[b].CompareTo(counts[a]) is var c and not 0 ? c : ValueOf(a).SequenceCompareTo(ValueOf(b)));
        return kept;
    }

    private Span<int> PairsOf(int slot)
    {
        var count = 0;
        Grow(ref order, Math.Max(held[slot], 16));
        for (var pair = first[slot] - 1; pair >= 0; pair = next[pair] - 1)
            if (counts[pair] > 0)
                order[count++] = pair;
        return order.AsSpan(0, count);
    }

    private ReadOnlySpan<byte> ValueOf(int pair) => values[(int)(uint)pairs[pair]];

    private void Read(int pair, ColumnBuilder to)
    {
        var reader = new ByteReader(ValueOf(pair));
        OrderedKey.Read(ref reader, to);
    }

    private byte[] Json(ReadOnlySpan<int> kept, long tooLow)
    {
        var builder = ColumnBuilder.For(field);
        foreach (var pair in kept)
            Read(pair, builder);
        var rows = new RowBatch(new RowSchema([field]), [builder.Build()], kept.Length);
        using var buffer = new MemoryStream();
        using (var json = new Utf8JsonWriter(buffer, StoredJson.Writer))
        {
            json.WriteStartArray();
            for (var row = 0; row < rows.Count; row++)
            {
                json.WriteStartObject();
                json.WritePropertyName("value");
                JsonCells.Write(json, rows, row);
                json.WriteNumber("count", counts[kept[row]]);
                if (tooLow > 0)
                    json.WriteNumber("short_by_at_most", tooLow);
                json.WriteEndObject();
            }
            json.WriteEndArray();
        }
        return buffer.ToArray();
    }
}
