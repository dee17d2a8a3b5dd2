using Tidemark.Domain.Events;
using Tidemark.Domain.Ledger;
using Tidemark.Domain.Pipelines;
using Tidemark.Domain.Streams;

namespace Tidemark.Domain.Clickstream.Streams;

/// <summary>Views on the main topic, and purchases of what was viewed on a topic of their own, by the same user within 30 minutes.</summary>
public static class ViewToPurchase
{
    /// <summary>The join <c>view_to_purchase</c>.</summary>
    /// <param name="views">Pipeline of the main topic.</param>
    /// <param name="purchases">Pipeline of the topic of purchases.</param>
    public static TopicJoin Join(PipelineId views, PipelineId purchases) => new("view_to_purchase",
        new TopicSide(views, EventTables.Silver, new StreamView("views", Actions.Views & Actions.OfProducts, ["event_id", "user_id", "product_id", "device_type", "category"])),
        new TopicSide(purchases, RecordTables.Events.Named(PurchasePipeline.Name).Silver, new StreamView("purchases", Actions.Purchases & Actions.OfProducts, ["event_id", "user_id", "product_id", "revenue"])),
        TimeSpan.FromMinutes(10),
        ClickToPurchase.Stages(JoinType.Inner, new MapStage("result", "pairs", ClickToPurchase.Pair, null, ClickToPurchase.ToPairs)))
    {
        Summary = "Each view of a product on the main topic with the purchase of it by the same user within 30 minutes on the topic of purchases, and the seconds between.",
        Keys = ["view_id", "purchase_id"],
        TimeColumn = "purchase_time",
        Horizon = TimeSpan.FromMinutes(31),
    };
}
