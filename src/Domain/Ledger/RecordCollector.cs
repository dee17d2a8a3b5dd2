using Tidemark.Domain.Pipelines;

namespace Tidemark.Domain.Ledger;

/// <summary>Records of one partition that become one range [.., To), without hole that was not looked into.</summary>
/// <param name="To">Offset after the range.</param>
/// <param name="Records">Records in offset order.</param>
/// <param name="Gaps">Offsets that retention removed before they were processed.</param>
/// <param name="KafkaTimeMs">Latest Kafka time, ms; 0 without records.</param>
/// <param name="Loss">What is lost behind To and not accepted; null = nothing.</param>
internal sealed record RecordChunk(long To, IReadOnlyList<SourceRecord> Records, IReadOnlyList<Gap> Gaps, long KafkaTimeMs, Loss? Loss)
{
    /// <summary>The range of the first half of the records, up to the first of the others.</summary>
    public RecordChunk FirstHalf()
    {
        var records = Records.Take(Records.Count / 2).ToList();
        var to = Records[records.Count].Offset;
        return new RecordChunk(to, records, [.. Gaps.Where(gap => gap.To <= to)], records.Max(record => record.KafkaTimeMs), Loss: null);
    }
}

/// <summary>
/// Puts a delivery in order and looks into its holes. A hole is where the trigger skipped records, where the log holds control records or was
/// compacted (harmless), or where retention removed what was due (a <see cref="Gap"/>).
/// </summary>
internal sealed class RecordCollector(ITopicLog log, IngestOptions options, TimeProvider time, ProtocolRule off)
{
    private const int MaxFetch = 1_000;

    /// <summary>Sorted by offset, each offset once: after a rebalance one delivery can hold 5,6,7,5,6,7,12,13.</summary>
    public static IReadOnlyList<SourceRecord> InOrder(IReadOnlyList<SourceRecord> delivered)
    {
        var ascending = true;
        for (var i = 1; i < delivered.Count && ascending; i++)
            ascending = delivered[i - 1].Offset < delivered[i].Offset;
        if (ascending)
            return delivered;
        var records = delivered.ToArray();
        Array.Sort(records, static (a, b) => a.Offset.CompareTo(b.Offset));
        var kept = 0;
        foreach (var record in records)
            if (kept == 0 || records[kept - 1].Offset != record.Offset)
                records[kept++] = record;
        return new ArraySegment<SourceRecord>(records, 0, kept);
    }

    /// <summary>
    /// The next range from <paramref name="next"/> on: delivered records from index <paramref name="first"/> and what their holes held. It ends before what is lost
    /// and not below <paramref name="acceptedTo"/>.
    /// </summary>
    public async Task<RecordChunk> CollectAsync(int partition, long next, long acceptedTo, IReadOnlyList<SourceRecord> delivered, int first, CancellationToken cancel)
    {
        var chunk = new Growing(next, acceptedTo);
        for (var i = first; i < delivered.Count && !chunk.IsFull(options); i++)
        {
            var record = delivered[i];
            if (record.Offset > chunk.To && !off.HasFlag(ProtocolRule.FetchHoles))
                await FillHoleAsync(partition, chunk, record.Offset, cancel);
            if (chunk.Loss is not null || (chunk.IsFull(options) && chunk.To < record.Offset))
                break;
            chunk.Add(record);
        }

        return chunk.Freeze();
    }

    /// <summary>The next range from <paramref name="next"/> on, up to <paramref name="to"/>, all of it from the log.</summary>
    public async Task<RecordChunk> CollectTailAsync(int partition, long next, long acceptedTo, long to, CancellationToken cancel)
    {
        var chunk = new Growing(next, acceptedTo);
        await FillHoleAsync(partition, chunk, to, cancel);
        return chunk.Freeze();
    }

    /// <summary>Looks into [chunk.To, end). The log's start is read after the fetch, so that retention in between is seen.</summary>
    private async Task FillHoleAsync(int partition, Growing chunk, long end, CancellationToken cancel)
    {
        while (chunk.To < end && !chunk.IsFull(options) && chunk.Loss is null)
            await FillOnceAsync(partition, chunk, end, cancel);
    }

    private async Task FillOnceAsync(int partition, Growing chunk, long end, CancellationToken cancel)
    {
        var from = chunk.To;
        var limit = Math.Clamp(options.MaxRangeRecords - chunk.Records.Count, 1, MaxFetch);
        var found = await log.FetchAsync(partition, from, end, limit, cancel);
        var reached = found.Count < limit ? end : found[^1].Offset + 1;
        var bounds = await log.BoundsAsync(partition, cancel);
        foreach (var (start, stop) in Lost(found, from, Math.Min(bounds.Start, reached)))
        {
            if (stop > chunk.AcceptedTo)
            {
                (chunk.Loss, reached) = (new Loss(start, stop), start);
                break;
            }

            chunk.Gaps.Add(new Gap(partition, start, stop, time.GetUtcNow().ToUnixTimeMilliseconds()));
        }

        foreach (var record in found.TakeWhile(record => record.Offset < reached))
            chunk.Add(record);
        chunk.To = reached;
    }

    private static IEnumerable<(long From, long To)> Lost(IReadOnlyList<SourceRecord> found, long from, long logStart)
    {
        var at = from;
        foreach (var record in found)
        {
            if (record.Offset >= logStart)
                break;
            if (record.Offset > at)
                yield return (at, record.Offset);
            at = record.Offset + 1;
        }

        if (at < logStart)
            yield return (at, logStart);
    }

    private sealed class Growing(long next, long acceptedTo)
    {
        private long _bytes;
        private long _kafkaTimeMs;

        public long To { get; set; } = next;

        public List<SourceRecord> Records { get; } = [];

        public List<Gap> Gaps { get; } = [];

        public long AcceptedTo => acceptedTo;

        public Loss? Loss { get; set; }

        public bool IsFull(IngestOptions options) => Records.Count >= options.MaxRangeRecords || _bytes >= options.MaxRangeBytes;

        public void Add(SourceRecord record)
        {
            Records.Add(record);
            _bytes += record.Value?.Length ?? 0;
            _kafkaTimeMs = Math.Max(_kafkaTimeMs, record.KafkaTimeMs);
            To = record.Offset + 1;
        }

        public RecordChunk Freeze() => new(To, Records, Gaps, _kafkaTimeMs, Loss);
    }
}
