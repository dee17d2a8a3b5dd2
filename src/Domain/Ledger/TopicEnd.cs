using Tidemark.Domain.Pipelines;

namespace Tidemark.Domain.Ledger;

/// <summary>The topic that one is joined with.</summary>
/// <param name="Pipeline">Its pipeline.</param>
/// <param name="HorizonMs">How far beyond the newest event of both the join needs the frontier.</param>
/// <param name="EndAsync">Whether it is read to its end, and its newest event.</param>
public sealed record TopicPartner(IPipeline Pipeline, long HorizonMs, Func<CancellationToken, Task<TopicEnd>> EndAsync);

/// <summary>Whether a topic is read to its end, and its greatest event time (ms; null = it has no event).</summary>
public readonly record struct TopicEnd(bool IsThrough, long? NewestMs)
{
    /// <summary>As heads and log are now.</summary>
    public static async Task<TopicEnd> ReadAsync(ILedger ledger, ITopicLog log, CancellationToken cancel)
    {
        if (await ledger.ReadMetaAsync(cancel) is not { } meta)
            return new TopicEnd(false, null);
        var (isThrough, newest) = (true, (long?)null);
        foreach (var partition in await log.PartitionsAsync(cancel))
        {
            if (!meta.Value.Starts.TryGetValue(partition, out var start))
                return new TopicEnd(false, null);
            var head = await ledger.ReadHeadAsync(partition, cancel);
            isThrough &= (head?.Value.Next ?? start) >= (await log.BoundsAsync(partition, cancel)).End;
            newest = head?.Value.MaxEventTimeMs is { } time ? Math.Max(newest ?? time, time) : newest;
        }

        return new TopicEnd(isThrough, newest);
    }
}
