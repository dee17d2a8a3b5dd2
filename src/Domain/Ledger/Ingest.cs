using System.Collections.Concurrent;
using Tidemark.Domain.Deduplication;
using Tidemark.Domain.Pipelines;

namespace Tidemark.Domain.Ledger;

/// <summary>
/// The road from Kafka to the ledger: trim, fill holes, decode, judge, aggregate, and commit each partition's records as one range in one
/// transaction on its ledger. A batch that dies before the commit had no effect; after it, it is complete. Two owners of a partition race on the
/// head's ETag: one wins, the other trims to nothing. Any exception leaves the batch to be delivered again.
/// </summary>
public sealed class Ingest
{
    private const string Refused = "refused/";

    private readonly IPipeline _pipeline;
    private readonly ILedger _ledger;
    private readonly ISegmentStore _segments;
    private readonly IngestOptions _options;
    private readonly TimeProvider _time;
    private readonly ProtocolRule _off;
    private readonly Partitions _partitions;
    private readonly RecordCollector _collector;
    private readonly Deduplicator? _deduplicator;
    private readonly IAlerts? _alerts;
    private readonly ConcurrentDictionary<string, long> _alertedMs = new();
    private readonly ConcurrentDictionary<int, VersionedHead> _heads = new();
    private readonly ConcurrentDictionary<int, bool> _stands = new();
    private readonly LossGuard _loss;
    private long _holdReadMs;

    /// <summary>Creates an ingest over the given stores; one per process is enough.</summary>
    /// <param name="pipeline">What is computed.</param>
    /// <param name="ledger">The ledger of this pipeline and topic.</param>
    /// <param name="log">The topic.</param>
    /// <param name="segments">Where segments go.</param>
    /// <param name="options">Settings.</param>
    /// <param name="time">The clock.</param>
    /// <param name="lake">Where seen ids are read from; a pipeline that deduplicates (<see cref="IDeduplicating"/>) needs it.</param>
    /// <param name="alerts">Where it is said that a partition waits.</param>
    public Ingest(
        IPipeline pipeline, ILedger ledger, ITopicLog log, ISegmentStore segments, IngestOptions options, TimeProvider time, ILake? lake = null, IAlerts? alerts = null)
        : this(pipeline, ledger, log, segments, options, time, lake, alerts, ProtocolRule.None)
    {
    }

    internal Ingest(
        IPipeline pipeline, ILedger ledger, ITopicLog log, ISegmentStore segments, IngestOptions options, TimeProvider time, ILake? lake, IAlerts? alerts, ProtocolRule off)
    {
        (_pipeline, _ledger, _segments, _options, _time, _alerts, _off) = (pipeline, ledger, segments, options, time, alerts, off);
        _partitions = new Partitions(pipeline, ledger, log, options.StartFrom, time, off);
        _loss = new LossGuard(ledger, options.OnDataLoss, alerts, off);
        _collector = new RecordCollector(log, options, time, off);
        if (pipeline is IDeduplicating { HorizonMs: not null } deduplicating)
            _deduplicator = new Deduplicator(deduplicating, ledger, segments,
                lake ?? throw new ArgumentNullException(nameof(lake), "A pipeline that deduplicates reads seen ids from the lake."), options, time, off);
    }

    /// <summary>What is computed.</summary>
    internal IPipeline Pipeline => _pipeline;

    /// <summary>
    /// Processes a delivery of several partitions, in parallel, each in any order and with repeats. Returns when all of it is committed (by us or by
    /// another owner). Waits while the pipeline is on hold.
    /// </summary>
    public async Task ProcessAsync(IReadOnlyDictionary<int, IReadOnlyList<SourceRecord>> delivery, CancellationToken cancel)
    {
        await WaitWhileHeldAsync(cancel);
        while (!await IsReadyAsync(cancel))
            await Task.Delay(_options.HoldPoll, _time, cancel);
        await Task.WhenAll(delivery.Select(part => ProcessPartitionAsync(part.Key, part.Value, cancel)));
    }

    /// <summary>
    /// Processes what is in the log of one partition from its head up to <paramref name="to"/>, read by our own consumer: what the trigger lost or
    /// never delivered; at most <paramref name="maxRanges"/> ranges. Offsets without records are passed as control records unless retention took them.
    /// </summary>
    /// <returns>How many records were found there.</returns>
    public async Task<int> CatchUpAsync(int partition, long to, int maxRanges, CancellationToken cancel)
    {
        try
        {
            var found = 0;
            for (var range = 0; range < maxRanges && await IsReadyAsync(cancel); range++)
            {
                var head = await HeadAsync(partition, cancel);
                if (head.Value.Next >= to)
                    break;
                // A cut log stays cut; of a log that retention has shortened, more may be gone than was marked.
                if (_loss.Stops(head.Value) && head.Value.Loss!.From < head.Value.Next)
                {
                    await StandAsync(partition, head.Value, cancel);
                    break;
                }

                var chunk = await _collector.CollectTailAsync(partition, head.Value.Next, _loss.AcceptedTo(head.Value), to, cancel);
                if (chunk.Loss is { } loss && chunk.To == head.Value.Next)
                {
                    await StandAsync(partition, loss, isCut: false, cancel);
                    break;
                }

                if (await CommitAsync(partition, head, chunk, cancel))
                {
                    found += chunk.Records.Count;
                    continue;
                }

                // No room for ids under the frontier of a head that may be outdated; who delivers the partition says that it waits.
                _heads.TryRemove(partition, out _);
                if ((await HeadAsync(partition, cancel)).ETag == head.ETag)
                    break;
            }

            return found;
        }
        catch
        {
            _heads.TryRemove(partition, out _);
            throw;
        }
    }

    private async Task ProcessPartitionAsync(int partition, IReadOnlyList<SourceRecord> delivered, CancellationToken cancel)
    {
        var records = _off.HasFlag(ProtocolRule.TrimRepeats) ? delivered : RecordCollector.InOrder(delivered);
        try
        {
            var first = 0;
            while (true)
            {
                var head = await HeadAsync(partition, cancel);
                if (_off.HasFlag(ProtocolRule.TrimRepeats))
                    head = new VersionedHead(head.Value with { Next = records[first].Offset }, head.ETag);
                while (first < records.Count && records[first].Offset < head.Value.Next)
                    first++;
                if (first == records.Count)
                    return;
                // What is delivered is not waited with: other partitions came with it, and ours is fetched when it goes on.
                if (_loss.Stops(head.Value))
                {
                    await StandAsync(partition, head.Value, cancel);
                    return;
                }

                var chunk = await _collector.CollectAsync(partition, head.Value.Next, _loss.AcceptedTo(head.Value), records, first, cancel);
                if (chunk.Loss is { } loss && chunk.To == head.Value.Next)
                {
                    await StandAsync(partition, loss, isCut: false, cancel);
                    continue;
                }

                if (!await CommitAsync(partition, head, chunk, cancel))
                    await WaitForRoomAsync(partition, head.Value, cancel);
                if (_off.HasFlag(ProtocolRule.TrimRepeats))
                    return;
            }
        }
        catch
        {
            // The outcome of the last call may be unknown; the next attempt must see what is in the ledger.
            _heads.TryRemove(partition, out _);
            throw;
        }
    }

    /// <summary>What happens where records are gone.</summary>
    internal OnDataLoss OnDataLoss => _options.OnDataLoss;

    /// <summary>Whether the partition, when last looked at, stood before a loss.</summary>
    internal bool Stands(int partition) => _stands.ContainsKey(partition);

    /// <summary>Notes a loss on the head, so that the partition stands before it whoever reads it.</summary>
    internal async Task StandAsync(int partition, Loss loss, bool isCut, CancellationToken cancel) =>
        await StandAsync(partition, (await _loss.MarkAsync(partition, loss, isCut, cancel)).Value, cancel);

    private async Task StandAsync(int partition, Head head, CancellationToken cancel)
    {
        // Read again by the next delivery, which then sees that the loss was accepted.
        _heads.TryRemove(partition, out _);
        _stands[partition] = true;
        await _loss.SayAsync(partition, head, cancel);
    }

    private async Task<VersionedHead> HeadAsync(int partition, CancellationToken cancel)
    {
        if (_heads.TryGetValue(partition, out var known))
            return known;
        var head = await _ledger.ReadHeadAsync(partition, cancel);
        if (head is null)
        {
            var meta = await _partitions.JoinAsync(partition, cancel);
            head = await _partitions.EnsureHeadAsync(partition, meta.Value, cancel);
        }

        _heads[partition] = head.Value;
        return head.Value;
    }

    /// <summary>
    /// Commits the chunk, or as much of it as one range can be, under this head, judging again as long as only the frontier moved. Leaves the newest head in the cache. False: the ids that
    /// must be remembered do not fit, and nothing was committed.
    /// </summary>
    private async Task<bool> CommitAsync(int partition, VersionedHead head, RecordChunk chunk, CancellationToken cancel)
    {
        if (_options.Prepare is { } prepare)
            await prepare(chunk.Records, cancel);
        // Events of many days in one delivery touch more files and entities than a range can name.
        while (true)
        {
            try
            {
                return await CommitWholeAsync(partition, head, chunk, cancel);
            }
            catch (RangeTooLargeException) when (chunk.Records.Count > 1)
            {
                chunk = chunk.FirstHalf();
            }
        }
    }

    private async Task<bool> CommitWholeAsync(int partition, VersionedHead head, RecordChunk chunk, CancellationToken cancel)
    {
        var now = _time.GetUtcNow().ToUnixTimeMilliseconds();
        using var decoded = _pipeline.Decode(partition, chunk.Records, now);
        if (_deduplicator is null)
            return await CommitAsync(partition, head, chunk, decoded, seen: null, now, cancel);
        var seen = await _deduplicator.EnterAsync(partition, cancel);
        try
        {
            return await CommitAsync(partition, head, chunk, decoded, seen, now, cancel);
        }
        finally
        {
            seen.Gate.Release();
        }
    }

    private async Task<bool> CommitAsync(
        int partition, VersionedHead head, RecordChunk chunk, IDecodedRecords decoded, Deduplicator.Entry? seen, long now, CancellationToken cancel)
    {
        var judgedBy = head.Value.FrontierMs;
        while (true)
        {
            if (seen is not null && !await _deduplicator!.TryJudgeAsync(seen, partition, head.Value, decoded, cancel))
                return false;
            var segment = _pipeline.Build(decoded, judgedBy ?? Frontier.None);
            var range = await RangeAsync(partition, head.Value, chunk, decoded, segment, cancel);
            var next = head.Value with
            {
                Next = chunk.To,
                MaxEventTimeMs = Later(head.Value.MaxEventTimeMs, decoded.MaxEventTimeMs),
                // Only events that count do: a partition of broken or repeated ones alone must not hold the frontier back for ever.
                LastActivityMs = decoded.MaxEventTimeMs is null ? head.Value.LastActivityMs : now,
                Loss = null,
            };
            if (await _ledger.TryCommitAsync(next, head.ETag, range, chunk.Gaps, cancel) is { } etag)
            {
                seen?.Index.Accept(chunk.To);
                _stands.TryRemove(partition, out _);
                _heads[partition] = new VersionedHead(next, etag);
                await AlertRefusedAsync(partition, range, cancel);
                return true;
            }

            var current = await _ledger.ReadHeadAsync(partition, cancel)
                ?? throw new InvalidOperationException($"The head of partition {partition} is gone; the ledger table was changed by hand.");
            _heads[partition] = current;
            if (current.Value.Next != head.Value.Next || _loss.Stops(current.Value))
                return true;
            head = current;
            if (!_off.HasFlag(ProtocolRule.RejudgeOnNewFrontier))
                judgedBy = current.Value.FrontierMs;
        }
    }

    /// <summary>Says, once a minute for each reason, that a producer sends what its schema does not allow.</summary>
    private async Task AlertRefusedAsync(int partition, RangeRow range, CancellationToken cancel)
    {
        if (_alerts is null)
            return;
        foreach (var (name, count) in range.Counts.Where(c => c.Key.StartsWith(Refused, StringComparison.Ordinal)))
            if (IsAlertDue(name))
                await _alerts.RaiseAsync("schema-refused", name[Refused.Length..],
                    $"{count} records of partition {partition} from offset {range.From} were refused ({name[Refused.Length..]}): a producer has changed what it sends. "
                    + "They are in silver/quarantine with the details.", cancel);
    }

    private bool IsAlertDue(string subject)
    {
        var now = _time.GetUtcNow().ToUnixTimeMilliseconds();
        if (now - _alertedMs.GetValueOrDefault(subject, long.MinValue / 2) < 60_000)
            return false;
        _alertedMs[subject] = now;
        return true;
    }

    /// <summary>
    /// A partition whose ids do not fit waits: it is ahead of the frontier by more than memory holds, and others go on. Says so once a minute.
    /// </summary>
    private async Task WaitForRoomAsync(int partition, Head head, CancellationToken cancel)
    {
        if (_alerts is not null && IsAlertDue($"full/{partition}"))
            await _alerts.RaiseAsync("deduplication-full", $"partition {partition}",
                $"Partition {partition} waits at offset {head.Next}: more than {_options.DeduplicationMaxIds} event ids would have to be remembered to recognise duplicates. "
                + "It goes on when event time has moved; if that does not happen, raise DeduplicationMaxIds or shorten DeduplicateWithin.", cancel);
        _heads.TryRemove(partition, out _);
        await Task.Delay(_options.HoldPoll, _time, cancel);
    }

    private async Task<RangeRow> RangeAsync(int partition, Head head, RecordChunk chunk, IDecodedRecords decoded, Segment segment, CancellationToken cancel)
    {
        var inline = _segments.TryEncode(segment);
        var staged = inline is null ? await _segments.StageAsync(partition, head.Next, _options.NewAttempt(), segment, cancel) : null;
        return new RangeRow
        {
            Partition = partition,
            From = _off.HasFlag(ProtocolRule.ContiguousRanges) && chunk.Records.Count > 0 ? chunk.Records[0].Offset : head.Next,
            To = chunk.To,
            Tag = head.FrontierMs,
            Rows = segment.Rows.ToDictionary(table => table.Key, table => table.Value.Count),
            Entities = [.. segment.Partials.Keys.Order()],
            Counts = segment.Counts,
            KafkaTimeMs = chunk.KafkaTimeMs,
            EventTimes = decoded.Times,
            TraceParent = LedgerTrace.Current,
            Inline = inline,
            Staged = staged,
        };
    }

    private async Task WaitWhileHeldAsync(CancellationToken cancel)
    {
        var now = _time.GetUtcNow().ToUnixTimeMilliseconds();
        if (now - Interlocked.Read(ref _holdReadMs) < (long)_options.HoldCache.TotalMilliseconds)
            return;
        while (await _ledger.ReadMetaAsync(cancel) is { Value.Hold: true })
            await Task.Delay(_options.HoldPoll, _time, cancel);
        Interlocked.Exchange(ref _holdReadMs, now);
    }

    private ValueTask<bool> IsReadyAsync(CancellationToken cancel) => _options.IsReady?.Invoke(cancel) ?? ValueTask.FromResult(true);

    private static long? Later(long? a, long? b) => a is { } x && b is { } y ? Math.Max(x, y) : a ?? b;
}
