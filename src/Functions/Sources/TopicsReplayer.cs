using Tidemark.Domain.Ledger;
using Tidemark.Domain.Replays;

namespace Tidemark.Functions.Sources;

/// <summary>Computes a new version of all topics, one after the other, and then of what joins two of them. One that was cut short is gone on with.</summary>
/// <param name="topics">What an earlier version has read.</param>
/// <param name="sources">The topics of the new version, which reads those.</param>
/// <param name="pipelines">Its pipelines.</param>
/// <param name="lake">Its lake.</param>
/// <param name="tick">Runs a tick of a topic of the new version.</param>
/// <param name="time">The clock.</param>
internal sealed class TopicsReplayer(
    ReplayedTopics topics, HostedSources sources, HostedPipelines pipelines, ILake lake, Func<HostedSource, CancellationToken, Task<TickReport?>> tick, TimeProvider time)
{
    private static readonly TimeSpan Pause = TimeSpan.FromMilliseconds(100);

    /// <summary>Returns when everything is in Delta and in Table storage.</summary>
    /// <param name="starts">By topic where a replay that begins starts; without one at its beginning.</param>
    /// <param name="report">Told how far a topic is.</param>
    /// <param name="cancel">Ends it between two steps.</param>
    public async Task RunAsync(IReadOnlyDictionary<string, IReadOnlyDictionary<int, long>> starts, Action<string, ReplayProgress> report, CancellationToken cancel)
    {
        var joins = sources.All.Where(source => source.Hosted.Kafka is null).ToList();
        // A join records where it begins before there is anything to take: at the beginning, also when this is cut short and gone on with much later.
        foreach (var join in joins)
            await TickUntilAsync(join, () => Task.FromResult(true), cancel);
        foreach (var topic in topics.All)
        {
            var source = sources[topic.Name];
            await new Replayer(source.Ingest, stop => tick(source, stop), source.Ledger, topic.Log, time)
                .RunAsync(topic.Ends, starts.GetValueOrDefault(topic.Name), topic.FrontierMs, progress => report(topic.Name, progress), cancel);
            if (topic.SaidMs is { } said && pipelines.FollowedBy(source.Hosted) is ({ } table, _, _))
                await TickUntilAsync(source, async () => (await TopicStand.ReadAsync(source.Ledger, lake, source.Hosted.Id, table, cancel)).SaidMs >= said, cancel);
        }

        foreach (var join in joins)
            await TickUntilAsync(join, () => Task.FromResult(true), cancel);
    }

    /// <summary>Ticks until everything is emitted and the condition holds.</summary>
    private async Task TickUntilAsync(HostedSource source, Func<Task<bool>> isDone, CancellationToken cancel)
    {
        while (await tick(source, cancel) is not { Emitted: true, Skipped: null } || !await isDone())
            await Task.Delay(Pause, time, cancel);
    }
}
