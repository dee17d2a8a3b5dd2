using System.Globalization;
using Azure;
using Azure.Data.Tables;
using Tidemark.Domain.Ledger;
using Tidemark.Functions.Tables;

namespace Tidemark.Functions.Replay;

/// <summary>A replay of one quarantined record.</summary>
/// <param name="Partition">Partition of the record, and of its replay.</param>
/// <param name="Offset">Offset of the record.</param>
/// <param name="ClaimedAt">When the latest attempt began.</param>
/// <param name="LogEnd">Where the partition's log ended before the first attempt: no attempt lies before it.</param>
/// <param name="SentAs">Offset of the replay; null while it is not known to have been sent.</param>
internal sealed record ReplayRow(int Partition, long Offset, DateTimeOffset ClaimedAt, long LogEnd, long? SentAs);

/// <summary>Replays, rows <c>{partition}|{offset}</c> of partition <c>{id}|replay</c> in the ledger's table.</summary>
internal sealed class ReplayStore(PipelineId id, TableClient table)
{
    private string Partition => id.Key + "|replay";

    /// <summary>The replay with its ETag; null when there was none.</summary>
    public async Task<(ReplayRow Row, ETag ETag)?> ReadAsync(int partition, long offset, CancellationToken cancel)
    {
        var found = await table.GetEntityIfExistsAsync<TableEntity>(Partition, Key(partition, offset), cancellationToken: cancel);
        return found.HasValue ? (FromEntity(found.Value!), found.Value!.ETag) : null;
    }

    /// <summary>Inserts (no ETag) or replaces the row; its ETag, or null when another was faster.</summary>
    public async Task<ETag?> TryWriteAsync(ReplayRow row, ETag? etag, CancellationToken cancel)
    {
        try
        {
            var answer = etag is { } known
                ? await table.UpdateEntityAsync(ToEntity(row), known, TableUpdateMode.Replace, cancel)
                : await table.AddEntityAsync(ToEntity(row), cancel);
            return answer.Headers.ETag;
        }
        catch (RequestFailedException e) when (TableErrors.IsPrecondition(e))
        {
            return null;
        }
    }

    /// <summary>All replays, by partition and offset.</summary>
    public async Task<IReadOnlyDictionary<(int Partition, long Offset), ReplayRow>> ListAsync(CancellationToken cancel)
    {
        var rows = new Dictionary<(int, long), ReplayRow>();
        await foreach (var entity in table.QueryAsync<TableEntity>(TableClient.CreateQueryFilter($"PartitionKey eq {Partition}"), cancellationToken: cancel))
        {
            var row = FromEntity(entity);
            rows[(row.Partition, row.Offset)] = row;
        }

        return rows;
    }

    private TableEntity ToEntity(ReplayRow row)
    {
        var entity = new TableEntity(Partition, Key(row.Partition, row.Offset)) { ["KafkaPartition"] = row.Partition, ["Offset"] = row.Offset, ["ClaimedAt"] = row.ClaimedAt.UtcDateTime, ["LogEnd"] = row.LogEnd };
        if (row.SentAs is { } sent)
            entity["SentAs"] = sent;
        return entity;
    }

    private static ReplayRow FromEntity(TableEntity entity) => new(
        entity.GetInt32("KafkaPartition") ?? 0, entity.GetInt64("Offset") ?? 0, entity.GetDateTimeOffset("ClaimedAt") ?? default, entity.GetInt64("LogEnd") ?? 0, entity.GetInt64("SentAs"));

    private static string Key(int partition, long offset) => string.Create(CultureInfo.InvariantCulture, $"{partition:D5}|{offset:D20}");
}
