using Tidemark.Domain.Scoring;
using Tidemark.Domain.Streams;

namespace Tidemark.Domain.Clickstream.Streams;

/// <summary>Every purchase once, with the score of a model where there is one: what a user bought lately, and what the next purchase is judged by.</summary>
internal static class Purchases
{
    public const string Name = "purchases";

    public static EventStream Stream(IScorer? scorer) => new(Name, "silver/events", "event_time", TimeSpan.Zero,
        [new("bought", Actions.Purchases, Scores.PurchaseColumns)],
        [new MapStage("ordered", "bought", Scores.Purchases, null, ScoredRows.InOrder), Scores.Stage("scored", "ordered", Scores.Purchases, scorer)])
    {
        Summary = "Each purchase, with the score of the model that is installed.",
        Keys = ["event_id"],
        TimeColumn = "event_time",
        IndexBy = "user_id",
    };
}
