using System.Text.Json;
using Azure.Data.Tables;
using Tidemark.Domain.Ledger;
using Tidemark.Functions.Tables;

namespace Tidemark.Functions.Status;

/// <summary>
/// The last status in the ledger's table, row <c>status</c> of the meta partition, and beside it, less often, row <c>view</c> with what is shown on
/// top of it: last writer wins.
/// </summary>
internal sealed class StatusStore(PipelineId id, TableClient table)
{
    private const string RowKey = "status";
    private const string ViewKey = "view";

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

    public async Task WriteAsync(StoredView view, CancellationToken cancel)
    {
        var row = new TableEntity(TableLedger.MetaPartitionOf(id), ViewKey);
        SplitBinary.Put(row, "v", JsonSerializer.SerializeToUtf8Bytes(view, StatusReport.Json));
        await table.UpsertEntityAsync(row, TableUpdateMode.Replace, cancel);
    }

    /// <summary>Null before the first was written.</summary>
    public async Task<StoredView?> ReadViewAsync(CancellationToken cancel)
    {
        var found = await table.GetEntityIfExistsAsync<TableEntity>(TableLedger.MetaPartitionOf(id), ViewKey, cancellationToken: cancel);
        return found.HasValue && SplitBinary.Get(found.Value!, "v") is { } json ? JsonSerializer.Deserialize<StoredView>(json, StatusReport.Json) : null;
    }
}

/// <summary>What is stored beside the status.</summary>
internal sealed record StoredView(OperatorView View, IReadOnlyList<QueryProgress> Progress);
