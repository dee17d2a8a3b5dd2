using System.Runtime.InteropServices;
using Tidemark.Domain.Columns;

namespace Tidemark.Domain.Ledger;

/// <summary>A 64-bit hash of a row's content, to tell whether a published row changed. Never 0, which stands for "unknown".</summary>
internal static class RowHash
{
    private const ulong Prime = 0x9E3779B97F4A7C15;

    /// <summary>Hash of all columns of the row.</summary>
    public static ulong Of(RowBatch rows, int row)
    {
        var hash = Prime;
        foreach (var column in rows.Columns)
            hash = Mix(hash, column.IsNull(row) ? 0xFFFF_FFFF_FFFF_FFF1 : Value(column, row));
        return hash == 0 ? 1 : hash;
    }

    private static ulong Value(Column column, int row) => column switch
    {
        Int32Column c => (ulong)c.Values[row],
        Int64Column c => (ulong)c.Values[row],
        Int128Column c => Mix((ulong)c.Values[row], (ulong)(c.Values[row] >> 64)),
        DoubleColumn c => (ulong)BitConverter.DoubleToInt64Bits(c.Values[row]),
        BooleanColumn c => c.Values[row] ? 1UL : 2UL,
        DictionaryColumn c => Bytes(c.Dictionary[c.Codes[row]]),
        BinaryColumn c => Bytes(c[row]),
        _ => throw new NotSupportedException($"A column of type {column.GetType().Name} has no hash."),
    };

    private static ulong Bytes(ReadOnlySpan<byte> bytes)
    {
        var hash = (ulong)bytes.Length;
        var words = MemoryMarshal.Cast<byte, ulong>(bytes);
        foreach (var word in words)
            hash = Mix(hash, word);
        foreach (var b in bytes[(words.Length * 8)..])
            hash = Mix(hash, b);
        return hash;
    }

    private static ulong Mix(ulong hash, ulong value)
    {
        var high = Math.BigMul(hash ^ value, Prime, out var low);
        return high ^ low ^ (hash << 1 | hash >> 63);
    }
}
