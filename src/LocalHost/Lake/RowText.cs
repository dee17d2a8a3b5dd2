using System.Globalization;
using System.Text;
using System.Text.Json;
using Tidemark.Delta;

namespace Tidemark.LocalHost.Lake;

/// <summary>Rows of a table as JSON lines: times in ISO 8601 UTC, decimals with all their digits, bytes as text where they are UTF-8, else base64.</summary>
internal static class RowText
{
    /// <summary>One row as a JSON object.</summary>
    public static string Json(RecordBatch batch, int row)
    {
        using var bytes = new MemoryStream();
        using (var json = new Utf8JsonWriter(bytes, new JsonWriterOptions { Encoder = System.Text.Encodings.Web.JavaScriptEncoder.UnsafeRelaxedJsonEscaping }))
        {
            json.WriteStartObject();
            for (var i = 0; i < batch.Columns.Count; i++)
            {
                json.WritePropertyName(batch.Schema.Fields[i].Name);
                Write(json, batch.Schema.Fields[i].Type, batch.Columns[i], row);
            }

            json.WriteEndObject();
        }

        return Encoding.UTF8.GetString(bytes.ToArray());
    }

    /// <summary>A text column's value; null for null.</summary>
    public static string? Plain(RecordBatch batch, int column, int row) => batch.Columns[column] switch
    {
        { } values when values.IsNull(row) => null,
        BytesColumn values => Encoding.UTF8.GetString(values[row]),
        DictionaryColumn values => Encoding.UTF8.GetString(values[row]),
        var other => throw new InvalidOperationException($"{batch.Schema.Fields[column].Name} is {other.GetType().Name} and no text."),
    };

    private static void Write(Utf8JsonWriter json, DataType type, ColumnData column, int row)
    {
        if (column.IsNull(row))
        {
            json.WriteNullValue();
            return;
        }

        switch (column)
        {
            case BooleanColumn c: json.WriteBooleanValue(c.Values[row]); break;
            case Int32Column c when type.Kind == TypeKind.Date:
                json.WriteStringValue(DateTime.UnixEpoch.AddDays(c.Values[row]).ToString("yyyy-MM-dd", CultureInfo.InvariantCulture));
                break;
            case Int32Column c when type.Kind == TypeKind.Decimal: json.WriteRawValue(Decimal(c.Values[row], type)); break;
            case Int32Column c: json.WriteNumberValue(c.Values[row]); break;
            case Int64Column c when type.Kind == TypeKind.Timestamp:
                json.WriteStringValue(DateTime.UnixEpoch.AddMicroseconds(c.Values[row]).ToString("yyyy-MM-ddTHH:mm:ss.FFFFFFZ", CultureInfo.InvariantCulture));
                break;
            case Int64Column c when type.Kind == TypeKind.Decimal: json.WriteRawValue(Decimal(c.Values[row], type)); break;
            case Int64Column c: json.WriteNumberValue(c.Values[row]); break;
            case Int128Column c: json.WriteRawValue(Decimal(c.Values[row], type)); break;
            case FloatColumn c when float.IsFinite(c.Values[row]): json.WriteNumberValue(c.Values[row]); break;
            case DoubleColumn c when double.IsFinite(c.Values[row]): json.WriteNumberValue(c.Values[row]); break;
            case FloatColumn c: json.WriteStringValue(c.Values[row].ToString(CultureInfo.InvariantCulture)); break;
            case DoubleColumn c: json.WriteStringValue(c.Values[row].ToString(CultureInfo.InvariantCulture)); break;
            case BytesColumn c: WriteBytes(json, type, c[row]); break;
            case DictionaryColumn c: WriteBytes(json, type, c[row]); break;
            default: WriteNested(json, type, column, row); break;
        }
    }

    private static void WriteNested(Utf8JsonWriter json, DataType type, ColumnData column, int row)
    {
        switch (column)
        {
            case ListColumn c:
                json.WriteStartArray();
                for (var i = c.Offsets[row]; i < c.Offsets[row + 1]; i++)
                    Write(json, ((ListType)type).Element, c.Elements, i);
                json.WriteEndArray();
                break;
            case MapColumn c:
                json.WriteStartArray();
                for (var i = c.Offsets[row]; i < c.Offsets[row + 1]; i++)
                {
                    json.WriteStartObject();
                    json.WritePropertyName("key");
                    Write(json, ((MapType)type).Key, c.Keys, i);
                    json.WritePropertyName("value");
                    Write(json, ((MapType)type).Value, c.Values, i);
                    json.WriteEndObject();
                }

                json.WriteEndArray();
                break;
            case StructColumn c:
                json.WriteStartObject();
                for (var i = 0; i < c.Fields.Count; i++)
                {
                    json.WritePropertyName(((StructType)type).Fields[i].Name);
                    Write(json, ((StructType)type).Fields[i].Type, c.Fields[i], row);
                }

                json.WriteEndObject();
                break;
            default: throw new InvalidOperationException($"A column of {column.GetType().Name} cannot be shown.");
        }
    }

    private static void WriteBytes(Utf8JsonWriter json, DataType type, ReadOnlySpan<byte> bytes)
    {
        if (type.Kind == TypeKind.String || System.Text.Unicode.Utf8.IsValid(bytes))
            json.WriteStringValue(bytes);
        else
            json.WriteBase64StringValue(bytes);
    }

    private static string Decimal(Int128 unscaled, DataType type)
    {
        var scale = ((DecimalType)type).Scale;
        var digits = Int128.Abs(unscaled).ToString(CultureInfo.InvariantCulture).PadLeft(scale + 1, '0');
        var text = scale == 0 ? digits : $"{digits[..^scale]}.{digits[^scale..]}";
        return Int128.IsNegative(unscaled) ? "-" + text : text;
    }
}
