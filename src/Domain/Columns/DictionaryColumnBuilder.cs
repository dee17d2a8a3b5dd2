namespace Tidemark.Domain.Columns;

/// <summary>
/// Builds <see cref="DictionaryColumn"/>. The table of known strings lives across batches, so a string that was seen before costs one look-up and no
/// memory; the dictionary of a batch holds only what the batch uses, in order of first use. A table that has grown beyond
/// <see cref="MaxKnown"/> strings or <see cref="MaxKnownBytes"/> is dropped between two batches.
/// </summary>
public sealed class DictionaryColumnBuilder : ColumnBuilder
{
    /// <summary>Strings kept across batches.</summary>
    public const int MaxKnown = 1 << 16;

    /// <summary>Bytes of strings kept across batches.</summary>
    public const int MaxKnownBytes = 4 << 20;

    private readonly StringTable known = new();
    private readonly Utf8ColumnBuilder used = new();
    private int[] codes = new int[64];
    private int[] usedIn = new int[64];       // by known string: the batch that last used it
    private int[] codeOf = new int[64];       // and its code there
    private int batch = 1;

    /// <summary>Adds a value.</summary>
    public void Append(ReadOnlySpan<byte> value)
    {
        var entry = known.Intern(value, out _);
        if (entry >= usedIn.Length)
        {
            Array.Resize(ref usedIn, Math.Max(entry + 1, usedIn.Length * 2));
            Array.Resize(ref codeOf, usedIn.Length);
        }
        if (usedIn[entry] != batch)
        {
            usedIn[entry] = batch;
            codeOf[entry] = used.Count;
            used.Append(value);
        }
        AppendCode(codeOf[entry]);
    }

    /// <summary>Adds so many rows with the same value.</summary>
    public void AppendMany(ReadOnlySpan<byte> value, int times)
    {
        if (times == 0)
            return;
        Append(value);
        var code = codes[Count - 1];
        for (var i = 1; i < times; i++)
            AppendCode(code);
    }

    /// <inheritdoc/>
    public override void AppendNull()
    {
        Nulls.Set(Count);
        AppendCode(0);
    }

    /// <inheritdoc/>
    public override void AppendFrom(Column source, int row)
    {
        if (source.IsNull(row))
            AppendNull();
        else
            Append(source.Bytes(row));
    }

    /// <inheritdoc/>
    public override Column Build() => new DictionaryColumn(codes, used.BuildUtf8(), Count, Nulls.For(Count));

    /// <inheritdoc/>
    public override void Reset()
    {
        base.Reset();
        used.Reset();
        if (known.Count > MaxKnown || known.HeapBytes > MaxKnownBytes)
            known.Clear();
        if (++batch == int.MaxValue)
        {
            Array.Clear(usedIn);
            batch = 1;
        }
    }

    private void AppendCode(int code)
    {
        if (Count == codes.Length)
            Array.Resize(ref codes, Count * 2);
        codes[Count++] = code;
    }
}
