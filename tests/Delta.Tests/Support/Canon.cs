using System.Globalization;
using System.Text;
using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Json.Nodes;

namespace Tidemark.Delta.Tests.Support;

/// <summary>Rows as canonical JSON, the same form that the foreign readers answer with (readers/canon.mjs).</summary>
public static class Canon
{
    public static readonly JsonSerializerOptions Json = new() { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    public static List<string> Rows(RecordBatch batch) => [.. Enumerable.Range(0, batch.RowCount).Select(row =>
        new JsonArray([.. batch.Schema.Fields.Select((f, i) => Value(f.Type, batch.Columns[i], row))]).ToJsonString(Json))];

    public static List<string> Rows(IEnumerable<RecordBatch> batches) => [.. batches.SelectMany(Rows)];

    private static JsonNode? Value(DataType type, ColumnData column, int row)
    {
        if (column.IsNull(row)) return null;
        return (type, column) switch
        {
            (ListType t, ListColumn c) => new JsonArray([.. Range(c.Offsets, row).Select(i => Value(t.Element, c.Elements, i))]),
            (MapType t, MapColumn c) => new JsonArray([.. Range(c.Offsets, row).Select(i => (JsonNode)new JsonArray(Value(t.Key, c.Keys, i), Value(t.Value, c.Values, i)))]),
            (StructType t, StructColumn c) => new JsonArray([.. t.Fields.Select((f, i) => Value(f.Type, c.Fields[i], row))]),
            (_, BooleanColumn c) => c.Values[row],
            ({ Kind: TypeKind.Date }, Int32Column c) => c.Values[row],
            (_, Int32Column c) => Text(c.Values[row]),
            (_, Int64Column c) => Text(c.Values[row]),
            (_, Int128Column c) => c.Values[row].ToString(CultureInfo.InvariantCulture),
            (_, FloatColumn c) => float.IsNaN(c.Values[row]) ? "nan" : BitConverter.SingleToUInt32Bits(c.Values[row]).ToString("x", CultureInfo.InvariantCulture),
            (_, DoubleColumn c) => double.IsNaN(c.Values[row]) ? "nan" : BitConverter.DoubleToUInt64Bits(c.Values[row]).ToString("x", CultureInfo.InvariantCulture),
            (_, BytesColumn c) => Bytes(type, c[row]),
            (_, DictionaryColumn c) => Bytes(type, c[row]),
            _ => throw new InvalidOperationException($"{type} in {column.GetType().Name}"),
        };
    }

    private static IEnumerable<int> Range(int[] offsets, int row) => Enumerable.Range(offsets[row], offsets[row + 1] - offsets[row]);

    private static string Text(long value) => value.ToString(CultureInfo.InvariantCulture);

    private static string Bytes(DataType type, ReadOnlySpan<byte> bytes) =>
        type.Kind == TypeKind.String ? Encoding.UTF8.GetString(bytes) : Convert.ToHexStringLower(bytes);

    /// <summary>Compares rows of two readers; decimals that a reader only knows about as floating point compare to 12 digits.</summary>
    public static void AssertSame(IEnumerable<string> expected, IEnumerable<string> actual, string what, bool ordered = true)
    {
        var want = expected.ToList();
        var got = actual.ToList();
        if (!ordered)
        {
            want.Sort(string.CompareOrdinal);
            got.Sort(string.CompareOrdinal);
        }

        Assert.True(want.Count == got.Count, $"{what}: {want.Count} rows expected, {got.Count} read");
        for (var i = 0; i < want.Count; i++)
        {
            if (want[i] != got[i] && !About(JsonNode.Parse(want[i]), JsonNode.Parse(got[i])))
                Assert.Fail($"{what}: row {i}, {Difference(want[i], got[i])}\nexpected {want[i]}\nread     {got[i]}");
        }
    }

    private static string Difference(string want, string got)
    {
        JsonArray a = JsonNode.Parse(want)!.AsArray(), b = JsonNode.Parse(got)!.AsArray();
        var column = Enumerable.Range(0, Math.Min(a.Count, b.Count)).FirstOrDefault(c => !About(a[c], b[c]), -1);
        return column < 0 ? "number of columns" : $"column {column}: {a[column]?.ToJsonString(Json)} and {b[column]?.ToJsonString(Json)}";
    }

    private static bool Near(double expected, double actual) => Math.Abs(expected - actual) <= 1e-12 * Math.Max(1, Math.Abs(expected));

    private static bool About(JsonNode? want, JsonNode? got)
    {
        if (want is null || got is null) return want is null && got is null;
        if (got is JsonObject about)
        {
            if (about["millis"] is { } millis) return Math.Abs(long.Parse(want.GetValue<string>(), CultureInfo.InvariantCulture) / 1000.0 - millis.GetValue<double>()) < 1;
            var expected = double.Parse(want.GetValue<string>(), CultureInfo.InvariantCulture);
            return Near(expected, about["about"]!.GetValue<double>()) || about["or"] is { } other && Near(expected, other.GetValue<double>());
        }

        if (want is JsonArray a && got is JsonArray b) return a.Count == b.Count && a.Zip(b).All(p => About(p.First, p.Second));
        return want.ToJsonString(Json) == got.ToJsonString(Json);
    }
}
