using Tidemark.Domain.Columns;
using Tidemark.Domain.Pipelines;

namespace Tidemark.Domain.Ledger;

/// <summary>
/// Appends the rows of ranges to the base tables. What goes in follows from the ranges and the position alone, and the position (per table and
/// partition the offset after the last row) moves in the same commit, so a row is in the table exactly once whoever emits it.
/// </summary>
internal sealed class TableEmitter(IPipeline pipeline, PipelineId id, ISegmentStore segments, ILake lake, TickOptions options)
{
    /// <summary>Commits everything that is listed and not yet in the tables, and lets go of the payload of ranges that are.</summary>
    public async Task EmitAsync(Truth truth, CancellationToken cancel)
    {
        foreach (var table in pipeline.Tables)
            while (await EmitOnceAsync(truth, table.Name, cancel))
            {
                // A backlog goes in several commits of bounded size.
            }

        foreach (var ranges in truth.Ranges.Values)
            for (var i = 0; i < ranges.Count; i++)
                if (ranges[i].Inline is not null && IsInTables(truth, id, ranges[i]))
                    ranges[i] = ranges[i] with { Inline = null };
    }

    /// <summary>Whether every table that the range has rows for holds them.</summary>
    public static bool IsInTables(Truth truth, PipelineId id, RangeRow range) =>
        range.Rows.Keys.All(table => truth.PositionOf(table, id.TableAppId(table, range.Partition)) >= range.To);

    /// <summary>One commit of bounded size; false when nothing was left.</summary>
    private async Task<bool> EmitOnceAsync(Truth truth, string table, CancellationToken cancel)
    {
        var moves = new List<PositionMove>();
        var rows = new List<RowBatch>();
        var files = new List<string>();
        var count = 0;
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
                    break;
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

        if (moves.Count == 0)
            return false;
        using var span = LedgerTrace.Source.StartActivity("emit " + table);
        LedgerTrace.Link(span, truth.Ranges.Values.SelectMany(ranges => ranges).Where(r => moves.Any(m => m.AppId == id.TableAppId(table, r.Partition) && r.To <= m.Next && !(r.To <= m.Expected))));
        var outcome = await lake.AppendAsync(table, moves, rows, files, cancel);
        if (!outcome.Committed)
            throw new CompetingTickException($"Positions of {table} moved under this tick.");
        truth.Moved(table, outcome.Version, moves);
        return true;
    }
}
