using Azure.Storage.Blobs;
using Azure.Storage.Blobs.Models;
using Tidemark.Delta;
using Tidemark.Delta.Tests.Storage;
using Tidemark.Functions.Lake;
using Tidemark.Functions.Tests.Azure;

namespace Tidemark.Functions.Tests.Lake;

[Collection(AzuriteCollection.Name)]
public sealed class BlobObjectStoreTests(Azurite azurite) : ObjectStoreConformance
{
    protected override ValueTask<IObjectStore> OpenEmptyAsync() => new(new BlobObjectStore(azurite.NewContainer()));

    [Fact]
    public async Task Directories_of_a_hierarchical_namespace_are_no_objects()
    {
        var container = azurite.NewContainer();
        await container.GetBlobClient("table/day=1").UploadAsync(
            BinaryData.Empty, new BlobUploadOptions { Metadata = new Dictionary<string, string> { ["hdi_isfolder"] = "true" } });
        var store = new BlobObjectStore(container);
        await store.PutAsync("table/day=1/file", new byte[] { 1 }, default);

        var listed = new List<string>();
        await foreach (var info in store.ListAsync("table/", null, default))
            listed.Add(info.Path);

        Assert.Equal(["table/day=1/file"], listed);
        Assert.Null(await store.HeadAsync("table/day=1", default));
        Assert.Null(await store.GetAsync("table/day=1", default));
    }

    [Fact]
    public async Task Content_that_is_part_of_a_larger_array_is_stored_as_that_part()
    {
        var store = new BlobObjectStore(azurite.NewContainer());
        await store.PutAsync("part", new byte[] { 0, 1, 2, 3, 4 }.AsMemory(1, 3), default);
        Assert.Equal(new byte[] { 1, 2, 3 }, (await store.GetAsync("part", default))!.Value.ToArray());
        Assert.Equal(new byte[] { 2 }, (await store.GetRangeAsync("part", 1, 1, default))!.Value.ToArray());
        Assert.Equal(0, (await store.GetRangeAsync("part", 99, 1, default))!.Value.Length);
        Assert.Equal(0, (await store.GetRangeAsync("part", 1, 0, default))!.Value.Length);
        Assert.Null(await store.GetRangeAsync("none", 0, 0, default));
    }

    [Fact]
    public async Task A_block_list_whose_answer_was_lost_is_recognised_by_its_blocks()
    {
        var lost = new LostAnswers();
        var options = new BlobClientOptions();
        options.AddPolicy(lost, global::Azure.Core.HttpPipelinePosition.PerRetry);
        var container = new BlobServiceClient(azurite.ConnectionString, options).GetBlobContainerClient(azurite.NewContainer().Name);
        var store = new BlobObjectStore(container);
        await using var writer = store.OpenWrite("parts");
        await writer.WriteAsync(new byte[] { 1, 2 }, default);
        lost.LoseNext();
        await writer.WriteAsync(new byte[] { 3 }, default);
        lost.LoseNext();
        Assert.True(await writer.CommitIfAbsentAsync(default));
        Assert.Equal(new byte[] { 1, 2, 3 }, (await store.GetAsync("parts", default))!.Value.ToArray());
    }

    [Fact]
    public async Task A_large_file_costs_a_request_for_each_part_and_one_more_and_a_small_one_costs_one()
    {
        var counted = azurite.Blobs.GetBlobContainerClient(azurite.NewContainer().Name);
        var table = DeltaTable.Open(new BlobObjectStore(counted), "t", new DeltaTableOptions
        {
            UploadPartBytes = 1 << 20, Parquet = new ParquetWriterOptions { Compression = ParquetCompression.None, DictionaryBytes = 0 },
        });
        var schema = new TableSchema(new TableField("id", DataType.Int64, false));
        RecordBatch Rows(int count) => new(schema, [new Int64Column([.. Enumerable.Range(0, count).Select(i => (long)i)], count)], count);
        await table.RefreshAsync();
        long Requests() => azurite.Counters.StorageTransactions().Values.Sum();

        var before = Requests();
        var small = await table.WriteFileAsync(Rows(1000));
        Assert.Equal(1, Requests() - before);
        before = Requests();
        var large = await table.WriteFileAsync(Rows(400_000));
        Assert.Equal((large.Size + (1 << 20) - 1) / (1 << 20) + 1, Requests() - before);

        await table.AppendAsync(new AppendRequest { Schema = schema, Files = [small, large] });
        long rows = 0;
        await foreach (var batch in table.ReadAsync(await table.SnapshotAsync()))
            rows += batch.RowCount;
        Assert.Equal(401_000, rows);
    }

    [Fact]
    public async Task A_missing_container_is_a_failure_and_no_absent_object()
    {
        var store = new BlobObjectStore(azurite.Blobs.GetBlobContainerClient("never-made"));
        await Assert.ThrowsAsync<global::Azure.RequestFailedException>(async () => await store.GetAsync("x", default));
    }
}
