using System.Buffers;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;

namespace Tidemark.Delta.Parquet;

/// <summary>
/// The values of a leaf that go into one column chunk, nulls left out, in their physical form. Rows without nulls are looked at
/// where they lie; with nulls, or below lists, they are gathered into pooled arrays.
/// </summary>
internal abstract class LeafValues : IDisposable
{
    public int Count { get; protected init; }

    /// <summary>Bytes of all values in PLAIN encoding.</summary>
    public abstract long PlainBytes { get; }

    /// <summary>Appends values [from, to) in PLAIN encoding.</summary>
    public abstract void WritePlain(int from, int to, ByteSink sink);

    /// <summary>Bounds as PLAIN bytes without length; unknown when a value has no order.</summary>
    public abstract (byte[]? Min, byte[]? Max, bool Unknown) Bounds();

    /// <summary>
    /// Codes for all values and the dictionary's PLAIN bytes in <paramref name="dictionary"/>, or null when plain is smaller or the
    /// dictionary passes <paramref name="maxBytes"/>. The codes are pooled and belong to this object.
    /// </summary>
    public abstract int[]? BuildDictionary(int maxBytes, ByteSink dictionary, out int dictionaryCount);

    public abstract void Dispose();

    /// <param name="leaf">Says in which physical form the values go out.</param>
    /// <param name="data">The leaf's column.</param>
    /// <param name="rows">Which entries are values.</param>
    public static LeafValues Of(WriteNode leaf, ColumnData data, RowSelection rows) => data switch
    {
        BooleanColumn c => new BooleanValues(Compact.Of(c.Values, rows)),
        Int32Column c => new FixedValues<int>(Compact.Of(c.Values, rows)),
        Int64Column c when leaf.Physical == PhysicalType.Int64 => new FixedValues<long>(Compact.Of(c.Values, rows)),
        FloatColumn c => new FixedValues<float>(Compact.Of(c.Values, rows)),
        DoubleColumn c => new FixedValues<double>(Compact.Of(c.Values, rows)),
        DictionaryColumn c => new DictionaryValues(c, Compact.Of(c.Codes, rows)),
        BytesColumn c => new BytesValues(c, Compact.Rows(rows)),
        Int64Column or Int128Column => DecimalValues.Convert(leaf, data, rows),
        _ => throw new ArgumentException($"A {data.GetType().Name} is not a leaf."),
    };

    /// <summary>Whether a dictionary is likely to fit, by looking at 64 stretches of 64 values.</summary>
    protected static bool WorthTrying(int count, int distinctInSample, int sampled, int maxDistinct)
    {
        if (sampled >= count) return distinctInSample <= count * 0.75;
        var repeats = Math.Max(sampled - distinctInSample, 0);
        // Drawing s values out of C equally likely ones gives about s * s / 2C repeats.
        return repeats > Math.Min((double)sampled * sampled / (2.0 * maxDistinct), sampled * 0.5) || repeats > sampled / 4;
    }

    protected static IEnumerable<(int From, int To)> Stretches(int count)
    {
        const int stretches = 64, length = 64;
        if (count <= stretches * length)
        {
            yield return (0, count);
            yield break;
        }

        for (var i = 0; i < stretches; i++)
        {
            var from = (int)((long)count * i / stretches);
            yield return (from, from + length);
        }
    }

    protected static bool Smaller(long dictionaryBytes, int distinct, int count, long plainBytes) =>
        dictionaryBytes + (long)count * RleEncoder.BitWidth(Math.Max(distinct - 1, 0)) / 8 < plainBytes;
}

/// <summary>Which entries of a column are values: a range less its nulls, or a list of entries.</summary>
internal readonly record struct RowSelection(int From, int To, ulong[]? Nulls, List<int>? Entries)
{
    public int Count => Entries?.Count ?? To - From - NullBits.Count(Nulls, From, To);
}

/// <summary>A span of values, in place or in a pooled array.</summary>
internal readonly struct Compact<T>(T[] array, int from, int count, bool pooled)
{
    public int Count => count;

    public ReadOnlySpan<T> Span => array.AsSpan(from, count);

    public void Return()
    {
        if (pooled) ArrayPool<T>.Shared.Return(array);
    }
}

internal static class Compact
{
    public static Compact<T> Of<T>(T[] values, RowSelection rows)
    {
        if (rows.Entries is { } entries)
        {
            var picked = ArrayPool<T>.Shared.Rent(entries.Count);
            for (var i = 0; i < entries.Count; i++) picked[i] = values[entries[i]];
            return new(picked, 0, entries.Count, true);
        }

        var count = rows.Count;
        if (count == rows.To - rows.From) return new(values, rows.From, count, false);
        var kept = ArrayPool<T>.Shared.Rent(count + 1);
        var n = 0;
        var nulls = rows.Nulls!;
        for (var row = rows.From; row < rows.To; row++)
        {
            kept[n] = values[row];
            n += NullBits.IsSet(nulls, row) ? 0 : 1;
        }

        return new(kept, 0, count, true);
    }

    /// <summary>The entries themselves.</summary>
    public static Compact<int> Rows(RowSelection rows)
    {
        var count = rows.Count;
        var kept = ArrayPool<int>.Shared.Rent(count + 1);
        if (rows.Entries is { } entries)
        {
            entries.CopyTo(kept);
        }
        else if (count == rows.To - rows.From)
        {
            for (var i = 0; i < count; i++) kept[i] = rows.From + i;
        }
        else
        {
            var n = 0;
            for (var row = rows.From; row < rows.To; row++)
            {
                kept[n] = row;
                n += NullBits.IsSet(rows.Nulls!, row) ? 0 : 1;
            }
        }

        return new(kept, 0, count, true);
    }
}

/// <summary>Booleans: one bit each, never a dictionary and never run lengths, which some readers refuse.</summary>
internal sealed class BooleanValues : LeafValues
{
    private readonly Compact<bool> _values;

    public BooleanValues(Compact<bool> values)
    {
        _values = values;
        Count = values.Count;
    }

    public override long PlainBytes => (Count + 7) / 8;

    public override void WritePlain(int from, int to, ByteSink sink)
    {
        var values = _values.Span[from..to];
        var bytes = sink.Reserve((values.Length + 7) / 8)[..((values.Length + 7) / 8)];
        bytes.Clear();
        for (var i = 0; i < values.Length; i++)
        {
            if (values[i]) bytes[i >> 3] |= (byte)(1 << (i & 7));
        }

        sink.Advance(bytes.Length);
    }

    public override (byte[]? Min, byte[]? Max, bool Unknown) Bounds()
    {
        if (Count == 0) return default;
        bool any = _values.Span.Contains(true), all = !_values.Span.Contains(false);
        return ([(byte)(all ? 1 : 0)], [(byte)(any ? 1 : 0)], false);
    }

    public override int[]? BuildDictionary(int maxBytes, ByteSink dictionary, out int dictionaryCount)
    {
        dictionaryCount = 0;
        return null;
    }

    public override void Dispose() => _values.Return();
}

/// <summary>Numbers of four or eight bytes.</summary>
internal sealed class FixedValues<T> : LeafValues where T : unmanaged, System.Numerics.INumber<T>
{
    private readonly Compact<T> _values;
    private int[]? _codes;

    public FixedValues(Compact<T> values)
    {
        _values = values;
        Count = values.Count;
    }

    public override long PlainBytes => (long)Count * Unsafe.SizeOf<T>();

    public override void WritePlain(int from, int to, ByteSink sink) => sink.Write(MemoryMarshal.AsBytes(_values.Span[from..to]));

    public override (byte[]? Min, byte[]? Max, bool Unknown) Bounds()
    {
        if (Count == 0) return default;
        if (typeof(T) == typeof(float) && Parquet.Bounds.AnyNaN(MemoryMarshal.Cast<T, float>(_values.Span))) return (null, null, true);
        if (typeof(T) == typeof(double) && Parquet.Bounds.AnyNaN(MemoryMarshal.Cast<T, double>(_values.Span))) return (null, null, true);
        var (min, max) = Parquet.Bounds.Of(_values.Span);
        // A zero bound of a float must not exclude the other zero.
        if (T.IsZero(min) && typeof(T) != typeof(int) && typeof(T) != typeof(long)) min = -T.Zero;
        if (T.IsZero(max)) max = T.Zero;
        return (MemoryMarshal.AsBytes(new ReadOnlySpan<T>(in min)).ToArray(), MemoryMarshal.AsBytes(new ReadOnlySpan<T>(in max)).ToArray(), false);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static long Bits(T value) => Unsafe.SizeOf<T>() == 4 ? Unsafe.BitCast<T, int>(value) : Unsafe.BitCast<T, long>(value);

    public override int[]? BuildDictionary(int maxBytes, ByteSink dictionary, out int dictionaryCount)
    {
        dictionaryCount = 0;
        var values = _values.Span;
        var maxCount = maxBytes / Unsafe.SizeOf<T>();
        if (maxCount == 0 || Count == 0) return null;
        var sample = new ValueDictionary(int.MaxValue);
        var sampled = 0;
        foreach (var (from, to) in Stretches(Count))
        {
            for (var i = from; i < to; i++) sample.GetOrAdd(Bits(values[i]));
            sampled += to - from;
        }

        if (!WorthTrying(Count, sample.Count, sampled, maxCount)) return null;
        var found = new ValueDictionary(maxCount);
        var codes = _codes = ArrayPool<int>.Shared.Rent(Count);
        for (var i = 0; i < values.Length; i++)
        {
            var code = found.GetOrAdd(Bits(values[i]));
            if (code < 0) return null;
            codes[i] = code;
        }

        if (!Smaller((long)found.Count * Unsafe.SizeOf<T>(), found.Count, Count, PlainBytes)) return null;
        foreach (var bits in found.Values)
        {
            if (Unsafe.SizeOf<T>() == 4) dictionary.WriteInt32((int)bits);
            else dictionary.Write(MemoryMarshal.AsBytes(new ReadOnlySpan<long>(in bits)));
        }

        dictionaryCount = found.Count;
        return codes;
    }

    public override void Dispose()
    {
        _values.Return();
        if (_codes is not null) ArrayPool<int>.Shared.Return(_codes);
        _codes = null;
    }
}
