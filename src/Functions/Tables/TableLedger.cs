using System.Globalization;
using System.Text.Json;
using Azure;
using Azure.Data.Tables;
using Tidemark.Domain.Ledger;

namespace Tidemark.Functions.Tables;

/// <summary>
/// The ledger in one Azure table. PartitionKey <c>{id}|{partition:D5}</c> holds <c>head</c>, ranges <c>r|{from:D20}</c> and gaps
/// <c>g|{from:D20}</c>, so that a commit is one entity-group transaction; <c>{id}|meta</c> holds what partitions have in common.
/// <para><b>Ambiguity.</b> The client repeats a request whose answer was lost, and the repeat may meet its own first attempt: null then means "not
/// written, or written by this very call" (see <see cref="TableErrors.IsPrecondition"/>). Ingest and Tick read again after every null, so they are
/// safe; a new caller must do the same.</para>
/// <para><b>Cost.</b> Each method is one storage transaction, reads of more than 1,000 rows or 4 MB one for each page.</para>
/// </summary>
internal sealed partial class TableLedger(PipelineId id, TableClient table) : ILedger
{
    private const int LargestTransaction = 100;
    private const string HeadKey = "head";

    public async Task<VersionedHead?> ReadHeadAsync(int partition, CancellationToken cancel) =>
        await FindAsync(PartitionKey(partition), HeadKey, cancel) is { } row ? ReadHead(row) : null;

    public async Task<PartitionView> ReadPartitionAsync(int partition, long from, CancellationToken cancel)
    {
        // Rows come in the order of their keys, "head" before "r|", so the head is never read after a range.
        var filter = TableClient.CreateQueryFilter(
            $"PartitionKey eq {PartitionKey(partition)} and (RowKey eq {HeadKey} or (RowKey ge {RangeCodec.RowKey(from)} and RowKey lt {"s"}))");
        VersionedHead? head = null;
        var ranges = new List<RangeRow>();
        await foreach (var row in table.QueryAsync<TableEntity>(filter, cancellationToken: cancel))
        {
            if (row.RowKey == HeadKey)
                head = ReadHead(row);
            else
                ranges.Add(RangeCodec.FromEntity(partition, row));
        }

        return new PartitionView(head, ranges);
    }

    public Task<string?> TryInsertHeadAsync(int partition, Head head, CancellationToken cancel) =>
        TryWriteAsync(HeadRow(partition, head), null, cancel);

    public Task<string?> TryReplaceHeadAsync(int partition, Head head, string etag, CancellationToken cancel) =>
        TryWriteAsync(HeadRow(partition, head), etag, cancel);

    public async Task<string?> TryCommitAsync(Head head, string etag, RangeRow range, IReadOnlyList<Gap> gaps, CancellationToken cancel)
    {
        var partition = PartitionKey(range.Partition);
        List<TableTransactionAction> actions =
        [
            new(TableTransactionActionType.UpdateReplace, HeadRow(range.Partition, head), new ETag(etag)),
            new(TableTransactionActionType.Add, RangeCodec.ToEntity(partition, range)),
            .. GapRows(partition, gaps).Select(gap => new TableTransactionAction(TableTransactionActionType.UpsertReplace, gap)),
        ];
        try
        {
            var answers = await table.SubmitTransactionAsync(actions, cancel);
            return answers.Value[0].Headers.ETag?.ToString()
                ?? throw new InvalidOperationException($"Table storage sent no ETag for the head of partition {range.Partition}; read it again.");
        }
        catch (RequestFailedException e) when (TableErrors.IsPrecondition(e))
        {
            return null;
        }
    }

    public async Task DeleteRangesAsync(int partition, IReadOnlyList<long> froms, CancellationToken cancel)
    {
        var key = PartitionKey(partition);
        foreach (var batch in froms.Distinct().Chunk(LargestTransaction))
        {
            try
            {
                await table.SubmitTransactionAsync(batch.Select(from => Removal(key, from)), cancel);
            }
            catch (RequestFailedException e) when (TableErrors.IsAbsent(e))
            {
                // One row that is gone already fails the whole group; another tick is settling the same ranges, so go one by one.
                foreach (var from in batch)
                    await DeleteAsync(key, RangeCodec.RowKey(from), cancel);
            }
        }
    }

    public async Task<IReadOnlyList<Gap>> ReadGapsAsync(IReadOnlyCollection<int> partitions, CancellationToken cancel) =>
        [.. (await Task.WhenAll(partitions.Order().Select(partition => ReadGapsAsync(partition, cancel)))).SelectMany(gaps => gaps)];

    private async Task<List<Gap>> ReadGapsAsync(int partition, CancellationToken cancel)
    {
        var filter = TableClient.CreateQueryFilter($"PartitionKey eq {PartitionKey(partition)} and RowKey ge {"g|"} and RowKey lt {"h"}");
        var gaps = new List<Gap>();
        await foreach (var row in table.QueryAsync<TableEntity>(filter, cancellationToken: cancel))
            foreach (var span in JsonSerializer.Deserialize<long[][]>(SplitBinary.Get(row, "m")!)!)
                gaps.Add(new Gap(partition, span[0], span[1], span[2]));
        return gaps;
    }

    /// <summary>A transaction takes 100 rows, so many gaps share rows; in practice there is one, at the start of a range.</summary>
    private static IEnumerable<TableEntity> GapRows(string partition, IReadOnlyList<Gap> gaps) =>
        gaps.Chunk(1 + gaps.Count / (LargestTransaction - 2)).Select(some =>
        {
            var row = new TableEntity(partition, "g|" + TableKeys.Sortable(some[0].From)) { ["From"] = some[0].From, ["To"] = some[^1].To };
            SplitBinary.Put(row, "m", JsonSerializer.SerializeToUtf8Bytes(some.Select(gap => new[] { gap.From, gap.To, gap.DetectedMs })));
            return row;
        });

    private static TableTransactionAction Removal(string partition, long from) =>
        new(TableTransactionActionType.Delete, new TableEntity(partition, RangeCodec.RowKey(from)), ETag.All);

    private TableEntity HeadRow(int partition, Head head)
    {
        var row = new TableEntity(PartitionKey(partition), HeadKey) { ["Next"] = head.Next, ["LastActivity"] = head.LastActivityMs };
        if (head.MaxEventTimeMs is { } latest)
            row["MaxEventTime"] = latest;
        if (head.FrontierMs is { } frontier)
            row["Frontier"] = frontier;
        if (head.Loss is { } loss)
            (row["LossFrom"], row["LossTo"]) = (loss.From, loss.To);
        if (head.LossAcceptedTo is { } accepted)
            row["LossAcceptedTo"] = accepted;
        return row;
    }

    private static VersionedHead ReadHead(TableEntity row) => new(
        new Head(Number(row, "Next"), row.GetInt64("MaxEventTime"), row.GetInt64("Frontier"), Number(row, "LastActivity"))
        {
            Loss = row.GetInt64("LossFrom") is { } from ? new Loss(from, Number(row, "LossTo")) : null,
            LossAcceptedTo = row.GetInt64("LossAcceptedTo"),
        },
        row.ETag.ToString());

    private static long Number(TableEntity row, string property) => row.GetInt64(property)
        ?? throw new InvalidDataException($"Row '{row.RowKey}' in partition '{row.PartitionKey}' has no property {property}; the ledger was changed by hand.");

    private string PartitionKey(int partition) => string.Create(CultureInfo.InvariantCulture, $"{id.Key}|{partition:D5}");

    private async Task<TableEntity?> FindAsync(string partition, string row, CancellationToken cancel)
    {
        var found = await table.GetEntityIfExistsAsync<TableEntity>(partition, row, cancellationToken: cancel);
        return found.HasValue ? found.Value : null;
    }

    /// <summary>Inserts (etag null) or replaces the row if its ETag matches; the new ETag, or null when the precondition does not hold.</summary>
    private async Task<string?> TryWriteAsync(TableEntity row, string? etag, CancellationToken cancel)
    {
        try
        {
            var answer = etag is null
                ? await table.AddEntityAsync(row, cancel)
                : await table.UpdateEntityAsync(row, new ETag(etag), TableUpdateMode.Replace, cancel);
            return answer.Headers.ETag?.ToString()
                ?? throw new InvalidOperationException($"Table storage sent no ETag for row '{row.RowKey}' in partition '{row.PartitionKey}'; read it again.");
        }
        catch (RequestFailedException e) when (TableErrors.IsPrecondition(e))
        {
            return null;
        }
    }

    private async Task DeleteAsync(string partition, string row, CancellationToken cancel)
    {
        try
        {
            await table.DeleteEntityAsync(partition, row, ETag.All, cancel);
        }
        catch (RequestFailedException e) when (TableErrors.IsAbsent(e))
        {
            // Already gone, as the caller wants it. (The official client swallows this itself.)
        }
    }
}
