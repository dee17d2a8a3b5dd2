using Tidemark.Domain.Columns;
using Tidemark.Domain.Pipelines;
using Tidemark.Domain.Queries;
using Tidemark.Domain.Streams;

namespace Tidemark.Domain.Clickstream.Streams;

/// <summary>Visits: what a user does with no pause of 30 minutes.</summary>
internal static class UserSessions
{
    public const string Name = "user_sessions";

    /// <summary>Products that a session names, at most, of each kind.</summary>
    public const int MostProducts = 20;

    private static readonly TimeSpan Gap = TimeSpan.FromMinutes(30);

    private static readonly RowSchema Output = new(
    [
        new("user_id", FieldType.String, false), new("session_start", FieldType.Timestamp, false), new("session_end", FieldType.Timestamp, false),
        new("duration_seconds", FieldType.Double, false), new("events", FieldType.Int64, false), new("pages", FieldType.Int64, false),
        new("products_viewed", FieldType.Int64, false), new("purchases", FieldType.Int64, false), new("revenue", FieldType.Decimal, false, 38, 4),
        new("converted", FieldType.Boolean, false), new("entry_page", FieldType.String), new("exit_page", FieldType.String),
        new("viewed", FieldType.String, false), new("bought", FieldType.String, false), new("session_type", FieldType.String, false),
    ]);

    public static EventStream Stream { get; } = new(Name, "silver/events", "event_time", TimeSpan.FromMinutes(10),
        [new("events", Filter.All, ["user_id", "event_type", "page", "product_id", "revenue"])],
        [
            new SessionStage("sessions", "events", "event_time", Gap, null, ["user_id"],
            [
                new("last", AggregateFunction.Max, "event_time"),
                new("events", AggregateFunction.Count, null),
                new("pages", AggregateFunction.CountDistinct, "page"),
                new("products_viewed", AggregateFunction.CountDistinct, "product_id", Actions.Views),
                new("purchases", AggregateFunction.Count, null, Actions.Purchases),
                new("revenue", AggregateFunction.Sum, "revenue", Actions.Purchases),
                new("entry_page", AggregateFunction.First, "page"),
                new("exit_page", AggregateFunction.Last, "page"),
                new("viewed", AggregateFunction.CollectSet, "product_id", Actions.Views) { Limit = MostProducts },
                new("bought", AggregateFunction.CollectSet, "product_id", Actions.Purchases) { Limit = MostProducts },
            ]),
            new MapStage("result", "sessions", Output, null, Result),
        ])
    {
        Summary = "Visits by user: from the first event to the last, with no pause of 30 minutes between.",
        Keys = ["user_id"],
        TimeColumn = "session_start",
        InTimeFor = Gap,
        Horizon = Gap,
        IndexBy = "user_id",
    };

    private static RowBatch Result(RowBatch sessions)
    {
        var start = (Int64Column)sessions["session_start"];
        var last = (Int64Column)sessions["last"];
        var purchases = (Int64Column)sessions["purchases"];
        var revenue = (Int128Column)sessions["revenue"];
        var rows = new RowsBuilder(Output);
        for (var row = 0; row < sessions.Count; row++)
            rows.Add(
                sessions.Value(row, "user_id"), start.Values[row], last.Values[row], (last.Values[row] - start.Values[row]) / 1e6,
                sessions.Value(row, "events"), sessions.Value(row, "pages"), sessions.Value(row, "products_viewed"), purchases.Values[row],
                revenue.IsNull(row) ? Int128.Zero : revenue.Values[row], purchases.Values[row] > 0, sessions.Value(row, "entry_page"), sessions.Value(row, "exit_page"),
                sessions.Value(row, "viewed"), sessions.Value(row, "bought"), "completed");
        return rows.Build();
    }
}
