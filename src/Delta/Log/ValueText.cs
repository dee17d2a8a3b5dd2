using System.Globalization;
using System.Text;

namespace Tidemark.Delta.Log;

/// <summary>Values as the text that partition values and statistics hold.</summary>
internal static class ValueText
{
    private const long TicksPerMicro = 10;
    private static readonly DateTime Epoch = DateTime.UnixEpoch;
    private static readonly long MinMicros = (DateTime.MinValue - Epoch).Ticks / TicksPerMicro, MaxMicros = (DateTime.MaxValue - Epoch).Ticks / TicksPerMicro;

    /// <summary>yyyy-MM-dd; null outside the years 1 to 9999.</summary>
    public static string? Date(int days)
    {
        var micros = days * 86_400_000_000L;
        return micros < MinMicros || micros > MaxMicros ? null : Epoch.AddDays(days).ToString("yyyy-MM-dd", CultureInfo.InvariantCulture);
    }

    /// <summary>ISO 8601 in UTC, cut down to the millisecond; null outside the years 1 to 9999.</summary>
    public static string? TimestampMillis(long micros) => micros < MinMicros || micros > MaxMicros
        ? null
        : Epoch.AddTicks(FloorTo(micros, 1000) * TicksPerMicro).ToString("yyyy-MM-dd'T'HH:mm:ss.fff'Z'", CultureInfo.InvariantCulture);

    private static long FloorTo(long value, long unit) => value - (value % unit + unit) % unit;

    /// <summary>The text of row <paramref name="row"/> as a partition value; null for null, and for the empty string, which Delta cannot tell from it.</summary>
    public static string? PartitionValue(DataType type, ColumnData column, int row)
    {
        if (column.IsNull(row)) return null;
        return (type.Kind, column) switch
        {
            (TypeKind.Boolean, BooleanColumn c) => c.Values[row] ? "true" : "false",
            (TypeKind.Date, Int32Column c) => Date(c.Values[row]) ?? throw Unfit(type),
            (_, Int32Column c) => c.Values[row].ToString(CultureInfo.InvariantCulture),
            (TypeKind.Timestamp, Int64Column c) => Timestamp(c.Values[row]) ?? throw Unfit(type),
            (TypeKind.Decimal, Int64Column c) => Statistics.DecimalText(c.Values[row], ((DecimalType)type).Scale),
            (TypeKind.Decimal, Int128Column c) => Statistics.DecimalText(c.Values[row], ((DecimalType)type).Scale),
            (TypeKind.Int64, Int64Column c) => c.Values[row].ToString(CultureInfo.InvariantCulture),
            (TypeKind.Float, FloatColumn c) => c.Values[row].ToString("R", CultureInfo.InvariantCulture),
            (TypeKind.Double, DoubleColumn c) => c.Values[row].ToString("R", CultureInfo.InvariantCulture),
            (TypeKind.String, BytesColumn c) => Text(c[row]),
            (TypeKind.String, DictionaryColumn c) => Text(c[row]),
            _ => throw Unfit(type),
        };
    }

    private static string? Text(ReadOnlySpan<byte> utf8) => utf8.IsEmpty ? null : Encoding.UTF8.GetString(utf8);

    private static DeltaSchemaMismatchException Unfit(DataType type) => new($"A value of type {type} cannot be a partition value.");

    public static string? Timestamp(long micros) => micros < MinMicros || micros > MaxMicros
        ? null
        : Epoch.AddTicks(micros * TicksPerMicro).ToString("yyyy-MM-dd'T'HH:mm:ss.ffffff'Z'", CultureInfo.InvariantCulture);

    /// <summary>A column of one value, parsed from a partition value.</summary>
    public static ColumnData Constant(DataType type, string? value, int rows)
    {
        if (string.IsNullOrEmpty(value)) return Parquet.NullColumn.Of(type, rows);
        try
        {
            return type.Kind switch
            {
                TypeKind.Boolean => new BooleanColumn(Fill(bool.Parse(value), rows), rows),
                TypeKind.Byte or TypeKind.Short or TypeKind.Int32 => new Int32Column(Fill(int.Parse(value, CultureInfo.InvariantCulture), rows), rows),
                TypeKind.Date => new Int32Column(Fill(ParseDate(value), rows), rows),
                TypeKind.Int64 => new Int64Column(Fill(long.Parse(value, CultureInfo.InvariantCulture), rows), rows),
                TypeKind.Timestamp => new Int64Column(Fill(ParseTimestamp(value), rows), rows),
                TypeKind.Float => new FloatColumn(Fill(float.Parse(value, CultureInfo.InvariantCulture), rows), rows),
                TypeKind.Double => new DoubleColumn(Fill(double.Parse(value, CultureInfo.InvariantCulture), rows), rows),
                TypeKind.Decimal => ConstantDecimal((DecimalType)type, value, rows),
                TypeKind.String or TypeKind.Binary => ConstantBytes(Encoding.UTF8.GetBytes(value), rows),
                _ => throw Unfit(type),
            };
        }
        catch (Exception wrong) when (wrong is FormatException or OverflowException)
        {
            throw new DeltaFormatException($"The partition value '{value}' is no {type}.", wrong);
        }
    }

    public static int ParseDate(string value) =>
        DateOnly.ParseExact(value.Length > 10 ? value[..10] : value, "yyyy-M-d", CultureInfo.InvariantCulture).DayNumber - DateOnly.FromDateTime(Epoch).DayNumber;

    /// <summary>With a zone, or without one for UTC.</summary>
    public static long ParseTimestamp(string value)
    {
        var time = DateTimeOffset.Parse(value, CultureInfo.InvariantCulture, DateTimeStyles.AssumeUniversal);
        return (time.UtcTicks - Epoch.Ticks) / TicksPerMicro;
    }

    private static T[] Fill<T>(T value, int rows)
    {
        var values = new T[rows];
        Array.Fill(values, value);
        return values;
    }

    private static DictionaryColumn ConstantBytes(byte[] value, int rows) => new(new int[rows], value, [0, value.Length], rows);

    private static ColumnData ConstantDecimal(DecimalType type, string value, int rows)
    {
        var unscaled = ParseDecimal(value, type.Scale);
        return type.Precision <= 18 ? new Int64Column(Fill((long)unscaled, rows), rows) : new Int128Column(Fill(unscaled, rows), rows);
    }

    public static Int128 ParseDecimal(string value, int scale)
    {
        var exponent = 0;
        var e = value.IndexOfAny(['e', 'E']);
        if (e >= 0)
        {
            exponent = int.Parse(value.AsSpan(e + 1), NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture);
            value = value[..e];
        }

        var point = value.IndexOf('.');
        var fraction = point < 0 ? 0 : value.Length - point - 1;
        var digits = Int128.Parse(value.Replace(".", ""), NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture);
        var shift = scale + exponent - fraction;
        for (; shift > 0; shift--) digits = checked(digits * 10);
        for (; shift < 0; shift++)
        {
            if (digits % 10 != 0) throw new FormatException($"'{value}' has more than {scale} digits after the point");
            digits /= 10;
        }

        return digits;
    }
}
