using System.Diagnostics;
using System.Runtime.CompilerServices;
using Tidemark.Delta;
using Tidemark.Domain.Columns;
using Tidemark.Domain.Deduplication;
using Tidemark.Domain.Ledger;
using Tidemark.Functions.Costs;
using Tidemark.Functions.Telemetry;

namespace Tidemark.Functions.Lake;

/// <summary>The lake as Delta tables at <c>{container}/{table}</c>. Appends are blind and guarded by the positions that they move.</summary>
internal sealed class DeltaLake(LakeTables tables, CostCounters counters, TimeProvider time) : ILake
{
    public async Task<Domain.Ledger.TableHead> ReadHeadAsync(string table, CancellationToken cancel)
    {
        var head = await tables[table].Delta.RefreshAsync(cancel);
        return new Domain.Ledger.TableHead(head.Version, head.Transactions);
    }

    public async Task<AppendOutcome> AppendAsync(
        string table, IReadOnlyList<PositionMove> moves, IReadOnlyList<RowBatch> rows, IReadOnlyList<string> stagedFiles, CancellationToken cancel)
    {
        using var span = TidemarkTrace.Source.StartActivity("commit " + table, ActivityKind.Client);
        span?.SetTag(TidemarkTrace.Table, table);
        var lake = tables[table];
        var written = await lake.WriteAsync(rows, attempt: null, cancel);
        var files = written.Concat(stagedFiles.SelectMany(StagedFiles.Parse)).ToList();
        var result = await lake.Delta.AppendAsync(
            new AppendRequest
            {
                Schema = Evolved(lake.Schema, await lake.Delta.RefreshAsync(cancel)),
                PartitionColumns = lake.PartitionColumns,
                Files = files,
                // A version of the table leads to the trace that made it.
                UserMetadata = span?.Id,
                Transactions = [.. moves.Select(m => new TxnMove(m.AppId, m.Expected, m.Next))],
                EvolveSchema = true,
            },
            cancel);
        switch (result)
        {
            case AppendResult.Committed committed:
                counters.Add(CostCounters.DeltaCommit);
                counters.Add(CostCounters.Committed + table, files.Sum(f => f.RowCount));
                span?.SetTag(TidemarkTrace.Version, committed.Version);
                return new AppendOutcome(true, committed.Version);
            case AppendResult.TxnMismatch mismatch:
                return new AppendOutcome(false, mismatch.Version);
            default:
                throw new InvalidOperationException($"An append to {table} ended in an unknown way: {result.GetType().Name}.");
        }
    }

    /// <summary>A column that the table does not have yet is null in the rows that are there, whatever it is in those to come.</summary>
    private static TableSchema Evolved(TableSchema wanted, Delta.TableHead head) => head.Schema is not { } there ? wanted :
        new([.. wanted.Fields.Select(field => there.IndexOf(field.Name) < 0 ? field with { Nullable = true } : field)]);

    public async IAsyncEnumerable<RowBatch> ReadRowsAsync(
        string table, IReadOnlyList<string> columns, IReadOnlyList<ColumnBounds> bounds, [EnumeratorCancellation] CancellationToken cancel)
    {
        var lake = tables[table];
        var schema = new RowSchema([.. columns.Select(name => lake.Rows.Fields[lake.Rows.IndexOf(name)])]);
        var filter = bounds.Aggregate(new ScanFilter(), (all, bound) => all.Between(bound.Column, bound.From, bound.To));
        if ((await lake.Delta.RefreshAsync(cancel)).Version < 0)
            yield break;
        await foreach (var batch in lake.Delta.ReadAsync(await tables.SnapshotAsync(table, cancel), columns, filter, cancel))
            yield return DeltaColumns.FromDelta(batch, schema);
    }

    public async IAsyncEnumerable<CommittedRows> ReadCommitsAsync(
        string table, string appId, long afterVersion, IReadOnlyList<string>? columns, [EnumeratorCancellation] CancellationToken cancel)
    {
        var lake = tables[table];
        columns ??= [.. lake.Rows.Fields.Select(f => f.Name)];
        await foreach (var commit in lake.Delta.ReadChangesAsync(afterVersion, cancel))
            if (Has(commit.Transactions.Keys, appId))
                yield return new CommittedRows(
                    commit.Version,
                    commit.Transactions.TryGetValue(appId, out var position) ? position : commit.Version,
                    await lake.ReadAsync(commit.Added, columns, cancel))
                {
                    TimeMs = commit.Transactions.TryGetValue(appId + "/time", out var time) ? time : null,
                };
    }

    public async Task<Domain.Ledger.TableHead> BeginAsync(string table, string appId, TimeSpan within, CancellationToken cancel)
    {
        var delta = tables[table].Delta;
        var head = await delta.RefreshAsync(cancel);
        if (!Has(head.Transactions.Keys, appId))
            return new(head.Version, new Dictionary<string, long>());
        var version = await delta.VersionAtAsync(time.GetUtcNow() - within, cancel) ?? -1;
        return version >= 0 && Has((await delta.SnapshotAsync(version, cancel)).TransactionIds, appId)
            ? new(head.Version, head.Transactions)
            : new(version, new Dictionary<string, long>());
    }

    private static bool Has(IEnumerable<string> ids, string appId) =>
        ids.Any(id => id == appId || id.StartsWith(appId + "/", StringComparison.Ordinal));
}
