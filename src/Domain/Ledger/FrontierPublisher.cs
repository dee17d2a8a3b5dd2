using Tidemark.Domain.Pipelines;

namespace Tidemark.Domain.Ledger;

/// <summary>
/// Publishes the frontier: compare-and-set on meta, then every head is raised to it (idle ones and those of a crashed tick included), and only
/// then are ranges listed. A batch in flight fails its ETag check and looks again, so every range was either listed or judged by the new frontier.
/// </summary>
internal sealed class FrontierPublisher(ILedger ledger, ITopicLog log, IPipeline pipeline, TickOptions options, TimeProvider time, ProtocolRule off)
{
    private readonly LogEnds _ends = new();

    /// <summary>The frontier that heads allow now, and whether no partition is active; only asks Kafka for log ends, changes nothing.</summary>
    public async Task<(long? FrontierMs, bool IsIdle)> CandidateAsync(Meta meta, IReadOnlyDictionary<int, PartitionView> views, CancellationToken cancel)
    {
        var states = new List<PartitionState>();
        foreach (var (partition, start) in meta.Starts)
        {
            var head = views[partition].Head?.Value;
            var bounds = await log.BoundsAsync(partition, cancel);
            // One that stands before a loss is not at the end of its log, wherever that is.
            var isCaughtUp = _ends.IsCaughtUp(partition, head?.Next, head?.Loss is null ? bounds.End : null);
            states.Add(new PartitionState(head?.Next, head?.Loss is null ? bounds.End : long.MaxValue, head?.MaxEventTimeMs, head?.LastActivityMs ?? long.MaxValue, isCaughtUp));
            if (head is null && meta.EndOfInput && bounds.End == start)
                states[^1] = states[^1] with { Next = start };
        }

        var (now, idle) = (time.GetUtcNow().ToUnixTimeMilliseconds(), (long)options.IdleTimeout.TotalMilliseconds);
        var isIdle = states.Count > 0 && states.TrueForAll(s => Frontier.IsIdle(s, now, idle, off));
        return (await EndAsync(meta, states, cancel) ?? Frontier.Advance(meta.FrontierMs, states, now, idle, off), isIdle);
    }

    /// <summary>The frontier at the end of a bounded input; null where it is not at its end, or has no event.</summary>
    private async Task<long?> EndAsync(Meta meta, List<PartitionState> states, CancellationToken cancel)
    {
        if (meta is not { EndOfInput: true, KeepOpen: false } || states.Exists(s => !s.IsThrough))
            return null;
        var newest = states.Max(s => s.MaxEventTimeMs);
        if (options.Partner is not { } partner)
            return newest is { } last ? Math.Max(EndOfInput.FrontierMs(pipeline, last), meta.FrontierMs ?? Frontier.None) : null;
        var end = await partner.EndAsync(cancel);
        if (!end.IsThrough)
            return null;
        // Both move to the same time, so that what waits for either comes out.
        newest = newest > end.NewestMs ? newest : end.NewestMs ?? newest;
        return newest is { } either
            ? new[] { EndOfInput.FrontierMs(pipeline, either), EndOfInput.FrontierMs(partner.Pipeline, either), either + partner.HorizonMs, meta.FrontierMs ?? Frontier.None }.Max()
            : null;
    }

    /// <summary>
    /// Sees to it that the head of a partition has at least the published frontier. A listing made after the head was read holds if the head had the
    /// frontier then, or was raised on the very ETag that was read: nothing can have been committed in between.
    /// </summary>
    public async Task<(VersionedHead? Head, bool ListingHolds)> RaiseAsync(int partition, Meta meta, VersionedHead? head, CancellationToken cancel)
    {
        var holds = true;
        while (true)
        {
            if (head is null)
            {
                var fresh = new Head(meta.Starts[partition], MaxEventTimeMs: null, meta.FrontierMs, time.GetUtcNow().ToUnixTimeMilliseconds());
                if (await ledger.TryInsertHeadAsync(partition, fresh, cancel) is { } inserted)
                    return (new VersionedHead(fresh, inserted), holds);
            }
            else if (meta.FrontierMs is not { } frontier || head.Value.Value.FrontierMs == frontier
                || (head.Value.Value.FrontierMs > frontier && !off.HasFlag(ProtocolRule.FrontierNeverLowered)))
            {
                return (head, holds);
            }
            else if (await ledger.TryReplaceHeadAsync(partition, head.Value.Value with { FrontierMs = frontier }, head.Value.ETag, cancel) is { } raised)
            {
                return (new VersionedHead(head.Value.Value with { FrontierMs = frontier }, raised), holds);
            }

            holds = false;
            head = await ledger.ReadHeadAsync(partition, cancel);
        }
    }
}
