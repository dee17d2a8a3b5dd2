using System.Runtime.CompilerServices;
using Tidemark.Domain.Columns;
using Tidemark.Domain.Deduplication;
using Tidemark.Domain.Ledger;
using Tidemark.Domain.Pipelines;

namespace Tidemark.Domain.Corrections;

/// <summary>
/// Merges late events into closed windows: computes the windows again from the table of events and corrects their rows, in Delta by one commit and in
/// Table storage. The rows are a function of that table, so an event counts once however often this runs or is cut short. Runs beside
/// ticks: only windows whose final rows are in Delta and in Table storage are touched, which no tick writes again.
/// </summary>
public sealed class Reopener(
    IPipeline pipeline, PipelineId id, ILedger ledger, ILake lake, ICorrectable tables, IResults results, ICorrectionLog log, ResultsKept? kept, TimeProvider time)
{
    private const int MostAttempts = 20;
    private const long LongestRunMs = 6 * 3_600_000;
    private readonly IRecounting _recounting = pipeline as IRecounting
        ?? throw new ArgumentException("The pipeline cannot compute its windows again.", nameof(pipeline));

    /// <summary>Rules that a test switches off.</summary>
    internal CorrectionRule Off { get; init; }

    /// <summary>
    /// Late events that the rows of their windows have not, by window; with <see cref="ReopenSelection.Every"/> also windows without. Queries in their order,
    /// windows ascending.
    /// </summary>
    public async Task<IReadOnlyList<(QuerySpec Query, long EndMs, IReadOnlyList<LateEvent> Events)>> FindAsync(ReopenSelection selection, CancellationToken cancel)
    {
        var queries = pipeline.Queries.Where(q => selection.Query is null || q.Name == selection.Query).ToList();
        var found = queries.ToDictionary(q => q.Name, _ => new SortedDictionary<long, List<LateEvent>>());
        var merged = new Dictionary<string, IReadOnlyDictionary<long, VersionedCorrection>>();
        foreach (var query in queries)
        {
            merged[query.Name] = await log.ReadAsync(query.Name, cancel);
            // One that was cut short is gone on with, whatever is late now.
            foreach (var end in Ends(query, selection).Concat(merged[query.Name].Values.Where(c => c.Value.IsPending).Select(c => c.Value.EndMs)))
                if (selection.Has(end - query.SizeMs))
                    found[query.Name].TryAdd(end, []);
        }

        await foreach (var late in LateEvent.ReadAsync(lake, pipeline, null, null, cancel))
            if (queries.Find(q => q.Name == late.Query) is { } query)
                foreach (var end in late.MissedEnds(query).Where(end => selection.Has(end - query.SizeMs)))
                    if (!merged[query.Name].TryGetValue(end, out var done) || done.Value.IsPending || !done.Value.Holds(late.Partition, late.Offset))
                    {
                        if (!found[query.Name].TryGetValue(end, out var events))
                            found[query.Name][end] = events = [];
                        events.Add(late);
                    }

        return [.. queries.SelectMany(q => found[q.Name].Select(w => (q, w.Key, (IReadOnlyList<LateEvent>)w.Value)))];
    }

    /// <summary>Reopens the windows of the selection, run by run of windows that overlap or follow each other; one report for each window.</summary>
    /// <exception cref="CorrectionContestedException">Others change the same windows.</exception>
    public async IAsyncEnumerable<ReopenedWindow> RunAsync(ReopenSelection selection, bool dryRun, [EnumeratorCancellation] CancellationToken cancel)
    {
        foreach (var query in (await FindAsync(selection, cancel)).GroupBy(w => w.Query))
        {
            var closed = await ClosedWindows.UpToAsync(ledger, lake, id, query.Key, cancel) ?? long.MinValue;
            if (Off.HasFlag(CorrectionRule.PublishedOnly))
                closed = long.MaxValue;
            foreach (var run in Runs(query.Key, [.. query.Where(w => w.EndMs <= closed).Select(w => (w.EndMs, w.Events))]))
                foreach (var window in await CorrectAsync(query.Key, run, dryRun, cancel))
                    yield return window;
            foreach (var open in query.Where(w => w.EndMs > closed))
                yield return new ReopenedWindow(query.Key.Name, open.EndMs - query.Key.SizeMs, open.EndMs, open.Events.Count, 0, 0, 0, null, ReopenOutcome.Open);
        }
    }

    private async Task<IReadOnlyList<ReopenedWindow>> CorrectAsync(QuerySpec query, IReadOnlyList<(long EndMs, IReadOnlyList<LateEvent> Events)> run, bool dryRun, CancellationToken cancel)
    {
        for (var attempt = 0; attempt < MostAttempts; attempt++)
            if (await TryCorrectAsync(query, run, dryRun, cancel) is { } done)
                return done;
        throw new CorrectionContestedException(query.Name);
    }

    private async Task<IReadOnlyList<ReopenedWindow>?> TryCorrectAsync(QuerySpec query, IReadOnlyList<(long EndMs, IReadOnlyList<LateEvent> Events)> run, bool dryRun, CancellationToken cancel)
    {
        var table = TableNames.Gold(query.Name);
        var ends = run.Select(w => w.EndMs * 1000).ToHashSet();
        var where = new ColumnBounds("window_start", (run[0].EndMs - query.SizeMs) * 1000, (run[^1].EndMs - query.SizeMs) * 1000);
        var records = await log.ReadAsync(query.Name, cancel);
        // The count of corrections is read before the rows of both tables: whoever corrects in between makes this commit fail.
        var counter = await CounterAsync(table, query, cancel);
        var truth = await WindowTruth.ReadAsync(pipeline, id, lake, query.Name, run[0].EndMs - query.SizeMs, run[^1].EndMs, cancel);
        var after = InWindows(truth.Rows, ends);
        var before = await GoldAsync(table, query, where, ends, cancel);
        var (gone, come) = RowDifference.Between(before, after);
        var isContinued = run.Any(w => records.TryGetValue(w.EndMs, out var r) && r.Value.IsPending);
        if (dryRun)
            return Report(query, run, truth, gone, come, null, ReopenOutcome.Different);
        if (!Off.HasFlag(CorrectionRule.PendingBeforeChange) && !await TryNoteAsync(query, run, truth, records, isPending: true, counter.Version, cancel))
            return null;
        records = await log.ReadAsync(query.Name, cancel);
        var version = counter.Version;
        if (gone.Count + come.Count > 0)
        {
            if (Off.HasFlag(CorrectionRule.CountMustBeEqual))
                counter = await CounterAsync(table, query, cancel);
            if (await tables.TryReplaceAsync(table, new PositionMove(id.CorrectionAppId(query.Name), counter.Count, (counter.Count ?? 0) + 1), where, gone, come, cancel) is not { } committed)
                return null;
            (version, counter) = (committed, (committed, (counter.Count ?? 0) + 1));
        }

        if (!await TryPublishAsync(query, ends, after, gone, come, isContinued, version, counter.Count, cancel))
            return null;
        return await TryNoteAsync(query, run, truth, records, isPending: false, version, cancel)
            ? Report(query, run, truth, gone, come, version, ReopenOutcome.Corrected)
            : null;
    }

    private async Task<(long Version, long? Count)> CounterAsync(string table, QuerySpec query, CancellationToken cancel)
    {
        var head = await lake.ReadHeadAsync(table, cancel);
        return (head.Version, head.Positions.TryGetValue(id.CorrectionAppId(query.Name), out var count) ? count : null);
    }

    private async Task<RowBatch> GoldAsync(string table, QuerySpec query, ColumnBounds where, HashSet<long> ends, CancellationToken cancel)
    {
        var rows = new List<RowBatch>();
        await foreach (var batch in lake.ReadRowsAsync(table, [.. query.Schema.Fields.Select(f => f.Name)], [where], cancel))
            rows.Add(InWindows(batch, ends));
        return RowBatches.Concat(query.Schema, rows);
    }

    private static RowBatch InWindows(RowBatch rows, HashSet<long> ends)
    {
        var column = (Int64Column)rows["window_end"];
        return RowBatches.Where(rows, row => ends.Contains(column.Values[row]));
    }

    /// <summary>
    /// Brings Table storage to the rows of Delta: those that changed, or all of the windows where an earlier attempt may have stopped in between. False:
    /// another wrote, or corrected, in between.
    /// </summary>
    private async Task<bool> TryPublishAsync(
        QuerySpec query, HashSet<long> ends, RowBatch after, RowBatch gone, RowBatch come, bool isContinued, long version, long? count, CancellationToken cancel)
    {
        var rows = isContinued ? after : come;
        if (!query.InTableStorage || (rows.Count + gone.Count == 0 && !isContinued))
            return true;
        var oldUpTo = await OldUpToAsync(query, cancel);
        var there = await results.ReadETagsAsync(query, ends.Min() / 1000 - query.SizeMs, cancel);
        if (!Off.HasFlag(CorrectionRule.CountAfterETags) && (await CounterAsync(TableNames.Gold(query.Name), query, cancel)).Count != count)
            return false;
        var right = Enumerable.Range(0, after.Count).Select(row => results.RowKey(query, after, row)).ToHashSet(StringComparer.Ordinal);
        var outdated = isContinued
            ? there.Keys.Where(key => key != IResults.Fence && ends.Contains((results.WindowStart(key) + query.SizeMs) * 1000))
            : Enumerable.Range(0, gone.Count).Select(row => results.RowKey(query, gone, row)).Where(there.ContainsKey);
        var deletes = outdated.Where(key => !right.Contains(key)).Distinct().Select(key => new ResultDelete(key, there[key])).ToList();
        var writes = Enumerable.Range(0, rows.Count)
            .Select(row => (row, Key: results.RowKey(query, rows, row)))
            .Where(row => there.ContainsKey(row.Key) || !(results.AgeTime(query, rows, row.row) <= oldUpTo))
            .Select(row => new ResultWrite(row.row, row.Key, there.GetValueOrDefault(row.Key)) { Revision = version }).ToList();
        // A row that goes away leaves nothing that a tick behind the times could collide with, but the fence.
        if (query.Withdraws || deletes.Count > 0)
            return await results.WriteFencedAsync(query, rows, writes, deletes, there.GetValueOrDefault(IResults.Fence), final: true, cancel) is not null;
        return (await results.WriteAsync(query, rows, writes, final: true, cancel)).All(etag => etag is not null);
    }

    /// <summary>Time (ms) at or before which a row is too old for Table storage, unless it is there.</summary>
    private async Task<long?> OldUpToAsync(QuerySpec query, CancellationToken cancel)
    {
        if (kept is null || await ledger.ReadMetaAsync(cancel) is not { } meta)
            return null;
        var heads = await Task.WhenAll(meta.Value.Starts.Keys.Select(partition => ledger.ReadHeadAsync(partition, cancel)));
        return kept.OldUpTo(query, meta.Value.FrontierMs, heads.Max(head => head?.Value.MaxEventTimeMs));
    }

    /// <summary>Writes a record for each window; false when another has written one in between.</summary>
    private async Task<bool> TryNoteAsync(
        QuerySpec query, IReadOnlyList<(long EndMs, IReadOnlyList<LateEvent> Events)> run, WindowTruth truth, IReadOnlyDictionary<long, VersionedCorrection> records,
        bool isPending, long version, CancellationToken cancel)
    {
        foreach (var (end, events) in run)
        {
            VersionedCorrection? known = records.TryGetValue(end, out var record) ? record : null;
            var upTo = known?.Value.UpTo ?? new Dictionary<int, long>();
            var merged = events.Count(e => !truth.Repeats.Contains((e.Partition, e.Offset)) && known?.Value.Holds(e.Partition, e.Offset) != true);
            // What a pending record says of offsets is what was merged before.
            var next = new Correction(query.Name, end, isPending ? upTo : Later(upTo, truth.UpTo), isPending, version, (known?.Value.Events ?? 0) + (isPending ? 0 : merged), time.GetUtcNow().ToUnixTimeMilliseconds());
            if (await log.TryWriteAsync(next, known?.ETag, cancel) is null)
                return false;
        }

        return true;
    }

    private static Dictionary<int, long> Later(IReadOnlyDictionary<int, long> a, IReadOnlyDictionary<int, long> b) =>
        a.Keys.Union(b.Keys).ToDictionary(p => p, p => Math.Max(a.GetValueOrDefault(p), b.GetValueOrDefault(p)));

    private static List<ReopenedWindow> Report(
        QuerySpec query, IReadOnlyList<(long EndMs, IReadOnlyList<LateEvent> Events)> run, WindowTruth truth, RowBatch gone, RowBatch come, long? version, ReopenOutcome changed)
    {
        var (removed, added) = (ByEnd(gone), ByEnd(come));
        return run.Select(w => new ReopenedWindow(
            query.Name, w.EndMs - query.SizeMs, w.EndMs, w.Events.Count, w.Events.Count(e => truth.Repeats.Contains((e.Partition, e.Offset))),
            removed[w.EndMs].Count(), added[w.EndMs].Count(), version, removed.Contains(w.EndMs) || added.Contains(w.EndMs) ? changed : ReopenOutcome.Unchanged)).ToList();

        static ILookup<long, int> ByEnd(RowBatch rows) => Enumerable.Range(0, rows.Count).ToLookup(row => ((Int64Column)rows["window_end"]).Values[row] / 1000);
    }

    private IEnumerable<long> Ends(QuerySpec query, ReopenSelection selection)
    {
        if (selection is not { Every: true, FromMs: { } from, ToMs: { } to })
            yield break;
        for (var end = _recounting.Recount(query.Name).WindowEnds(from)[^1]; end - query.SizeMs < to; end += query.SlideMs)
            yield return end;
    }

    private static IEnumerable<IReadOnlyList<(long EndMs, IReadOnlyList<LateEvent> Events)>> Runs(QuerySpec query, IReadOnlyList<(long EndMs, IReadOnlyList<LateEvent> Events)> windows)
    {
        for (int from = 0, to; from < windows.Count; from = to)
        {
            var last = Math.Max(LongestRunMs, 2 * query.SizeMs) + windows[from].EndMs - query.SizeMs;
            for (to = from + 1; to < windows.Count && windows[to].EndMs - query.SizeMs <= windows[to - 1].EndMs && windows[to].EndMs <= last;)
                to++;
            yield return [.. windows.Skip(from).Take(to - from)];
        }
    }
}
