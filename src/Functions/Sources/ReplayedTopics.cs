using Tidemark.Domain.Ledger;

namespace Tidemark.Functions.Sources;

/// <summary>A topic as an earlier version has read it.</summary>
/// <param name="Name">Its name.</param>
/// <param name="Log">What a replay reads it from.</param>
/// <param name="SaidMs">The time that its table said to a join of two topics, ms; null = none.</param>
/// <param name="FrontierMs">Its frontier, ms; null = none.</param>
/// <param name="Ends">Per partition the offset where a replay ends.</param>
internal sealed record ReplayedTopic(string Name, ITopicLog Log, long? SaidMs, long? FrontierMs, IReadOnlyDictionary<int, long> Ends);

/// <summary>
/// What a replay reads in place of Kafka: the topics of an earlier version, up to where that stood. The table of a topic that is read to its end says to a join the time that the earlier
/// version's table said, and not one of its own. So one of which more is replayed later holds the join back as far as it did before.
/// </summary>
/// <param name="All">The topics that the earlier version has read.</param>
internal sealed record ReplayedTopics(IReadOnlyList<ReplayedTopic> All)
{
    /// <summary>As they are now.</summary>
    /// <param name="from">The topics of the earlier version.</param>
    /// <param name="pipelines">Its pipelines.</param>
    /// <param name="lake">Its lake.</param>
    /// <param name="logOf">What a topic is read from.</param>
    /// <param name="cancel">Ends reading.</param>
    public static async Task<ReplayedTopics> ReadAsync(HostedSources from, HostedPipelines pipelines, ILake lake, Func<HostedSource, ITopicLog> logOf, CancellationToken cancel)
    {
        var topics = new List<ReplayedTopic>();
        foreach (var source in from.All.Where(source => source.Hosted.Kafka is not null))
        {
            // Times before offsets: what is committed in between was judged by these times or later ones.
            var said = pipelines.FollowedBy(source.Hosted) is ({ } table, _, _) ? (await TopicStand.ReadAsync(source.Ledger, lake, source.Hosted.Id, table, cancel)).SaidMs : null;
            if (await source.Ledger.ReadMetaAsync(cancel) is not { } meta)
                continue;
            var (log, ends) = (logOf(source), new Dictionary<int, long>());
            foreach (var partition in await log.PartitionsAsync(cancel))
                ends[partition] = (await log.BoundsAsync(partition, cancel)).End;
            topics.Add(new ReplayedTopic(source.Name, log, said, meta.Value.FrontierMs, ends));
        }

        return new ReplayedTopics(topics);
    }

    /// <summary>The log of a topic.</summary>
    public ITopicLog LogOf(HostedPipeline hosted) => All.First(topic => topic.Name == hosted.Name).Log;

    /// <summary>In place of how far the other topic is, for the table of one that is read to its end.</summary>
    public TopicStand StandOf(HostedPipeline hosted) => All.First(topic => topic.Name == hosted.Name).SaidMs is var said ? new TopicStand(said, said, Rows: 0) : default;
}
