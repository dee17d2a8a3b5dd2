using Tidemark.Domain.Columns;
using Tidemark.Domain.Events;
using Tidemark.Domain.Ledger;
using Tidemark.Domain.Pipelines;
using Tidemark.Domain.Queries;
using Tidemark.Domain.Streams;

namespace Tidemark.Domain.Clickstream.Streams;

/// <summary>Views on the main topic, and purchases of what was viewed on a topic of their own, by the same user within 30 minutes.</summary>
public static class ViewToPurchase
{
    private const long WithinMicros = 30 * 60 * 1_000_000L;

    private static readonly RowSchema Viewed = new(
    [
        new("view_id", FieldType.String, false), new("user_id", FieldType.String, false), new("product_id", FieldType.String), new("view_time", FieldType.Timestamp, false),
        new("device_type", FieldType.String),
    ]);

    private static readonly RowSchema Bought = new(
    [
        new("purchase_id", FieldType.String, false), new("buyer_id", FieldType.String, false), new("bought_id", FieldType.String), new("purchase_time", FieldType.Timestamp, false),
        new("revenue", FieldType.Decimal, true, 18, 4),
    ]);

    private static readonly RowSchema Pair = new(
    [
        new("user_id", FieldType.String, false), new("product_id", FieldType.String, false), new("view_time", FieldType.Timestamp, false),
        new("purchase_time", FieldType.Timestamp, false), new("seconds_to_purchase", FieldType.Double, false), new("device_type", FieldType.String),
        new("revenue", FieldType.Decimal, true, 18, 4), new("view_id", FieldType.String, false), new("purchase_id", FieldType.String, false),
    ]);

    /// <summary>The join <c>view_to_purchase</c>.</summary>
    /// <param name="views">Pipeline of the main topic.</param>
    /// <param name="purchases">Pipeline of the topic of purchases.</param>
    public static TopicJoin Join(PipelineId views, PipelineId purchases) => new("view_to_purchase",
        new TopicSide(views, EventTables.Silver, new StreamView("views", Actions.Views & Actions.OfProducts, ["event_id", "user_id", "product_id", "device_type"])),
        new TopicSide(purchases, RecordTables.Events.Named(PurchasePipeline.Name).Silver, new StreamView("purchases", Actions.Purchases & Actions.OfProducts, ["event_id", "user_id", "product_id", "revenue"])),
        TimeSpan.FromMinutes(10),
        [
            new MapStage("viewed", "views", Viewed, "view_time", rows => Renamed(rows, Viewed, "event_id", "user_id", "product_id", "event_time", "device_type")),
            new MapStage("bought", "purchases", Bought, "purchase_time", rows => Renamed(rows, Bought, "event_id", "user_id", "product_id", "event_time", "revenue")),
            new JoinStage("pairs", JoinType.Inner, "viewed", "bought")
            {
                Equal = [("user_id", "buyer_id"), ("product_id", "bought_id")],
                TimeBounds =
                [
                    new("view_time", Comparison.LessOrEqual, "purchase_time"),
                    new("view_time", Comparison.GreaterOrEqual, "purchase_time", -WithinMicros),
                ],
            },
            new MapStage("result", "pairs", Pair, null, ToPairs),
        ])
    {
        Summary = "Each view of a product on the main topic with the purchase of it by the same user within 30 minutes on the topic of purchases, and the seconds between.",
        Keys = ["view_id", "purchase_id"],
        TimeColumn = "purchase_time",
        Horizon = TimeSpan.FromMinutes(31),
    };

    private static RowBatch Renamed(RowBatch rows, RowSchema to, params string[] from) => new(to, [.. from.Select(name => rows[name])], rows.Count);

    private static RowBatch ToPairs(RowBatch rows)
    {
        var (viewed, bought) = ((Int64Column)rows["view_time"], (Int64Column)rows["purchase_time"]);
        var seconds = new double[rows.Count];
        for (var row = 0; row < rows.Count; row++)
            seconds[row] = (bought.Values[row] - viewed.Values[row]) / 1e6;
        return new RowBatch(Pair,
        [
            rows["user_id"], rows["product_id"], viewed, bought, new DoubleColumn(seconds, rows.Count), rows["device_type"], rows["revenue"], rows["view_id"], rows["purchase_id"],
        ], rows.Count);
    }
}
