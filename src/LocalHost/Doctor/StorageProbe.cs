using Azure;
using Azure.Data.Tables;
using Azure.Storage.Blobs;
using Tidemark.Functions.Configuration;
using Tidemark.Functions.Lake;

namespace Tidemark.LocalHost.Doctor;

/// <summary>Tries storage with a blob and a row of its own, which it deletes again.</summary>
internal static class StorageProbe
{
    private const string Folder = "_doctor/";

    public static async Task<StorageFacts> TryAsync(TidemarkOptions options, TimeProvider time, CancellationToken cancel)
    {
        var blobs = options.Lake.Blobs(Impatient(new BlobClientOptions()));
        var tables = options.Tables.Tables(Impatient(new TableClientOptions()));
        var (blob, blobConditions) = await TryBlobsAsync(new BlobObjectStore(blobs.GetBlobContainerClient(options.LakeContainer)), cancel);
        var (table, tableConditions) = await TryTablesAsync(tables.GetTableClient(options.LedgerTable), cancel);
        return new StorageFacts(blob, blobConditions, table, tableConditions, blob is null ? await SkewAsync(blobs, options.LakeContainer, time, cancel) : null);
    }

    private static async Task<(string? Failure, string? Conditions)> TryBlobsAsync(BlobObjectStore store, CancellationToken cancel)
    {
        var path = $"{Folder}{Guid.NewGuid():N}";
        try
        {
            var won = await store.PutIfAbsentAsync(path, "1"u8.ToArray(), cancel);
            try
            {
                var again = await store.PutIfAbsentAsync(path, "2"u8.ToArray(), cancel);
                var stale = await store.PutIfMatchAsync(path, "3"u8.ToArray(), "\"0x0\"", cancel);
                var read = await store.GetAsync(path, cancel);
                return (read is { } content && content.Span.SequenceEqual("1"u8) ? null : "A blob that was just written reads otherwise.", won && !again && !stale ? null : "A write that should have been refused went through.");
            }
            finally
            {
                await store.DeleteAsync(path, cancel);
            }
        }
        catch (Exception e) when (Reason(e) is { } reason)
        {
            return (reason, null);
        }
    }

    private static async Task<(string? Failure, string? Conditions)> TryTablesAsync(TableClient table, CancellationToken cancel)
    {
        var row = new TableEntity("doctor", Guid.NewGuid().ToString("N")) { ["N"] = 1 };
        try
        {
            await table.AddEntityAsync(row, cancel);
            try
            {
                var read = (await table.GetEntityAsync<TableEntity>(row.PartitionKey, row.RowKey, cancellationToken: cancel)).Value;
                row["N"] = 2;
                await table.UpdateEntityAsync(row, read.ETag, TableUpdateMode.Replace, cancel);
                return (null, await IsRefusedAsync(() => table.UpdateEntityAsync(row, read.ETag, TableUpdateMode.Replace, cancel)) ? null : "A write on an old version of a row went through.");
            }
            finally
            {
                await table.DeleteEntityAsync(row.PartitionKey, row.RowKey, ETag.All, cancel);
            }
        }
        catch (Exception e) when (Reason(e) is { } reason)
        {
            return (reason, null);
        }
    }

    private static async Task<bool> IsRefusedAsync(Func<Task> write)
    {
        try
        {
            await write();
            return false;
        }
        catch (RequestFailedException e) when (e.Status == 412)
        {
            return true;
        }
    }

    private static async Task<TimeSpan?> SkewAsync(BlobServiceClient blobs, string container, TimeProvider time, CancellationToken cancel)
    {
        var answer = await blobs.GetBlobContainerClient(container).GetPropertiesAsync(cancellationToken: cancel);
        return answer.GetRawResponse().Headers.Date is { } told ? time.GetUtcNow() - told : null;
    }

    private static string? Reason(Exception e) => e switch
    {
        RequestFailedException { ErrorCode: "ContainerNotFound" or "TableNotFound" or "ResourceNotFound" } => StorageRules.NotThereYet,
        RequestFailedException { Status: 0 } or AggregateException { InnerException: RequestFailedException { Status: 0 } } => $"It does not answer: {(e.InnerException ?? e).Message.Split('\n')[0]}",
        RequestFailedException failure => $"It refuses ({failure.Status} {failure.ErrorCode}): {failure.Message.Split('\n')[0]}",
        _ => null,
    };

    // Whoever asks how things are wants to know soon that they are not.
    private static T Impatient<T>(T options)
        where T : Azure.Core.ClientOptions
    {
        (options.Retry.MaxRetries, options.Retry.NetworkTimeout) = (2, TimeSpan.FromSeconds(20));
        return options;
    }
}
