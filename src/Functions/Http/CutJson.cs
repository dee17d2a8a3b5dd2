using System.Text;
using System.Text.Json;
using Tidemark.Functions.Results;
using Tidemark.Functions.Status;

namespace Tidemark.Functions.Http;

/// <summary>JSON of a row of Table storage, which is cut where it was longer than <see cref="Cell.LongestText"/>.</summary>
internal static class CutJson
{
    /// <summary>The items of an array, as many of them as are whole.</summary>
    public static IReadOnlyList<T> Items<T>(string? json)
    {
        if (json is null)
            return [];
        var text = Encoding.UTF8.GetBytes(json);
        return JsonSerializer.Deserialize<List<T>>([.. text.AsSpan(0, EndOfItems(text)), (byte)']'], StatusReport.Json)!;
    }

    /// <summary>The value; where it is not whole, its beginning as a text.</summary>
    public static JsonElement Value(string? json)
    {
        if (json is null)
            return JsonSerializer.SerializeToElement<string?>(null);
        var reader = new Utf8JsonReader(Encoding.UTF8.GetBytes(json), isFinalBlock: false, default);
        return JsonElement.TryParseValue(ref reader, out var value) ? value.Value : JsonSerializer.SerializeToElement(json);
    }

    /// <summary>Where the last whole item of an array ends.</summary>
    private static int EndOfItems(ReadOnlySpan<byte> text)
    {
        var reader = new Utf8JsonReader(text, isFinalBlock: false, default);
        var end = 0;
        while (reader.Read() && !(reader.CurrentDepth == 0 && reader.TokenType == JsonTokenType.EndArray))
            if (reader.CurrentDepth == 0 || (reader.CurrentDepth == 1 && reader.TokenType is not (JsonTokenType.StartObject or JsonTokenType.StartArray)))
                end = (int)reader.BytesConsumed;
        return end;
    }
}
