namespace Tidemark.Delta.Parquet;

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
