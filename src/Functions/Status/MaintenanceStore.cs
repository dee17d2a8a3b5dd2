using System.Text.Json;
using Azure.Data.Tables;
using Tidemark.Domain.Ledger;
using Tidemark.Functions.Tables;

namespace Tidemark.Functions.Status;

/// <summary>A Delta table as maintenance left it: the version, its files, and how many of them are small.</summary>
public sealed record MaintainedTableRow(string Table, DateTimeOffset At, long Version, long Files, long SmallFiles, long Bytes);

/// <summary>
/// What maintenance left, row <c>maintenance</c> of the meta partition in the ledger's table: maintenance and tick may run on different instances. Last
/// writer wins.
/// </summary>
internal sealed class MaintenanceStore(PipelineId id, TableClient table)
{
    private const string RowKey = "maintenance";

    public async Task WriteAsync(IReadOnlyList<MaintainedTableRow> tables, CancellationToken cancel)
    {
        var row = new TableEntity(TableLedger.MetaPartitionOf(id), RowKey);
        SplitBinary.Put(row, "m", JsonSerializer.SerializeToUtf8Bytes(tables, StatusReport.Json));
        await table.UpsertEntityAsync(row, TableUpdateMode.Replace, cancel);
    }

    /// <summary>Empty before the first round.</summary>
    public async Task<IReadOnlyList<MaintainedTableRow>> ReadAsync(CancellationToken cancel)
    {
        var found = await table.GetEntityIfExistsAsync<TableEntity>(TableLedger.MetaPartitionOf(id), RowKey, cancellationToken: cancel);
        return found.HasValue && SplitBinary.Get(found.Value!, "m") is { } json ? JsonSerializer.Deserialize<List<MaintainedTableRow>>(json, StatusReport.Json) ?? [] : [];
    }
}
