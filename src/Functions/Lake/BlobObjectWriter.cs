using System.Globalization;
using System.Text;
using Azure;
using Azure.Storage.Blobs.Models;
using Azure.Storage.Blobs.Specialized;
using Tidemark.Delta;

namespace Tidemark.Functions.Lake;

/// <summary>
/// A blob of staged blocks (Put Block for each part, then one Put Block List with <c>If-None-Match: *</c>). Block names hold an id of the writer's
/// own, so that a list never picks up the block of another writer to the same blob, and a list whose answer was lost is recognised as this one.
/// Blocks that no list commits are removed by the service after a week.
/// </summary>
internal sealed class BlobObjectWriter(BlockBlobClient blob) : IObjectWriter
{
    private readonly Guid _id = Guid.NewGuid();
    private readonly List<string> _blocks = [];

    public async ValueTask WriteAsync(ReadOnlyMemory<byte> part, CancellationToken ct)
    {
        if (part.IsEmpty)
            return; // The service refuses an empty block.
        var name = Convert.ToBase64String(Encoding.ASCII.GetBytes(string.Create(CultureInfo.InvariantCulture, $"{_id:N}-{_blocks.Count:D6}")));
        using var stream = BlobObjectStore.AsStream(part);
        await blob.StageBlockAsync(name, stream, cancellationToken: ct);
        _blocks.Add(name);
    }

    public async ValueTask<bool> CommitIfAbsentAsync(CancellationToken ct)
    {
        try
        {
            await blob.CommitBlockListAsync(_blocks, new CommitBlockListOptions { Conditions = new BlobRequestConditions { IfNoneMatch = ETag.All } }, ct);
            return true;
        }
        catch (RequestFailedException e) when (e.Status == 412 || e is { Status: 409, ErrorCode: "BlobAlreadyExists" })
        {
            return await IsOwnAsync(ct);
        }
        catch (RequestFailedException e) when (e is { Status: 400, ErrorCode: "InvalidBlockList" })
        {
            // Another writer's commit has thrown away the blocks; without such a blob the blocks are lost, which the caller must hear.
            if (await blob.ExistsAsync(ct))
                return await IsOwnAsync(ct);
            throw;
        }
    }

    private async Task<bool> IsOwnAsync(CancellationToken ct)
    {
        var there = (await blob.GetBlockListAsync(BlockListTypes.Committed, cancellationToken: ct)).Value.CommittedBlocks.Select(b => b.Name);
        return _blocks.Count > 0 && _blocks.SequenceEqual(there);
    }

    public ValueTask DisposeAsync() => ValueTask.CompletedTask;
}
