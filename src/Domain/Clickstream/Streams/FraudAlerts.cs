using Tidemark.Domain.KeyedState;
using Tidemark.Domain.Queries;
using Tidemark.Domain.Scoring;
using Tidemark.Domain.Streams;

namespace Tidemark.Domain.Clickstream.Streams;

/// <summary>Purchases that look like fraud. Each alert names its rule, a score, what it rests on, and how severe it is.</summary>
internal static class FraudAlerts
{
    private static readonly string[] Columns = ["event_id", "user_id", "event_type", "category", "revenue", "country", "session_id", "device_type"];

    public static EventStream Stream(IScorer? scorer) => new("fraud_alerts", "silver/events", "event_time", TimeSpan.FromMinutes(5),
        [
            new("by_user", Actions.Purchases, Columns),
            new("for_model", Actions.Purchases, Scores.PurchaseColumns),
            new("by_category", Actions.Purchases & !Field.Named("category").IsNull(), Columns),
        ],
        [
            new KeyedStateStage("user_rules", "by_user", ["user_id"], StateTimeout.EventTime, new UserRules()),
            new KeyedStateStage("category_rule", "by_category", ["category"], StateTimeout.EventTime, new CategoryRule()),
            ModelRule.Stage("model_rule", "for_model", scorer),
            new UnionStage("alerts", ["user_rules", "category_rule", "model_rule"]),
        ])
    {
        Summary = "Unusual amounts for the user and for the category, rapid purchases, countries too far apart for the time between, and what an installed model says.",
        Keys = ["rule", "event_id"],
        TimeColumn = "event_time",
        InTimeFor = TimeSpan.Zero,
        IndexBy = "user_id",
    };
}
