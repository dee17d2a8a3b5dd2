using Tidemark.Domain.Columns;

namespace Tidemark.Domain.Aggregates;

/// <summary>64-bit hashes of the values of a column, the same for equal values whatever the column's layout.</summary>
internal static class ColumnHashes
{
    /// <summary>Fills one hash a row; 0 for null.</summary>
    public static void Fill(Column column, Span<ulong> to)
    {
        switch (column)
        {
            case DictionaryColumn coded:
                Span<ulong> byCode = coded.Dictionary.Count <= 512 ? stackalloc ulong[512] : new ulong[coded.Dictionary.Count];
                for (var code = 0; code < coded.Dictionary.Count; code++)
                    byCode[code] = Hash64.Of(coded.Dictionary[code]);
                // What code a null has is nobody's business.
                for (var i = 0; i < coded.Count; i++)
                    to[i] = coded.IsNull(i) ? 0 : byCode[coded.Codes[i]];
                break;
            case BinaryColumn plain:
                for (var i = 0; i < plain.Count; i++)
                    to[i] = Hash64.Of(plain[i]);
                break;
            case Int64Column wide:
                for (var i = 0; i < wide.Count; i++)
                    to[i] = Hash64.Of((ulong)wide.Values[i]);
                break;
            case Int32Column narrow:
                for (var i = 0; i < narrow.Count; i++)
                    to[i] = Hash64.Of((ulong)narrow.Values[i]);
                break;
            case BooleanColumn truth:
                for (var i = 0; i < truth.Count; i++)
                    to[i] = Hash64.Of(truth.Values[i] ? 1UL : 0);
                break;
            case Int128Column big:
                for (var i = 0; i < big.Count; i++)
                    to[i] = Hash64.Of((ulong)(big.Values[i] >> 64) ^ Hash64.Of((ulong)big.Values[i]));
                break;
            case DoubleColumn real:
                for (var i = 0; i < real.Count; i++)
                    to[i] = Hash64.Of(BitConverter.DoubleToUInt64Bits(real.Values[i] == 0 ? 0 : double.IsNaN(real.Values[i]) ? double.NaN : real.Values[i]));
                break;
            default:
                throw new ArgumentException($"A {column.GetType().Name} cannot be hashed.", nameof(column));
        }
        if (column.Nulls is not null)
            for (var i = 0; i < column.Count; i++)
                if (column.IsNull(i))
                    to[i] = 0;
    }
}
