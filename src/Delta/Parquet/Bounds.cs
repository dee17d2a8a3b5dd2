using System.Buffers.Binary;
using System.Numerics;
using System.Runtime.CompilerServices;

namespace Tidemark.Delta.Parquet;

/// <summary>Smallest and largest of many values, many at a time.</summary>
internal static class Bounds
{
    public static (T Min, T Max) Of<T>(ReadOnlySpan<T> values) where T : unmanaged, INumber<T>
    {
        T min = values[0], max = values[0];
        var i = 0;
        if (Vector.IsHardwareAccelerated && values.Length >= 2 * Vector<T>.Count)
        {
            var low = new Vector<T>(values);
            var high = low;
            for (i = Vector<T>.Count; i <= values.Length - Vector<T>.Count; i += Vector<T>.Count)
            {
                var next = new Vector<T>(values[i..]);
                low = Vector.Min(low, next);
                high = Vector.Max(high, next);
            }

            for (var lane = 0; lane < Vector<T>.Count; lane++)
            {
                if (low[lane] < min) min = low[lane];
                if (high[lane] > max) max = high[lane];
            }
        }

        for (; i < values.Length; i++)
        {
            if (values[i] < min) min = values[i];
            if (values[i] > max) max = values[i];
        }

        return (min, max);
    }

    public static bool AnyNaN<T>(ReadOnlySpan<T> values) where T : unmanaged, IFloatingPoint<T>
    {
        var i = 0;
        for (; i <= values.Length - Vector<T>.Count; i += Vector<T>.Count)
        {
            var next = new Vector<T>(values[i..]);
            if (!Vector.EqualsAll(next, next)) return true;
        }

        for (; i < values.Length; i++)
        {
            if (T.IsNaN(values[i])) return true;
        }

        return false;
    }

    /// <summary>The eight first bytes as a number that sorts as they do.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static ulong Prefix(ReadOnlySpan<byte> value)
    {
        if (value.Length >= 8) return BinaryPrimitives.ReadUInt64BigEndian(value);
        ulong prefix = 0;
        for (var i = 0; i < value.Length; i++) prefix |= (ulong)value[i] << 56 - 8 * i;
        return prefix;
    }
}

/// <summary>Keeps the smallest and largest byte string seen, comparing prefixes first.</summary>
internal ref struct BytesBounds
{
    private ReadOnlySpan<byte> _min, _max;
    private ulong _low, _high;
    private bool _any;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public void Add(ReadOnlySpan<byte> value)
    {
        var prefix = Bounds.Prefix(value);
        if (_any && prefix > _low && prefix < _high) return;
        Compare(value, prefix);
    }

    private void Compare(ReadOnlySpan<byte> value, ulong prefix)
    {
        if (!_any || prefix < _low || prefix == _low && value.SequenceCompareTo(_min) < 0)
        {
            _min = value;
            _low = prefix;
        }

        if (!_any || prefix > _high || prefix == _high && value.SequenceCompareTo(_max) > 0)
        {
            _max = value;
            _high = prefix;
        }

        _any = true;
    }

    public readonly byte[]? Min => _any ? _min.ToArray() : null;

    public readonly byte[]? Max => _any ? _max.ToArray() : null;
}
