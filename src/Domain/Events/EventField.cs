namespace Tidemark.Domain.Events;

/// <summary>
/// The JSON names that the decoder knows, one slot each. Synonyms follow their canonical name; of several that are present with a value, the first
/// in this order is taken and the others are kept in <c>extra</c>.
/// </summary>
internal static class EventField
{
    public const int EventId = 0, EventIdAlias = 1, EventType = 2, Action = 3, Timestamp = 4, EventTimeAlias = 5, Ts = 6, UserId = 7,
        SessionId = 8, ProductId = 9, ProductName = 10, Category = 11, Price = 12, Quantity = 13, Revenue = 14, Amount = 15,
        DeviceType = 16, Country = 17, Page = 18, Element = 19, SchemaVersion = 20, Count = 21;

    /// <summary>The names by slot.</summary>
    public static FieldNames Names { get; } = new(
    [
        "event_id"u8.ToArray(), "_event_id"u8.ToArray(), "event_type"u8.ToArray(), "action"u8.ToArray(), "timestamp"u8.ToArray(),
        "_event_time"u8.ToArray(), "ts"u8.ToArray(), "user_id"u8.ToArray(), "session_id"u8.ToArray(), "product_id"u8.ToArray(),
        "product_name"u8.ToArray(), "category"u8.ToArray(), "price"u8.ToArray(), "quantity"u8.ToArray(), "revenue"u8.ToArray(),
        "amount"u8.ToArray(), "device_type"u8.ToArray(), "country"u8.ToArray(), "page"u8.ToArray(), "element"u8.ToArray(),
        "schema_version"u8.ToArray(),
    ]);

    /// <summary>The JSON name of a slot.</summary>
    public static ReadOnlySpan<byte> NameOf(int slot) => Names.NameOf(slot);

    /// <summary>The slot of a name, or −1.</summary>
    public static int Find(ReadOnlySpan<byte> name) => Names.Find(name);
}
