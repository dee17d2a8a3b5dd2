using System.Buffers;

namespace Tidemark.Delta.Parquet;

/// <summary>Which entries of a column are values: a range less its nulls, or a list of entries.</summary>
internal readonly record struct RowSelection(int From, int To, ulong[]? Nulls, List<int>? Entries)
{
    public int Count => Entries?.Count ?? To - From - NullBits.Count(Nulls, From, To);
}

/// <summary>A span of values, in place or in a pooled array.</summary>
internal readonly struct Compact<T>(T[] array, int from, int count, bool pooled)
{
    public int Count => count;

    public ReadOnlySpan<T> Span => array.AsSpan(from, count);

    public void Return()
    {
        if (pooled) ArrayPool<T>.Shared.Return(array);
    }
}

internal static class Compact
{
    public static Compact<T> Of<T>(T[] values, RowSelection rows)
    {
        if (rows.Entries is { } entries)
        {
            var picked = ArrayPool<T>.Shared.Rent(entries.Count);
            for (var i = 0; i < entries.Count; i++) picked[i] = values[entries[i]];
            return new(picked, 0, entries.Count, true);
        }

        var count = rows.Count;
        if (count == rows.To - rows.From) return new(values, rows.From, count, false);
        var kept = ArrayPool<T>.Shared.Rent(count + 1);
        var n = 0;
        var nulls = rows.Nulls!;
        for (var row = rows.From; row < rows.To; row++)
        {
            kept[n] = values[row];
            n += NullBits.IsSet(nulls, row) ? 0 : 1;
        }

        return new(kept, 0, count, true);
    }

    /// <summary>The entries themselves.</summary>
    public static Compact<int> Rows(RowSelection rows)
    {
        var count = rows.Count;
        var kept = ArrayPool<int>.Shared.Rent(count + 1);
        if (rows.Entries is { } entries)
        {
            entries.CopyTo(kept);
        }
        else if (count == rows.To - rows.From)
        {
            for (var i = 0; i < count; i++) kept[i] = rows.From + i;
        }
        else
        {
            var n = 0;
            for (var row = rows.From; row < rows.To; row++)
            {
                kept[n] = row;
                n += NullBits.IsSet(rows.Nulls!, row) ? 0 : 1;
            }
        }

        return new(kept, 0, count, true);
    }
}
