using System.Globalization;
using System.Text.Json;
using Azure;
using Azure.Data.Tables;
using Tidemark.Domain.Corrections;
using Tidemark.Domain.Ledger;
using Tidemark.Functions.Tables;

namespace Tidemark.Functions.Corrections;

/// <summary>Corrections, rows <c>{query}|{window end}</c> of partition <c>{id}|corrections</c> in the ledger's table.</summary>
internal sealed class CorrectionStore(PipelineId id, TableClient table) : ICorrectionLog
{
    private string Partition => id.Key + "|corrections";

    public async Task<IReadOnlyDictionary<long, VersionedCorrection>> ReadAsync(string query, CancellationToken cancel)
    {
        var prefix = TableKeys.Escape(query);
        // '}' is the character after '|'.
        var filter = TableClient.CreateQueryFilter($"PartitionKey eq {Partition} and RowKey ge {prefix + "|"} and RowKey lt {prefix + "}"}");
        var records = new Dictionary<long, VersionedCorrection>();
        await foreach (var row in table.QueryAsync<TableEntity>(filter, cancellationToken: cancel))
        {
            var end = row.GetInt64("End") ?? 0;
            var upTo = JsonSerializer.Deserialize<Dictionary<int, long>>(row.GetString("UpTo") ?? "{}")!;
            records[end] = new VersionedCorrection(
                new Correction(query, end, upTo, row.GetBoolean("Pending") ?? false, row.GetInt64("Revision") ?? -1, row.GetInt32("Events") ?? 0, row.GetInt64("At") ?? 0), row.ETag.ToString());
        }

        return records;
    }

    public async Task<string?> TryWriteAsync(Correction correction, string? etag, CancellationToken cancel)
    {
        var row = new TableEntity(Partition, string.Create(CultureInfo.InvariantCulture, $"{TableKeys.Escape(correction.Query)}|{TableKeys.Sortable(Math.Max(correction.EndMs, 0))}"))
        {
            ["End"] = correction.EndMs, ["UpTo"] = JsonSerializer.Serialize(new SortedDictionary<int, long>(correction.UpTo.ToDictionary())), ["Pending"] = correction.IsPending,
            ["Revision"] = correction.Revision, ["Events"] = correction.Events, ["At"] = correction.AtMs,
        };
        try
        {
            var answer = etag is null ? await table.AddEntityAsync(row, cancel) : await table.UpdateEntityAsync(row, new ETag(etag), TableUpdateMode.Replace, cancel);
            return answer.Headers.ETag!.Value.ToString();
        }
        catch (RequestFailedException e) when (TableErrors.IsPrecondition(e))
        {
            return null;
        }
    }
}
