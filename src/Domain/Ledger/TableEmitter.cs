using Tidemark.Domain.Columns;
using Tidemark.Domain.Pipelines;

namespace Tidemark.Domain.Ledger;

/// <summary>
/// Appends the rows of ranges to the base tables. What goes in follows from the ranges and the position alone, and the position (per table and
/// partition the offset after the last row) moves in the same commit, so a row is in the table exactly once whoever emits it. A table that a join with
/// another topic follows also says, in the commit that completes it, the frontier that it is complete up to; where its topic is idle, a time that does not hold the join back.
/// </summary>
internal sealed class TableEmitter(IPipeline pipeline, PipelineId id, ISegmentStore segments, ILake lake, TickOptions options, ProtocolRule off = ProtocolRule.None)
{
    /// <summary>Commits everything that is listed and not yet in the tables, and lets go of the payload of ranges that are.</summary>
    public async Task EmitAsync(Truth truth, CancellationToken cancel)
    {
        var other = truth.IsIdle && options.Partner is { } partner && !off.HasFlag(ProtocolRule.IdleTopicLetsGo) ? await partner.StandAsync(cancel) : (TopicStand?)null;
        // A backlog goes in several commits of bounded size.
        while (true)
        {
            var commits = pipeline.Tables.Select(table => Start(truth, table.Name, other, cancel)).OfType<StartedCommit>().ToList();
            if (commits.Count == 0)
                break;
            await Task.WhenAll(commits.Select(commit => commit.Append));
            foreach (var commit in commits)
                Finish(truth, commit, await commit.Append);
        }

        foreach (var ranges in truth.Ranges.Values)
            for (var i = 0; i < ranges.Count; i++)
                if (ranges[i].Inline is not null && IsInTables(truth, id, ranges[i]))
                    ranges[i] = ranges[i] with { Inline = null };
    }

    /// <summary>Whether every table that the range has rows for holds them.</summary>
    public static bool IsInTables(Truth truth, PipelineId id, RangeRow range) =>
        range.Rows.Keys.All(table => truth.PositionOf(table, id.TableAppId(table, range.Partition)) >= range.To);

    /// <summary>Begins one commit of bounded size; null when nothing was left.</summary>
    private StartedCommit? Start(Truth truth, string table, TopicStand? other, CancellationToken cancel)
    {
        var moves = new List<PositionMove>();
        var rows = new List<RowBatch>();
        var files = new List<string>();
        var count = 0;
        var isAll = true;
        foreach (var (partition, ranges) in truth.Ranges)
        {
            var appId = id.TableAppId(table, partition);
            var position = truth.PositionOf(table, appId);
            long? reached = null;
            foreach (var range in ranges)
            {
                if (range.To <= position || !range.Rows.TryGetValue(table, out var inRange))
                    continue;
                if (count > 0 && count + inRange > options.MaxRowsPerCommit)
                {
                    isAll = false;
                    break;
                }

                count += inRange;
                if (range.Staged is { } staged)
                    files.Add(staged.Files[table]);
                else
                    rows.Add(segments.ReadRows(range, table));
                reached = range.To;
            }

            if (reached is { } to)
                moves.Add(new PositionMove(appId, position, to));
        }

        // Every range below the frontier is listed, so with the last of them the table is complete up to it.
        if (table == options.FollowedTable && (isAll || off.HasFlag(ProtocolRule.TimeAfterRows)))
            moves.AddRange(SayTime(truth, table, other));
        if (moves.Count == 0)
            return null;
        return new StartedCommit(table, moves, AppendAsync(truth, table, moves, rows, files, cancel));
    }

    private IEnumerable<PositionMove> SayTime(Truth truth, string table, TopicStand? other)
    {
        var (frontier, said, seen) = (truth.Meta.Value.FrontierMs, truth.PositionOf(table, id.TableTimeAppId(table)), truth.PositionOf(table, id.TableSeenAppId(table)));
        if ((other?.TimeOfIdle(said, seen, frontier, off) ?? frontier) is not { } time || time <= said)
            yield break;
        yield return new PositionMove(id.TableTimeAppId(table), said, time);
        if (other is { } stand && stand.Rows != seen)
            yield return new PositionMove(id.TableSeenAppId(table), seen, stand.Rows);
    }

    private async Task<AppendOutcome> AppendAsync(Truth truth, string table, List<PositionMove> moves, List<RowBatch> rows, List<string> files, CancellationToken cancel)
    {
        using var span = LedgerTrace.Source.StartActivity("emit " + table);
        LedgerTrace.Link(span, truth.Ranges.Values.SelectMany(ranges => ranges).Where(r => moves.Any(m => m.AppId == id.TableAppId(table, r.Partition) && r.To <= m.Next && !(r.To <= m.Expected))));
        return await lake.AppendAsync(table, moves, rows, files, cancel);
    }

    private static void Finish(Truth truth, StartedCommit commit, AppendOutcome outcome)
    {
        if (!outcome.Committed)
            throw new CompetingTickException($"Positions of {commit.Table} moved under this tick.");
        truth.Moved(commit.Table, outcome.Version, commit.Moves);
    }

    private sealed record StartedCommit(string Table, IReadOnlyList<PositionMove> Moves, Task<AppendOutcome> Append);
}
