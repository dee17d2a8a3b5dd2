using Azure;
using Azure.Data.Tables;
using Tidemark.Domain.Columns;
using Tidemark.Domain.Ledger;
using Tidemark.Domain.Pipelines;
using Tidemark.Functions.Costs;
using Tidemark.Functions.Tables;

namespace Tidemark.Functions.Results;

/// <summary>
/// Query results in Table storage: a table for each query (<see cref="ResultKeys.Table"/>), PartitionKey the pipeline's id, one row for each window
/// and group (or row of a stream), its properties named as the columns (typed as <see cref="Cell.Property"/> says), and <c>is_final</c> and <c>updated_at</c>.
/// <para><b>Fence.</b> A query that withdraws has one more row, <see cref="IResults.Fence"/>, without columns; readers skip it.</para>
/// <para><b>Failed preconditions.</b> Rows go in transactions of up to 100 and 4 MB; when one row of a transaction fails, it is set aside and the others
/// are sent again. As with the ledger, a repeat after a lost answer can meet its own rows: null may also mean "written by this very call".</para>
/// </summary>
public sealed class TableResults : IResults
{
    private const int Concurrent = 4;
    private const string Revision = "revision";
    private readonly PipelineId _id;
    private readonly Func<string, TableClient> _tables;
    private readonly TimeProvider _time;
    private readonly CostCounters? _counters;

    internal TableResults(PipelineId id, Func<string, TableClient> tables, TimeProvider time, CostCounters? counters = null) =>
        (_id, _tables, _time, _counters) = (id, tables, time, counters);

    /// <summary>Told of rows as they were written, and of the keys of those that were deleted, by whichever thread did it.</summary>
    internal Action<IOutput, IReadOnlyList<TableEntity>, IReadOnlyList<string>>? Written { get; set; }

    public async Task<IReadOnlyDictionary<string, string>> ReadETagsAsync(IOutput query, long? fromWindowStart, CancellationToken cancel)
    {
        // Newest first: a start at or after the bound has a key at or before the bound's; '}' is the character after '|'.
        var filter = fromWindowStart is { } from
            ? TableClient.CreateQueryFilter($"PartitionKey eq {_id.Key} and RowKey lt {ResultKeys.Window(from) + "}"}")
            : TableClient.CreateQueryFilter($"PartitionKey eq {_id.Key}");
        var etags = new Dictionary<string, string>();
        await foreach (var row in Table(query).QueryAsync<TableEntity>(filter, select: ["RowKey"], cancellationToken: cancel))
            etags[row.RowKey] = row.ETag.ToString();
        return etags;
    }

    public async Task<IReadOnlyDictionary<string, (string ETag, long Revision)>> ReadRevisionsAsync(IOutput output, CancellationToken cancel)
    {
        var filter = TableClient.CreateQueryFilter($"PartitionKey eq {_id.Key}");
        var revisions = new Dictionary<string, (string, long)>();
        await foreach (var row in Table(output).QueryAsync<TableEntity>(filter, select: ["RowKey", Revision], cancellationToken: cancel))
            revisions[row.RowKey] = (row.ETag.ToString(), row.GetInt64(Revision) ?? -1);
        return revisions;
    }

    public long WindowStart(string rowKey) => ResultKeys.WindowStart(rowKey);

    public long? AgeTime(IOutput output, RowBatch rows, int row) =>
        output.AgeColumn is { } name && rows.Schema.IndexOf(name) is var column && !rows.Columns[column].IsNull(row) ? Cell.Milliseconds(rows, column, row) : null;

    public async Task<int> RemoveAsync(IOutput output, long upToMs, int most, CancellationToken cancel)
    {
        if (upToMs < (output as QuerySpec)?.SizeMs)
            return 0;
        var removed = await RemoveAsync(Table(output), Old(output, upToMs), most, cancel);
        // The index is not kept in the order of time: it is looked through, which takes a request for every thousand rows or so.
        if (output is StreamSpec { IndexBy: { } by })
            removed += await RemoveAsync(_tables(ResultKeys.IndexTable(output.Name, by)), OldByColumn(output, upToMs), most, cancel);
        return removed;
    }

    private static async Task<int> RemoveAsync(TableClient table, string filter, int most, CancellationToken cancel)
    {
        var old = new List<TableTransactionAction>();
        var removed = 0;
        await foreach (var row in table.QueryAsync<TableEntity>(filter, select: ["PartitionKey", "RowKey"], cancellationToken: cancel))
        {
            old.Add(new TableTransactionAction(TableTransactionActionType.Delete, new TableEntity(row.PartitionKey, row.RowKey), row.ETag));
            if (old.Count == Math.Min(Transactions.MostRows, most - removed))
                await RemoveOldAsync();
            if (removed >= most)
                break;
        }

        if (old.Count > 0)
            await RemoveOldAsync();
        return removed;

        async Task RemoveOldAsync()
        {
            var pending = Enumerable.Range(0, old.Count).ToList();
            await WriteAsync(table, pending, old, new string?[old.Count], cancel);
            removed += pending.Count;
            old.Clear();
        }
    }

    /// <summary>Rows whose age is at or before a time. Keys that begin with it, or with the window's start, say so; else the column is looked at.</summary>
    private string Old(IOutput output, long upToMs)
    {
        if (output is not QuerySpec && output.AgeColumn != output.TimeColumn)
            return OldByColumn(output, upToMs);
        var newestStart = output is QuerySpec query ? upToMs - query.SizeMs : upToMs;
        return TableClient.CreateQueryFilter($"PartitionKey eq {_id.Key} and RowKey gt {IResults.Fence} and RowKey ge {ResultKeys.Window(newestStart)}");
    }

    // Only rows have the column: a fence has none, and streams have no fence.
    private string OldByColumn(IOutput output, long upToMs) =>
        $"{TableClient.CreateQueryFilter($"PartitionKey eq {_id.Key}")} and {output.AgeColumn} lt {TableClient.CreateQueryFilter($"{DateTimeOffset.FromUnixTimeMilliseconds(upToMs + 1)}")}";

    public string RowKey(IOutput query, RowBatch rows, int row) => ResultKeys.Row(query, rows, row);

    public async Task<IReadOnlyList<string?>> WriteAsync(IOutput query, RowBatch rows, IReadOnlyList<ResultWrite> writes, bool final, CancellationToken cancel)
    {
        var table = Table(query);
        var now = _time.GetUtcNow().UtcDateTime;
        var etags = new string?[writes.Count];
        // No two writes have the same row, so the order of transactions means nothing.
        var options = new ParallelOptions { MaxDegreeOfParallelism = Concurrent, CancellationToken = cancel };
        await Parallel.ForEachAsync(Enumerable.Range(0, writes.Count).Chunk(Transactions.MostRows), options, async (chunk, stop) =>
        {
            var done = 0;
            foreach (var actions in Transactions.Cut(chunk.Select(i => Action(rows, writes[i], final, now))))
            {
                var pending = chunk[done..(done += actions.Count)].ToList();
                // The index first: a row that shows is found by it, and what a crash leaves there alone is written again.
                if (query is StreamSpec { IndexBy: { } by })
                    await _tables(ResultKeys.IndexTable(query.Name, by)).SubmitTransactionAsync(pending.ConvertAll(i => Indexed(by, rows, writes[i], final, now)), stop);
                await WriteAsync(table, pending, actions, etags, stop);
                _counters?.Add(CostCounters.Published + query.Name, pending.Count);
                Written?.Invoke(query, [.. actions.Select(a => (TableEntity)a.Entity)], []);
            }
        });
        return etags;
    }

    public async Task<FencedOutcome?> WriteFencedAsync(
        QuerySpec query, RowBatch rows, IReadOnlyList<ResultWrite> writes, IReadOnlyList<ResultDelete> deletes, string? fence, bool final, CancellationToken cancel)
    {
        var table = Table(query);
        var now = _time.GetUtcNow().UtcDateTime;
        var changes = deletes
            .Select(row => new TableTransactionAction(TableTransactionActionType.Delete, new TableEntity(_id.Key, row.RowKey), new ETag(row.ETag)))
            .Concat(writes.Select(write => Action(rows, write, final, now)));
        var etags = new List<string>();
        // Each transaction needs the fence that the one before it left, so they go one after the other; without changes, the fence moves alone.
        foreach (var part in Transactions.Cut(changes, Transactions.MostRows - 1).DefaultIfEmpty([]))
        {
            var row = new TableEntity(_id.Key, IResults.Fence);
            var moved = fence is null
                ? new TableTransactionAction(TableTransactionActionType.Add, row)
                : new TableTransactionAction(TableTransactionActionType.UpdateReplace, row, new ETag(fence));
            try
            {
                var answers = (await table.SubmitTransactionAsync([moved, .. part], cancel)).Value;
                fence = answers[0].Headers.ETag!.Value.ToString();
                for (var i = 0; i < part.Count; i++)
                    if (part[i].ActionType != TableTransactionActionType.Delete)
                        etags.Add(answers[i + 1].Headers.ETag!.Value.ToString());
                var told = part.ToLookup(c => c.ActionType == TableTransactionActionType.Delete, c => (TableEntity)c.Entity);
                Written?.Invoke(query, [.. told[false]], [.. told[true].Select(row => row.RowKey)]);
            }
            catch (TableTransactionFailedException e) when (TableErrors.IsPrecondition(e))
            {
                return null;
            }
        }

        return new FencedOutcome(fence!, etags);
    }

    /// <summary>The newest rows as they stand in the table.</summary>
    public async Task<IReadOnlyList<TableEntity>> ReadNewestAsync(IOutput query, int limit, CancellationToken cancel)
    {
        var filter = TableClient.CreateQueryFilter($"PartitionKey eq {_id.Key} and RowKey ne {IResults.Fence}");
        var newest = new List<TableEntity>();
        await foreach (var row in Table(query).QueryAsync<TableEntity>(filter, maxPerPage: Math.Min(limit, 1000), cancellationToken: cancel))
        {
            newest.Add(row);
            if (newest.Count >= limit)
                break;
        }

        return newest;
    }

    private TableClient Table(IOutput query) => _tables(ResultKeys.Table(query.Name));

    private static async Task WriteAsync(TableClient table, List<int> pending, List<TableTransactionAction> actions, string?[] etags, CancellationToken cancel)
    {
        while (pending.Count > 0)
        {
            try
            {
                var answers = await table.SubmitTransactionAsync(actions, cancel);
                for (var i = 0; i < pending.Count; i++)
                    etags[pending[i]] = answers.Value[i].Headers.ETag?.ToString();
                return;
            }
            catch (TableTransactionFailedException e) when (TableErrors.IsPrecondition(e) && e.FailedTransactionActionIndex is { } failed)
            {
                pending.RemoveAt(failed);
                actions.RemoveAt(failed);
            }
        }
    }

    /// <summary>The row once more, under what it is found by.</summary>
    private TableTransactionAction Indexed(string by, RowBatch rows, ResultWrite write, bool final, DateTime now)
    {
        var entity = (TableEntity)Action(rows, write, final, now).Entity;
        entity.RowKey = ResultKeys.IndexRow(by, rows, write.Row, write.RowKey);
        return new TableTransactionAction(TableTransactionActionType.UpsertReplace, entity);
    }

    private TableTransactionAction Action(RowBatch rows, ResultWrite write, bool final, DateTime now)
    {
        var entity = new TableEntity(_id.Key, write.RowKey) { ["is_final"] = final, ["updated_at"] = now };
        for (var column = 0; column < rows.Columns.Count; column++)
            if (Cell.Property(rows, column, write.Row) is { } value)
                entity[rows.Schema.Fields[column].Name] = value;
        if (write.Revision is { } revision)
            entity[Revision] = revision;
        return write.ETag switch
        {
            null => new TableTransactionAction(TableTransactionActionType.Add, entity),
            ResultWrite.Any => new TableTransactionAction(TableTransactionActionType.UpsertReplace, entity),
            var etag => new TableTransactionAction(TableTransactionActionType.UpdateReplace, entity, new ETag(etag)),
        };
    }
}
