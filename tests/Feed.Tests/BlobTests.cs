using System.Text;
using Azure;
using Azure.Storage;
using Azure.Storage.Blobs;
using Azure.Storage.Blobs.Models;
using Tidemark.Tests;

namespace Tidemark.Feed.Tests;

/// <summary>What a Delta commit asks of the blob client.</summary>
public class BlobTests
{
    [Fact]
    public async Task Of_two_writers_that_put_if_absent_one_wins_and_the_listing_shows_its_content()
    {
        await using var azurite = await Azurite.StartAsync("blob");
        var service = new BlobServiceClient(azurite.Endpoint, new StorageSharedKeyCredential(Azurite.Account, Azurite.Key));
        var container = service.GetBlobContainerClient("lake");
        await container.CreateIfNotExistsAsync();
        var blob = container.GetBlobClient("table/_delta_log/00000000000000000000.json");
        var absent = new BlobUploadOptions { Conditions = new BlobRequestConditions { IfNoneMatch = ETag.All } };

        await blob.UploadAsync(new BinaryData("first"), absent);
        var error = await Assert.ThrowsAsync<RequestFailedException>(() => blob.UploadAsync(new BinaryData("second"), absent));

        Assert.Equal((409, "BlobAlreadyExists"), (error.Status, error.ErrorCode));
        Assert.Equal("first", Encoding.UTF8.GetString((await blob.DownloadContentAsync()).Value.Content));
        var names = new List<string>();
        await foreach (var item in container.GetBlobsAsync(BlobTraits.None, BlobStates.None, "table/", default))
            names.Add(item.Name);
        Assert.Equal([blob.Name], names);
        Assert.Equal(202, (await blob.DeleteAsync()).Status);
    }
}
