using Tidemark.Domain.Columns;

namespace Tidemark.Domain.Aggregates;

/// <summary>
/// One aggregate of a query for many groups at once: slot i of its arrays belongs to group i. The same class adds rows on the map side, merges saved
/// forms on the fold side and merges slices into windows when rows are emitted. Merging is commutative and associative, and equal inputs
/// give equal saved bytes whatever the order. Not thread-safe.
/// </summary>
internal abstract class Accumulator
{
    /// <summary>Makes room for slots 0 to <paramref name="slots"/> − 1; new ones are empty.</summary>
    public abstract void Grow(int slots);

    /// <summary>Empties all slots, keeps the memory.</summary>
    public abstract void Clear();

    /// <summary>Adds row <c>rows[i]</c> of the batch to slot <c>slots[i]</c>.</summary>
    public abstract void Add(BatchView batch, ReadOnlySpan<int> rows, ReadOnlySpan<int> slots);

    /// <summary>Merges a slot of another accumulator of the same aggregate.</summary>
    public abstract void Merge(int slot, Accumulator from, int fromSlot);

    /// <summary>Merges a saved slot; throws <see cref="InvalidDataException"/> when it is unreadable.</summary>
    public abstract void Read(int slot, ref ByteReader from);

    /// <summary>Saves a slot.</summary>
    public abstract void Write(int slot, ByteWriter to);

    /// <summary>The slot's result as the next row of a result column.</summary>
    public abstract void Emit(int slot, ColumnBuilder to);

    /// <summary>The result as a double for ratios; null when it has none.</summary>
    public abstract double? Number(int slot);

    private protected static void Grow<T>(ref T[] array, int slots)
    {
        if (slots > array.Length)
            Array.Resize(ref array, Math.Max(slots, array.Length * 2));
    }
}
