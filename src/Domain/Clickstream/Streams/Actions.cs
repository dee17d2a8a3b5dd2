using Tidemark.Domain.Queries;

namespace Tidemark.Domain.Clickstream.Streams;

/// <summary>What users do, as conditions.</summary>
internal static class Actions
{
    private static readonly Field EventType = Field.Named("event_type");

    public static Filter Views { get; } = EventType.In("view", "page_view");

    public static Filter Purchases { get; } = EventType.Is("purchase");

    public static Filter OfProducts { get; } = !Field.Named("product_id").IsNull();
}
