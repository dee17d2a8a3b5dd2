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
        foreach (var (query, records) in await queries.EachAsync(query => log.ReadAsync(query.Name, cancel)))
        {
            merged[query.Name] = records;
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

    /// <summary>
    /// Reopens the windows of the selection, run by run of windows that overlap or follow each other; one report for each window. Events are read once for all windows that lie near each other.
    /// </summary>
    /// <exception cref="CorrectionContestedException">Others change the same windows.</exception>
    public async IAsyncEnumerable<ReopenedWindow> RunAsync(ReopenSelection selection, bool dryRun, [EnumeratorCancellation] CancellationToken cancel)
    {
        var (runs, open) = (new List<WindowRun>(), new List<ReopenedWindow>());
        foreach (var (query, upTo) in await (await FindAsync(selection, cancel)).GroupBy(w => w.Query).EachAsync(query => ClosedWindows.UpToAsync(ledger, lake, id, query.Key, cancel)))
        {
            var closed = upTo ?? long.MinValue;
            if (Off.HasFlag(CorrectionRule.PublishedOnly))
                closed = long.MaxValue;
            runs.AddRange(Runs(query.Key, [.. query.Where(w => w.EndMs <= closed).Select(w => (w.EndMs, w.Events))]));
            open.AddRange(query.Where(w => w.EndMs > closed).Select(w => new ReopenedWindow(query.Key.Name, w.EndMs - query.Key.SizeMs, w.EndMs, w.Events.Count, 0, 0, 0, null, ReopenOutcome.Open)));
        }

        foreach (var near in Stretches(runs))
        {
            // Events after what is closed: those of a window that a tick closes in between are in its rows and not in these.
            var basis = await CorrectionBasis.ReadAsync(pipeline, id, lake, log, near, cancel);
            foreach (var run in near)
                foreach (var window in await CorrectAsync(run, basis, dryRun, cancel))
                    yield return window;
        }

        foreach (var window in open)
            yield return window;
    }

    private async Task<IReadOnlyList<ReopenedWindow>> CorrectAsync(WindowRun run, CorrectionBasis shared, bool dryRun, CancellationToken cancel)
    {
        for (var attempt = 0; attempt < MostAttempts; attempt++)
        {
            var basis = shared.Holds(run.Query) ? shared : await CorrectionBasis.ReadAsync(pipeline, id, lake, log, [run], cancel);
            if (await TryCorrectAsync(run, basis, dryRun, cancel) is { } done)
                return done;
            shared.Drop(run.Query);
        }

        throw new CorrectionContestedException(run.Query.Name);
    }

    private async Task<IReadOnlyList<ReopenedWindow>?> TryCorrectAsync(WindowRun run, CorrectionBasis basis, bool dryRun, CancellationToken cancel)
    {
        var (query, count, truth, before) = (run.Query, basis.CountOf(run.Query), basis.TruthOf(run), basis.RowsOf(run));
        var after = run.Of(truth.Rows);
        var (gone, come) = RowDifference.Between(before, after);
        if (dryRun)
            return Report(run, truth, gone, come, null, ReopenOutcome.Different);
        var records = basis.RecordsOf(query);
        var isContinued = run.Windows.Any(w => records.TryGetValue(w.EndMs, out var r) && r.Value.IsPending);
        if (!Off.HasFlag(CorrectionRule.PendingBeforeChange))
        {
            if (await TryNoteAsync(run, truth, records, isPending: true, count.Version, cancel) is not { } noted)
                return null;
            records = noted;
        }

        if (gone.Count + come.Count > 0)
        {
            if (Off.HasFlag(CorrectionRule.CountMustBeEqual))
                count = await CorrectionCount.ReadAsync(lake, id, query, cancel);
            var move = new PositionMove(id.CorrectionAppId(query.Name), count.Count, (count.Count ?? 0) + 1);
            if (await tables.TryReplaceAsync(TableNames.Gold(query.Name), move, run.Bounds, gone, come, cancel) is not { } committed)
                return null;
            basis.Committed(query, count = new CorrectionCount(committed, move.Next));
        }

        if (!await TryPublishAsync(run, after, gone, come, isContinued, count, cancel))
            return null;
        return await TryNoteAsync(run, truth, records, isPending: false, count.Version, cancel) is not null
            ? Report(run, truth, gone, come, count.Version, ReopenOutcome.Corrected)
            : null;
    }

    /// <summary>
    /// Brings Table storage to the rows of Delta: those that changed, or all of the windows where an earlier attempt may have stopped in between. False:
    /// another wrote, or corrected, in between.
    /// </summary>
    private async Task<bool> TryPublishAsync(
        WindowRun run, RowBatch after, RowBatch gone, RowBatch come, bool isContinued, CorrectionCount count, CancellationToken cancel)
    {
        var query = run.Query;
        var rows = isContinued ? after : come;
        if (!query.InTableStorage || (rows.Count + gone.Count == 0 && !isContinued))
            return true;
        var oldUpTo = await OldUpToAsync(query, cancel);
        var there = await results.ReadETagsAsync(query, run.FromMs, cancel);
        if (!Off.HasFlag(CorrectionRule.CountAfterETags) && (await CorrectionCount.ReadAsync(lake, id, query, cancel)).Count != count.Count)
            return false;
        var ends = run.Windows.Select(window => window.EndMs).ToHashSet();
        var right = Enumerable.Range(0, after.Count).Select(row => results.RowKey(query, after, row)).ToHashSet(StringComparer.Ordinal);
        var outdated = isContinued
            ? there.Keys.Where(key => key != IResults.Fence && ends.Contains(results.WindowStart(key) + query.SizeMs))
            : Enumerable.Range(0, gone.Count).Select(row => results.RowKey(query, gone, row)).Where(there.ContainsKey);
        var deletes = outdated.Where(key => !right.Contains(key)).Distinct().Select(key => new ResultDelete(key, there[key])).ToList();
        var writes = Enumerable.Range(0, rows.Count)
            .Select(row => (row, Key: results.RowKey(query, rows, row)))
            .Where(row => there.ContainsKey(row.Key) || !(results.AgeTime(query, rows, row.row) <= oldUpTo))
            .Select(row => new ResultWrite(row.row, row.Key, there.GetValueOrDefault(row.Key)) { Revision = count.Version }).ToList();
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

    /// <summary>Writes a record for each window; null when another has written one in between, else what is written.</summary>
    private async Task<IReadOnlyDictionary<long, VersionedCorrection>?> TryNoteAsync(
        WindowRun run, WindowTruth truth, IReadOnlyDictionary<long, VersionedCorrection> records, bool isPending, long version, CancellationToken cancel)
    {
        var noted = new Dictionary<long, VersionedCorrection>();
        foreach (var (end, events) in run.Windows)
        {
            VersionedCorrection? known = records.TryGetValue(end, out var record) ? record : null;
            var upTo = known?.Value.UpTo ?? new Dictionary<int, long>();
            var merged = events.Count(e => !truth.Repeats.Contains((e.Partition, e.Offset)) && known?.Value.Holds(e.Partition, e.Offset) != true);
            // What a pending record says of offsets is what was merged before.
            var next = new Correction(run.Query.Name, end, isPending ? upTo : Later(upTo, truth.UpTo), isPending, version, (known?.Value.Events ?? 0) + (isPending ? 0 : merged), time.GetUtcNow().ToUnixTimeMilliseconds());
            if (await log.TryWriteAsync(next, known?.ETag, cancel) is not { } etag)
                return null;
            noted[end] = new VersionedCorrection(next, etag);
        }

        return noted;
    }

    private static Dictionary<int, long> Later(IReadOnlyDictionary<int, long> a, IReadOnlyDictionary<int, long> b) =>
        a.Keys.Union(b.Keys).ToDictionary(p => p, p => Math.Max(a.GetValueOrDefault(p), b.GetValueOrDefault(p)));

    private static List<ReopenedWindow> Report(WindowRun run, WindowTruth truth, RowBatch gone, RowBatch come, long? version, ReopenOutcome changed)
    {
        var (removed, added) = (ByEnd(gone), ByEnd(come));
        return run.Windows.Select(w => new ReopenedWindow(
            run.Query.Name, w.EndMs - run.Query.SizeMs, w.EndMs, w.Events.Count, w.Events.Count(e => truth.Repeats.Contains((e.Partition, e.Offset))),
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

    private static IEnumerable<WindowRun> Runs(QuerySpec query, IReadOnlyList<(long EndMs, IReadOnlyList<LateEvent> Events)> windows)
    {
        for (int from = 0, to; from < windows.Count; from = to)
        {
            var last = Math.Max(LongestRunMs, 2 * query.SizeMs) + windows[from].EndMs - query.SizeMs;
            for (to = from + 1; to < windows.Count && windows[to].EndMs - query.SizeMs <= windows[to - 1].EndMs && windows[to].EndMs <= last;)
                to++;
            yield return new WindowRun(query, [.. windows.Skip(from).Take(to - from)]);
        }
    }

    /// <summary>Runs of whichever queries whose events are read in one go, since they lie so near each other that it reads at most twice what they need. In each the order of the queries.</summary>
    private static IEnumerable<IReadOnlyList<WindowRun>> Stretches(IReadOnlyList<WindowRun> runs)
    {
        var near = new List<(WindowRun Run, int Place)>();
        var (from, to, needed) = (0L, 0L, 0L);
        foreach (var (run, place) in runs.Select((run, place) => (run, place)).OrderBy(r => r.run.FromMs).ThenBy(r => r.place))
        {
            if (near.Count > 0 && run.ToMs > to && (run.ToMs - from > LongestRunMs || run.FromMs - to > needed))
            {
                yield return InOrder();
                near.Clear();
            }

            if (near.Count == 0)
                (from, to, needed) = (run.FromMs, run.FromMs, 0);
            needed += Math.Max(0, run.ToMs - Math.Max(to, run.FromMs));
            to = Math.Max(to, run.ToMs);
            near.Add((run, place));
        }

        if (near.Count > 0)
            yield return InOrder();

        IReadOnlyList<WindowRun> InOrder() => [.. near.OrderBy(r => r.Place).Select(r => r.Run)];
    }
}
