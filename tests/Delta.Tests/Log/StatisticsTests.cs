using System.Globalization;
using System.Text;
using System.Text.Json;
using Tidemark.Delta.Log;
using Tidemark.Delta.Tests.Support;

namespace Tidemark.Delta.Tests.Log;

/// <summary>Wrong statistics lose rows silently in other engines, so those of every file are set against its rows.</summary>
public sealed class StatisticsTests
{
    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    [InlineData(4)]
    [InlineData(5)]
    [InlineData(6)]
    [InlineData(7)]
    [InlineData(8)]
    public async Task The_statistics_of_a_random_file_bound_its_rows_and_count_its_nulls(int seed)
    {
        var random = new RandomRows(seed);
        var fields = RandomRows.Primitives.Select((t, i) => new TableField($"c{i}", t)).ToList();
        fields.Add(new TableField("s", DataType.Struct(new TableField("inner", DataType.Int64), new TableField("list", DataType.List(DataType.String)))));
        fields.Add(new TableField("l", DataType.List(DataType.Int32)));
        var schema = new TableSchema(fields);
        var rows = random.Batch(schema, 400);
        var table = DeltaTable.Open(new MemoryObjectStore(), "t", new DeltaTableOptions { Parquet = new ParquetWriterOptions { RowGroupRows = 150 } });
        var file = await table.WriteFileAsync(rows);
        using var stats = JsonDocument.Parse(file.Stats!);
        Assert.Equal(400, stats.RootElement.GetProperty("numRecords").GetInt64());
        for (var c = 0; c < fields.Count; c++) Check(fields[c], rows.Columns[c], stats.RootElement, seed);
        var parent = (StructColumn)rows["s"];
        var nulls = stats.RootElement.GetProperty("nullCount").GetProperty("s");
        Assert.Equal(Enumerable.Range(0, 400).Count(i => parent.IsNull(i) || parent.Fields[0].IsNull(i)), nulls.GetProperty("inner").GetInt32());
        Assert.Equal(Enumerable.Range(0, 400).Count(i => parent.IsNull(i) || parent.Fields[1].IsNull(i)), nulls.GetProperty("list").GetInt32());
    }

    private static void Check(TableField field, ColumnData column, JsonElement stats, int seed)
    {
        if (field.Type.Kind == TypeKind.Struct) return;
        Assert.Equal(Enumerable.Range(0, column.Length).Count(column.IsNull), stats.GetProperty("nullCount").GetProperty(field.Name).GetInt32());
        var hasMin = stats.GetProperty("minValues").TryGetProperty(field.Name, out var min);
        var hasMax = stats.GetProperty("maxValues").TryGetProperty(field.Name, out var max);
        if (field.Type.Kind is TypeKind.Boolean or TypeKind.Binary or TypeKind.List)
        {
            Assert.False(hasMin || hasMax, $"{field} has bounds");
            return;
        }

        for (var row = 0; row < column.Length; row++)
        {
            if (column.IsNull(row)) continue;
            var (low, high) = field.Type.Kind switch
            {
                TypeKind.Date => (Compare(((Int32Column)column).Values[row], Day(min)), Compare(((Int32Column)column).Values[row], Day(max))),
                // Cut to the millisecond: a reader adds one to the upper bound.
                TypeKind.Timestamp => (Compare(((Int64Column)column).Values[row], Micros(min)), Compare(((Int64Column)column).Values[row], Micros(max) + 999)),
                TypeKind.Float => Floats(((FloatColumn)column).Values[row], hasMin, min, hasMax, max),
                TypeKind.Double => Floats(((DoubleColumn)column).Values[row], hasMin, min, hasMax, max),
                TypeKind.String => (Compare(Bytes(column, row), hasMin ? Encoding.UTF8.GetBytes(min.GetString()!) : []), hasMax ? Compare(Bytes(column, row), Encoding.UTF8.GetBytes(max.GetString()!)) : 0),
                TypeKind.Decimal => (Compare(Unscaled(column, row), Scaled(min, field)), Compare(Unscaled(column, row), Scaled(max, field))),
                _ => (Compare(Whole(column, row), min.GetInt64()), Compare(Whole(column, row), max.GetInt64())),
            };
            Assert.True(low >= 0 && high <= 0, $"seed {seed}: row {row} of {field} lies outside [{(hasMin ? min : "none")}, {(hasMax ? max : "none")}]");
        }
    }

    private static int Compare<T>(T a, T b) where T : IComparable<T> => a.CompareTo(b);

    private static int Compare(byte[] a, byte[] b) => a.AsSpan().SequenceCompareTo(b);

    private static (int, int) Floats(double value, bool hasMin, JsonElement min, bool hasMax, JsonElement max)
    {
        Assert.False(double.IsNaN(value) && (hasMin || hasMax), "bounds beside a NaN");
        return (hasMin ? value.CompareTo(min.GetDouble()) : 0, hasMax ? (value == max.GetDouble() ? 0 : value.CompareTo((double)(float)max.GetDouble())) : 0);
    }

    private static byte[] Bytes(ColumnData column, int row) => column is DictionaryColumn d ? d[row].ToArray() : ((BytesColumn)column)[row].ToArray();

    private static Int128 Unscaled(ColumnData column, int row) => column is Int64Column narrow ? narrow.Values[row] : ((Int128Column)column).Values[row];

    private static long Whole(ColumnData column, int row) => column is Int64Column wide ? wide.Values[row] : ((Int32Column)column).Values[row];

    private static Int128 Scaled(JsonElement json, TableField field) => ValueText.ParseDecimal(json.GetRawText(), ((DecimalType)field.Type).Scale);

    private static int Day(JsonElement json) => DateOnly.ParseExact(json.GetString()!, "yyyy-MM-dd", CultureInfo.InvariantCulture).DayNumber - 719162;

    private static long Micros(JsonElement json) => (DateTimeOffset.Parse(json.GetString()!, CultureInfo.InvariantCulture).UtcTicks - DateTime.UnixEpoch.Ticks) / 10;

    [Theory]
    [InlineData("short", "short", "short")]
    [InlineData("aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaab", "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa", "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\u007F")]
    [InlineData("aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\u007Fx", "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa", "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\U0010FFFF")]
    [InlineData("aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaü", "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa", "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\U0010FFFF")]
    [InlineData("aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa😀x", "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa", "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\U0010FFFF")]
    [InlineData("aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\U0010FFFFb", "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa", "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\U0010FFFF\u007F")]
    public void Long_texts_are_cut_so_that_the_bounds_still_hold(string text, string min, string max)
    {
        var bytes = Encoding.UTF8.GetBytes(text);
        Assert.Equal(min, Statistics.Prefix(bytes));
        Assert.Equal(max, Statistics.UpperPrefix(bytes));
    }

    [Fact]
    public void A_text_without_a_place_for_a_tie_breaker_has_no_upper_bound()
    {
        var text = string.Concat(Enumerable.Repeat("\U0010FFFF", 60));
        Assert.Null(Statistics.UpperPrefix(Encoding.UTF8.GetBytes(text)));
    }

    [Theory]
    [InlineData(0L, 2, "0.00")]
    [InlineData(-5L, 2, "-0.05")]
    [InlineData(12345L, 0, "12345")]
    [InlineData(-123456789012345678L, 10, "-12345678.9012345678")]
    public void Decimals_are_written_with_all_their_digits(long unscaled, int scale, string text)
    {
        Assert.Equal(text, Statistics.DecimalText(unscaled, scale));
        Assert.Equal(unscaled, ValueText.ParseDecimal(text, scale));
    }
}
