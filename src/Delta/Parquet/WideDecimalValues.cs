namespace Tidemark.Delta.Parquet;

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
