using System.Buffers;
using System.Text;
using Tidemark.Domain.Columns;

namespace Tidemark.Domain.Queries;

/// <summary>Evaluates a filter over a batch: one byte a row, 1 where it is true. Unknown counts as false, also below a <see cref="Opposite"/>.</summary>
internal static class RowMask
{
    /// <summary>Fills the first <c>rows.Count</c> bytes of <paramref name="mask"/>.</summary>
    public static void Fill(Filter filter, RowBatch rows, Span<byte> mask) => Fill(filter, rows, mask[..rows.Count], negated: false);

    private static void Fill(Filter filter, RowBatch rows, Span<byte> mask, bool negated)
    {
        switch (filter)
        {
            case Opposite not:
                Fill(not.Part, rows, mask, !negated);
                break;
            case AllOf all:
                Combine(all.Parts, rows, mask, negated, and: !negated);
                break;
            case AnyOf any:
                Combine(any.Parts, rows, mask, negated, and: negated);
                break;
            case TextIn text:
                Text(text, rows[text.Field], mask, negated);
                break;
            case NumberIs number:
                Number(number, rows, mask, negated);
                break;
            case IsMissing missing:
                var column = rows[missing.Field];
                for (var i = 0; i < mask.Length; i++)
                    mask[i] = column.IsNull(i) != negated ? (byte)1 : (byte)0;
                break;
        }
    }

    // not (a and b) = not a or not b, so negation travels down to the comparisons and null stays false on both sides.
    private static void Combine(IReadOnlyList<Filter> parts, RowBatch rows, Span<byte> mask, bool negated, bool and)
    {
        mask.Fill(and ? (byte)1 : (byte)0);
        if (parts.Count == 0)
            return;
        if (parts.Count == 1)
        {
            Fill(parts[0], rows, mask, negated);
            return;
        }
        var rented = ArrayPool<byte>.Shared.Rent(mask.Length);
        var part = rented.AsSpan(0, mask.Length);
        foreach (var filter in parts)
        {
            Fill(filter, rows, part, negated);
            for (var i = 0; i < mask.Length; i++)
                mask[i] = (byte)(and ? mask[i] & part[i] : mask[i] | part[i]);
        }
        ArrayPool<byte>.Shared.Return(rented);
    }

    private static void Text(TextIn text, Column column, Span<byte> mask, bool negated)
    {
        var words = text.Words.Select(w => Encoding.UTF8.GetBytes(w)).ToArray();
        if (column is DictionaryColumn coded)
        {
            var byCode = new byte[Math.Max(1, coded.Dictionary.Count)];
            for (var code = 0; code < coded.Dictionary.Count; code++)
                byCode[code] = IsOneOf(coded.Dictionary[code], words) != negated ? (byte)1 : (byte)0;
            var codes = coded.Codes.AsSpan(0, mask.Length);
            for (var i = 0; i < mask.Length; i++)
                mask[i] = byCode[codes[i]];
        }
        else
        {
            var plain = (BinaryColumn)column;
            for (var i = 0; i < mask.Length; i++)
                mask[i] = IsOneOf(plain[i], words) != negated ? (byte)1 : (byte)0;
        }
        ClearNulls(column, mask);
    }

    private static bool IsOneOf(ReadOnlySpan<byte> value, byte[][] words)
    {
        foreach (var word in words)
            if (value.SequenceEqual(word))
                return true;
        return false;
    }

    private static void Number(NumberIs number, RowBatch rows, Span<byte> mask, bool negated)
    {
        var index = rows.Schema.IndexOf(number.Field);
        if (rows.Columns[index] is DoubleColumn or Int128Column)
        {
            Slow(number, rows.Columns[index], rows.Schema.Fields[index].Scale, mask, negated);
            return;
        }
        var (least, greatest) = Range(number, rows.Schema.Fields[index].Scale);
        negated ^= number.Comparison == Comparison.NotEqual;
        byte inside = negated ? (byte)0 : (byte)1, outside = (byte)(1 - inside);
        switch (rows.Columns[index])
        {
            case Int64Column wide:
                for (var i = 0; i < mask.Length; i++)
                    mask[i] = wide.Values[i] >= least && wide.Values[i] <= greatest ? inside : outside;
                break;
            case Int32Column narrow:
                for (var i = 0; i < mask.Length; i++)
                    mask[i] = narrow.Values[i] >= least && narrow.Values[i] <= greatest ? inside : outside;
                break;
        }
        ClearNulls(rows.Columns[index], mask);
    }

    /// <summary>Result columns: doubles compare as doubles, wide decimals exactly.</summary>
    private static void Slow(NumberIs number, Column column, int scale, Span<byte> mask, bool negated)
    {
        var (whole, over) = Scaled(number.Number, scale);
        for (var i = 0; i < mask.Length; i++)
        {
            var order = column is DoubleColumn real ? real.Values[i].CompareTo((double)number.Number)
                : ((Int128Column)column).Values[i].CompareTo(whole) is var c and not 0 ? c : over ? -1 : 0;
            var holds = number.Comparison switch
            {
                Comparison.Equal => order == 0,
                Comparison.NotEqual => order != 0,
                Comparison.Less => order < 0,
                Comparison.LessOrEqual => order <= 0,
                Comparison.Greater => order > 0,
                _ => order >= 0,
            };
            mask[i] = holds != negated ? (byte)1 : (byte)0;
        }
        ClearNulls(column, mask);
    }

    /// <summary>The number in units of the scale, rounded down, and whether something is left over.</summary>
    private static (Int128 Whole, bool Over) Scaled(decimal number, int scale)
    {
        Int128 whole = (Int128)decimal.Floor(number);
        var fraction = number - decimal.Floor(number);
        for (; scale > 0; scale--)
        {
            fraction *= 10;
            whole = whole * 10 + (int)decimal.Floor(fraction);
            fraction -= decimal.Floor(fraction);
        }
        return (whole, fraction != 0);
    }

    /// <summary>The unscaled values that the comparison (its opposite, for not equal) holds for; empty when least is above greatest.</summary>
    private static (long Least, long Greatest) Range(NumberIs number, int scale)
    {
        var scaled = number.Number;
        for (; scale > 0; scale--)
            scaled *= 10;
        var floor = decimal.Floor(scaled);
        var below = floor == scaled ? floor - 1 : floor;   // the greatest whole number below
        return number.Comparison switch
        {
            Comparison.Less => (long.MinValue, Clamp(below)),
            Comparison.LessOrEqual => (long.MinValue, Clamp(floor)),
            Comparison.Greater => (Clamp(floor + 1), long.MaxValue),
            Comparison.GreaterOrEqual => (Clamp(below + 1), long.MaxValue),
            _ => floor == scaled && floor >= long.MinValue && floor <= long.MaxValue ? ((long)floor, (long)floor) : (1, 0),
        };
    }

    private static long Clamp(decimal value) => value <= long.MinValue ? long.MinValue : value >= long.MaxValue ? long.MaxValue : (long)value;

    private static void ClearNulls(Column column, Span<byte> mask)
    {
        if (column.Nulls is null)
            return;
        for (var i = 0; i < mask.Length; i++)
            if (column.IsNull(i))
                mask[i] = 0;
    }
}
