using Tidemark.Domain.Columns;
using Tidemark.Domain.Ledger;
using Tidemark.Domain.Pipelines;

namespace Tidemark.Domain.Replays;

/// <summary>
/// The topic as a pipeline has recorded it: bronze in Delta, and the ranges of its ledger that are not there yet. It holds every record that the pipeline has
/// committed, whatever Kafka still has, and ends where the pipeline stands. Reads beside a pipeline that runs: what is settled in between is in bronze.
/// </summary>
/// <param name="pipeline">Names the table.</param>
/// <param name="ledger">Ledger of the pipeline that recorded.</param>
/// <param name="lake">Its lake.</param>
/// <param name="segments">Its segments.</param>
public sealed class RecordedLog(IPipeline pipeline, ILedger ledger, ILake lake, ISegmentStore segments) : ITopicLog
{
    // Files hold rows of all partitions, so many records are kept from each reading.
    private const int ReadAhead = 20_000;
    private readonly string _table = pipeline.Tables[0].Name;
    private readonly Dictionary<int, (long From, long To, List<SourceRecord> Records)> _read = [];

    public async Task<IReadOnlyList<int>> PartitionsAsync(CancellationToken cancel) =>
        await ledger.ReadMetaAsync(cancel) is { } meta ? [.. meta.Value.Starts.Keys.Order()] : throw NoPipeline();

    public async Task<LogBounds> BoundsAsync(int partition, CancellationToken cancel)
    {
        var meta = await ledger.ReadMetaAsync(cancel) ?? throw NoPipeline();
        var start = meta.Value.Starts[partition];
        return new LogBounds(start, (await ledger.ReadHeadAsync(partition, cancel))?.Value.Next ?? start);
    }

    public async Task<IReadOnlyList<SourceRecord>> FetchAsync(int partition, long from, long to, int limit, CancellationToken cancel)
    {
        var found = new List<SourceRecord>();
        for (var at = from; at < to && found.Count < limit;)
        {
            (long From, long To, List<SourceRecord> Records) known;
            lock (_read)
                _read.TryGetValue(partition, out known);
            if (known.Records is null || at < known.From || at >= known.To)
            {
                known = (at, Math.Min(to, at + ReadAhead), await ReadAsync(partition, at, Math.Min(to, at + ReadAhead), cancel));
                lock (_read)
                    _read[partition] = known;
            }

            var first = known.Records.FindIndex(r => r.Offset >= at);
            for (var i = first; i >= 0 && i < known.Records.Count && known.Records[i].Offset < to && found.Count < limit; i++)
                found.Add(known.Records[i]);
            at = found.Count == limit ? to : known.To;
        }

        return found;
    }

    /// <summary>First offset of a partition whose record Kafka had at a time (ms) or later; its end when there is none.</summary>
    public async Task<long> OffsetAtAsync(int partition, long timeMs, CancellationToken cancel)
    {
        var bounds = await BoundsAsync(partition, cancel);
        for (var at = bounds.Start; at < bounds.End; at += ReadAhead)
            foreach (var record in await ReadAsync(partition, at, Math.Min(bounds.End, at + ReadAhead), cancel))
                if (record.KafkaTimeMs >= timeMs)
                    return record.Offset;
        return bounds.End;
    }

    private async Task<List<SourceRecord>> ReadAsync(int partition, long from, long to, CancellationToken cancel)
    {
        // Ranges before the table: one that goes in between is in the table by then.
        var ranges = (await ledger.ReadPartitionAsync(partition, 0, cancel)).Ranges;
        var open = ranges.Count == 0 ? long.MaxValue : ranges[0].From;
        var records = new SortedDictionary<long, SourceRecord>();
        if (from < open)
            await foreach (var rows in lake.ReadRowsAsync(_table, RecordedRows.Columns, [new("kafka_partition", partition, partition), new("kafka_offset", from, Math.Min(to, open) - 1)], cancel))
                Add(records, rows, partition, from, Math.Min(to, open));
        foreach (var range in ranges.Where(r => r.From < to && r.To > from))
            if (await segments.ReadRowsAsync(range, _table, RecordedRows.Columns, cancel) is { } rows)
                Add(records, rows, partition, from, to);
        return [.. records.Values];
    }

    private static void Add(SortedDictionary<long, SourceRecord> records, RowBatch rows, int partition, long from, long to)
    {
        foreach (var (of, record) in RecordedRows.Read(rows))
            if (of == partition && record.Offset >= from && record.Offset < to)
                records[record.Offset] = record;
    }

    private static InvalidOperationException NoPipeline() => new("There is no pipeline here whose records could be read: nothing has run yet.");
}
