using System.Buffers;
using System.Buffers.Text;
using System.Globalization;
using System.Text;
using System.Text.Json;

namespace Azure.Data.Tables;

/// <summary>
/// Entities as the service writes them: JSON with a <c>name@odata.type</c> entry for each value whose type JSON does not tell.
/// Source: Table service REST reference, "Payload format for Table service operations" and "Understanding the Table service data model".
/// </summary>
internal static class Wire
{
    public const string PartitionKey = "PartitionKey";
    public const string RowKey = "RowKey";
    public const string Timestamp = "Timestamp";
    public const string ETag = "odata.etag";
    private const string TypeSuffix = "@odata.type";
    private const string TimeFormat = "yyyy-MM-ddTHH:mm:ss.fffffffZ";

    public static void Write(Utf8JsonWriter json, TableEntity entity)
    {
        json.WriteStartObject();
        foreach (var (name, value) in entity.Properties)
        {
            if (value is not null && name is not (ETag or Timestamp) && !name.EndsWith(TypeSuffix, StringComparison.Ordinal))
                Write(json, name, value);
        }

        json.WriteEndObject();
    }

    public static TableEntity ReadEntity(ReadOnlyMemory<byte> body)
    {
        var json = new Utf8JsonReader(body.Span);
        json.Read();
        return ReadEntity(ref json);
    }

    /// <summary>The entities in the "value" array of a query's answer.</summary>
    public static List<TableEntity> ReadEntities(ReadOnlyMemory<byte> body)
    {
        var found = new List<TableEntity>();
        var json = new Utf8JsonReader(body.Span);
        json.Read();
        while (json.Read() && json.TokenType == JsonTokenType.PropertyName)
        {
            var isValue = json.ValueTextEquals("value"u8);
            json.Read();
            if (!isValue)
            {
                json.Skip();
                continue;
            }

            while (json.Read() && json.TokenType == JsonTokenType.StartObject)
                found.Add(ReadEntity(ref json));
        }

        return found;
    }

    private static TableEntity ReadEntity(ref Utf8JsonReader json)
    {
        var entity = new TableEntity();
        string typedName = null, type = null;
        while (json.Read() && json.TokenType == JsonTokenType.PropertyName)
        {
            var name = json.GetString();
            json.Read();
            if (name.EndsWith(TypeSuffix, StringComparison.Ordinal))
            {
                (typedName, type) = (name[..^TypeSuffix.Length], json.GetString());
                if (entity.TryGetValue(typedName, out var early))
                    entity[typedName] = Convert(early, type);
            }
            else if (name.StartsWith("odata.", StringComparison.Ordinal) && name != ETag)
            {
                json.Skip();
            }
            else
            {
                var given = name == typedName ? type : name == Timestamp ? "Edm.DateTime" : null;
                entity[name] = given == "Edm.Binary" ? json.GetBytesFromBase64() : Convert(Read(ref json), given);
            }
        }

        return entity;
    }

    private static object Read(ref Utf8JsonReader json) => json.TokenType switch
    {
        JsonTokenType.String => json.GetString(),
        JsonTokenType.True => true,
        JsonTokenType.False => false,
        JsonTokenType.Null => null,
        JsonTokenType.Number when json.TryGetInt32(out var whole) && json.ValueSpan.IndexOfAny((byte)'.', (byte)'e', (byte)'E') < 0 => whole,
        JsonTokenType.Number => json.GetDouble(),
        _ => throw new InvalidDataException($"An entity of the Table service holds a {json.TokenType}, which is no property value."),
    };

    private static object Convert(object value, string type) => (type, value) switch
    {
        ("Edm.Int64", string text) => long.Parse(text, CultureInfo.InvariantCulture),
        ("Edm.Int64", int whole) => (long)whole,
        ("Edm.Double", string text) => ParseDouble(text),
        ("Edm.Double", int whole) => (double)whole,
        ("Edm.DateTime", string text) => DateTimeOffset.Parse(text, CultureInfo.InvariantCulture, DateTimeStyles.AssumeUniversal | DateTimeStyles.AdjustToUniversal),
        ("Edm.Guid", string text) => Guid.Parse(text),
        ("Edm.Binary", string text) => System.Convert.FromBase64String(text),
        ("Edm.Boolean", string text) => bool.Parse(text),
        ("Edm.Int32", string text) => int.Parse(text, CultureInfo.InvariantCulture),
        _ => value,
    };

    private static double ParseDouble(string text) => text switch
    {
        "NaN" => double.NaN,
        "Infinity" => double.PositiveInfinity,
        "-Infinity" => double.NegativeInfinity,
        _ => double.Parse(text, CultureInfo.InvariantCulture),
    };

    private static void Write(Utf8JsonWriter json, string name, object value)
    {
        switch (value)
        {
            case string text:
                json.WriteString(name, text);
                break;
            case int whole:
                json.WriteNumber(name, whole);
                break;
            case bool flag:
                json.WriteBoolean(name, flag);
                break;
            case long big:
                WriteType(json, name, "Edm.Int64");
                Span<byte> digits = stackalloc byte[20];
                Utf8Formatter.TryFormat(big, digits, out var length);
                json.WriteString(name, digits[..length]);
                break;
            case double real:
                WriteType(json, name, "Edm.Double");
                WriteDouble(json, name, real);
                break;
            case DateTime time:
                WriteTime(json, name, time.Kind == DateTimeKind.Unspecified ? time : time.ToUniversalTime());
                break;
            case DateTimeOffset time:
                WriteTime(json, name, time.UtcDateTime);
                break;
            case Guid guid:
                WriteType(json, name, "Edm.Guid");
                json.WriteString(name, guid);
                break;
            case byte[] bytes:
                WriteType(json, name, "Edm.Binary");
                json.WriteBase64String(name, bytes);
                break;
            case BinaryData data:
                WriteType(json, name, "Edm.Binary");
                json.WriteBase64String(name, data);
                break;
            default:
                throw new NotSupportedException($"The property '{name}' is a {value.GetType().Name}, which Table storage has no type for.");
        }
    }

    private static void WriteType(Utf8JsonWriter json, string name, string type) => json.WriteString(name + TypeSuffix, type);

    private static void WriteTime(Utf8JsonWriter json, string name, DateTime utc)
    {
        WriteType(json, name, "Edm.DateTime");
        json.WriteString(name, utc.ToString(TimeFormat, CultureInfo.InvariantCulture));
    }

    private static void WriteDouble(Utf8JsonWriter json, string name, double value)
    {
        if (!double.IsFinite(value))
        {
            json.WriteString(name, double.IsNaN(value) ? "NaN" : value > 0 ? "Infinity" : "-Infinity");
            return;
        }

        // A fraction keeps the number a double for readers that do not look at the type.
        var text = value.ToString("R", CultureInfo.InvariantCulture);
        json.WritePropertyName(name);
        json.WriteRawValue(text.AsSpan().IndexOfAny('.', 'E') < 0 ? text + ".0" : text, skipInputValidation: true);
    }
}
