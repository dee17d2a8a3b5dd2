namespace Tidemark.Domain.Columns;

/// <summary>A growing null bitmap in the layout of <see cref="Column.Nulls"/>; costs nothing until the first null.</summary>
internal struct NullBits
{
    private ulong[]? bits;
    private int words;

    public void Set(int row)
    {
        var word = row >> 6;
        if (word >= words)
        {
            if (bits is null || word >= bits.Length)
                Array.Resize(ref bits, Math.Max(word + 1, (bits?.Length ?? 8) * 2));
            words = word + 1;
        }
        bits![word] |= 1UL << (row & 63);
    }

    public void Clear()
    {
        if (words > 0)
            Array.Clear(bits!, 0, words);
        words = 0;
    }

    /// <summary>The bitmap for so many rows, or null when none is null.</summary>
    public ulong[]? For(int count)
    {
        if (words == 0)
            return null;
        var needed = (count + 63) >> 6;
        if (bits!.Length < needed)
            Array.Resize(ref bits, needed);
        return bits;
    }
}
