using Tidemark.Domain.Columns;
using Tidemark.Domain.Pipelines;

namespace Tidemark.Domain.Ledger;

/// <summary>
/// Appends the rows of closed windows. A commit holds all windows with end in (old position, new position], the position being the watermark
/// in ms; it moves in the same commit.
/// </summary>
internal sealed class QueryEmitter(IPipeline pipeline, PipelineId id, ILake lake, Triggers triggers)
{
    /// <summary>Commits the windows that this snapshot's watermark closed, query by query, but for those that wait for their trigger.</summary>
    /// <param name="truth">The snapshot.</param>
    /// <param name="all">False: only queries with a trigger of their own.</param>
    /// <param name="cancel">Ends it.</param>
    public async Task EmitAsync(Truth truth, bool all, CancellationToken cancel)
    {
        if (truth.Meta.Value.FrontierMs is { } frontier)
            await EmitAsync(truth, frontier, all, cancel);
        // Behind the commits: what failed is tried again by the next tick and not by the next trigger.
        foreach (var query in pipeline.Queries.Where(query => !triggers.Waits(query)))
            triggers.Emitted(query);
    }

    private async Task EmitAsync(Truth truth, long frontier, bool all, CancellationToken cancel)
    {
        // Their tables have nothing to do with each other, so none waits for the commit of another.
        var commits = new List<(QuerySpec Query, PositionMove Move, RowBatch Rows, Task<AppendOutcome> Append)>();
        foreach (var query in pipeline.Queries.Where(query => !truth.Refused.Contains(query.Bundle) && (triggers.Has(query) ? !triggers.Waits(query) : all)))
        {
            var table = TableNames.Gold(query.Name);
            var position = truth.PositionOf(id, query.Name);
            var watermark = frontier - query.DelayMs;
            var after = truth.After(id, query.Name);
            truth.ClosedTo[query.Name] = watermark;
            if (watermark <= after)
                continue;
            var rows = truth.Emit(pipeline, query, after, watermark);
            if (rows.Count == 0 && !FreesAnEntity(truth, query, watermark))
                continue;
            var move = new PositionMove(id.QueryAppId(query.Name), position, watermark);
            commits.Add((query, move, rows, lake.AppendAsync(table, [move], rows.Count == 0 ? [] : [rows], [], cancel)));
        }

        await Task.WhenAll(commits.Select(commit => commit.Append));
        foreach (var (query, move, rows, append) in commits)
        {
            var (table, outcome) = (TableNames.Gold(query.Name), await append);
            if (!outcome.Committed)
                throw new CompetingTickException($"The position of {table} moved under this tick.");
            var before = truth.Tables[table].Version;
            truth.Moved(table, outcome.Version, [move]);
            truth.Counted.GetValueOrDefault(query.Name)?.Evict(move.Next);
            StreamEmitter.Note(truth, table, before, new CommittedRows(outcome.Version, move.Next, rows));
            if (!truth.Results.TryGetValue(query.Name, out var results))
                continue;
            results.Own = results.Cursor.TableVersion == before && outcome.Version == before + 1
                ? new CommittedRows(outcome.Version, move.Next, rows)
                : null;
        }

        foreach (var key in truth.Entities.Keys.Where(key => truth.IsEvictable(pipeline, id, key)).ToList())
            truth.Forget(key);
    }

    /// <summary>Whether moving the position, even without rows, lets an entity of this query go.</summary>
    private bool FreesAnEntity(Truth truth, QuerySpec query, long watermark) =>
        truth.Entities.Keys.Any(key => key.Bundle == query.Bundle
            && pipeline.IsEvictable(key, q => q == query.Name ? watermark : long.MaxValue)
            && !pipeline.IsEvictable(key, q => q == query.Name ? truth.After(id, q) : long.MaxValue));
}
