using System.Runtime.CompilerServices;
using Tidemark.Domain.Columns;
using Tidemark.Domain.Deduplication;
using Tidemark.Domain.Ledger;

namespace Tidemark.Domain.Tests.Ledger.Simulation;

/// <summary>Delta tables: a list of commits each.</summary>
internal sealed class SimLakeData
{
    public SortedDictionary<string, List<SimCommit>> Tables { get; } = new(StringComparer.Ordinal);

    /// <summary>The frontier of the topic that fills it; null = none, or not of interest.</summary>
    public Func<long?> Frontier { get; init; } = () => null;

    /// <summary>Draws behind which commits comes one of somebody else, who compacts the table; null = nobody does. Drawn apart, so that the rest of a run stays as it is.</summary>
    public Random? Compactions { get; init; }

    public List<SimCommit> Table(string name)
    {
        if (!Tables.TryGetValue(name, out var commits))
            Tables[name] = commits = [];
        return commits;
    }
}

/// <param name="Moves">Positions moved.</param>
/// <param name="Rows">Rows appended.</param>
/// <param name="AtMs">When.</param>
/// <param name="FrontierMs">The topic's frontier then, where the lake was told of it.</param>
internal sealed record SimCommit(IReadOnlyList<PositionMove> Moves, IReadOnlyList<RowBatch> Rows, long AtMs, long? FrontierMs);

/// <summary>One actor's view of the lake.</summary>
internal sealed class SimLake(SimWorld world, SimActor actor, SimLakeData data, SimBlobs blobs, ProtocolRule off) : ILake
{
    public Task<TableHead> ReadHeadAsync(string table, CancellationToken cancel) =>
        world.CallAsync(actor, $"read txns {table}", () => Head(table));

    public Task<AppendOutcome> AppendAsync(
        string table, IReadOnlyList<PositionMove> moves, IReadOnlyList<RowBatch> rows, IReadOnlyList<string> stagedFiles, CancellationToken cancel) =>
        world.CallAsync(actor, $"append {table} {string.Join(" ", moves.Select(m => $"{m.AppId}:{m.Expected}->{m.Next}"))}", () =>
        {
            var head = Head(table);
            foreach (var move in moves)
            {
                long? there = head.Positions.TryGetValue(move.AppId, out var p) ? p : null;
                var holds = off.HasFlag(ProtocolRule.TxnMustBeEqual) ? there is null || there < move.Next : there == move.Expected;
                if (!holds)
                    return new AppendOutcome(false, head.Version);
            }

            data.Table(table).Add(new SimCommit(moves, [.. rows, .. stagedFiles.Select(f => blobs.Files[f])], world.NowMs, data.Frontier()));
            if (data.Compactions?.Next(3) == 0)
                data.Table(table).Add(new SimCommit([], [], world.NowMs, data.Frontier()));
            return new AppendOutcome(true, head.Version + 1);
        });

    /// <summary>All rows, whatever the bounds: leaving out is allowed, not demanded. A bound that leaves out too much shows in the drawn half of reads.</summary>
    public async IAsyncEnumerable<RowBatch> ReadRowsAsync(
        string table, IReadOnlyList<string> columns, IReadOnlyList<ColumnBounds> bounds, [EnumeratorCancellation] CancellationToken cancel)
    {
        var exact = world.Random.Next(2) == 0;
        var commits = await world.CallAsync(actor, $"read rows {table}", () => data.Table(table).SelectMany(commit => commit.Rows).ToList());
        foreach (var rows in commits)
            yield return exact ? RowBatches.Where(rows, row => bounds.All(b => ((Int64Column)rows[b.Column]).Values[row] is var v && !(v < b.From) && !(v > b.To))) : rows;
    }

    public async IAsyncEnumerable<CommittedRows> ReadCommitsAsync(
        string table, string appId, long afterVersion, IReadOnlyList<string>? columns, [EnumeratorCancellation] CancellationToken cancel)
    {
        var commits = await world.CallAsync(actor, $"read commits {table} after {afterVersion}", () => data.Table(table).ToList());
        for (var version = (int)afterVersion + 1; version < commits.Count; version++)
            if (commits[version].Moves.Any(m => m.AppId == appId || m.AppId.StartsWith(appId + "/", StringComparison.Ordinal)))
                yield return new CommittedRows(
                    version,
                    commits[version].Moves.Where(m => m.AppId == appId).Select(m => m.Next).FirstOrDefault(version),
                    RowBatches.Concat(ToyRows.Empty.Schema, commits[version].Rows))
                {
                    TimeMs = commits[version].Moves.Where(m => m.AppId == appId + "/time").Select(m => (long?)m.Next).FirstOrDefault(),
                };
    }

    public Task<TableHead> BeginAsync(string table, string appId, TimeSpan within, CancellationToken cancel) => world.CallAsync(actor, $"begin behind {table}", () =>
    {
        var commits = data.Table(table);
        var first = commits.FindIndex(c => c.Moves.Any(m => m.AppId.StartsWith(appId + "/", StringComparison.Ordinal)));
        return first >= 0 && commits[first].AtMs > world.NowMs - (long)within.TotalMilliseconds ? new TableHead(first - 1, new Dictionary<string, long>()) : Head(table);
    });

    private TableHead Head(string table)
    {
        var positions = new Dictionary<string, long>();
        foreach (var move in data.Table(table).SelectMany(commit => commit.Moves))
            positions[move.AppId] = move.Next;
        return new TableHead(data.Table(table).Count - 1, positions);
    }
}

/// <summary>Blobs: staged files by name, partials by name, and segments that ride inline (by number, to save encoding them).</summary>
internal sealed class SimBlobs
{
    public Dictionary<string, RowBatch> Files { get; } = [];

    public Dictionary<string, (int Partition, long From, long WrittenMs, Tidemark.Domain.Pipelines.Segment Segment)> Partials { get; } = [];

    public List<Tidemark.Domain.Pipelines.Segment> Inline { get; } = [];
}
