using Tidemark.Domain.Columns;
using Tidemark.Domain.Pipelines;

namespace Tidemark.Domain.Ledger;

/// <summary>
/// Appends what streams let out. Per partition the position is the offset and the time that the output belongs to, moved in the same commit; a
/// partition without output keeps its position, since computing it again gives no output either.
/// </summary>
internal sealed class StreamEmitter(IPipeline pipeline, PipelineId id, ILake lake, ResultPublisher results, ProtocolRule off)
{
    private readonly JoinFollower _joins = new(pipeline, id, lake, off);

    /// <summary>Commits what waits, stream by stream, then what chained streams make of the commits.</summary>
    public async Task EmitAsync(Truth truth, bool publish, CancellationToken cancel)
    {
        // As those of queries, the tables of streams of the same input have nothing to do with each other.
        foreach (var commit in await StartedAsync(pipeline.Streams.Where(s => !s.IsChained).Select(spec => Start(truth, spec, Parts(truth, spec), cancel))))
            Finish(truth, commit, await commit.Append);
        foreach (var spec in pipeline.Streams.Where(s => s.IsChained && !truth.Refused.Contains(StreamEntities.Chain(s).Bundle)))
        {
            if (spec.Joined is { } joined)
                await _joins.FollowAsync(truth, truth.Chains[spec.Name], joined, cancel);
            else
                await FollowAsync(truth, truth.Chains[spec.Name], cancel);
            if (publish)
                await results.PublishStreamsAsync(truth, spec, cancel);
            if (Start(truth, spec, [(id.QueryAppId(spec.Name), id.ChainTimeAppId(spec.Name), truth.Chains[spec.Name])], cancel) is { } commit)
                Finish(truth, commit, await commit.Append);
        }

        truth.Commits.Clear();
    }

    private List<(string, string, StreamTruth)> Parts(Truth truth, StreamSpec spec) =>
        [.. truth.Streams.Select(p => (id.StreamAppId(spec.Name, p.Key), id.StreamTimeAppId(spec.Name, p.Key), p.Value.Streams.First(s => s.Spec == spec)))];

    private static async Task<List<StartedCommit>> StartedAsync(IEnumerable<StartedCommit?> commits)
    {
        var started = commits.OfType<StartedCommit>().ToList();
        await Task.WhenAll(started.Select(commit => commit.Append));
        return started;
    }

    /// <summary>Begins the commit of what waits; null where nothing does.</summary>
    private StartedCommit? Start(Truth truth, StreamSpec spec, IReadOnlyList<(string AppId, string TimeAppId, StreamTruth Stream)> parts, CancellationToken cancel)
    {
        var moves = new List<PositionMove>();
        var rows = new List<RowBatch>();
        foreach (var (appId, timeAppId, stream) in parts.Where(p => p.Stream.Pending.Count > 0))
        {
            moves.Add(new PositionMove(appId, stream.DoneAt, stream.At));
            if (stream.State.FrontierMs is { } time && !off.HasFlag(ProtocolRule.StreamTimeIsPosition))
                moves.Add(new PositionMove(timeAppId, stream.DoneTime, time));
            rows.AddRange(stream.Pending);
        }

        if (moves.Count == 0)
            return null;
        var batch = RowBatches.Concat(spec.Schema, rows);
        return new StartedCommit(
            spec, [.. parts.Select(p => p.Stream).Where(stream => stream.Pending.Count > 0)], moves, batch, lake.AppendAsync(TableNames.Gold(spec.Name), moves, [batch], [], cancel));
    }

    private void Finish(Truth truth, StartedCommit commit, AppendOutcome outcome)
    {
        var (spec, batch) = (commit.Spec, commit.Rows);
        var table = TableNames.Gold(spec.Name);
        if (!outcome.Committed)
            throw new CompetingTickException($"The position of {table} moved under this tick.");
        var before = truth.Tables[table].Version;
        truth.Moved(table, outcome.Version, commit.Moves);
        // Rows under keys of their own may be in Table storage already; what another tick committed in between is read back.
        if (truth.Results.TryGetValue(spec.Name, out var published))
            published.Own = published.Cursor.TableVersion == before && outcome.Version == before + 1
                ? new CommittedRows(outcome.Version, outcome.Version, IsPublished(commit) ? RowBatches.Empty(spec.Schema) : batch)
                : null;
        Note(truth, table, before, new CommittedRows(outcome.Version, outcome.Version, batch));
        foreach (var stream in commit.Streams)
            stream.Committed();
    }

    private bool IsPublished(StartedCommit commit) =>
        commit.Spec.Results == StreamResults.Rows && (off.HasFlag(ProtocolRule.StreamRowsPutOff) || commit.Streams.All(stream => stream.Published == stream.Pending.Count));

    private sealed record StartedCommit(StreamSpec Spec, IReadOnlyList<StreamTruth> Streams, IReadOnlyList<PositionMove> Moves, RowBatch Rows, Task<AppendOutcome> Append);

    /// <summary>Keeps a commit for the chained streams of this tick, if nothing came between it and what is known.</summary>
    public static void Note(Truth truth, string table, long before, CommittedRows commit)
    {
        if (!truth.Commits.TryGetValue(table, out var commits))
            truth.Commits[table] = commits = [];
        if (commit.Version != before + 1)
            commits.Clear();
        commits.Add(commit);
    }

    /// <summary>
    /// Folds the source's commits behind the place where the chain stands. Behind a query time then moves to its watermark: every window that is closed
    /// by it is in the table.
    /// </summary>
    private async Task FollowAsync(Truth truth, StreamTruth chain, CancellationToken cancel)
    {
        var query = pipeline.Queries.FirstOrDefault(q => TableNames.Gold(q.Name) == chain.Spec.Source);
        if (truth.Tables[chain.Spec.Source].Version > chain.At)
            await FollowAsync(truth, chain, query, cancel);
        if (query is null || truth.Meta.Value.FrontierMs is not { } frontier || truth.Refused.Contains(query.Bundle))
            return;
        // What its watermark has closed since comes with its next trigger.
        if (off.HasFlag(ProtocolRule.ChainWaitsForTrigger))
            chain.Mark(frontier - query.DelayMs);
        else if (truth.ClosedTo.TryGetValue(query.Name, out var closed))
            chain.Mark(closed);
    }

    private async Task FollowAsync(Truth truth, StreamTruth chain, QuerySpec? query, CancellationToken cancel)
    {
        var source = chain.Spec.Source;
        var to = truth.Tables[source].Version;
        if (truth.Commits.TryGetValue(source, out var own) && own.Count > 0 && own[0].Version == chain.At + 1 && own[^1].Version == to)
            foreach (var commit in own)
                Fold(chain, query, commit);
        else
            await foreach (var commit in lake.ReadCommitsAsync(source, id.QueryAppId(source["gold/".Length..]), chain.At, null, cancel))
                if (commit.Version <= to)
                    Fold(chain, query, commit);
        chain.Fold(to, null, null);
    }

    // Rows first: those of closed windows belong to the time before the watermark that closed them.
    private static void Fold(StreamTruth chain, QuerySpec? query, CommittedRows commit) =>
        chain.Fold(commit.Version, null, commit.Rows, query is null ? null : commit.Position);
}
