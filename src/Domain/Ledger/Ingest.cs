using System.Collections.Concurrent;
using Tidemark.Domain.Pipelines;

namespace Tidemark.Domain.Ledger;

/// <summary>
/// The road from Kafka to the ledger: trim, fill holes, decode, judge, aggregate, and commit each partition's records as one range in one
/// transaction on its ledger. A batch that dies before the commit had no effect; after it, it is complete. Two owners of a partition race on the
/// head's ETag: one wins, the other trims to nothing. Any exception leaves the batch to be delivered again.
/// </summary>
public sealed class Ingest
{
    private readonly IPipeline _pipeline;
    private readonly ILedger _ledger;
    private readonly ISegmentStore _segments;
    private readonly IngestOptions _options;
    private readonly TimeProvider _time;
    private readonly ProtocolRule _off;
    private readonly Partitions _partitions;
    private readonly RecordCollector _collector;
    private readonly ConcurrentDictionary<int, VersionedHead> _heads = new();
    private long _holdReadMs;

    /// <summary>Creates an ingest over the given stores; one per process is enough.</summary>
    public Ingest(IPipeline pipeline, ILedger ledger, ITopicLog log, ISegmentStore segments, IngestOptions options, TimeProvider time)
        : this(pipeline, ledger, log, segments, options, time, ProtocolRule.None)
    {
    }

    internal Ingest(IPipeline pipeline, ILedger ledger, ITopicLog log, ISegmentStore segments, IngestOptions options, TimeProvider time, ProtocolRule off)
    {
        (_pipeline, _ledger, _segments, _options, _time, _off) = (pipeline, ledger, segments, options, time, off);
        _partitions = new Partitions(ledger, log, options.StartFrom, time, off);
        _collector = new RecordCollector(log, options, time, off);
    }

    /// <summary>
    /// Processes a delivery of several partitions, in parallel, each in any order and with repeats. Returns when all of it is committed (by us or by
    /// another owner). Waits while the pipeline is on hold.
    /// </summary>
    public async Task ProcessAsync(IReadOnlyDictionary<int, IReadOnlyList<SourceRecord>> delivery, CancellationToken cancel)
    {
        await WaitWhileHeldAsync(cancel);
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
            for (var range = 0; range < maxRanges; range++)
            {
                var head = await HeadAsync(partition, cancel);
                if (head.Value.Next >= to)
                    break;
                var chunk = await _collector.CollectTailAsync(partition, head.Value.Next, to, cancel);
                await CommitAsync(partition, head, chunk, cancel);
                found += chunk.Records.Count;
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
                var chunk = await _collector.CollectAsync(partition, head.Value.Next, records, first, cancel);
                await CommitAsync(partition, head, chunk, cancel);
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

    /// <summary>Commits the chunk under this head, judging again as long as only the frontier moved. Leaves the newest head in the cache.</summary>
    private async Task CommitAsync(int partition, VersionedHead head, RecordChunk chunk, CancellationToken cancel)
    {
        var now = _time.GetUtcNow().ToUnixTimeMilliseconds();
        using var decoded = _pipeline.Decode(partition, chunk.Records, now);
        var judgedBy = head.Value.FrontierMs;
        while (true)
        {
            var segment = _pipeline.Build(decoded, judgedBy ?? Frontier.None);
            var range = await RangeAsync(partition, head.Value, chunk, decoded, segment, cancel);
            var next = head.Value with
            {
                Next = chunk.To,
                MaxEventTimeMs = Later(head.Value.MaxEventTimeMs, decoded.MaxEventTimeMs),
                // Only valid events count: a partition of broken ones alone must not hold the frontier back for ever.
                LastActivityMs = decoded.MaxEventTimeMs is null ? head.Value.LastActivityMs : now,
            };
            if (await _ledger.TryCommitAsync(next, head.ETag, range, chunk.Gaps, cancel) is { } etag)
            {
                _heads[partition] = new VersionedHead(next, etag);
                return;
            }

            var current = await _ledger.ReadHeadAsync(partition, cancel)
                ?? throw new InvalidOperationException($"The head of partition {partition} is gone; the ledger table was changed by hand.");
            _heads[partition] = current;
            if (current.Value.Next != head.Value.Next)
                return;
            head = current;
            if (!_off.HasFlag(ProtocolRule.RejudgeOnNewFrontier))
                judgedBy = current.Value.FrontierMs;
        }
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

    private static long? Later(long? a, long? b) => a is { } x && b is { } y ? Math.Max(x, y) : a ?? b;
}
