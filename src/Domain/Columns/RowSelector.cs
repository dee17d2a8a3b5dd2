namespace Tidemark.Domain.Columns;

/// <summary>
/// Takes some rows of batches of one schema without work per string: dictionary columns keep their dictionary, and memory is kept from call to call.
/// What a call returns is valid until the next one. Not thread-safe.
/// </summary>
internal sealed class RowSelector
{
    private Part[] parts = [];

    /// <summary>These rows, whose numbers ascend; the batch itself when they are all.</summary>
    public RowBatch Take(RowBatch rows, ReadOnlySpan<int> which)
    {
        if (which.Length == rows.Count)
            return rows;
        if (parts.Length != rows.Columns.Count)
            parts = [.. rows.Columns.Select(_ => new Part())];
        var columns = new Column[rows.Columns.Count];
        for (var i = 0; i < columns.Length; i++)
            columns[i] = parts[i].Take(rows.Columns[i], which);
        return new RowBatch(rows.Schema, columns, which.Length);
    }

    /// <summary>Memory of one column.</summary>
    private sealed class Part
    {
        private NullBits nulls;
        private int[] ints = [];
        private long[] longs = [];
        private Int128[] wide = [];
        private double[] doubles = [];
        private bool[] booleans = [];
        private byte[] heap = [];

        public Column Take(Column source, ReadOnlySpan<int> which)
        {
            nulls.Clear();
            if (source.Nulls is not null)
                for (var i = 0; i < which.Length; i++)
                    if (source.IsNull(which[i]))
                        nulls.Set(i);
            var bits = nulls.For(which.Length);
            return source switch
            {
                DictionaryColumn c => new DictionaryColumn(Gather(c.Codes, ref ints, which), c.Dictionary, which.Length, bits),
                Utf8Column c => new Utf8Column(Heap(c, which), ints, which.Length, bits),
                BinaryColumn c => new BinaryColumn(Heap(c, which), ints, which.Length, bits),
                Int32Column c => new Int32Column(Gather(c.Values, ref ints, which), which.Length, bits),
                Int64Column c => new Int64Column(Gather(c.Values, ref longs, which), which.Length, bits),
                Int128Column c => new Int128Column(Gather(c.Values, ref wide, which), which.Length, bits),
                DoubleColumn c => new DoubleColumn(Gather(c.Values, ref doubles, which), which.Length, bits),
                BooleanColumn c => new BooleanColumn(Gather(c.Values, ref booleans, which), which.Length, bits),
                _ => throw new ArgumentOutOfRangeException(nameof(source), $"A {source.GetType().Name} cannot be selected from."),
            };
        }

        private static T[] Gather<T>(T[] from, ref T[] to, ReadOnlySpan<int> which)
        {
            Grow(ref to, which.Length);
            for (var i = 0; i < which.Length; i++)
                to[i] = from[which[i]];
            return to;
        }

        /// <summary>Copies the values in runs of neighbours; offsets go to <see cref="ints"/>.</summary>
        private byte[] Heap(BinaryColumn from, ReadOnlySpan<int> which)
        {
            Grow(ref ints, which.Length + 1);
            Grow(ref heap, from.Offsets[from.Count]);
            ints[0] = 0;
            for (var i = 0; i < which.Length;)
            {
                var end = i + 1;
                while (end < which.Length && which[end] == which[end - 1] + 1)
                    end++;
                var (first, last) = (from.Offsets[which[i]], from.Offsets[which[end - 1] + 1]);
                from.Heap.AsSpan(first, last - first).CopyTo(heap.AsSpan(ints[i]));
                for (var shift = ints[i] - first; i < end; i++)
                    ints[i + 1] = from.Offsets[which[i] + 1] + shift;
            }
            return heap;
        }

        private static void Grow<T>(ref T[] array, int length)
        {
            if (array.Length < length)
                array = new T[Math.Max(length, array.Length * 2)];
        }
    }
}
