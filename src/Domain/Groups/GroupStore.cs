using Tidemark.Domain.Aggregates;
using Tidemark.Domain.Columns;

namespace Tidemark.Domain.Groups;

/// <summary>What the groups of a query or stage hold: a name and a fingerprint of the definition for saved state, and the aggregates.</summary>
internal sealed record GroupLayout(string Name, ulong Fingerprint, AggregatePlan[] Aggregates)
{
    /// <summary>Empty accumulators, one an aggregate.</summary>
    public Accumulator[] NewAccumulators() => [.. Aggregates.Select(a => a.Create())];
}

/// <summary>
/// Groups of one query with their accumulators. A key begins with times (slice and first window end in a partial, window end in a result) and goes on
/// with the group key; its order is the order of the rows. Reusable, not thread-safe.
/// </summary>
internal sealed class GroupStore(GroupLayout layout)
{
    private int[] order = [];
    private ulong[] prefixes = [];
    private int capacity;

    public StringTable Keys { get; } = new();

    public Accumulator[] Accumulators { get; } = layout.NewAccumulators();

    public int Count => Keys.Count;

    /// <summary>The slot of a key, new or known.</summary>
    public int SlotOf(ReadOnlySpan<byte> key)
    {
        var slot = Keys.Intern(key, out _);
        if (slot >= capacity)
            Grow(slot + 1);
        return slot;
    }

    /// <summary>Room for so many groups.</summary>
    public void Grow(int slots)
    {
        capacity = Math.Max(16, Math.Max(slots, capacity * 2));
        foreach (var accumulator in Accumulators)
            accumulator.Grow(capacity);
    }

    public void Clear()
    {
        Keys.Clear();
        foreach (var accumulator in Accumulators)
            accumulator.Clear();
        capacity = 0;
    }

    /// <summary>Slots in the order of their keys; valid until the next call.</summary>
    public ReadOnlySpan<int> Sorted()
    {
        if (order.Length < Count)
            (order, prefixes) = (new int[Count * 5 / 4], new ulong[Count * 5 / 4]);
        var slots = order.AsSpan(0, Count);
        for (var i = 0; i < slots.Length; i++)
            slots[i] = i;
        KeySort.Sort(Keys, slots, prefixes);
        return slots;
    }

    /// <summary>
    /// Writes one section of a partial: query, fingerprint, length of what follows (only when <paramref name="sized"/>), number of groups, groups in order. Of a
    /// key only what differs from the one before.
    /// </summary>
    public void Write(ByteWriter to, ReadOnlySpan<int> slots, bool sized = false)
    {
        to.Text(layout.Name);
        to.UInt64(layout.Fingerprint);
        var lengthAt = to.Length;
        if (sized)
            to.Take(sizeof(uint));
        to.Varint((ulong)slots.Length);
        ReadOnlySpan<byte> before = [];
        foreach (var slot in slots)
        {
            var key = Keys[slot];
            var shared = key.CommonPrefixLength(before);
            to.Varint((ulong)shared);
            to.Sized(key[shared..]);
            foreach (var accumulator in Accumulators)
                accumulator.Write(slot, to);
            before = key;
        }

        if (sized)
            to.Patch(lengthAt, (uint)(to.Length - lengthAt - sizeof(uint)));
    }

    /// <summary>Merges the groups of a section of which all that comes before their number is read already.</summary>
    public void Read(ref ByteReader from, Action<ReadOnlySpan<byte>> check)
    {
        var key = new ByteWriter();
        for (var left = from.Count(2); left > 0; left--)
        {
            key.Truncate(from.Count(0, key.Length));
            key.Bytes(from.Sized());
            check(key.Written);
            var slot = SlotOf(key.Written);
            foreach (var accumulator in Accumulators)
                accumulator.Read(slot, ref from);
        }
    }

    /// <summary>Merges one group of another store of the same query under a key.</summary>
    public void Merge(ReadOnlySpan<byte> key, GroupStore from, int fromSlot)
    {
        var slot = SlotOf(key);
        for (var i = 0; i < Accumulators.Length; i++)
            Accumulators[i].Merge(slot, from.Accumulators[i], fromSlot);
    }
}
