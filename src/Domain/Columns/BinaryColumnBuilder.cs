namespace Tidemark.Domain.Columns;

/// <summary>Builds <see cref="BinaryColumn"/>: values one behind the other in one heap of at most 2 GB.</summary>
public class BinaryColumnBuilder : ColumnBuilder
{
    private protected byte[] Heap = new byte[256];
    private protected int[] Offsets = new int[65];
    private protected int Used;

    /// <summary>Bytes of all values so far.</summary>
    public int HeapBytes => Used;

    /// <inheritdoc/>
    public override void Expect(int rows)
    {
        if (rows >= Offsets.Length)
            Array.Resize(ref Offsets, rows + 1);
    }

    /// <summary>Adds a copy of these bytes as a value.</summary>
    public void Append(ReadOnlySpan<byte> value)
    {
        value.CopyTo(Reserve(value.Length));
        Commit(value.Length);
    }

    /// <summary>Room for a value of at most so many bytes, to be written in place; <see cref="Commit"/> makes it the next row.</summary>
    public Span<byte> Reserve(int length)
    {
        var needed = checked(Used + length);
        if (needed > Heap.Length)
            Array.Resize(ref Heap, (int)Math.Min(Array.MaxLength, Math.Max(needed, Heap.Length * 2L)));
        return Heap.AsSpan(Used, length);
    }

    /// <summary>Makes the first so many bytes of what was reserved the next row.</summary>
    public void Commit(int length)
    {
        Used += length;
        if (++Count == Offsets.Length)
            Array.Resize(ref Offsets, Count * 2);
        Offsets[Count] = Used;
    }

    /// <inheritdoc/>
    public override void AppendNull()
    {
        Nulls.Set(Count);
        Commit(0);
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
    public override void AppendRows(Column source, ReadOnlySpan<int> rows)
    {
        if (source is not BinaryColumn { Nulls: null } from)
        {
            base.AppendRows(source, rows);
            return;
        }
        var (end, first) = (Count + rows.Length, Used);
        if (end >= Offsets.Length)
            Array.Resize(ref Offsets, Math.Max(end + 1, Offsets.Length * 2));
        long bytes = Used;
        foreach (var row in rows)
            Offsets[++Count] = (int)(bytes += from.Offsets[row + 1] - from.Offsets[row]);
        Used += Reserve((int)Math.Min(bytes - Used, Array.MaxLength)).Length;
        // Neighbours are copied together.
        for (int at = 0, last; at < rows.Length; at = last + 1)
        {
            for (last = at; last + 1 < rows.Length && rows[last + 1] == rows[last] + 1; last++)
            {
            }
            var (start, length) = (from.Offsets[rows[at]], from.Offsets[rows[last] + 1] - from.Offsets[rows[at]]);
            from.Heap.AsSpan(start, length).CopyTo(Heap.AsSpan(first));
            first += length;
        }
    }

    /// <inheritdoc/>
    public override Column Build() => new BinaryColumn(Heap, Offsets, Count, Nulls.For(Count));

    /// <inheritdoc/>
    public override void Reset()
    {
        base.Reset();
        Used = 0;
    }
}

/// <summary>Builds <see cref="Utf8Column"/>; the bytes given must be valid UTF-8.</summary>
public sealed class Utf8ColumnBuilder : BinaryColumnBuilder
{
    /// <inheritdoc/>
    public override Column Build() => BuildUtf8();

    internal Utf8Column BuildUtf8() => new(Heap, Offsets, Count, Nulls.For(Count));
}
