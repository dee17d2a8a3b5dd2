using System.Text.Json;
using Azure.Data.Tables;
using Tidemark.Domain.Ledger;
using Tidemark.Domain.Pipelines;

namespace Tidemark.Functions.Tables;

/// <summary>The partition <c>{id}|meta</c>: <c>meta</c>, registry <c>e|{entity}</c>, cursors <c>c|{query}</c> and <c>lease</c>.</summary>
internal sealed partial class TableLedger
{
    private const string MetaRow = "meta";
    private const string LeaseRow = "lease";

    private string MetaPartition => MetaPartitionOf(id);

    /// <summary>PartitionKey of the rows that all partitions have in common.</summary>
    internal static string MetaPartitionOf(PipelineId id) => id.Key + "|meta";

    public async Task<VersionedMeta?> ReadMetaAsync(CancellationToken cancel)
    {
        if (await FindAsync(MetaPartition, MetaRow, cancel) is not { } row)
            return null;
        var starts = JsonSerializer.Deserialize<Dictionary<int, long>>(SplitBinary.Get(row, "m") ?? "{}"u8.ToArray())!;
        var meta = new Meta(starts, row.GetInt64("Frontier"), row.GetBoolean("Hold") ?? false, row.GetBoolean("EndOfInput") ?? false)
        {
            KeepOpen = row.GetBoolean("KeepOpen") ?? false,
            StartedFrom = row.GetString("StartedFrom"),
            Definitions = SplitBinary.Get(row, "d") is { } definitions ? JsonSerializer.Deserialize<Dictionary<string, DefinitionRow>>(definitions) : null,
        };
        return new VersionedMeta(meta, row.ETag.ToString());
    }

    public Task<string?> TryWriteMetaAsync(Meta meta, string? etag, CancellationToken cancel)
    {
        var row = new TableEntity(MetaPartition, MetaRow) { ["Hold"] = meta.Hold, ["EndOfInput"] = meta.EndOfInput, ["KeepOpen"] = meta.KeepOpen };
        if (meta.FrontierMs is { } frontier)
            row["Frontier"] = frontier;
        if (meta.StartedFrom is { } start)
            row["StartedFrom"] = start;
        SplitBinary.Put(row, "m", JsonSerializer.SerializeToUtf8Bytes(new SortedDictionary<int, long>(meta.Starts.ToDictionary())));
        if (meta.Definitions is { } definitions)
            SplitBinary.Put(row, "d", JsonSerializer.SerializeToUtf8Bytes(new SortedDictionary<string, DefinitionRow>(definitions.ToDictionary(), StringComparer.Ordinal)));
        return TryWriteAsync(row, etag, cancel);
    }

    public async Task<IReadOnlyList<RegistryRow>> ReadRegistryAsync(CancellationToken cancel)
    {
        var filter = TableClient.CreateQueryFilter($"PartitionKey eq {MetaPartition} and RowKey ge {"e|"} and RowKey lt {"f"}");
        var rows = new List<RegistryRow>();
        await foreach (var row in table.QueryAsync<TableEntity>(filter, cancellationToken: cancel))
            rows.Add(new RegistryRow(EntityKey.Parse(TableKeys.Unescape(row.RowKey[2..])), Number(row, "Version"), row.ETag.ToString()) { Reach = row.GetInt64("Reach") ?? 0 });
        return rows;
    }

    public Task RegisterAsync(EntityKey entity, CancellationToken cancel) =>
        TryWriteAsync(new TableEntity(MetaPartition, RegistryKey(entity)) { ["Version"] = 0L }, null, cancel);

    public Task<string?> TryRaiseAsync(RegistryRow row, long version, long reach, CancellationToken cancel) =>
        TryWriteAsync(new TableEntity(MetaPartition, RegistryKey(row.Entity)) { ["Version"] = version, ["Reach"] = reach }, row.ETag, cancel);

    public Task UnregisterAsync(EntityKey entity, CancellationToken cancel) => DeleteAsync(MetaPartition, RegistryKey(entity), cancel);

    public async Task<(Cursor Cursor, string? ETag)> ReadCursorAsync(string query, CancellationToken cancel) =>
        await FindAsync(MetaPartition, CursorKey(query), cancel) is { } row
            ? (new Cursor(Number(row, "TableVersion"), row.GetInt64("Position")), row.ETag.ToString())
            : (new Cursor(-1, null), null);

    public Task<string?> TryWriteCursorAsync(string query, Cursor cursor, string? etag, CancellationToken cancel)
    {
        var row = new TableEntity(MetaPartition, CursorKey(query)) { ["TableVersion"] = cursor.TableVersion };
        if (cursor.PositionMs is { } position)
            row["Position"] = position;
        return TryWriteAsync(row, etag, cancel);
    }

    public async Task<bool> TryTakeLeaseAsync(Lease lease, long nowMs, CancellationToken cancel)
    {
        var current = await FindAsync(MetaPartition, LeaseRow, cancel);
        if (current is not null && current.GetString("Owner") != lease.Owner && Number(current, "Until") > nowMs)
            return false;
        var row = new TableEntity(MetaPartition, LeaseRow) { ["Owner"] = lease.Owner, ["Until"] = lease.UntilMs };
        return await TryWriteAsync(row, current?.ETag.ToString(), cancel) is not null;
    }

    private static string RegistryKey(EntityKey entity) => "e|" + TableKeys.Escape(entity.ToString());

    private static string CursorKey(string query) => "c|" + TableKeys.Escape(query);
}
