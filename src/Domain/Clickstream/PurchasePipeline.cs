using Tidemark.Domain.Events;
using Tidemark.Domain.Queries;

namespace Tidemark.Domain.Clickstream;

/// <summary>
/// Purchases of the shop on a topic of their own, as an order service sends them: events as the main topic has them, of types such as <c>purchase</c>,
/// <c>remove</c> and <c>refund</c>. Its tables are <c>bronze/purchases</c>, <c>silver/purchases</c>, and so on.
/// </summary>
public static class PurchasePipeline
{
    /// <summary>Name of its tables.</summary>
    public const string Name = "purchases";

    /// <summary>How much is bought, taken back and refunded, minute by minute.</summary>
    public static QueryDefinition OrderFlow { get; } = Query.Named("order_flow")
        .Tumbling(TimeSpan.FromMinutes(1))
        .Watermark(TimeSpan.FromMinutes(2))
        .By("event_type")
        .Count("events")
        .CountDistinct("users", "user_id")
        .Sum("revenue", "revenue")
        .Update();

    /// <summary>Builds it.</summary>
    /// <param name="options">Topic and limits of the decoder.</param>
    public static EventPipeline Create(EventOptions options) => new(options, [OrderFlow], tables: Name);
}
