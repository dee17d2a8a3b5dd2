using System.Numerics;
using System.Runtime.CompilerServices;

namespace Tidemark.Delta.Parquet;

/// <summary>Gives equal 64-bit (or widened 32-bit) patterns equal codes, counted from 0 in order of appearance.</summary>
internal sealed class ValueDictionary
{
    private readonly int _maxCount;
    private long[] _values = new long[256];
    private int[] _slots = new int[1024];
    private int _shift = 64 - 10;

    public ValueDictionary(int maxCount) => _maxCount = maxCount;

    public int Count { get; private set; }

    public ReadOnlySpan<long> Values => _values.AsSpan(0, Count);

    /// <summary>The code of a value; -1 when there would be too many.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public int GetOrAdd(long value)
    {
        var slots = _slots;
        var slot = (int)((ulong)value * 0x9E3779B97F4A7C15 >> _shift);
        while (true)
        {
            var code = slots[slot] - 1;
            if (code < 0) return Add(value, slot);
            if (_values[code] == value) return code;
            slot = slot + 1 & slots.Length - 1;
        }
    }

    private int Add(long value, int slot)
    {
        if (Count >= _maxCount) return -1;
        if (Count == _values.Length) Array.Resize(ref _values, Count * 2);
        _values[Count] = value;
        _slots[slot] = ++Count;
        if (Count * 2 > _slots.Length) Rehash();
        return Count - 1;
    }

    private void Rehash()
    {
        _slots = new int[_slots.Length * 4];
        _shift = 64 - BitOperations.Log2((uint)_slots.Length);
        for (var i = 0; i < Count; i++)
        {
            var slot = (int)((ulong)_values[i] * 0x9E3779B97F4A7C15 >> _shift);
            while (_slots[slot] != 0) slot = slot + 1 & _slots.Length - 1;
            _slots[slot] = i + 1;
        }
    }
}
