using System.Runtime.CompilerServices;

namespace Tidemark.Domain.Events;

/// <summary>Remembers which field followed which: producers write their fields in the same order, so the next name is usually known before it is read.</summary>
internal sealed class FieldOrder
{
    private readonly int[] next = new int[EventField.Count + 1];

    /// <summary>The slot of <paramref name="name"/>, which follows slot <paramref name="last"/> (−1 = none yet); −1 when the name is not known.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public int Find(int last, ReadOnlySpan<byte> name)
    {
        ref var guess = ref next[last + 1];
        if (name.SequenceEqual(EventField.NameOf(guess)))
            return guess;
        var slot = EventField.Find(name);
        if (slot >= 0)
            guess = slot;
        return slot;
    }
}
