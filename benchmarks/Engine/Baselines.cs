using System.Text.Json;
using System.Text.Json.Serialization;
using Tidemark.Domain.Pipelines;

namespace Tidemark.Bench.Engine;

/// <summary>What the decoder is held against: the framework's reader and its source-generated serializer over the same bytes.</summary>
internal static class Baselines
{
    /// <summary>Reads every token of every event and keeps the lengths of the values; nothing is stored.</summary>
    public static long BareReader(ReadOnlySpan<SourceRecord> records)
    {
        long sum = 0;
        foreach (ref readonly var record in records)
        {
            var reader = new Utf8JsonReader(record.Value);
            while (reader.Read())
                if (reader.TokenType is JsonTokenType.String or JsonTokenType.Number)
                    sum += reader.ValueSpan.Length;
        }
        return sum;
    }

    /// <summary>One object per event.</summary>
    public static long Serializer(ReadOnlySpan<SourceRecord> records)
    {
        long sum = 0;
        foreach (ref readonly var record in records)
            sum += JsonSerializer.Deserialize(record.Value, ShopEventContext.Default.ShopEvent)!.UserId!.Length;
        return sum;
    }
}

internal sealed class ShopEvent
{
    public string? EventId { get; set; }
    public string? EventType { get; set; }
    public DateTime Timestamp { get; set; }
    public string? UserId { get; set; }
    public string? SessionId { get; set; }
    public string? ProductId { get; set; }
    public string? ProductName { get; set; }
    public string? Category { get; set; }
    public decimal? Price { get; set; }
    public long? Quantity { get; set; }
    public decimal? Revenue { get; set; }
    public string? DeviceType { get; set; }
    public string? Country { get; set; }
    public string? Page { get; set; }
    public string? Element { get; set; }
}

[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.SnakeCaseLower)]
[JsonSerializable(typeof(ShopEvent))]
internal sealed partial class ShopEventContext : JsonSerializerContext;
