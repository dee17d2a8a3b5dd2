using Tidemark.Domain.Columns;
using Tidemark.Domain.Corrections;
using Tidemark.Domain.Pipelines;

namespace Tidemark.Domain.Ledger;

/// <summary>
/// State of queries that entities do not hold (<see cref="DefinitionRow.FromEvents"/>): the fold of the events below the first open range of each partition,
/// as the table of events has them, and of the rows of every range since. What is below is settled: it is in that table and in the one of late events.
/// </summary>
internal sealed class EventState(IPipeline pipeline, ILake lake, ISegmentStore segments)
{
    /// <summary>Computes the state of every such query from the tables, less what late events missed of it.</summary>
    public async Task ReadAsync(Truth truth, PipelineId id, IReadOnlyDictionary<int, long> below, CancellationToken cancel)
    {
        foreach (var query in pipeline.Queries.Where(q => truth.Meta.Value.Definitions?.GetValueOrDefault(q.Name)?.FromEvents == true))
            truth.Counted[query.Name] = await ReadAsync((IRecounting)pipeline, query, truth.After(id, query.Name) - query.SizeMs, below, cancel);
    }

    /// <summary>Reads of a range what counting it needs; null when no query is counted or the range has no events.</summary>
    public async Task<EventsOfRange?> ReadAsync(Truth truth, RangeRow range, CancellationToken cancel)
    {
        var recounting = pipeline as IRecounting;
        if (truth.Counted.Count == 0 || recounting is null || !range.Rows.ContainsKey(recounting.EventTable))
            return null;
        var columns = truth.Counted.Values.SelectMany(c => c.Columns).Distinct().ToList();
        if (await segments.ReadRowsAsync(range, recounting.EventTable, columns, cancel) is not { } rows)
            return null;
        return new EventsOfRange(rows, range.Rows.ContainsKey(recounting.LateTable) && await segments.ReadRowsAsync(range, recounting.LateTable, LateEvent.Columns, cancel) is { } late
            ? [.. LateEvent.Of(late)]
            : []);
    }

    /// <summary>Adds the rows of a range, less what its late rows missed.</summary>
    public static void Fold(Truth truth, EventsOfRange? events)
    {
        if (events is not null)
            foreach (var counted in truth.Counted.Values)
                truth.Touched.UnionWith(Add(counted, events.Rows, Late(counted, events.Late)));
    }

    private async Task<IRecount> ReadAsync(IRecounting recounting, QuerySpec query, long? fromMs, IReadOnlyDictionary<int, long> below, CancellationToken cancel)
    {
        var recount = recounting.Recount(query.Name);
        var late = new List<LateEvent>();
        await foreach (var row in LateEvent.ReadAsync(lake, pipeline, fromMs, null, cancel))
            late.Add(row);
        var missed = Late(recount, late);
        await foreach (var rows in lake.ReadRowsAsync(recounting.EventTable, recount.Columns, EventRows.Bounds(fromMs, null), cancel))
            Add(recount, EventRows.Within(rows, fromMs ?? long.MinValue, long.MaxValue, (partition, offset) => offset < below.GetValueOrDefault(partition)), missed);
        return recount;
    }

    /// <summary>
    /// Up to which window end late events counted in nothing, by partition and offset: what is said of this query, and of an event that was too old to be told
    /// from a duplicate, whichever query it is said of, the end of time.
    /// </summary>
    internal static Dictionary<(int, long), long> Late(IRecount recount, IEnumerable<LateEvent> late)
    {
        var missed = new Dictionary<(int, long), long>();
        foreach (var row in late)
            if (recount.IsTooOld(row.EventTimeMs, row.FrontierMs))
                missed[(row.Partition, row.Offset)] = long.MaxValue;
            else if (row.Query == recount.Query.Name)
                missed.TryAdd((row.Partition, row.Offset), row.LastMissedEndMs);
        return missed;
    }

    /// <summary>Counts rows, less what they missed; the entities that they belong to.</summary>
    internal static IReadOnlyCollection<EntityKey> Add(IRecount recount, RowBatch rows, IReadOnlyDictionary<(int, long), long> missed)
    {
        var touched = new HashSet<EntityKey>();
        foreach (var part in Enumerable.Range(0, rows.Count).GroupBy(row => EventRows.Origin(rows, row) is var (partition, offset, _) && missed.TryGetValue((partition, offset), out var upTo) ? upTo : (long?)null))
            if (part.Key != long.MaxValue)
                touched.UnionWith(recount.Add(part.Count() == rows.Count ? rows : RowBatches.Take(rows, part.ToArray()), part.Key));
        return touched;
    }
}

/// <summary>Rows of a range in the table of events, and of its late ones.</summary>
internal sealed record EventsOfRange(RowBatch Rows, IReadOnlyList<LateEvent> Late);
