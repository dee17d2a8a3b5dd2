using System.Buffers;
using System.Text.Json;
using Tidemark.Domain.Columns;
using Tidemark.Domain.Pipelines;

namespace Tidemark.Domain.Events;

/// <summary>Kafka headers as JSON text: <c>[{"key":"k","value":"base64"},…]</c>, value null where Kafka has none.</summary>
internal static class HeadersJson
{
    /// <summary>The text in UTF-8; headers must not be empty.</summary>
    public static byte[] Write(IReadOnlyList<RecordHeader> headers)
    {
        var buffer = new ArrayBufferWriter<byte>();
        using var json = new Utf8JsonWriter(buffer, StoredJson.Writer);
        json.WriteStartArray();
        foreach (var (key, value) in headers)
        {
            json.WriteStartObject();
            json.WriteString("key"u8, key);
            if (value is null)
                json.WriteNull("value"u8);
            else
                json.WriteBase64String("value"u8, value);
            json.WriteEndObject();
        }
        json.WriteEndArray();
        json.Flush();
        return buffer.WrittenSpan.ToArray();
    }

    /// <summary>The headers that a text was written from.</summary>
    public static IReadOnlyList<RecordHeader> Read(string text)
    {
        using var json = JsonDocument.Parse(text);
        return [.. json.RootElement.EnumerateArray().Select(header => new RecordHeader(
            header.GetProperty("key").GetString()!, header.GetProperty("value") is { ValueKind: JsonValueKind.String } value ? value.GetBytesFromBase64() : null))];
    }
}
