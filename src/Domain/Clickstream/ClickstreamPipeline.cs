using Tidemark.Domain.Enrichment;
using Tidemark.Domain.Events;
using Tidemark.Domain.Scoring;

namespace Tidemark.Domain.Clickstream;

/// <summary>The pipeline that ships: events of a shop, with the queries of <see cref="ClickstreamQueries"/> and the streams of <see cref="ClickstreamStreams"/>.</summary>
public static class ClickstreamPipeline
{
    /// <summary>Builds it.</summary>
    /// <param name="options">Topic and limits of the decoder.</param>
    /// <param name="entitySpan">Span of event time that short slices share an entity for; null = 5 minutes.</param>
    /// <param name="enrichment">The shop's reference data; null = events are not enriched.</param>
    /// <param name="scorer">The model that scores purchases; null = they have no score.</param>
    public static EventPipeline Create(EventOptions options, TimeSpan? entitySpan = null, EnrichmentOptions? enrichment = null, IScorer? scorer = null) =>
        new(options, ClickstreamQueries.All, entitySpan, scorer is null ? ClickstreamStreams.All : ClickstreamStreams.With(scorer), enrichment);
}
