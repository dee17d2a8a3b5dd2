using Tidemark.Domain.Columns;
using Tidemark.Domain.Deduplication;
using Tidemark.Domain.Ledger;
using Tidemark.Domain.Pipelines;

namespace Tidemark.Domain.Corrections;

/// <summary>Closed windows of one query that overlap or follow each other, with their late events: they are corrected together.</summary>
internal sealed record WindowRun(QuerySpec Query, IReadOnlyList<(long EndMs, IReadOnlyList<LateEvent> Events)> Windows)
{
    public long FromMs => Windows[0].EndMs - Query.SizeMs;

    public long ToMs => Windows[^1].EndMs;

    /// <summary>Bounds that its rows are within.</summary>
    public ColumnBounds Bounds => new("window_start", FromMs * 1000, (ToMs - Query.SizeMs) * 1000);

    /// <summary>Its rows among others.</summary>
    public RowBatch Of(RowBatch rows)
    {
        var ends = Windows.Select(window => window.EndMs * 1000).ToHashSet();
        var column = (Int64Column)rows["window_end"];
        return RowBatches.Where(rows, row => ends.Contains(column.Values[row]));
    }
}

/// <summary>Version of the table of a query, and how often its rows were corrected; null = never.</summary>
internal readonly record struct CorrectionCount(long Version, long? Count)
{
    public static async Task<CorrectionCount> ReadAsync(ILake lake, PipelineId id, QuerySpec query, CancellationToken cancel)
    {
        var head = await lake.ReadHeadAsync(TableNames.Gold(query.Name), cancel);
        return new CorrectionCount(head.Version, head.Positions.TryGetValue(id.CorrectionAppId(query.Name), out var count) ? count : null);
    }
}

/// <summary>
/// What corrections of windows that lie near each other begin from, read once for all of them: the records of corrections, then how often each query was corrected, then the events, then the
/// rows that are there. In this order, so that whoever corrects a window in between makes the first note on its record fail, and each commit by the count of its query; what was read of that
/// query is then of no use. The count alone would not do: rows of many events may equal those that are there, and then nothing is committed but the note that the events are in them.
/// </summary>
internal sealed class CorrectionBasis
{
    private readonly Dictionary<string, IReadOnlyDictionary<long, VersionedCorrection>> _records = [];
    private readonly Dictionary<string, CorrectionCount> _counts = [];
    private readonly Dictionary<WindowRun, (WindowTruth Truth, RowBatch Before)> _runs = new(ReferenceEqualityComparer.Instance);

    private CorrectionBasis()
    {
    }

    public static async Task<CorrectionBasis> ReadAsync(IPipeline pipeline, PipelineId id, ILake lake, ICorrectionLog log, IReadOnlyList<WindowRun> runs, CancellationToken cancel)
    {
        var basis = new CorrectionBasis();
        var queries = runs.ToLookup(run => run.Query);
        foreach (var (of, records) in await queries.EachAsync(of => log.ReadAsync(of.Key.Name, cancel)))
            basis._records[of.Key.Name] = records;
        foreach (var (of, count) in await queries.EachAsync(of => CorrectionCount.ReadAsync(lake, id, of.Key, cancel)))
            basis._counts[of.Key.Name] = count;
        var truths = await WindowTruth.ReadAsync(pipeline, id, lake, [.. runs.Select(run => new WindowSpan(run.Query.Name, run.FromMs, run.ToMs))], cancel);
        var before = (await queries.EachAsync(of => RowsAsync(lake, of.Key, of.Min(run => run.Bounds.From), of.Max(run => run.Bounds.To), cancel))).ToDictionary(of => of.Item.Key.Name, of => of.Result);
        for (var i = 0; i < runs.Count; i++)
            basis._runs[runs[i]] = (truths[i], runs[i].Of(before[runs[i].Query.Name]));
        return basis;
    }

    /// <summary>Whether it can still be begun from for a query.</summary>
    public bool Holds(QuerySpec query) => _counts.ContainsKey(query.Name);

    /// <summary>Records of the query's windows by their end.</summary>
    public IReadOnlyDictionary<long, VersionedCorrection> RecordsOf(QuerySpec query) => _records[query.Name];

    public CorrectionCount CountOf(QuerySpec query) => _counts[query.Name];

    public WindowTruth TruthOf(WindowRun run) => _runs[run].Truth;

    /// <summary>The rows of the windows that were there.</summary>
    public RowBatch RowsOf(WindowRun run) => _runs[run].Before;

    /// <summary>A correction from here was committed: rows of other windows are as they were.</summary>
    public void Committed(QuerySpec query, CorrectionCount count) => _counts[query.Name] = count;

    /// <summary>Another has, or may have, changed rows of the query.</summary>
    public void Drop(QuerySpec query) => _counts.Remove(query.Name);

    private static async Task<RowBatch> RowsAsync(ILake lake, QuerySpec query, long? from, long? to, CancellationToken cancel)
    {
        var rows = new List<RowBatch>();
        await foreach (var batch in lake.ReadRowsAsync(TableNames.Gold(query.Name), [.. query.Schema.Fields.Select(f => f.Name)], [new("window_start", from, to)], cancel))
            rows.Add(batch);
        return RowBatches.Concat(query.Schema, rows);
    }
}
