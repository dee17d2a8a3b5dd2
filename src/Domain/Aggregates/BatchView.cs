using Tidemark.Domain.Columns;
using Tidemark.Domain.Queries;

namespace Tidemark.Domain.Aggregates;

/// <summary>
/// A batch with what several queries and aggregates need of it, computed once: filter masks, hashes of values, codes of group keys. Memory is kept
/// from batch to batch. Not thread-safe.
/// </summary>
internal sealed class BatchView
{
    private readonly Dictionary<string, byte[]> masks = [];
    private readonly HashSet<string> maskReady = [];
    private readonly ulong[]?[] hashes = new ulong[64][];
    private readonly KeyCodes?[] codes = new KeyCodes[64];
    private ulong hashReady, codesReady;

    /// <summary>The batch.</summary>
    public RowBatch Rows { get; private set; } = null!;

    /// <summary>Turns to another batch.</summary>
    public void Use(RowBatch rows)
    {
        if (rows.Columns.Count > 64)
            throw new ArgumentException($"A batch of {rows.Columns.Count} columns is too wide; 64 are the most.", nameof(rows));
        Rows = rows;
        maskReady.Clear();
        (hashReady, codesReady) = (0, 0);
    }

    /// <summary>One byte a row, 1 where the filter holds; filters that read the same share one mask.</summary>
    /// <param name="filter">The filter.</param>
    /// <param name="name">Its text, which identifies it.</param>
    public ReadOnlySpan<byte> Mask(Filter filter, string name)
    {
        if (!masks.TryGetValue(name, out var mask) || mask.Length < Rows.Count)
            masks[name] = mask = new byte[Rows.Count * 5 / 4];
        if (maskReady.Add(name))
            RowMask.Fill(filter, Rows, mask);
        return mask.AsSpan(0, Rows.Count);
    }

    /// <summary>A 64-bit hash a row of a column; 0 where it is null.</summary>
    public ReadOnlySpan<ulong> Hashes(int column)
    {
        ref var array = ref hashes[column];
        if (array is null || array.Length < Rows.Count)
            array = new ulong[Rows.Count * 5 / 4];
        if ((hashReady >> column & 1) == 0)
        {
            ColumnHashes.Fill(Rows.Columns[column], array);
            hashReady |= 1UL << column;
        }
        return array.AsSpan(0, Rows.Count);
    }

    /// <summary>A small number a row that is equal where the values are equal, null included.</summary>
    public KeyCodes Codes(int column)
    {
        var result = codes[column] ??= new KeyCodes();
        if ((codesReady >> column & 1) == 0)
        {
            result.Fill(Rows.Columns[column], Rows.Columns[column] is BinaryColumn ? Hashes(column) : []);
            codesReady |= 1UL << column;
        }
        return result;
    }
}
