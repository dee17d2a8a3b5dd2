using Tidemark.Domain.Clickstream.Streams;
using Tidemark.Domain.Scoring;
using Tidemark.Domain.Streams;

namespace Tidemark.Domain.Clickstream;

/// <summary>
/// The streams of the clickstream pipeline: what depends on the order of events, by user as the topic is keyed, and what follows from results. To add one,
/// define it beside the others and put it in <see cref="All"/>, behind what it reads.
/// </summary>
public static class ClickstreamStreams
{
    /// <summary>All of them, without a model.</summary>
    public static IReadOnlyList<EventStream> All { get; } = With(null);

    /// <summary>All of them; purchases are scored by this model.</summary>
    public static IReadOnlyList<EventStream> With(IScorer? scorer) =>
    [
        UserSessions.Stream,
        ClickToPurchase.Stream,
        ClickToPurchase.AbandonedViews,
        Purchases.Stream(scorer),
        FraudAlerts.Stream(scorer),
        AlsoViewed.Stream,
        Anomalies.Of("traffic_anomalies", ClickstreamQueries.EventCounts, "events"),
        Anomalies.Of("revenue_anomalies", ClickstreamQueries.RevenueByCategory, "total_revenue"),
        Demand.Stream,
    ];
}
