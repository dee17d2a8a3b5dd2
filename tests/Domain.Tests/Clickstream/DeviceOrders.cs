using Tidemark.Domain.Queries;

namespace Tidemark.Domain.Tests.Clickstream;

/// <summary>The query that docs/add-a-query.md adds, letter by letter, with the names that it finds in ClickstreamQueries.</summary>
internal static class DeviceOrdersExample
{
    private static readonly TimeSpan Minute = TimeSpan.FromMinutes(1);

    private static Filter Purchases => Field.Named("event_type").Is("purchase");

    /// <summary>What was bought on which kind of device in ten minutes.</summary>
    public static QueryDefinition DeviceOrders { get; } = Query.Named("device_orders")
        .Where(Purchases)
        .Tumbling(10 * Minute)
        .Watermark(5 * Minute)
        .By("device_type")
        .Count("orders")
        .Sum("revenue", "revenue")
        .CountDistinct("customers", "user_id")
        .Update();
}
