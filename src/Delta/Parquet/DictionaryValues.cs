using System.Buffers;

namespace Tidemark.Delta.Parquet;

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
