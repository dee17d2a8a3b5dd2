using Tidemark.Domain.Columns;
using Tidemark.Domain.Queries;
using Tidemark.Domain.Streams;

namespace Tidemark.Domain.Clickstream.Streams;

/// <summary>Views of a product and purchases of it by the same user within 30 minutes.</summary>
internal static class ClickToPurchase
{
    private const long WithinMicros = 30 * 60 * 1_000_000L;

    private static readonly RowSchema Viewed = new(
    [
        new("view_id", FieldType.String, false), new("user_id", FieldType.String, false), new("product_id", FieldType.String), new("view_time", FieldType.Timestamp, false),
        new("device_type", FieldType.String), new("category", FieldType.String),
    ]);

    private static readonly RowSchema Bought = new(
    [
        new("purchase_id", FieldType.String, false), new("buyer_id", FieldType.String, false), new("bought_id", FieldType.String), new("purchase_time", FieldType.Timestamp, false),
        new("revenue", FieldType.Decimal, true, 18, 4),
    ]);

    /// <summary>A view and a purchase.</summary>
    internal static readonly RowSchema Pair = new(
    [
        new("user_id", FieldType.String, false), new("product_id", FieldType.String, false), new("view_time", FieldType.Timestamp, false),
        new("purchase_time", FieldType.Timestamp, false), new("seconds_to_purchase", FieldType.Double, false), new("device_type", FieldType.String),
        new("revenue", FieldType.Decimal, true, 18, 4), new("view_id", FieldType.String, false), new("purchase_id", FieldType.String, false),
    ]);

    private static readonly RowSchema Abandoned = new(
    [
        new("user_id", FieldType.String, false), new("product_id", FieldType.String, false), new("category", FieldType.String),
        new("view_time", FieldType.Timestamp, false), new("device_type", FieldType.String), new("view_id", FieldType.String, false),
    ]);

    /// <summary>
    /// Each view and the purchase that followed it, out as soon as the purchase is seen. They are many, and analysed rather than looked up: Table storage has the
    /// last of each product.
    /// </summary>
    public static EventStream Stream { get; } = Define("click_to_purchase", JoinType.Inner, new MapStage("result", "pairs", Pair, null, ToPairs)) with
    {
        Summary = "Each view of a product with the purchase of it by the same user within 30 minutes, and the seconds between.",
        Keys = ["product_id"],
        AgeColumn = "purchase_time",
        Results = Pipelines.StreamResults.Latest,
    };

    /// <summary>Views that no purchase followed. Known once the time is over; one row a view, so in Delta only.</summary>
    public static EventStream AbandonedViews { get; } = Define("abandoned_views", JoinType.LeftOuter, new MapStage("result", "pairs", Abandoned, null, ToAbandoned)) with
    {
        Summary = "Each view of a product that the user did not buy within 30 minutes.",
        Keys = ["view_id"],
        TimeColumn = "view_time",
        Results = Pipelines.StreamResults.None,
    };

    private static EventStream Define(string name, JoinType type, Stage result) => new(name, "silver/events", "event_time", TimeSpan.FromMinutes(10),
        [
            new("views", Actions.Views & Actions.OfProducts, ["event_id", "user_id", "product_id", "event_time", "device_type", "category"]),
            new("purchases", Actions.Purchases & Actions.OfProducts, ["event_id", "user_id", "product_id", "event_time", "revenue"]),
        ],
        Stages(type, result))
    {
        InTimeFor = TimeSpan.Zero,
        Horizon = TimeSpan.FromMinutes(31),
    };

    /// <summary>The stages that join the views <c>views</c> and <c>purchases</c> as <c>pairs</c>, and what is made of these.</summary>
    internal static IReadOnlyList<Stage> Stages(JoinType type, Stage result) =>
    [
        new MapStage("viewed", "views", Viewed, "view_time", rows => Renamed(rows, Viewed, "event_id", "user_id", "product_id", "event_time", "device_type", "category")),
        new MapStage("bought", "purchases", Bought, "purchase_time", rows => Renamed(rows, Bought, "event_id", "user_id", "product_id", "event_time", "revenue")),
        new JoinStage("pairs", type, "viewed", "bought")
        {
            Equal = [("user_id", "buyer_id"), ("product_id", "bought_id")],
            TimeBounds =
            [
                new("view_time", Comparison.LessOrEqual, "purchase_time"),
                new("view_time", Comparison.GreaterOrEqual, "purchase_time", -WithinMicros),
            ],
        },
        result,
    ];

    private static RowBatch Renamed(RowBatch rows, RowSchema to, params string[] from) => new(to, [.. from.Select(name => rows[name])], rows.Count);

    /// <summary>Rows of the stage <c>pairs</c> as pairs.</summary>
    internal static RowBatch ToPairs(RowBatch rows)
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

    private static RowBatch ToAbandoned(RowBatch rows)
    {
        var bought = rows["purchase_id"];
        var alone = RowBatches.Where(rows, bought.IsNull);
        return Renamed(alone, Abandoned, "user_id", "product_id", "category", "view_time", "device_type", "view_id");
    }
}
