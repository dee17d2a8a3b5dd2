using Tidemark.Domain.Queries;

namespace Tidemark.Domain.Clickstream;

/// <summary>
/// The queries of the clickstream pipeline, by what they are about: traffic, conversion, revenue, products, users. To add one, define it here and
/// put it in <see cref="All"/>. docs/pipelines.md says for each what it is for and shows a row.
/// </summary>
public static class ClickstreamQueries
{
    private static readonly TimeSpan Second = TimeSpan.FromSeconds(1), Minute = TimeSpan.FromMinutes(1), Hour = TimeSpan.FromHours(1), Day = TimeSpan.FromDays(1);

    private static readonly Field EventType = Field.Named("event_type");

    private static Filter Views => EventType.In("view", "page_view");

    private static Filter CartAdds => EventType.Is("add_to_cart");

    private static Filter Purchases => EventType.Is("purchase");

    /// <summary>How many events of each type came in the last minute.</summary>
    public static QueryDefinition EventCounts { get; } = Query.Named("event_counts")
        .Sliding(size: Minute, slide: 30 * Second)
        .Watermark(10 * Minute)
        .By("event_type")
        .Count("events")
        .Update();

    /// <summary>How often each action was taken, and by how many.</summary>
    public static QueryDefinition ActionCounts { get; } = Query.Named("action_counts")
        .Tumbling(5 * Minute)
        .Watermark(10 * Minute)
        .By("event_type")
        .Count("actions")
        .CountDistinct("users", "user_id")
        .Update();

    /// <summary>What goes on, minute by minute, by kind of action; a minute is corrected for a quarter of an hour.</summary>
    public static QueryDefinition RealtimeDashboard { get; } = Query.Named("realtime_dashboard")
        .Tumbling(Minute)
        .Watermark(5 * Minute)
        .By("action_category")
        .Count("events")
        .Sum("revenue", "revenue").OrElse(0)
        .Average("avg_order_value", "revenue", where: Purchases)
        .Complete(retention: 10 * Minute);

    /// <summary>How often each category was viewed, and by how many.</summary>
    public static QueryDefinition CategoryViews { get; } = Query.Named("category_views")
        .Where(Views)
        .Tumbling(5 * Minute)
        .Watermark(2 * Minute)
        .By("category")
        .Count("view_count")
        .CountDistinct("unique_users", "user_id")
        .CountDistinct("unique_sessions", "session_id")
        .Update();

    /// <summary>The categories viewed in the last hour that grew most against the hour before.</summary>
    public static QueryDefinition TrendingCategories { get; } = Query.Named("trending_categories")
        .Where(Views & !Field.Named("category").IsNull())
        .Sliding(size: 2 * Hour, slide: 5 * Minute)
        .Watermark(5 * Minute)
        .By("category")
        .Count("views").InPart(Hour, 2 * Hour)
        .Count("views_before").InPart(TimeSpan.Zero, Hour)
        .Ratio("growth", "views", "views_before")
        .Top(10, by: "growth")
        .Update();

    /// <summary>How many of those who viewed put something into the cart, and how many bought.</summary>
    public static QueryDefinition ConversionFunnel { get; } = Query.Named("conversion_funnel")
        .Sliding(size: 5 * Minute, slide: Minute)
        .Watermark(10 * Minute)
        .CountDistinct("unique_visitors", "user_id", where: Views)
        .CountDistinct("cart_users", "user_id", where: CartAdds)
        .CountDistinct("purchasers", "user_id", where: Purchases)
        .Ratio("cart_conversion_rate", "cart_users", "unique_visitors", 100)
        .Ratio("purchase_conversion_rate", "purchasers", "unique_visitors", 100)
        .Update();

    /// <summary>What each category earned in the last minute.</summary>
    public static QueryDefinition RevenueByCategory { get; } = Query.Named("revenue_by_category")
        .Where(Purchases)
        .Sliding(size: Minute, slide: 30 * Second)
        .Watermark(Minute)
        .By("category")
        .Sum("total_revenue", "revenue")
        .Count("purchase_count")
        .Average("avg_order_value", "revenue")
        .Update();

    /// <summary>What each country bought in an hour.</summary>
    public static QueryDefinition CountryRevenue { get; } = Query.Named("country_revenue")
        .Where(Purchases)
        .Tumbling(Hour)
        .Watermark(10 * Minute)
        .By("country")
        .Sum("revenue", "revenue")
        .CountDistinct("orders", "session_id")
        .Sum("units", "quantity")
        .CountDistinct("customers", "user_id")
        .Update();

    /// <summary>What an hour's purchases were worth on average.</summary>
    public static QueryDefinition HourlyPurchases { get; } = Query.Named("hourly_purchases")
        .Where(Purchases)
        .Tumbling(Hour)
        .Watermark(10 * Minute)
        .Count("purchases")
        .Average("average_purchase", "revenue")
        .Max("largest_purchase", "revenue")
        .Update();

    /// <summary>What was earned in a day (UTC).</summary>
    public static QueryDefinition DailyRevenue { get; } = Query.Named("daily_revenue")
        .Where(Purchases)
        .Tumbling(Day)
        .Watermark(10 * Minute)
        .Sum("revenue", "revenue").OrElse(0)
        .Count("purchases")
        .Sum("units", "quantity").OrElse(0)
        .Update();

    /// <summary>The products viewed most in the last minute.</summary>
    public static QueryDefinition TopProducts { get; } = Query.Named("top_products")
        .Where(Views & !Field.Named("product_id").IsNull())
        .Sliding(size: Minute, slide: 30 * Second)
        .Watermark(Minute)
        .By("product_id")
        .Count("views")
        .Top(10, by: "views")
        .Update();

    /// <summary>What happened to each product in ten minutes; what demand is measured by.</summary>
    public static QueryDefinition ProductActivity { get; } = Query.Named("product_activity")
        .Where(!Field.Named("product_id").IsNull())
        .Tumbling(10 * Minute)
        .Watermark(2 * Minute)
        .By("product_id")
        .Count("views", where: Views)
        .Count("carts", where: CartAdds)
        .Count("purchases", where: Purchases)
        .AppendToDelta();

    /// <summary>The users who did most in five minutes.</summary>
    public static QueryDefinition ActiveUsers { get; } = Query.Named("active_users")
        .Tumbling(5 * Minute)
        .Watermark(2 * Minute)
        .By("user_id")
        .Count("events")
        .Max("last_seen", "event_time")
        .Top(10, by: "events")
        .Update();

    /// <summary>Users who spent more than 100 in five minutes, and on what.</summary>
    public static QueryDefinition HighValueUsers { get; } = Query.Named("high_value_users")
        .Where(Purchases)
        .Sliding(size: 5 * Minute, slide: Minute)
        .Watermark(5 * Minute)
        .By("user_id")
        .Sum("spent", "revenue")
        .Count("purchases")
        .CollectSet("products_bought", "product_id", limit: 100)
        .Having(Field.Named("spent").Above(100))
        .Update();

    /// <summary>Sessions that are more than one person's, or in more than one country: a session should be neither.</summary>
    public static QueryDefinition SessionUsers { get; } = Query.Named("session_users")
        .Where(!Field.Named("session_id").IsNull())
        .Tumbling(5 * Minute)
        .Watermark(2 * Minute)
        .By("session_id")
        .CountDistinct("users", "user_id")
        .CountDistinct("countries", "country")
        .CountDistinct("devices", "device_type")
        .Having(Field.Named("users").Above(1) | Field.Named("countries").Above(1))
        .Update();

    /// <summary>All of them, in the order in which they are listed everywhere.</summary>
    public static IReadOnlyList<QueryDefinition> All { get; } =
    [
        EventCounts, ActionCounts, RealtimeDashboard, CategoryViews, TrendingCategories, ConversionFunnel, RevenueByCategory, CountryRevenue,
        HourlyPurchases, DailyRevenue, TopProducts, ProductActivity, ActiveUsers, HighValueUsers, SessionUsers,
    ];
}
