using System.Text.Json;
using Azure.Data.Tables;
using Tidemark.Domain.Ledger;
using Tidemark.Functions.Tables;

namespace Tidemark.Functions.Status;

/// <summary>The last status in the ledger's table, row <c>status</c> of the meta partition: last writer wins.</summary>
internal sealed class StatusStore(PipelineId id, TableClient table)
{
    private const string RowKey = "status";

    public async Task WriteAsync(StatusReport report, CancellationToken cancel)
    {
        var row = new TableEntity(TableLedger.MetaPartitionOf(id), RowKey) { ["UpdatedAt"] = report.UpdatedAt.UtcDateTime };
        SplitBinary.Put(row, "m", JsonSerializer.SerializeToUtf8Bytes(report, StatusReport.Json));
        await table.UpsertEntityAsync(row, TableUpdateMode.Replace, cancel);
    }

    /// <summary>Null before the first tick has ended.</summary>
    public async Task<StatusReport?> ReadAsync(CancellationToken cancel)
    {
        var found = await table.GetEntityIfExistsAsync<TableEntity>(TableLedger.MetaPartitionOf(id), RowKey, cancellationToken: cancel);
        return found.HasValue && SplitBinary.Get(found.Value!, "m") is { } json ? JsonSerializer.Deserialize<StatusReport>(json, StatusReport.Json) : null;
    }
}
