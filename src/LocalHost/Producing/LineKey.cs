using System.Text.Json;

namespace Tidemark.LocalHost.Producing;

/// <summary>The Kafka key of a line: the text of a field such as <c>user_id</c>, unescaped; a number's digits; none when it has no such field or is no JSON object.</summary>
internal static class LineKey
{
    /// <summary>The field of events of the shop.</summary>
    public const string User = "user_id";

    /// <summary>Longest key in bytes; a longer id gives no key.</summary>
    public const int MaxLength = 1024;

    /// <param name="line">JSON.</param>
    /// <param name="field">Name of the field.</param>
    /// <param name="key">At least <see cref="MaxLength"/> bytes.</param>
    /// <returns>Bytes written to the key, −1 when there is none.</returns>
    public static int Read(ReadOnlySpan<byte> line, string field, Span<byte> key)
    {
        var reader = new Utf8JsonReader(line, new JsonReaderOptions { MaxDepth = 256 });
        try
        {
            if (!reader.Read() || reader.TokenType != JsonTokenType.StartObject)
                return -1;
            while (reader.Read() && reader.TokenType == JsonTokenType.PropertyName)
            {
                var isKey = reader.ValueTextEquals(field);
                reader.Read();
                if (isKey)
                    return Copy(ref reader, key);
                reader.Skip();
            }

            return -1;
        }
        catch (Exception e) when (e is JsonException or InvalidOperationException)
        {
            return -1; // Broken: the pipeline puts it in quarantine.
        }
    }

    private static int Copy(ref Utf8JsonReader reader, Span<byte> key)
    {
        if (reader.TokenType == JsonTokenType.Number && reader.ValueSpan.Length <= key.Length)
        {
            reader.ValueSpan.CopyTo(key);
            return reader.ValueSpan.Length;
        }

        return reader.TokenType == JsonTokenType.String && reader.ValueSpan.Length is > 0 and <= MaxLength ? reader.CopyString(key) : -1;
    }
}
