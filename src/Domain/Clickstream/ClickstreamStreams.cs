using Tidemark.Domain.Clickstream.Streams;
using Tidemark.Domain.Streams;

namespace Tidemark.Domain.Clickstream;

/// <summary>
/// The streams of the clickstream pipeline: what depends on the order of events, by user as the topic is keyed, and what follows from results. To add one,
/// define it beside the others and put it in <see cref="All"/>, behind what it reads.
/// </summary>
public static class ClickstreamStreams
{
    /// <summary>All of them.</summary>
    public static IReadOnlyList<EventStream> All { get; } =
    [
        UserSessions.Stream,
        ClickToPurchase.Stream,
        ClickToPurchase.AbandonedViews,
        FraudAlerts.Stream,
        AlsoViewed.Stream,
        Anomalies.Of("traffic_anomalies", ClickstreamQueries.EventCounts, "events"),
        Anomalies.Of("revenue_anomalies", ClickstreamQueries.RevenueByCategory, "total_revenue"),
        Demand.Stream,
    ];
}
