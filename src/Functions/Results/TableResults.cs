using Azure;
using Azure.Data.Tables;
using Tidemark.Domain.Columns;
using Tidemark.Domain.Ledger;
using Tidemark.Domain.Pipelines;
using Tidemark.Functions.Tables;

namespace Tidemark.Functions.Results;

/// <summary>
/// Query results in Table storage: a table for each query (<see cref="ResultKeys.Table"/>), PartitionKey the pipeline's id, one row for each window
/// and group (or row of a stream), its properties named as the columns (typed as <see cref="Cell.Property"/> says), and <c>is_final</c> and <c>updated_at</c>.
/// <para><b>Failed preconditions.</b> Rows go in transactions of up to 100; when one row of a transaction fails, it is set aside and the others
/// are sent again. As with the ledger, a repeat after a lost answer can meet its own rows: null may also mean "written by this very call".</para>
/// </summary>
public sealed class TableResults : IResults
{
    private const int LargestTransaction = 100;
    private const int Concurrent = 4;
    private readonly PipelineId _id;
    private readonly Func<string, TableClient> _tables;
    private readonly TimeProvider _time;

    internal TableResults(PipelineId id, Func<string, TableClient> tables, TimeProvider time) =>
        (_id, _tables, _time) = (id, tables, time);

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

    public string RowKey(IOutput query, RowBatch rows, int row) => ResultKeys.Row(query, rows, row);

    public async Task<IReadOnlyList<string?>> WriteAsync(IOutput query, RowBatch rows, IReadOnlyList<ResultWrite> writes, bool final, CancellationToken cancel)
    {
        var table = Table(query);
        var now = _time.GetUtcNow().UtcDateTime;
        var etags = new string?[writes.Count];
        // No two writes have the same row, so the order of transactions means nothing.
        var options = new ParallelOptions { MaxDegreeOfParallelism = Concurrent, CancellationToken = cancel };
        await Parallel.ForEachAsync(Enumerable.Range(0, writes.Count).Chunk(LargestTransaction), options, async (chunk, stop) =>
        {
            var pending = chunk.ToList();
            var actions = pending.ConvertAll(i => Action(rows, writes[i], final, now));
            await WriteAsync(table, pending, actions, etags, stop);
        });
        return etags;
    }

    /// <summary>The newest rows as they stand in the table.</summary>
    public async Task<IReadOnlyList<TableEntity>> ReadNewestAsync(IOutput query, int limit, CancellationToken cancel)
    {
        var filter = TableClient.CreateQueryFilter($"PartitionKey eq {_id.Key}");
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

    private TableTransactionAction Action(RowBatch rows, ResultWrite write, bool final, DateTime now)
    {
        var entity = new TableEntity(_id.Key, write.RowKey) { ["is_final"] = final, ["updated_at"] = now };
        for (var column = 0; column < rows.Columns.Count; column++)
            if (Cell.Property(rows, column, write.Row) is { } value)
                entity[rows.Schema.Fields[column].Name] = value;
        return write.ETag switch
        {
            null => new TableTransactionAction(TableTransactionActionType.Add, entity),
            ResultWrite.Any => new TableTransactionAction(TableTransactionActionType.UpsertReplace, entity),
            var etag => new TableTransactionAction(TableTransactionActionType.UpdateReplace, entity, new ETag(etag)),
        };
    }
}
