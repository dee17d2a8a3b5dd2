using System.Buffers;
using System.Buffers.Binary;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;

namespace Tidemark.Delta.Parquet;

/// <summary>Writes byte strings as PLAIN: four bytes of length, then the bytes.</summary>
internal static class PlainBytes
{
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Write(byte[] heap, int from, int to, ByteSink sink)
    {
        var length = to - from;
        var span = sink.Reserve(length + 20);
        ref var target = ref MemoryMarshal.GetReference(span);
        Unsafe.WriteUnaligned(ref target, length);
        target = ref Unsafe.Add(ref target, 4);
        if (length <= 16 && heap.Length - from >= 16)
            Unsafe.WriteUnaligned(ref target, Unsafe.ReadUnaligned<UInt128>(ref heap[from]));
        else if (length > 0)
            Unsafe.CopyBlockUnaligned(ref target, ref heap[from], (uint)length);
        sink.Advance(length + 4);
    }
}

/// <summary>Strings and binary with their own bytes per row.</summary>
internal sealed class BytesValues : LeafValues
{
    private readonly BytesColumn _column;
    private readonly Compact<int> _rows;
    private int[]? _codes;
    private BytesDictionary? _dictionary;

    public BytesValues(BytesColumn column, Compact<int> rows)
    {
        _column = column;
        _rows = rows;
        Count = rows.Count;
        long bytes = 4L * rows.Count;
        foreach (var row in rows.Span)
        {
            CheckRange(column.Offsets[row], column.Offsets[row + 1], column.Heap);
            bytes += column.Offsets[row + 1] - column.Offsets[row];
        }

        PlainBytes = bytes;
    }

    /// <summary>Bytes are copied without further checks, so an offset outside the heap must not get there.</summary>
    internal static void CheckRange(int from, int to, byte[] heap)
    {
        if (from < 0 || to < from || to > heap.Length) throw new ArgumentException($"A string lies at [{from}, {to}) of a heap of {heap.Length} bytes; offsets must ascend within the heap.");
    }

    public override long PlainBytes { get; }

    public override void WritePlain(int from, int to, ByteSink sink)
    {
        var offsets = _column.Offsets;
        foreach (var row in _rows.Span[from..to]) Parquet.PlainBytes.Write(_column.Heap, offsets[row], offsets[row + 1], sink);
    }

    public override (byte[]? Min, byte[]? Max, bool Unknown) Bounds()
    {
        var bounds = default(BytesBounds);
        if (_dictionary is { } found)
        {
            for (var i = 0; i < found.Count; i++) bounds.Add(found.Heap[found.Offsets[i]..found.Offsets[i + 1]]);
        }
        else
        {
            foreach (var row in _rows.Span) bounds.Add(_column[row]);
        }

        return (bounds.Min, bounds.Max, false);
    }

    public override int[]? BuildDictionary(int maxBytes, ByteSink dictionary, out int dictionaryCount)
    {
        dictionaryCount = 0;
        if (maxBytes == 0 || Count == 0) return null;
        var rows = _rows.Span;
        var sample = new BytesDictionary(int.MaxValue);
        var sampled = 0;
        foreach (var (from, to) in Stretches(Count))
        {
            for (var i = from; i < to; i++) sample.GetOrAdd(_column[rows[i]]);
            sampled += to - from;
        }

        var average = Math.Max(4, sample.PlainSize / Math.Max(sample.Count, 1));
        if (!WorthTrying(Count, sample.Count, sampled, Math.Max(1, maxBytes / average))) return null;
        var found = new BytesDictionary(maxBytes);
        var codes = _codes = ArrayPool<int>.Shared.Rent(Count);
        for (var i = 0; i < rows.Length; i++)
        {
            var code = found.GetOrAdd(_column[rows[i]]);
            if (code < 0) return null;
            codes[i] = code;
        }

        if (!Smaller(found.PlainSize, found.Count, Count, PlainBytes)) return null;
        _dictionary = found;
        var heap = found.Heap;
        for (var i = 0; i < found.Count; i++)
        {
            var value = heap[found.Offsets[i]..found.Offsets[i + 1]];
            dictionary.WriteInt32(value.Length);
            dictionary.Write(value);
        }

        dictionaryCount = found.Count;
        return codes;
    }

    public override void Dispose()
    {
        _rows.Return();
        if (_codes is not null) ArrayPool<int>.Shared.Return(_codes);
        _codes = null;
    }
}

/// <summary>Strings and binary that come with codes: entries in use are renumbered, nothing is hashed.</summary>
internal sealed class DictionaryValues : LeafValues
{
    private readonly DictionaryColumn _column;
    private readonly Compact<int> _codes;
    private readonly int[] _used;
    private readonly int _usedCount;
    private readonly int[] _renumbered;

    public DictionaryValues(DictionaryColumn column, Compact<int> codes)
    {
        _column = column;
        _codes = codes;
        Count = codes.Count;
        var entries = column.DictionaryLength;
        var place = ArrayPool<int>.Shared.Rent(entries + 1);
        place.AsSpan(0, entries).Clear();
        _used = ArrayPool<int>.Shared.Rent(Math.Min(entries, codes.Count) + 1);
        _renumbered = ArrayPool<int>.Shared.Rent(Count);
        var span = codes.Span;
        var target = _renumbered;
        var plain = 4L * Count;
        for (var i = 0; i < span.Length; i++)
        {
            var code = span[i];
            if ((uint)code >= (uint)entries) throw new ArgumentException($"Code {code} is outside a dictionary of {entries} entries.");
            var number = place[code];
            if (number == 0)
            {
                BytesValues.CheckRange(column.Offsets[code], column.Offsets[code + 1], column.Heap);
                _used[_usedCount] = code;
                place[code] = number = ++_usedCount;
            }

            plain += column.Offsets[code + 1] - column.Offsets[code];
            target[i] = number - 1;
        }

        ArrayPool<int>.Shared.Return(place);
        PlainBytes = plain;
    }

    public override long PlainBytes { get; }

    public override void WritePlain(int from, int to, ByteSink sink)
    {
        var offsets = _column.Offsets;
        foreach (var code in _codes.Span[from..to]) Parquet.PlainBytes.Write(_column.Heap, offsets[code], offsets[code + 1], sink);
    }

    public override (byte[]? Min, byte[]? Max, bool Unknown) Bounds()
    {
        var bounds = default(BytesBounds);
        foreach (var code in _used.AsSpan(0, _usedCount)) bounds.Add(_column.Entry(code));
        return (bounds.Min, bounds.Max, false);
    }

    public override int[]? BuildDictionary(int maxBytes, ByteSink dictionary, out int dictionaryCount)
    {
        dictionaryCount = 0;
        long size = 4L * _usedCount;
        foreach (var code in _used.AsSpan(0, _usedCount)) size += _column.Offsets[code + 1] - _column.Offsets[code];
        if (Count == 0 || size > maxBytes || !Smaller(size, _usedCount, Count, PlainBytes)) return null;
        foreach (var code in _used.AsSpan(0, _usedCount))
            Parquet.PlainBytes.Write(_column.Heap, _column.Offsets[code], _column.Offsets[code + 1], dictionary);
        dictionaryCount = _usedCount;
        return _renumbered;
    }

    public override void Dispose()
    {
        _codes.Return();
        ArrayPool<int>.Shared.Return(_used);
        ArrayPool<int>.Shared.Return(_renumbered);
    }
}

/// <summary>Decimals: brought to the width that their precision asks for, and checked against it.</summary>
internal static class DecimalValues
{
    public static LeafValues Convert(WriteNode leaf, ColumnData data, RowSelection rows)
    {
        var limit = PowerOfTen(((DecimalType)leaf.Type!).Precision);
        if (leaf.Physical == PhysicalType.FixedLenByteArray)
            return new WideDecimalValues(Compact.Of(ColumnConcat.Widen(data), rows), leaf, limit);
        if (leaf.Physical == PhysicalType.Int64) return new FixedValues<long>(Narrow(data, rows, limit, leaf, static v => (long)v));
        return new FixedValues<int>(Narrow(data, rows, limit, leaf, static v => (int)v));
    }

    private static Compact<T> Narrow<T>(ColumnData data, RowSelection rows, Int128 limit, WriteNode leaf, Func<Int128, T> convert)
    {
        var wide = Compact.Of(ColumnConcat.Widen(data), rows);
        var narrow = ArrayPool<T>.Shared.Rent(wide.Count);
        var span = wide.Span;
        for (var i = 0; i < span.Length; i++)
        {
            CheckRange(span[i], limit, leaf);
            narrow[i] = convert(span[i]);
        }

        var result = new Compact<T>(narrow, 0, wide.Count, true);
        wide.Return();
        return result;
    }

    public static void CheckRange(Int128 value, Int128 limit, WriteNode leaf)
    {
        if (value >= limit || value <= -limit)
            throw new DeltaSchemaMismatchException($"Column '{string.Join('.', leaf.Path)}' is {leaf.Type} and cannot hold the unscaled value {value}.");
    }

    public static Int128 PowerOfTen(int digits)
    {
        Int128 power = 1;
        for (var i = 0; i < digits; i++) power *= 10;
        return power;
    }
}

/// <summary>Decimals of more than 18 digits as big-endian bytes of one width.</summary>
internal sealed class WideDecimalValues : LeafValues
{
    private readonly Compact<Int128> _values;
    private readonly int _width;

    public WideDecimalValues(Compact<Int128> values, WriteNode leaf, Int128 limit)
    {
        _values = values;
        _width = leaf.TypeLength;
        Count = values.Count;
        foreach (var value in values.Span) DecimalValues.CheckRange(value, limit, leaf);
    }

    public override long PlainBytes => (long)Count * _width;

    public override void WritePlain(int from, int to, ByteSink sink)
    {
        foreach (var value in _values.Span[from..to])
        {
            DecimalBytes.Write(value, sink.Reserve(_width)[.._width]);
            sink.Advance(_width);
        }
    }

    public override (byte[]? Min, byte[]? Max, bool Unknown) Bounds()
    {
        if (Count == 0) return default;
        Int128 min = _values.Span[0], max = min;
        foreach (var value in _values.Span)
        {
            if (value < min) min = value;
            if (value > max) max = value;
        }

        byte[] low = new byte[_width], high = new byte[_width];
        DecimalBytes.Write(min, low);
        DecimalBytes.Write(max, high);
        return (low, high, false);
    }

    public override int[]? BuildDictionary(int maxBytes, ByteSink dictionary, out int dictionaryCount)
    {
        dictionaryCount = 0;
        return null;
    }

    public override void Dispose() => _values.Return();
}
