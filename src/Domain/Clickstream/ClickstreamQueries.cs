using Tidemark.Domain.Queries;

namespace Tidemark.Domain.Clickstream;

/// <summary>The queries of the clickstream pipeline. To add one, define it here and put it in <see cref="All"/>.</summary>
public static class ClickstreamQueries
{
    private static readonly Field EventType = Field.Named("event_type");

    private static Filter Views => EventType.In("view", "page_view");

    private static Filter CartAdds => EventType.Is("add_to_cart");

    private static Filter Purchases => EventType.Is("purchase");

    /// <summary>How often each category was viewed, and by how many.</summary>
    public static QueryDefinition CategoryViews { get; } = Query.Named("category_views")
        .Where(Views)
        .Tumbling(TimeSpan.FromMinutes(5))
        .Watermark(TimeSpan.FromMinutes(2))
        .By("category")
        .Count("view_count")
        .CountDistinct("unique_users", "user_id")
        .CountDistinct("unique_sessions", "session_id")
        .Update();

    /// <summary>What each category earned in the last minute.</summary>
    public static QueryDefinition RevenueByCategory { get; } = Query.Named("revenue_by_category")
        .Where(Purchases)
        .Sliding(size: TimeSpan.FromMinutes(1), slide: TimeSpan.FromSeconds(30))
        .Watermark(TimeSpan.FromMinutes(1))
        .By("category")
        .Sum("total_revenue", "revenue")
        .Count("purchase_count")
        .Average("avg_order_value", "revenue")
        .Update();

    /// <summary>How many of those who viewed put something into the cart, and how many bought.</summary>
    public static QueryDefinition ConversionFunnel { get; } = Query.Named("conversion_funnel")
        .Sliding(size: TimeSpan.FromMinutes(5), slide: TimeSpan.FromMinutes(1))
        .Watermark(TimeSpan.FromMinutes(10))
        .CountDistinct("unique_visitors", "user_id", where: Views)
        .CountDistinct("cart_users", "user_id", where: CartAdds)
        .CountDistinct("purchasers", "user_id", where: Purchases)
        .Ratio("cart_conversion_rate", "cart_users", "unique_visitors", 100)
        .Ratio("purchase_conversion_rate", "purchasers", "unique_visitors", 100)
        .Update();

    /// <summary>What each country bought in an hour.</summary>
    public static QueryDefinition CountryRevenue { get; } = Query.Named("country_revenue")
        .Where(Purchases)
        .Tumbling(TimeSpan.FromHours(1))
        .Watermark(TimeSpan.FromMinutes(10))
        .By("country")
        .Sum("revenue", "revenue")
        .CountDistinct("orders", "session_id")
        .Sum("units", "quantity")
        .CountDistinct("customers", "user_id")
        .Update();

    /// <summary>All of them, in the order in which they are listed everywhere.</summary>
    public static IReadOnlyList<QueryDefinition> All { get; } = [CategoryViews, RevenueByCategory, ConversionFunnel, CountryRevenue];
}
