using Tidemark.Domain.Ledger;

namespace Tidemark.Domain.Replays;

/// <summary>How far a replay is.</summary>
/// <param name="Next">Per partition the first offset that is not processed.</param>
/// <param name="Ends">Per partition where the replay ends.</param>
public sealed record ReplayProgress(IReadOnlyDictionary<int, long> Next, IReadOnlyDictionary<int, long> Ends);

/// <summary>
/// Computes a new version of a pipeline from a log that has an end, by the ingest and tick of that version. All its state is in the ledger and the
/// entities of the new version, so one that was cut short goes on where it was.
/// </summary>
/// <param name="ingest">Ingest of the new version, over the log.</param>
/// <param name="tick">Runs a tick of the new version; null when another is at it.</param>
/// <param name="ledger">Ledger of the new version.</param>
/// <param name="log">The log.</param>
/// <param name="time">The clock.</param>
public sealed class Replayer(Ingest ingest, Func<CancellationToken, Task<TickReport?>> tick, ILedger ledger, ITopicLog log, TimeProvider time)
{
    private static readonly TimeSpan Pause = TimeSpan.FromMilliseconds(100);

    /// <summary>
    /// Processes everything below the ends, then moves event time to where the earlier version had it, so that what it had closed is closed here, and
    /// returns when all of it is in Delta and in Table storage.
    /// </summary>
    /// <param name="ends">Per partition where to stop: what the earlier version has processed, read after <paramref name="frontierMs"/>.</param>
    /// <param name="starts">Where a replay that begins starts; null = where the log does.</param>
    /// <param name="frontierMs">Frontier of the earlier version; null = it has none, or there is none.</param>
    /// <param name="report">Told after each round.</param>
    /// <param name="cancel">Ends it between two steps; it can be gone on with.</param>
    public async Task RunAsync(
        IReadOnlyDictionary<int, long> ends, IReadOnlyDictionary<int, long>? starts, long? frontierMs, Action<ReplayProgress> report, CancellationToken cancel)
    {
        if (starts is not null && await ledger.ReadMetaAsync(cancel) is null)
            await ledger.TryWriteMetaAsync(new Meta(starts, FrontierMs: null, Hold: false, EndOfInput: false) { Definitions = Definitions.Of(ingest.Pipeline) }, etag: null, cancel);
        await CatchUpAsync(ends, report, cancel);
        if (frontierMs is { } frontier)
            await RaiseAsync(frontier, cancel);
        while (await tick(cancel) is not { Emitted: true, Skipped: null } done || done.FrontierMs < frontierMs)
            await Task.Delay(Pause, time, cancel);
    }

    private async Task CatchUpAsync(IReadOnlyDictionary<int, long> ends, Action<ReplayProgress> report, CancellationToken cancel)
    {
        while (true)
        {
            var seen = await tick(cancel);
            var next = new Dictionary<int, long>();
            foreach (var partition in ends.Keys)
                next[partition] = (await ledger.ReadHeadAsync(partition, cancel))?.Value.Next ?? (await log.BoundsAsync(partition, cancel)).Start;
            report(new ReplayProgress(next, ends));
            var behind = ends.Where(end => next[end.Key] < end.Value).ToList();
            if (behind.Count == 0)
                return;
            // Ticks alone go on while ranges pile up.
            if (seen is { Skipped: null, Hold: false })
                await Task.WhenAll(behind.Select(end => ingest.CatchUpAsync(end.Key, end.Value, maxRanges: 1, cancel)));
            else
                await Task.Delay(Pause, time, cancel);
        }
    }

    private async Task RaiseAsync(long frontierMs, CancellationToken cancel)
    {
        while (await ledger.ReadMetaAsync(cancel) is { } meta && !(meta.Value.FrontierMs >= frontierMs))
            await ledger.TryWriteMetaAsync(meta.Value with { FrontierMs = frontierMs }, meta.ETag, cancel);
    }
}
