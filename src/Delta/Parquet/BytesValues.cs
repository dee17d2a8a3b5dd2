using System.Buffers;

namespace Tidemark.Delta.Parquet;

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
