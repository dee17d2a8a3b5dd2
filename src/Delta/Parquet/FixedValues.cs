using System.Buffers;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;

namespace Tidemark.Delta.Parquet;

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
