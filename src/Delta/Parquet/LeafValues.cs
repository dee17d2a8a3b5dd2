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
