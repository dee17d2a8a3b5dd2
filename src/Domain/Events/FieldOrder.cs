using System.Runtime.CompilerServices;

namespace Tidemark.Domain.Events;

/// <summary>Remembers which field followed which: producers write their fields in the same order, so the next name is usually known before it is read.</summary>
internal sealed class FieldOrder(FieldNames names)
{
    private readonly int[] next = new int[names.Count + 1];
    private readonly byte[][] quotedNames = [.. Enumerable.Range(0, names.Count).Select(slot => names.QuotedName(slot).ToArray())];

    /// <summary>The slot that followed slot <paramref name="last"/> (−1 = none yet) before, and its name as <c>"name":</c>.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public int Expected(int last, out ReadOnlySpan<byte> quoted)
    {
        var slot = next[last + 1];
        quoted = quotedNames[slot];
        return slot;
    }

    /// <summary>The slot of a name that is written with escapes, or −1.</summary>
    public int FindEscaped(ReadOnlySpan<byte> escaped) => JsonText.FindEscaped(names, escaped);

    /// <summary>The slot of a name, or −1; notes that it followed <paramref name="last"/>.</summary>
    public int Find(int last, ReadOnlySpan<byte> name)
    {
        var slot = names.Find(name);
        if (slot >= 0)
            next[last + 1] = slot;
        return slot;
    }
}
