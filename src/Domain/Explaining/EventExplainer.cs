using System.Text;
using Tidemark.Domain.Columns;
using Tidemark.Domain.Corrections;
using Tidemark.Domain.Deduplication;
using Tidemark.Domain.Ledger;
using Tidemark.Domain.Pipelines;
using Tidemark.Domain.Replays;

namespace Tidemark.Domain.Explaining;

/// <summary>Goes from an event to everything that it touched, or to the reason why it touched nothing.</summary>
public sealed class EventExplainer(IPipeline pipeline, PipelineId id, ILedger ledger, ILake lake, ICorrectionLog log)
{
    private readonly IRecounting _recounting = (IRecounting)pipeline;

    /// <summary>Whether records of a topic have ids that they could be found by, and that duplicates are known by.</summary>
    public static bool HasIds(IPipeline pipeline) => pipeline is IRecounting of && pipeline.Tables.First(t => t.Name == of.EventTable).Schema.Fields.Any(f => f.Name == "event_id");

    /// <summary>Explains the event of an id. Reads bronze and the table of events as a whole.</summary>
    public async Task<EventExplanation> ExplainAsync(string eventId, CancellationToken cancel)
    {
        var schema = pipeline.Tables.First(t => t.Name == _recounting.EventTable).Schema;
        var kept = new List<RowBatch>();
        await foreach (var rows in lake.ReadRowsAsync(_recounting.EventTable, [.. schema.Fields.Select(f => f.Name)], [], cancel))
            kept.Add(RowBatches.Where(rows, row => rows.Text(row, rows.Schema.IndexOf("event_id")) == eventId));
        var events = RowBatches.Concat(schema, kept);
        var records = await RecordsAsync(eventId, events, cancel);
        var late = new List<LateEvent>();
        await foreach (var row in LateEvent.ReadAsync(lake, pipeline, null, null, cancel))
            if (row.EventId == eventId)
                late.Add(row);
        var windows = new List<WindowOfEvent>();
        var notTaken = new List<string>();
        foreach (var query in pipeline.Queries)
            if (!await AddWindowsAsync(query, events, late, windows, cancel) && events.Count > 0)
                notTaken.Add(query.Name);
        return new EventExplanation(
            eventId, records, events, windows, notTaken, [.. late.Select(l => l.Query).Where(name => pipeline.Streams.Any(s => s.Name == name)).Distinct()], await NamedRows.FindAsync(lake, pipeline.Streams, eventId, cancel));
    }

    /// <summary>Windows of a query that the rows belong to; false when its condition takes none of them.</summary>
    private async Task<bool> AddWindowsAsync(QuerySpec query, RowBatch events, IReadOnlyList<LateEvent> late, List<WindowOfEvent> windows, CancellationToken cancel)
    {
        var recount = _recounting.Recount(query.Name);
        var takes = recount.Takes(events);
        if (!takes.Contains(true))
            return false;
        var closed = await ClosedWindows.UpToAsync(ledger, lake, id, query, cancel) ?? long.MinValue;
        var merged = await log.ReadAsync(query.Name, cancel);
        for (var row = 0; row < events.Count; row++)
        {
            if (!takes[row])
                continue;
            var (partition, offset, time) = EventRows.Origin(events, row);
            var missed = late.Where(l => l.Query == query.Name && l.Partition == partition && l.Offset == offset).SelectMany(l => l.MissedEnds(query)).ToHashSet();
            foreach (var end in recount.WindowEnds(time))
            {
                var isMerged = merged.TryGetValue(end, out var record) && !record.Value.IsPending && record.Value.Holds(partition, offset);
                // Of several rows of one id within the horizon the later ones were too old to be told apart, and a correction has told them.
                var fate = !missed.Contains(end) ? EventFate.Counted : !isMerged ? EventFate.Late : IsRepeat(events, row) ? EventFate.Duplicate : EventFate.Merged;
                windows.Add(new WindowOfEvent(
                    query.Name, end - query.SizeMs, end, recount.Groups.ToDictionary(g => g, g => events.Text(row, events.Schema.IndexOf(g))), end <= closed, fate, offset));
            }
        }

        return true;
    }

    private bool IsRepeat(RowBatch events, int row)
    {
        var (partition, offset, time) = EventRows.Origin(events, row);
        return Enumerable.Range(0, events.Count).Any(
            other => EventRows.Origin(events, other) is var (p, o, t) && p == partition && o < offset && Math.Abs(t - time) <= (pipeline as IDeduplicating)?.HorizonMs);
    }

    /// <summary>Records of bronze whose bytes hold the id, and where each went.</summary>
    private async Task<IReadOnlyList<RecordFate>> RecordsAsync(string eventId, RowBatch events, CancellationToken cancel)
    {
        var kept = Enumerable.Range(0, events.Count).Select(row => EventRows.Origin(events, row)).Select(o => (o.Partition, o.Offset)).ToHashSet();
        var needle = Encoding.UTF8.GetBytes(eventId);
        var found = new SortedDictionary<(int, long), SourceRecord>();
        await foreach (var rows in lake.ReadRowsAsync(pipeline.Tables[0].Name, RecordedRows.Columns, [], cancel))
            foreach (var (partition, record) in RecordedRows.Read(rows))
                if (kept.Contains((partition, record.Offset)) || record.Value.AsSpan().IndexOf(needle) >= 0)
                    found[(partition, record.Offset)] = record;
        var refused = await RefusedAsync(found.Keys.ToHashSet(), cancel);
        var fates = new List<RecordFate>();
        foreach (var ((partition, offset), record) in found)
        {
            if (kept.Contains((partition, offset)))
                fates.Add(new RecordFate(partition, offset, record.KafkaTimeMs, _recounting.EventTable, null));
            else if (refused.TryGetValue((partition, offset), out var reason))
                fates.Add(new RecordFate(partition, offset, record.KafkaTimeMs, pipeline.Tables[2].Name, reason));
            else if (IsIt(partition, record, eventId))
                fates.Add(new RecordFate(partition, offset, record.KafkaTimeMs, "duplicate", First(kept, partition, offset)));
        }

        return fates;
    }

    private static string First(HashSet<(int, long)> kept, int partition, long offset) =>
        kept.Where(k => k.Item1 == partition && k.Item2 < offset).Select(k => (long?)k.Item2).Max() is { } first
            ? $"an event of this id came before at offset {first} of partition {partition}"
            : "not in the table of events yet";

    private bool IsIt(int partition, SourceRecord record, string eventId)
    {
        using var decoded = pipeline.Decode(partition, [record], 0);
        var valid = _recounting.ValidEvents(decoded);
        return valid.Count == 1 && valid.Text(0, valid.Schema.IndexOf("event_id")) == eventId;
    }

    private async Task<Dictionary<(int, long), string>> RefusedAsync(HashSet<(int, long)> wanted, CancellationToken cancel)
    {
        var refused = new Dictionary<(int, long), string>();
        await foreach (var rows in lake.ReadRowsAsync(pipeline.Tables[2].Name, ["reason", "detail", "kafka_partition", "kafka_offset"], [], cancel))
            for (var row = 0; row < rows.Count; row++)
                if ((((Int32Column)rows["kafka_partition"]).Values[row], ((Int64Column)rows["kafka_offset"]).Values[row]) is var origin && wanted.Contains(origin))
                    refused[origin] = $"{rows.Value(row, "reason")}: {rows.Value(row, "detail")}";
        return refused;
    }
}
