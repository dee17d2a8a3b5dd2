using Tidemark.Domain.Ledger;
using Tidemark.Domain.Pipelines;

namespace Tidemark.Domain.Tests.Ledger.Simulation;

/// <summary>What the tables must hold, computed at once from the topic and from which frontier each offset was committed under.</summary>
internal static class Oracle
{
    /// <summary>What keeps a run from being at its end; "nothing" when it is.</summary>
    public static string Leftovers(Simulation sim)
    {
        var left = new List<string>();
        foreach (var (number, partition) in sim.Topic.Partitions)
            if (!sim.Ledger.Heads.TryGetValue(number, out var head) || head.Value.Next < partition.End)
                left.Add($"partition {number} at {head.Value?.Next} of {partition.End}");
        if (sim.Ledger.Ranges.Count > 0)
            left.Add($"ranges {string.Join(" ", sim.Ledger.Ranges.Keys)}");
        if (sim.Ledger.Registry.Values.Where(row => !StreamEntities.Is(row.Entity)).ToList() is { Count: > 0 } registry)
            left.Add($"registry {string.Join(" ", registry)}");
        if (sim.Entities.States.Where(s => !StreamEntities.Is(s.Key)).ToList() is { Count: > 0 } entities)
            left.Add($"entities {string.Join(" ", entities.Select(s => $"{s.Key} v{s.Value.Version}"))}");
        if (sim.Entities.Blobs.Where(b => sim.Entities.States.GetValueOrDefault(b.Value.Key)?.Blob != b.Key).ToList() is { Count: > 0 } blobs)
            left.Add($"state blobs {string.Join(" ", blobs.Select(b => b.Key))}");
        if (sim.Entities.UnderWay > 0)
            left.Add($"{sim.Entities.UnderWay} signals");
        if (sim.Blobs.Partials.Count > 0)
            left.Add($"staged {string.Join(" ", sim.Blobs.Partials.Keys)}");
        if (sim.Ledger.Meta?.Value is not { EndOfInput: false, FrontierMs: not null })
            left.Add($"meta {sim.Ledger.Meta}");
        foreach (var query in sim.Pipeline.Queries.Concat<IOutput>(sim.Pipeline.Streams).Where(o => o.InTableStorage))
            if (sim.Lake.Table(TableNames.Gold(query.Name)).FindLastIndex(commit => commit.Moves.Count > 0) > (sim.Ledger.Cursors.TryGetValue(query.Name, out var c) ? c.Cursor.TableVersion : -1))
                left.Add($"cursor {query.Name} at {c.Cursor}");
        left.AddRange(SinkOracle.Behind(sim));
        return left.Count == 0 ? "nothing" : string.Join("; ", left);
    }

    public static string? Compare(Simulation sim)
    {
        var errors = new List<string>();
        Contiguous(sim, errors);
        var expected = new Expected(sim);
        foreach (var table in sim.Pipeline.Tables)
            Same(table.Name, expected.Tables[table.Name], sim.Lake.Table(table.Name).SelectMany(c => c.Rows).SelectMany(ToyRows.Rows), errors);
        foreach (var query in sim.Pipeline.Queries)
        {
            var rows = sim.Lake.Table(TableNames.Gold(query.Name)).SelectMany(c => c.Rows).SelectMany(ToyRows.Rows);
            Same(TableNames.Gold(query.Name), expected.Tables[query.Name], rows, errors);
            Published(sim, query, expected.Tables[query.Name], errors);
        }

        foreach (var stream in sim.Pipeline.Streams)
        {
            var committed = sim.Lake.Table(TableNames.Gold(stream.Name)).SelectMany(c => c.Rows).SelectMany(ToyRows.Rows).Select(r => r[..5]).ToList();
            Same(TableNames.Gold(stream.Name), expected.Tables[stream.Name], committed, errors);
            var visible = stream.Results switch
            {
                StreamResults.None => [],
                StreamResults.Rows => committed.GroupBy(r => (r[0], r[2])).Select(g => g.Last()),
                _ => committed.GroupBy(r => r[2]).Select(g => g.Last()),
            };
            Published(sim, stream, visible, errors);
        }

        errors.AddRange(SinkOracle.Compare(sim));
        if (sim.Scenario.OnDataLoss == OnDataLoss.Stop)
            errors.AddRange(sim.Ledger.Unaccepted.Select(loss => $"passed without being accepted: {loss}"));
        errors.AddRange(sim.Alerts.Where(a => a.Name is "entity-forgot" or "entity-fault" || (a.Name == "topic-recreated" && !sim.Scenario.CutsLog)).Select(a => $"alert without cause: {a.Text}"));
        if (sim.Scenario.Orderly && expected.Tables["late"].Count > 0)
            errors.Add($"late: {expected.Tables["late"].Count} rows though events were in order and every partition had them");
        return errors.Count == 0 ? null : string.Join(Environment.NewLine, errors.Take(12));
    }

    /// <summary>Rows of windows that are open, as Table storage must hold them where nothing is under way.</summary>
    public static string? CompareOpen(Simulation sim)
    {
        var errors = new List<string>();
        var expected = new Expected(sim);
        foreach (var query in sim.Pipeline.Queries.Where(query => query.Update))
            Same($"open results/{query.Name}",
                expected.Tables[query.Name].Where(row => !(row[1] <= sim.Ledger.Meta!.Value.Value.FrontierMs - query.DelayMs)),
                sim.Results.Table(query.Name).Values.Where(r => !r.Final).Select(r => new[] { r.Row.Start, r.Row.End, r.Row.Key, r.Row.Count, r.Row.Sum }), errors);
        return errors.Count == 0 ? null : string.Join(Environment.NewLine, errors);
    }

    /// <summary>
    /// Table storage holds what Delta has within the retention. Older rows may be there still; where no tick ever worked beside another, they too are
    /// final and as in Delta.
    /// </summary>
    private static void Published(Simulation sim, IOutput output, IEnumerable<long[]> expected, List<string> errors)
    {
        var newest = sim.Ledger.Heads.Values.Max(head => head.Value.MaxEventTimeMs);
        var upTo = sim.Scenario.Kept?.OldUpTo(output, sim.Ledger.Meta!.Value.Value.FrontierMs, newest) ?? long.MinValue;
        bool IsOld(long[] row) => SimResults.AgeTime(output, new ToyResult(row[0], row[1], row[2], row[3], row[4])) <= upTo;
        var there = sim.Results.Table(output.Name).Values.Select(r => (Row: new[] { r.Row.Start, r.Row.End, r.Row.Key, r.Row.Count, r.Row.Sum }, r.Final)).ToList();
        var all = expected.ToList();
        Same($"results/{output.Name}", all.Where(row => !IsOld(row)), there.Where(r => !IsOld(r.Row)).Select(r => r.Row), errors);
        var judged = there.Where(r => sim.Scenario.Ticks == 1 || !IsOld(r.Row)).ToList();
        errors.AddRange(judged.Where(r => !r.Final).Select(r => $"results/{output.Name}: {string.Join(",", r.Row)} is not final"));
        errors.AddRange(judged.Where(r => !all.Exists(row => row.Take(5).SequenceEqual(r.Row))).Select(r => $"results/{output.Name}: {string.Join(",", r.Row)} is not in Delta"));
    }

    /// <summary>Every offset is in exactly one committed range, and a record is either processed or in a recorded gap, never both, never neither.</summary>
    private static void Contiguous(Simulation sim, List<string> errors)
    {
        foreach (var group in sim.Ledger.Committed.GroupBy(r => r.Partition))
        {
            var next = sim.Ledger.Meta!.Value.Value.Starts[group.Key];
            if (Began(sim, group.Key) is { } began ? next != began : next != 0 && !sim.Topic.Partitions[group.Key].Removed.Contains(next - 1) && !sim.Scenario.ControlRecords)
                errors.Add($"partition {group.Key} began at {next}");
            foreach (var range in group.OrderBy(r => r.From))
            {
                if (range.From != next)
                    errors.Add($"partition {group.Key}: a range from {range.From} follows offset {next}");
                next = range.To;
            }
        }
    }

    /// <summary>Where a start by offsets or by time must begin, from all that the topic ever held; null = at the log start of the moment.</summary>
    private static long? Began(Simulation sim, int partition) => sim.Scenario.StartFrom switch
    {
        { Offsets: { } offsets } => offsets[partition],
        { TimeMs: { } time } => sim.Topic.Partitions[partition].Records.Where(r => r.Value.KafkaTimeMs >= time).Select(r => (long?)r.Key).Min() ?? sim.Topic.Partitions[partition].End,
        _ => null,
    };

    private static void Same(string table, IEnumerable<long[]> expected, IEnumerable<long[]> actual, List<string> errors)
    {
        var want = expected.Select(r => string.Join(",", r)).Order(StringComparer.Ordinal).ToList();
        var have = actual.Select(r => string.Join(",", r.Take(want.Count == 0 ? 5 : want[0].Count(c => c == ',') + 1))).Order(StringComparer.Ordinal).ToList();
        if (want.SequenceEqual(have))
            return;
        var missing = Subtract(want, have);
        var extra = Subtract(have, want);
        errors.Add($"{table}: missing [{string.Join(" | ", missing.Take(6))}] of {missing.Count}, not expected [{string.Join(" | ", extra.Take(6))}] of {extra.Count}");
    }

    private static List<string> Subtract(List<string> from, List<string> what)
    {
        var counts = what.CountBy(r => r).ToDictionary();
        return [.. from.Where(row => !counts.TryGetValue(row, out var n) || (counts[row] = n - 1) < 0)];
    }

    private sealed class Expected
    {
        private readonly Simulation _sim;

        public Expected(Simulation sim)
        {
            _sim = sim;
            foreach (var name in sim.Pipeline.Tables.Select(t => t.Name).Concat(sim.Pipeline.Queries.Select(q => q.Name)))
                Tables[name] = [];
            var windows = new Dictionary<(int Query, long End, long Key), (long Count, long Sum)>();
            foreach (var (number, partition) in sim.Topic.Partitions)
            {
                _seen.Clear();
                foreach (var (offset, value) in Records(partition, number))
                    Add(number, offset, value, windows);
            }

            foreach (var ((q, end, key), (count, sum)) in windows.Where(w => ToyPipeline.Passes(w.Key.Query, w.Value.Sum)))
                Tables[sim.Pipeline.Queries[q].Name].Add([end - sim.Pipeline.Queries[q].SizeMs, end, key, count, sum]);
            foreach (var stream in sim.Pipeline.Streams)
                Tables[stream.Name] = [];
            foreach (var events in Tables["silver"].GroupBy(row => (row[0], row[3])))
                AddStreams([.. events.OrderBy(row => row[1])], events.Key.Item2 * 10 + events.Key.Item1);
            foreach (var closed in Tables["tumbling"].GroupBy(row => row[2]))
                AddTotals([.. closed.OrderBy(row => row[1])]);
        }

        public Dictionary<string, List<long[]>> Tables { get; } = [];

        // Greatest event time of every id kept so far in a partition.
        private readonly Dictionary<long, long> _seen = [];

        /// <summary>Records that must have been processed: all but those that retention removed and a gap reports.</summary>
        private IEnumerable<(long Offset, byte[]? Value)> Records(SimPartition partition, int number)
        {
            var start = _sim.Ledger.Meta!.Value.Value.Starts[number];
            var gaps = _sim.Ledger.Gaps.Where(g => g.Partition == number).ToList();
            foreach (var (offset, value) in partition.Everything)
            {
                var reported = gaps.Any(g => g.From <= offset && offset < g.To);
                if (offset < start || (reported && partition.Removed.Contains(offset)))
                    continue;
                yield return (offset, value);
            }
        }

        /// <summary>Sessions and runs of one partition and key, event by event: a session that is closed takes no more.</summary>
        private void AddStreams(List<long[]> events, long key)
        {
            var visits = new List<(long Start, long End, long Count, long Sum, bool Open)>();
            var (count, sum) = (0L, 0L);
            foreach (var row in events)
            {
                (count, sum) = (count + 1, sum + row[4]);
                Tables["runs"].Add([0, row[1], key, count, sum]);
                var watermark = (Tag((int)row[0], row[1]) ?? Frontier.None) - ToyVisits.DelayMs;
                visits = [.. visits.Select(v => v with { Open = v.Open && v.End > watermark })];
                if (row[2] + ToyVisits.GapMs <= watermark)
                    continue;
                var mine = (Start: row[2], End: row[2] + ToyVisits.GapMs, Count: 1L, Sum: row[4], Open: true);
                while (visits.FindIndex(v => v.Open && v.Start <= mine.End && mine.Start <= v.End) is var at and >= 0)
                {
                    mine = (Math.Min(mine.Start, visits[at].Start), Math.Max(mine.End, visits[at].End), mine.Count + visits[at].Count, mine.Sum + visits[at].Sum, true);
                    visits.RemoveAt(at);
                }

                visits.Add(mine);
            }

            Tables["visits"].AddRange(visits.Select(v => new[] { v.Start, v.End, key, v.Count, v.Sum }));
            (count, sum) = (0, 0);
            foreach (var visit in visits.OrderBy(v => v.End))
            {
                (count, sum) = (count + 1, sum + visit.Sum);
                Tables["visitors"].Add([0, visit.Start, key, count, sum]);
            }
        }

        private void AddTotals(List<long[]> windows)
        {
            var sum = 0L;
            for (var i = 0; i < windows.Count; i++)
            {
                sum += windows[i][4];
                Tables["totals"].Add([windows[i][0], windows[i][1], windows[i][2], i + 1, sum]);
                if (i + 1 == windows.Count || windows[i + 1][1] - 1 >= windows[i][1] + ToyTotals.QuietMs)
                    Tables["totals"].Add([windows[i][1], windows[i][1] + ToyTotals.QuietMs, windows[i][2], -1, sum]);
            }
        }

        private long? Tag(int partition, long offset) => _sim.Ledger.Committed.First(r => r.Partition == partition && r.From <= offset && offset < r.To).Tag;

        private void Add(int number, long offset, byte[]? value, Dictionary<(int, long, long), (long Count, long Sum)> windows)
        {
            Tables["bronze"].Add([number, offset]);
            if (ToyEvent.Decode(value) is not { } e)
            {
                Tables["quarantine"].Add([number, offset]);
                return;
            }

            var tag = _sim.Ledger.Committed.First(r => r.Partition == number && r.From <= offset && offset < r.To).Tag ?? Frontier.None;
            if (_seen.TryGetValue(e.Id, out var seenAt) && Math.Ceiling(seenAt / 1000.0) * 1000 + 2 * ToyPipeline.Horizon > tag)
                return;
            var tooOld = e.TimeMs <= tag - ToyPipeline.Horizon;
            _seen[e.Id] = Math.Max(_seen.GetValueOrDefault(e.Id), e.TimeMs);
            Tables["silver"].Add([number, offset, e.TimeMs, e.Key, e.Amount, e.Id]);
            for (var q = 0; q < _sim.Pipeline.Queries.Count; q++)
            {
                if (!ToyPipeline.Counts(q, e))
                    continue;
                var watermark = tooOld ? long.MaxValue : tag - _sim.Pipeline.Queries[q].DelayMs;
                var closed = _sim.Pipeline.Ends(q, e.TimeMs).Where(end => end <= watermark).ToList();
                if (closed.Count > 0)
                    Tables["late"].Add([number, offset, q, closed[^1], closed.Count]);
                foreach (var end in _sim.Pipeline.Ends(q, e.TimeMs).Where(end => end > watermark))
                {
                    var sum = windows.GetValueOrDefault((q, end, e.Key));
                    windows[(q, end, e.Key)] = (sum.Count + 1, sum.Sum + e.Amount);
                }
            }
        }
    }
}
