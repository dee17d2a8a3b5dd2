using System.Globalization;
using System.Text;
using Tidemark.Domain.Columns;

namespace Tidemark.Functions.Results;

/// <summary>One value of a batch, as Table storage takes it.</summary>
internal static class Cell
{
    /// <summary>A string property holds 64 KB of UTF-16; longer text is cut here (Delta has it whole).</summary>
    public const int LongestText = 32_000;

    /// <summary>
    /// The value as a property: text as String (cut at 32,000 characters), Int32, Int64, Double and Boolean as such, Timestamp as DateTime (UTC),
    /// Date as <c>yyyy-MM-dd</c>, Decimal as its digits in invariant form (Table storage has no decimal, a double would lose digits), Binary
    /// as bytes (cut at 64 KB), null as null.
    /// </summary>
    public static object? Property(RowBatch rows, int column, int row) => Value(rows, column, row) switch
    {
        string { Length: > LongestText } text => CutText(text),
        byte[] { Length: > 64 << 10 } bytes => bytes[..(64 << 10)],
        var value => value,
    };

    /// <summary>The value as text for a key: invariant, times as milliseconds since 1970.</summary>
    public static string? KeyText(RowBatch rows, int column, int row) => Value(rows, column, row) switch
    {
        null => null,
        DateTime time => new DateTimeOffset(time).ToUnixTimeMilliseconds().ToString(CultureInfo.InvariantCulture),
        byte[] bytes => Convert.ToHexString(bytes),
        IFormattable value => value.ToString(null, CultureInfo.InvariantCulture),
        var value => value.ToString(),
    };

    /// <summary>Milliseconds since 1970 of a Timestamp column.</summary>
    public static long Milliseconds(RowBatch rows, int column, int row) => Math.DivRem(((Int64Column)rows.Columns[column]).Values[row], 1000).Quotient;

    /// <summary>Digits of an exact decimal, e.g. <c>-12.3400</c> for −123400 at scale 4.</summary>
    public static string Digits(Int128 unscaled, int scale)
    {
        var text = Int128.Abs(unscaled).ToString(CultureInfo.InvariantCulture);
        if (scale > 0)
            text = text.PadLeft(scale + 1, '0').Insert(Math.Max(text.Length, scale + 1) - scale, ".");
        return unscaled < 0 ? "-" + text : text;
    }

    /// <summary>As <see cref="Property"/>, but whole.</summary>
    public static object? Value(RowBatch rows, int column, int row)
    {
        var field = rows.Schema.Fields[column];
        var values = rows.Columns[column];
        if (values.IsNull(row))
            return null;
        return (field.Type, values) switch
        {
            (FieldType.Timestamp, Int64Column c) => DateTime.UnixEpoch.AddTicks(c.Values[row] * TimeSpan.TicksPerMicrosecond),
            (FieldType.Date, Int32Column c) => DateOnly.FromDateTime(DateTime.UnixEpoch).AddDays(c.Values[row]).ToString("yyyy-MM-dd", CultureInfo.InvariantCulture),
            (FieldType.Decimal, Int64Column c) => Digits(c.Values[row], field.Scale),
            (FieldType.Decimal, Int128Column c) => Digits(c.Values[row], field.Scale),
            (_, Int32Column c) => c.Values[row],
            (_, Int64Column c) => c.Values[row],
            (_, DoubleColumn c) => c.Values[row],
            (_, BooleanColumn c) => c.Values[row],
            (_, DictionaryColumn c) => Encoding.UTF8.GetString(c.Dictionary[c.Codes[row]]),
            (FieldType.String, BinaryColumn c) => Encoding.UTF8.GetString(c[row]),
            (_, BinaryColumn c) => c[row].ToArray(),
            _ => throw new InvalidOperationException($"Column '{field.Name}' of type {field.Type} cannot be held in a {values.GetType().Name}."),
        };
    }

    // A surrogate pair must not be cut in two.
    private static string CutText(string text) => text[..(char.IsHighSurrogate(text[LongestText - 1]) ? LongestText - 1 : LongestText)];
}
