using System.Collections.Concurrent;
using System.Runtime.InteropServices;
using Tidemark.Domain.Columns;
using Tidemark.Domain.Deduplication;
using Tidemark.Domain.Pipelines;

namespace Tidemark.Domain.Ledger;

/// <summary>
/// Keeps an index of seen ids per partition for ingest. An index is used only under a head whose Next is the index's own; otherwise what it lacks is
/// read first: from the open ranges as far back as they reach, and from Delta what was settled before. Ranges are listed before Delta is read, so that
/// what a tick moves in between is seen at least once; and once or twice is the same to an index.
/// </summary>
internal sealed class Deduplicator(IDeduplicating pipeline, ILedger ledger, ISegmentStore segments, ILake lake, IngestOptions options, TimeProvider time, ProtocolRule off)
{
    private static readonly TimeSpan Unused = TimeSpan.FromMinutes(15);
    private readonly ConcurrentDictionary<int, Entry> entries = new();
    private readonly long horizon = pipeline.HorizonMs!.Value;

    /// <summary>
    /// Sole use of a partition's index in this process, for one commit. Rival owners within a process would otherwise judge by each other's provisional
    /// events.
    /// </summary>
    public async Task<Entry> EnterAsync(int partition, CancellationToken cancel)
    {
        var now = time.GetTimestamp();
        foreach (var (other, idle) in entries)
            if (other != partition && time.GetElapsedTime(idle.UsedAt, now) > Unused && idle.Gate.CurrentCount > 0)
                entries.TryRemove(new KeyValuePair<int, Entry>(other, idle));
        var entry = entries.GetOrAdd(partition, _ => new Entry(new DeduplicationIndex(horizon, options.DeduplicationMaxIds, !off.HasFlag(ProtocolRule.IndexForgetsRefused))));
        await entry.Gate.WaitAsync(cancel);
        entry.UsedAt = now;
        return entry;
    }

    /// <summary>Judges the batch under this head; false when the index has no room for it.</summary>
    public async Task<bool> TryJudgeAsync(Entry entry, int partition, Head head, IDecodedRecords decoded, CancellationToken cancel)
    {
        var frontier = head.FrontierMs ?? Frontier.None;
        var trusted = off.HasFlag(ProtocolRule.IndexFollowsHead) && entry.Index.Next > 0;
        // An index that is ahead means a head that is outdated: its commit will be refused.
        if (entry.Index.Next < head.Next && !trusted && !await CatchUpAsync(entry, partition, head, frontier, cancel))
            return false;
        entry.Events.Clear();
        pipeline.Read(decoded, entry.Events);
        if (!entry.Index.TryReserve(entry.Events.Count, frontier))
            return false;
        if (entry.Verdicts.Length < entry.Events.Count)
            entry.Verdicts = new Verdict[Math.Max(entry.Events.Count, entry.Verdicts.Length * 2)];
        var verdicts = entry.Verdicts.AsSpan(0, entry.Events.Count);
        entry.Index.Judge(CollectionsMarshal.AsSpan(entry.Events), frontier, verdicts);
        pipeline.Judge(decoded, verdicts);
        return true;
    }

    /// <summary>Brings the index to head.Next; false when what it must remember does not fit.</summary>
    private async Task<bool> CatchUpAsync(Entry entry, int partition, Head head, long frontier, CancellationToken cancel)
    {
        // A failure on the way leaves some events remembered that the next try reads again, which changes nothing: heads never go back.
        var index = entry.Index;
        index.Undo();
        var from = index.Next;
        var ranges = (await ledger.ReadPartitionAsync(partition, from, cancel)).Ranges.TakeWhile(range => range.From < head.Next).ToList();
        if (!Cover(ranges, from, head.Next) && !off.HasFlag(ProtocolRule.IndexReadsDelta))
            await foreach (var rows in lake.ReadRowsAsync(pipeline.Table, pipeline.Columns, pipeline.Bounds(partition, from, index.ForgottenUpTo(frontier)), cancel))
                if (!TryRemember(index, rows, partition, head.Next, frontier, entry.Events))
                    return false;
        foreach (var range in ranges)
            if (await segments.ReadRowsAsync(range, pipeline.Table, pipeline.Columns, cancel) is { } rows
                && !TryRemember(index, rows, partition, head.Next, frontier, entry.Events))
                return false;
        index.Accept(head.Next);
        return true;
    }

    /// <summary>Whether the ranges hold all offsets of [from, to); they may have been listed in pieces while others were settled.</summary>
    private static bool Cover(List<RangeRow> ranges, long from, long to)
    {
        foreach (var range in ranges)
        {
            if (range.From > from)
                return false;
            from = range.To;
        }

        return from >= to;
    }

    private bool TryRemember(DeduplicationIndex index, RowBatch rows, int partition, long next, long frontier, List<SeenEvent> events)
    {
        events.Clear();
        pipeline.Read(rows, events);
        foreach (var e in CollectionsMarshal.AsSpan(events))
            if (e.Partition == partition && e.Offset < next && !index.TryRemember(e, frontier))
                return false;
        return true;
    }

    /// <summary>An index and what judging by it needs.</summary>
    public sealed class Entry(DeduplicationIndex index)
    {
        public DeduplicationIndex Index { get; } = index;

        public SemaphoreSlim Gate { get; } = new(1, 1);

        public List<SeenEvent> Events { get; } = [];

        public Verdict[] Verdicts { get; set; } = [];

        public long UsedAt { get; set; }
    }
}
