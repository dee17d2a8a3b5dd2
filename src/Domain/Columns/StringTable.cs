using System.Runtime.CompilerServices;

namespace Tidemark.Domain.Columns;

/// <summary>Byte strings numbered 0, 1, 2… in order of arrival: open addressing on 64-bit hashes, strings in one heap, no object per string.</summary>
internal sealed class StringTable
{
    private byte[] heap = new byte[256];
    private int[] offsets = new int[65];
    private ulong[] hashes = new ulong[64];
    private int[] slots = new int[128];   // number + 1; 0 = empty
    private int used;

    public int Count { get; private set; }

    public int HeapBytes => used;

    /// <summary>Memory that it takes.</summary>
    public long Bytes => heap.LongLength + offsets.LongLength * 4 + hashes.LongLength * 8 + slots.LongLength * 4;

    public ReadOnlySpan<byte> this[int number] => heap.AsSpan(offsets[number], offsets[number + 1] - offsets[number]);

    public ulong HashOf(int number) => hashes[number];

    public int Intern(ReadOnlySpan<byte> value, out ulong hash)
    {
        hash = Hash64.Of(value);
        return Intern(value, hash, out _);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public int Intern(ReadOnlySpan<byte> value, ulong hash, out bool isNew)
    {
        var mask = slots.Length - 1;
        for (var at = (int)hash & mask; ; at = (at + 1) & mask)
        {
            var number = slots[at] - 1;
            if (number < 0)
            {
                isNew = true;
                return Add(value, hash, at);
            }
            if (hashes[number] == hash && this[number].SequenceEqual(value))
            {
                isNew = false;
                return number;
            }
        }
    }

    /// <summary>The number of a string, or −1 when it is not there.</summary>
    public int Find(ReadOnlySpan<byte> value, ulong hash)
    {
        var mask = slots.Length - 1;
        for (var at = (int)hash & mask; slots[at] != 0; at = (at + 1) & mask)
            if (hashes[slots[at] - 1] == hash && this[slots[at] - 1].SequenceEqual(value))
                return slots[at] - 1;
        return -1;
    }

    public void Clear()
    {
        Array.Clear(slots);
        (Count, used) = (0, 0);
    }

    private int Add(ReadOnlySpan<byte> value, ulong hash, int at)
    {
        var number = Count++;
        if (number == hashes.Length)
        {
            Array.Resize(ref hashes, number * 2);
            Array.Resize(ref offsets, number * 2 + 1);
        }
        var end = checked(used + value.Length);
        if (end > heap.Length)
            Array.Resize(ref heap, (int)Math.Min(Array.MaxLength, Math.Max(end, heap.Length * 2L)));
        value.CopyTo(heap.AsSpan(used));
        used = end;
        offsets[number + 1] = end;
        hashes[number] = hash;
        slots[at] = number + 1;
        if (Count * 2 > slots.Length)
            Grow();
        return number;
    }

    private void Grow()
    {
        slots = new int[slots.Length * 2];
        var mask = slots.Length - 1;
        for (var number = 0; number < Count; number++)
        {
            var at = (int)hashes[number] & mask;
            while (slots[at] != 0)
                at = (at + 1) & mask;
            slots[at] = number + 1;
        }
    }
}
