using System.Runtime.CompilerServices;
using Azure;
using Azure.Storage;
using Azure.Storage.Blobs;
using Azure.Storage.Blobs.Models;
using Azure.Storage.Blobs.Specialized;
using Tidemark.Delta;

namespace Tidemark.Functions.Lake;

/// <summary>
/// The object store of Delta tables in a blob container. Each put is one Put Blob and each object in parts one block list, so readers see an object
/// whole or not at all, and put-if-absent (<c>If-None-Match: *</c>) has one winner.
/// <para>The client repeats a put whose answer was lost; a put-if-absent may then meet its own blob and report false. The Delta library recognises
/// its own commit by the id in it, as the contract of <see cref="IObjectStore"/> says.</para>
/// </summary>
internal sealed class BlobObjectStore(BlobContainerClient container) : IObjectStore
{
    // Storage accounts with a hierarchical namespace list each directory as an empty blob with this mark.
    private const string DirectoryMark = "hdi_isfolder";

    // A plain null beside a ReadOnlyMemory<byte> would convert to an empty one, through null as an array.
    private static readonly ReadOnlyMemory<byte>? Absent = default(ReadOnlyMemory<byte>?);

    public async ValueTask<bool> PutIfAbsentAsync(string path, ReadOnlyMemory<byte> content, CancellationToken ct)
    {
        if (await TryPutAsync(path, content, new BlobRequestConditions { IfNoneMatch = ETag.All }, ct))
            return true;
        // Azurite takes blocks that a writer left uncommitted for a blob; a block list is then the conditional write that it accepts.
        if (await HeadAsync(path, ct) is not null)
            return false;
        await using var writer = OpenWrite(path);
        await writer.WriteAsync(content, ct);
        return await writer.CommitIfAbsentAsync(ct);
    }

    public IObjectWriter OpenWrite(string path) => new BlobObjectWriter(container.GetBlockBlobClient(path));

    public async ValueTask PutAsync(string path, ReadOnlyMemory<byte> content, CancellationToken ct) => await PutAsync(path, content, null, ct);

    public async ValueTask<bool> PutIfMatchAsync(string path, ReadOnlyMemory<byte> content, string etag, CancellationToken ct) =>
        await TryPutAsync(path, content, new BlobRequestConditions { IfMatch = new ETag(etag) }, ct);

    public async ValueTask<ReadOnlyMemory<byte>?> GetAsync(string path, CancellationToken ct) => await GetAsync(path, default, ct);

    public async ValueTask<ReadOnlyMemory<byte>?> GetRangeAsync(string path, long offset, int length, CancellationToken ct)
    {
        if (length == 0)
            return await HeadAsync(path, ct) is null ? Absent : ReadOnlyMemory<byte>.Empty;
        try
        {
            return await GetAsync(path, new HttpRange(offset, length), ct);
        }
        catch (RequestFailedException e) when (e.Status == 416)
        {
            return ReadOnlyMemory<byte>.Empty;
        }
    }

    public async ValueTask<int> ReadAsync(string path, long offset, Memory<byte> destination, CancellationToken ct)
    {
        if (destination.IsEmpty)
            return await HeadAsync(path, ct) is null ? -1 : 0;
        try
        {
            using var answer = (await container.GetBlobClient(path).DownloadStreamingAsync(new BlobDownloadOptions { Range = new HttpRange(offset, destination.Length) }, ct)).Value;
            var length = (int)answer.Details.ContentLength;
            await answer.Content.ReadExactlyAsync(destination[..length], ct);
            return length == 0 && await HeadAsync(path, ct) is null ? -1 : length;
        }
        catch (RequestFailedException e) when (e.Status == 416)
        {
            return 0;
        }
        catch (RequestFailedException e) when (IsAbsent(e))
        {
            return -1;
        }
    }

    public async ValueTask<ObjectInfo?> HeadAsync(string path, CancellationToken ct)
    {
        try
        {
            var found = (await container.GetBlobClient(path).GetPropertiesAsync(cancellationToken: ct)).Value;
            return IsDirectory(found.Metadata) ? null : new ObjectInfo(path, found.ContentLength, found.LastModified, found.ETag.ToString("H"));
        }
        catch (RequestFailedException e) when (IsAbsent(e))
        {
            return null;
        }
    }

    public async IAsyncEnumerable<ObjectInfo> ListAsync(string prefix, string? startAfter, [EnumeratorCancellation] CancellationToken ct)
    {
        // Blob storage lists in ordinal order of the encoded name and has no start key on all accounts, so what comes before is skipped here.
        await foreach (var blob in container.GetBlobsAsync(BlobTraits.Metadata, BlobStates.None, prefix, ct))
            if (!IsDirectory(blob.Metadata) && (startAfter is null || string.CompareOrdinal(blob.Name, startAfter) > 0))
                yield return new ObjectInfo(blob.Name, blob.Properties.ContentLength ?? 0, blob.Properties.LastModified ?? default, blob.Properties.ETag?.ToString("H") ?? "");
    }

    public async ValueTask DeleteAsync(string path, CancellationToken ct) =>
        await container.GetBlobClient(path).DeleteIfExistsAsync(DeleteSnapshotsOption.IncludeSnapshots, cancellationToken: ct);

    private async Task<bool> TryPutAsync(string path, ReadOnlyMemory<byte> content, BlobRequestConditions conditions, CancellationToken ct)
    {
        try
        {
            await PutAsync(path, content, conditions, ct);
            return true;
        }
        catch (RequestFailedException e) when (e.Status == 412 || e is { Status: 409, ErrorCode: "BlobAlreadyExists" } || (conditions.IfMatch is not null && IsAbsent(e)))
        {
            return false;
        }
    }

    private async Task PutAsync(string path, ReadOnlyMemory<byte> content, BlobRequestConditions? conditions, CancellationToken ct)
    {
        using var stream = AsStream(content);
        await container.GetBlockBlobClient(path).UploadAsync(stream, new BlobUploadOptions
        {
            Conditions = conditions,
            // Below this size the client sends one Put Blob. Blocks would be fatal: racing writers name theirs alike, and the winner's
            // block list could then commit the loser's bytes.
            TransferOptions = new StorageTransferOptions { InitialTransferSize = content.Length + 1L },
        }, ct);
    }

    private async Task<ReadOnlyMemory<byte>?> GetAsync(string path, HttpRange range, CancellationToken ct)
    {
        try
        {
            using var answer = (await container.GetBlobClient(path).DownloadStreamingAsync(new BlobDownloadOptions { Range = range }, ct)).Value;
            var bytes = new byte[answer.Details.ContentLength];
            await answer.Content.ReadExactlyAsync(bytes, ct);
            // A directory is empty; whether something empty is one, only its properties say on every service.
            return bytes.Length == 0 && await HeadAsync(path, ct) is null ? Absent : new ReadOnlyMemory<byte>(bytes);
        }
        catch (RequestFailedException e) when (IsAbsent(e))
        {
            return null;
        }
    }

    // A container that is missing is a fault of the set-up, not an absent object.
    private static bool IsAbsent(RequestFailedException e) => e.Status == 404 && e.ErrorCode is null or "BlobNotFound" or "ResourceNotFound";

    private static bool IsDirectory(IDictionary<string, string>? metadata) =>
        metadata is not null && metadata.TryGetValue(DirectoryMark, out var mark) && string.Equals(mark, "true", StringComparison.OrdinalIgnoreCase);

    internal static MemoryStream AsStream(ReadOnlyMemory<byte> content) =>
        System.Runtime.InteropServices.MemoryMarshal.TryGetArray(content, out var segment)
            ? new MemoryStream(segment.Array ?? [], segment.Offset, segment.Count, writable: false)
            : new MemoryStream(content.ToArray(), writable: false);
}
