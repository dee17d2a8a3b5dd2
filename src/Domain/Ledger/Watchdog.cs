namespace Tidemark.Domain.Ledger;

/// <summary>
/// Finds what the trigger lost: partitions and log ends come from Kafka itself. The trigger commits by force after its retries, its consumer can
/// die without a word, and nobody would deliver those records again.
/// </summary>
internal sealed class Watchdog(ITopicLog log, ILedger ledger, Ingest ingest, Partitions partitions, IAlerts alerts, TickOptions options, TimeProvider time, ProtocolRule off)
{
    private const int MaxRanges = 20;

    private readonly Dictionary<int, (long Next, long SinceMs)> _seen = [];

    /// <summary>Log bounds of every partition as of the last look.</summary>
    public Dictionary<int, LogBounds> Bounds { get; } = [];

    /// <summary>
    /// Joins partitions that appeared, notes log ends, and processes the tail of partitions that stood still with lag for the time-out. True when
    /// meta changed.
    /// </summary>
    public async Task<bool> LookAsync(Truth truth, CancellationToken cancel)
    {
        var joined = false;
        var known = truth.Meta.Value.Starts;
        foreach (var partition in off.HasFlag(ProtocolRule.WatchdogAsksKafka) ? known.Keys : await log.PartitionsAsync(cancel))
        {
            if (!known.ContainsKey(partition))
            {
                await partitions.JoinAsync(partition, cancel);
                joined = true;
                continue;
            }

            if (!truth.Heads.TryGetValue(partition, out var head))
                continue;
            var bounds = off.HasFlag(ProtocolRule.WatchdogAsksKafka) ? new LogBounds(0, head.Next) : await log.BoundsAsync(partition, cancel);
            Bounds[partition] = bounds;
            await LookAtAsync(partition, head, bounds, truth.Meta.Value.Hold, cancel);
        }

        return joined;
    }

    /// <summary>Whether every partition that Kafka has is in the ledger and processed up to its log end, as of now.</summary>
    public async Task<bool> IsCaughtUpAsync(Truth truth, CancellationToken cancel)
    {
        foreach (var partition in await log.PartitionsAsync(cancel))
        {
            Bounds[partition] = await log.BoundsAsync(partition, cancel);
            if (!truth.Heads.TryGetValue(partition, out var head) || head.Next < Bounds[partition].End || head.Loss is not null)
                return false;
        }

        return true;
    }

    private async Task LookAtAsync(int partition, Head head, LogBounds bounds, bool hold, CancellationToken cancel)
    {
        var now = time.GetUtcNow().ToUnixTimeMilliseconds();
        if (head.Loss is not null && ingest.OnDataLoss == OnDataLoss.Continue)
            await LossGuard.AcceptAsync(ledger, partition, cancel);
        if (bounds.End < head.Next)
        {
            if (ingest.OnDataLoss == OnDataLoss.Stop && !(head.LossAcceptedTo >= head.Next) && !off.HasFlag(ProtocolRule.CutLogIsMarked))
                await ingest.StandAsync(partition, new Loss(bounds.End, head.Next), isCut: true, cancel);
            await alerts.RaiseAsync("topic-recreated", $"partition {partition}", $"Partition {partition} ends at offset {bounds.End}, but offsets up to {head.Next} were processed: the topic was recreated or lost data. Raise TopicGeneration to begin anew.", cancel);
            return;
        }

        if (head.Next == bounds.End || hold || !_seen.TryGetValue(partition, out var seen) || seen.Next != head.Next)
        {
            _seen[partition] = (head.Next, now);
            return;
        }

        if (now - seen.SinceMs < (long)options.WatchdogTimeout.TotalMilliseconds)
            return;
        // A tail of control records alone is nobody's fault, nor is one that waited for a loss to be accepted.
        var stood = ingest.Stands(partition) || head.LossAcceptedTo > head.Next;
        if (await ingest.CatchUpAsync(partition, bounds.End, MaxRanges, cancel) > 0 && !stood)
            await alerts.RaiseAsync("trigger-stalled", $"partition {partition}", $"Partition {partition} stood at offset {head.Next} of {bounds.End} for {(now - seen.SinceMs) / 1000} s: the Kafka trigger delivered nothing. Its tail is processed by the tick; look at the trigger's log.", cancel);
    }
}
