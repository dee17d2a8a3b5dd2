using System.Numerics;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;

namespace Tidemark.Delta.Parquet;

/// <summary>Gives equal byte strings equal codes, counted from 0 in order of appearance.</summary>
internal sealed class BytesDictionary
{
    private readonly int _maxHeap;
    private byte[] _heap = new byte[1024];
    private int[] _offsets = new int[129];
    private ulong[] _slots = new ulong[512];
    private int _mask = 511;

    /// <param name="maxHeap">Bytes of distinct values, with four for each, that may not be passed.</param>
    public BytesDictionary(int maxHeap) => _maxHeap = maxHeap;

    public int Count { get; private set; }

    public ReadOnlySpan<byte> Heap => _heap.AsSpan(0, _offsets[Count]);

    public ReadOnlySpan<int> Offsets => _offsets.AsSpan(0, Count + 1);

    /// <summary>The size of all values in PLAIN encoding.</summary>
    public int PlainSize => _offsets[Count] + 4 * Count;

    /// <summary>The code of a value; -1 when it would make the dictionary too large.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public int GetOrAdd(ReadOnlySpan<byte> value)
    {
        var hash = Hash(value);
        var slot = (int)hash & _mask;
        while (true)
        {
            var entry = _slots[slot];
            if (entry == 0) return Add(value, hash, slot);
            if ((uint)(entry >> 32) == hash)
            {
                var code = (int)(uint)entry - 1;
                int from = _offsets[code], to = _offsets[code + 1];
                if (to - from == value.Length && value.SequenceEqual(_heap.AsSpan(from, value.Length))) return code;
            }

            slot = slot + 1 & _mask;
        }
    }

    /// <summary>The code of a value that is there; -1 when it is not.</summary>
    public int Find(ReadOnlySpan<byte> value)
    {
        var hash = Hash(value);
        for (var slot = (int)hash & _mask; ; slot = slot + 1 & _mask)
        {
            var entry = _slots[slot];
            if (entry == 0) return -1;
            if ((uint)(entry >> 32) != hash) continue;
            var code = (int)(uint)entry - 1;
            if (value.SequenceEqual(_heap.AsSpan(_offsets[code], _offsets[code + 1] - _offsets[code]))) return code;
        }
    }

    private int Add(ReadOnlySpan<byte> value, uint hash, int slot)
    {
        var used = _offsets[Count];
        if ((long)used + value.Length + 4L * (Count + 1) > _maxHeap) return -1;
        if (used + value.Length > _heap.Length)
            Array.Resize(ref _heap, (int)Math.Min((uint)Array.MaxLength, BitOperations.RoundUpToPowerOf2((uint)(used + value.Length))));
        if (Count + 2 > _offsets.Length) Array.Resize(ref _offsets, _offsets.Length * 2);
        value.CopyTo(_heap.AsSpan(used));
        _offsets[Count + 1] = used + value.Length;
        _slots[slot] = (ulong)hash << 32 | (uint)(Count + 1);
        if (++Count * 2 > _slots.Length) Rehash();
        return Count - 1;
    }

    private void Rehash()
    {
        var old = _slots;
        _slots = new ulong[old.Length * 4];
        _mask = _slots.Length - 1;
        foreach (var entry in old)
        {
            if (entry == 0) continue;
            var slot = (int)(entry >> 32) & _mask;
            while (_slots[slot] != 0) slot = slot + 1 & _mask;
            _slots[slot] = entry;
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    internal static uint Hash(ReadOnlySpan<byte> value)
    {
        ref var p = ref MemoryMarshal.GetReference(value);
        var n = value.Length;
        var hash = (ulong)n * 0x9E3779B97F4A7C15;
        while (n > 8)
        {
            hash = (hash ^ Unsafe.ReadUnaligned<ulong>(ref p)) * 0xD6E8FEB86659FD93;
            hash ^= hash >> 32;
            p = ref Unsafe.Add(ref p, 8);
            n -= 8;
        }

        ulong tail = n switch
        {
            8 => Unsafe.ReadUnaligned<ulong>(ref p),
            >= 4 => Unsafe.ReadUnaligned<uint>(ref p) | (ulong)Unsafe.ReadUnaligned<uint>(ref Unsafe.Add(ref p, n - 4)) << 32,
            0 => 0,
            _ => p | (ulong)Unsafe.Add(ref p, n >> 1) << 8 | (ulong)Unsafe.Add(ref p, n - 1) << 16,
        };
        hash = (hash ^ tail) * 0xD6E8FEB86659FD93;
        return (uint)(hash >> 32) | 1;
    }
}
