using System.Globalization;
using System.Text;
using System.Text.Json;

namespace Tidemark.Functions.Kafka;

/// <summary>An event as it is sent: its key, and its bytes with what was missing.</summary>
/// <param name="Key">Text of the key field, a number's digits; null when the event has none or is no JSON object.</param>
/// <param name="Value">The event.</param>
/// <param name="IsEvent">Whether it is a JSON object; anything else is sent as it is, and the pipeline puts it in quarantine.</param>
public readonly record struct StampedEvent(byte[]? Key, byte[] Value, bool IsEvent);

/// <summary>
/// Gives events that lack them an id and a time, so that a repeat can be recognised and a window found. The bytes of the event stay as they are; what is
/// missing goes in front of its first field.
/// </summary>
public static class EventStamp
{
    private const int MaxDepth = 256;

    /// <summary>Reads the key and adds <c>event_id</c> (a UUID, version 7) and <c>timestamp</c> where no field of either meaning has a value.</summary>
    /// <param name="json">The event.</param>
    /// <param name="keyField">Name of the field that is the key.</param>
    /// <param name="now">Time for an event that has none.</param>
    public static StampedEvent Apply(ReadOnlySpan<byte> json, string keyField, DateTimeOffset now)
    {
        byte[]? key = null;
        var (hasId, hasTime, isEmpty) = (false, false, true);
        var reader = new Utf8JsonReader(json, new JsonReaderOptions { MaxDepth = MaxDepth });
        int start;
        try
        {
            if (!reader.Read() || reader.TokenType != JsonTokenType.StartObject)
                return new StampedEvent(null, json.ToArray(), false);
            start = (int)reader.BytesConsumed;
            while (reader.Read() && reader.TokenType == JsonTokenType.PropertyName)
            {
                isEmpty = false;
                var isId = reader.ValueTextEquals("event_id"u8) || reader.ValueTextEquals("_event_id"u8);
                var isTime = reader.ValueTextEquals("timestamp"u8) || reader.ValueTextEquals("_event_time"u8) || reader.ValueTextEquals("ts"u8);
                var isKey = reader.ValueTextEquals(keyField);
                reader.Read();
                var hasValue = reader.TokenType != JsonTokenType.Null;
                hasId |= isId && hasValue;
                hasTime |= isTime && hasValue;
                if (isKey)
                    key = KeyOf(ref reader);
                reader.Skip();
            }

            while (reader.Read())
            {
                // To the end, so that text behind the object is noticed.
            }
        }
        catch (Exception e) when (e is JsonException or InvalidOperationException)
        {
            return new StampedEvent(null, json.ToArray(), false);
        }

        var added = new StringBuilder();
        if (!hasId)
            added.Append(CultureInfo.InvariantCulture, $"\"event_id\":\"{Guid.CreateVersion7(now)}\"");
        if (!hasTime)
            added.Append(added.Length > 0 ? "," : "").Append(CultureInfo.InvariantCulture, $"\"timestamp\":\"{now.UtcDateTime:yyyy-MM-ddTHH:mm:ss.ffffffZ}\"");
        if (added.Length > 0 && !isEmpty)
            added.Append(',');
        return new StampedEvent(key, [.. json[..start], .. Encoding.ASCII.GetBytes(added.ToString()), .. json[start..]], true);
    }

    private static byte[]? KeyOf(ref Utf8JsonReader reader) => reader.TokenType switch
    {
        JsonTokenType.String when reader.ValueSpan.Length > 0 => Encoding.UTF8.GetBytes(reader.GetString()!),
        JsonTokenType.Number => reader.ValueSpan.ToArray(),
        _ => null,
    };
}
