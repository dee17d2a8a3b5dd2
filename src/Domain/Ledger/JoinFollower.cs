using Tidemark.Domain.Pipelines;
using Tidemark.Domain.Streams;

namespace Tidemark.Domain.Ledger;

/// <summary>
/// Brings a join of two topics up to what both tables have. Where it begins is decided once and stands in its own table before anything is taken, so whoever folds
/// the commits again begins there, too.
/// </summary>
internal sealed class JoinFollower(IPipeline pipeline, PipelineId id, ILake lake, ProtocolRule off)
{
    private const int MostPending = 50_000;

    // Far below the 7 days after which VACUUM takes files that OPTIMIZE has replaced.
    private static readonly TimeSpan Reach = TimeSpan.FromDays(1);

    /// <summary>
    /// Folds the commits of both tables from where the join stands, in the order that its state demands, until the side that is to go next has no further one. Much that waits
    /// for its commit ends it too; the next emission goes on.
    /// </summary>
    public async Task FollowAsync(Truth truth, StreamTruth chain, JoinedTables joined, CancellationToken cancel)
    {
        var state = (JoinedState)chain.State;
        if (!state.HasBegun)
            await BeginAsync(truth, chain, joined, cancel);
        var commits = new IAsyncEnumerator<CommittedRows>?[2];
        chain.IsThrough = false;
        try
        {
            while (chain.Pending.Sum(rows => (long)rows.Count) < MostPending)
            {
                var side = state.Next;
                if (await NextAsync(side) || (off.HasFlag(ProtocolRule.JoinPathFromTables) && await NextAsync(1 - side)))
                    continue;
                chain.IsThrough = true;
                return;
            }
        }
        finally
        {
            foreach (var open in commits)
                if (open is not null)
                    await open.DisposeAsync();
        }

        async Task<bool> NextAsync(int side)
        {
            commits[side] ??= lake.ReadCommitsAsync(joined[side].Table, AppId(joined[side]), state.Version(side), chain.Spec.SideColumns?[side], cancel).GetAsyncEnumerator(cancel);
            if (!await commits[side]!.MoveNextAsync())
                return false;
            chain.Fold(side, commits[side]!.Current);
            return true;
        }
    }

    /// <summary>
    /// A join that is new begins with what was committed to both tables within the last day, where the topics themselves are no older; else with what comes now. Streams of one join
    /// begin at the same place.
    /// </summary>
    private async Task BeginAsync(Truth truth, StreamTruth chain, JoinedTables joined, CancellationToken cancel)
    {
        var table = TableNames.Gold(chain.Spec.Name);
        var start = pipeline.Streams.Where(s => s.Joined == joined).Select(s => JoinStart.Of(truth, id, s)).FirstOrDefault(s => s is not null)
            ?? new JoinStart(await BeginAsync(joined.Left, cancel), await BeginAsync(joined.Right, cancel));
        if (!off.HasFlag(ProtocolRule.JoinStartIsRecorded))
        {
            var moves = start.Moves(id, chain.Spec.Name).ToList();
            var outcome = await lake.AppendAsync(table, moves, [], [], cancel);
            if (!outcome.Committed)
                throw new CompetingTickException($"Another tick began {table}.");
            truth.Moved(table, outcome.Version, moves);
        }

        chain.Begin(start);
    }

    private async Task<(long Version, long? TimeMs)> BeginAsync(FollowedTable side, CancellationToken cancel)
    {
        var head = await lake.BeginAsync(side.Table, AppId(side), Reach, cancel);
        return (head.Version, head.Positions.TryGetValue(side.Id.TableTimeAppId(side.Table), out var time) ? time : null);
    }

    private static string AppId(FollowedTable side) => side.Id.TableAppId(side.Table);
}

/// <summary>Where a join of two topics begins: behind these versions of both tables, at the times that they said then (ms; null = none).</summary>
internal readonly record struct JoinStart((long Version, long? TimeMs) Left, (long Version, long? TimeMs) Right)
{
    /// <summary>That of a side: 0 left, 1 right.</summary>
    public (long Version, long? TimeMs) this[int side] => side == 0 ? Left : Right;

    /// <summary>As the join's own table says; null = it has not begun.</summary>
    public static JoinStart? Of(Truth truth, PipelineId id, StreamSpec spec)
    {
        var table = TableNames.Gold(spec.Name);
        return Position(0) is { } left && Position(1) is { } right ? new JoinStart((left - 1, Time(0)), (right - 1, Time(1))) : null;

        long? Position(int side) => truth.PositionOf(table, id.SideAppId(spec.Name, side));

        long? Time(int side) => truth.PositionOf(table, id.SideTimeAppId(spec.Name, side));
    }

    /// <summary>How its table comes to say it.</summary>
    public IEnumerable<PositionMove> Moves(PipelineId id, string stream)
    {
        for (var side = 0; side < 2; side++)
        {
            yield return new PositionMove(id.SideAppId(stream, side), null, this[side].Version + 1);
            if (this[side].TimeMs is { } time)
                yield return new PositionMove(id.SideTimeAppId(stream, side), null, time);
        }
    }
}
