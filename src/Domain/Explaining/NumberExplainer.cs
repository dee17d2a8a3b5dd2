using Tidemark.Domain.Columns;
using Tidemark.Domain.Corrections;
using Tidemark.Domain.Deduplication;
using Tidemark.Domain.Ledger;
using Tidemark.Domain.Pipelines;

namespace Tidemark.Domain.Explaining;

/// <summary>Goes from a row of a window query back to its events, and forward again by the query's own computation.</summary>
public sealed class NumberExplainer(IPipeline pipeline, PipelineId id, ILedger ledger, ILake lake, ICorrectionLog log)
{
    // The most that an event may be ahead of Kafka's time, by any setting.
    private const long MostSkewMs = 24 * 3_600_000;
    private readonly IRecounting _recounting = (IRecounting)pipeline;
    private readonly bool _hasIds = EventExplainer.HasIds(pipeline);

    /// <summary>The group keys of a query, in order.</summary>
    public IReadOnlyList<string> Groups(string query) => _recounting.Recount(query).Groups;

    /// <summary>Whether a window of the query starts then.</summary>
    public bool IsWindow(QuerySpec query, long startMs) => _recounting.Recount(query.Name).WindowEnds(startMs).Contains(startMs + query.SizeMs);

    /// <summary>Explains the row of a window and a group.</summary>
    /// <param name="query">A window query.</param>
    /// <param name="startMs">Start of the window.</param>
    /// <param name="group">Values of all group keys as text, null for null.</param>
    /// <param name="cancel">Ends reading.</param>
    public async Task<NumberExplanation> ExplainAsync(QuerySpec query, long startMs, IReadOnlyDictionary<string, string?> group, CancellationToken cancel)
    {
        var endMs = startMs + query.SizeMs;
        var recount = _recounting.Recount(query.Name);
        var record = (await log.ReadAsync(query.Name, cancel)).TryGetValue(endMs, out var found) && !found.Value.IsPending ? found.Value : null;
        var late = new Dictionary<(int, long), LateEvent>();
        var rowsOfLate = new List<LateEvent>();
        await foreach (var row in LateEvent.ReadAsync(lake, pipeline, startMs, endMs, cancel))
        {
            rowsOfLate.Add(row);
            if (row.Query == query.Name && row.MissedEnds(query).Contains(endMs))
                late[(row.Partition, row.Offset)] = row;
        }

        var missed = EventState.Late(recount, rowsOfLate);
        var repeats = record is null ? new HashSet<(int, long)>() : (await WindowTruth.ReadAsync(pipeline, id, lake, [new(query.Name, startMs, endMs)], cancel))[0].Repeats;
        var events = new List<EventOfWindow>();
        var kept = new HashSet<(int, long)>();
        await foreach (var rows in lake.ReadRowsAsync(_recounting.EventTable, recount.Columns, EventRows.Bounds(startMs, endMs), cancel))
        {
            // What a correction has computed again counts whenever it came, all else as it was judged.
            recount.Add(EventRows.Within(rows, startMs, endMs, (p, o) => record?.Holds(p, o) == true && !repeats.Contains((p, o))), missedUpTo: null);
            EventState.Add(recount, EventRows.Within(rows, startMs, endMs, (p, o) => record?.Holds(p, o) != true), missed);
            var takes = recount.Takes(rows);
            for (var row = 0; row < rows.Count; row++)
            {
                var (partition, offset, time) = EventRows.Origin(rows, row);
                if (time < startMs || time >= endMs)
                    continue;
                kept.Add((partition, offset));
                if (takes[row] && IsOf(rows, row, group))
                    events.Add(new EventOfWindow(partition, offset, time, _hasIds ? (string)rows.Value(row, "event_id")! : null, Fate(partition, offset)));
            }
        }

        if (_hasIds)
            events.AddRange(await DuplicatesAsync(recount, startMs, endMs, group, kept, cancel));
        var recomputed = recount.Emit(endMs - 1, endMs);
        recomputed = RowBatches.Where(recomputed, row => IsOf(recomputed, row, group));
        var there = await RowAsync(query, startMs, group, cancel);
        var closed = await ClosedWindows.UpToAsync(ledger, lake, id, query, cancel) >= endMs;
        return new NumberExplanation(
            query.Name, startMs, endMs, closed, there, recomputed, Differences(there, recomputed), [.. events.OrderBy(e => e.Partition).ThenBy(e => e.Offset)]);

        EventFate Fate(int partition, long offset) =>
            record?.Holds(partition, offset) == true && late.ContainsKey((partition, offset)) ? repeats.Contains((partition, offset)) ? EventFate.Duplicate : EventFate.Merged
            : late.ContainsKey((partition, offset)) ? EventFate.Late : EventFate.Counted;
    }

    /// <summary>Events of the window and group that are in bronze and not in the table of events: their id had come before.</summary>
    private async Task<List<EventOfWindow>> DuplicatesAsync(
        IRecount recount, long startMs, long endMs, IReadOnlyDictionary<string, string?> group, HashSet<(int, long)> kept, CancellationToken cancel)
    {
        var positions = (await lake.ReadHeadAsync(_recounting.EventTable, cancel)).Positions;
        var duplicates = new List<EventOfWindow>();
        await foreach (var rows in RecordedEvents.ReadAsync(pipeline, lake, startMs - MostSkewMs, _ => true, cancel))
        {
            var takes = recount.Takes(rows);
            for (var row = 0; row < rows.Count; row++)
            {
                var (partition, offset, time) = EventRows.Origin(rows, row);
                if (takes[row] && time >= startMs && time < endMs && !kept.Contains((partition, offset)) && IsOf(rows, row, group)
                    && positions.TryGetValue(id.TableAppId(_recounting.EventTable, partition), out var upTo) && offset < upTo)
                    duplicates.Add(new EventOfWindow(partition, offset, time, (string)rows.Value(row, "event_id")!, EventFate.Duplicate));
            }
        }

        return duplicates;
    }

    private async Task<RowBatch> RowAsync(QuerySpec query, long startMs, IReadOnlyDictionary<string, string?> group, CancellationToken cancel)
    {
        var found = new List<RowBatch>();
        await foreach (var rows in lake.ReadRowsAsync(TableNames.Gold(query.Name), [.. query.Schema.Fields.Select(f => f.Name)], [new("window_start", startMs * 1000, startMs * 1000)], cancel))
            found.Add(RowBatches.Where(rows, row => ((Int64Column)rows["window_start"]).Values[row] == startMs * 1000 && IsOf(rows, row, group)));
        return RowBatches.Concat(query.Schema, found);
    }

    private static List<string> Differences(RowBatch there, RowBatch recomputed) => there.Count != 1 || recomputed.Count != 1 ? [] :
        [.. Enumerable.Range(0, there.Columns.Count).Where(c => there.Text(0, c) != recomputed.Text(0, c)).Select(c => there.Schema.Fields[c].Name)];

    internal static bool IsOf(RowBatch rows, int row, IReadOnlyDictionary<string, string?> group) => group.All(key => rows.Text(row, rows.Schema.IndexOf(key.Key)) == key.Value);
}
