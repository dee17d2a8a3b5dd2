using System.Text;
using System.Text.Json.Nodes;
using Tidemark.Delta.Log;
using Tidemark.Delta.Tests.Support;

namespace Tidemark.Delta.Tests.Log;

[Collection(ForeignReadersCollection.Name)]
public sealed class CheckpointTests(ForeignReaders readers) : IDisposable
{
    private readonly TemporaryFolder _folder = new();
    private readonly FakeTime _time = new();

    private string Root => Path.Combine(_folder.Path, "t");

    private DeltaTable Open(IObjectStore? store = null) => DeltaTable.Open(store ?? new LocalObjectStore(_folder.Path, _time), "t", new DeltaTableOptions { Time = _time });

    private static async Task AppendAsync(DeltaTable table, int version) => Assert.IsType<AppendResult.Committed>(await table.AppendAsync(new AppendRequest
    {
        Schema = Orders.Daily, Files = await table.WriteFilesAsync(Orders.DailyRows(2, version), ["day"]), PartitionColumns = ["day"],
        Transactions = [new TxnMove($"app{version % 3}", version < 3 ? null : version - 3, version)],
    }));

    [Fact]
    public async Task Two_hundred_commits_with_checkpoints_read_back_equal_in_every_reader_with_and_without_the_log_before_them()
    {
        var table = Open();
        for (var version = 0; version < 200; version++)
        {
            await AppendAsync(table, version);
            if (version % 10 == 9) Assert.Equal(version > 120 ? version + 1 : version, await table.CheckpointAsync());
            if (version == 120) await table.DeletePartitionsAsync(p => p["day"] == "2023-12-09");
        }

        var expected = new List<string>();
        await foreach (var batch in table.ReadAsync(await table.SnapshotAsync())) expected.AddRange(Canon.Rows(batch));
        Assert.Equal(200 - 61, expected.Count);
        for (var version = 0; version < 200; version++) File.Delete(Path.Combine(Root, "_delta_log", $"{version:D20}.json"));
        foreach (var name in ForeignReaders.Names)
        {
            var (rows, answer) = await readers.TableAsync(name, Root);
            Canon.AssertSame(expected, rows, name, ordered: false);
            Assert.Equal(199, (long)answer["txn"]!["app1"]!);
        }

        var cold = await Open().RefreshAsync();
        Assert.Equal(200, cold.Version);
        Assert.Equal(199, cold.TransactionOf("app1"));
    }

    [Fact]
    public async Task A_checkpoint_is_plain_and_snappy_and_the_hint_names_it()
    {
        var table = Open();
        for (var version = 0; version < 5; version++) await AppendAsync(table, version);
        Assert.Equal(4, await table.CheckpointAsync());
        Assert.Equal(-1, await table.CheckpointAsync());
        var file = Path.Combine(Root, "_delta_log", "00000000000000000004.checkpoint.parquet");
        var chunks = (await readers.AskAsync(new { op = "metadata", file }))["chunks"]!.AsArray();
        Assert.All(chunks, c => Assert.Equal(("PLAIN, RLE", "SNAPPY"), (c!["encodings"]!.ToString(), c["compression"]!.ToString())));
        var hint = JsonNode.Parse(await File.ReadAllTextAsync(Path.Combine(Root, "_delta_log", "_last_checkpoint")))!;
        Assert.Equal((4L, 10L, 5L, new FileInfo(file).Length), ((long)hint["version"]!, (long)hint["size"]!, (long)hint["numOfAddFiles"]!, (long)hint["sizeInBytes"]!));
    }

    [Theory]
    [InlineData("")]
    [InlineData("{\"version\":")]
    [InlineData("{\"version\":3}")]
    [InlineData("{\"version\":777}")]
    [InlineData("[]")]
    [InlineData(null)]
    public async Task A_hint_that_is_empty_broken_wrong_or_gone_only_costs_a_listing(string? hint)
    {
        var table = Open();
        for (var version = 0; version < 6; version++) await AppendAsync(table, version);
        await table.CheckpointAsync();
        await AppendAsync(table, 6);
        var path = Path.Combine(Root, "_delta_log", "_last_checkpoint");
        if (hint is null) File.Delete(path);
        else await File.WriteAllTextAsync(path, hint);
        Assert.Equal(6, (await Open().RefreshAsync()).Version);
        Assert.Equal(7, (await Open().SnapshotAsync()).Files.Count);
    }

    [Fact]
    public async Task The_hint_never_moves_backwards()
    {
        var table = Open();
        for (var version = 0; version < 3; version++) await AppendAsync(table, version);
        var path = Path.Combine(Root, "_delta_log", "_last_checkpoint");
        await File.WriteAllTextAsync(path, "{\"version\":50,\"size\":1}");
        await table.CheckpointAsync();
        Assert.Contains("50", await File.ReadAllTextAsync(path));
    }

    [Fact]
    public async Task Expired_tombstones_leave_the_checkpoint_and_young_ones_stay()
    {
        var table = Open();
        await AppendAsync(table, 0);
        await table.OverwriteAsync([]);
        _time.Advance(TimeSpan.FromDays(6));
        await table.CheckpointAsync();
        Assert.Single((await Open().SnapshotAsync()).Tombstones);
        _time.Advance(TimeSpan.FromDays(2));
        await AppendAsync(table, 1);
        await table.CheckpointAsync();
        File.Delete(Path.Combine(Root, "_delta_log", "00000000000000000001.json"));
        Assert.Empty((await Open().SnapshotAsync()).Tombstones);
    }

    [Fact]
    public async Task Opening_a_table_for_appends_reads_a_small_part_of_a_large_checkpoint()
    {
        var memory = new MemoryObjectStore(_time);
        var table = Open(memory);
        await AppendAsync(table, 0);
        var many = Enumerable.Range(0, 30_000).Select(i => new DataFile($"day=2023-12-10/part-{i:D5}-{Guid.NewGuid()}.parquet", 1000, new Dictionary<string, string?> { ["day"] = "2023-12-10" },
            $$$"""{"numRecords":{{{i}}},"minValues":{"id":{{{i * 7919}}}},"maxValues":{"id":{{{i * 7919 + 1}}}},"nullCount":{"id":0}}""", i, 1_700_000_000_000 + i)).ToList();
        await table.AppendAsync(new AppendRequest { Schema = Orders.Daily, Files = many });
        await table.CheckpointAsync();
        var counting = new CountingObjectStore(memory);
        Assert.Equal(1, (await Open(counting).RefreshAsync()).Version);
        var size = (await memory.HeadAsync("t/_delta_log/00000000000000000001.checkpoint.parquet", default))!.Value.Size;
        Assert.True(size > 1_500_000, $"the checkpoint has {size} bytes");
        Assert.True(counting.Counts.BytesRead < size / 4, $"{counting.Counts.BytesRead} of {size} bytes were read");
        Assert.Equal(30_001, (await Open(memory).SnapshotAsync()).Files.Count);
    }

    [Fact]
    public async Task A_checkpoint_is_built_upon_the_one_before_it()
    {
        var table = Open();
        for (var version = 0; version < 4; version++) await AppendAsync(table, version);
        await table.CheckpointAsync();
        for (var version = 0; version < 4; version++) File.Delete(Path.Combine(Root, "_delta_log", $"{version:D20}.json"));
        await AppendAsync(table, 4);
        await table.OptimizeAsync();
        await table.CheckpointAsync();
        File.Delete(Path.Combine(Root, "_delta_log", "00000000000000000003.checkpoint.parquet"));
        var snapshot = await Open().SnapshotAsync();
        Assert.Equal(2, snapshot.Files.Count);
        Assert.Equal(5, snapshot.Tombstones.Count);
        Assert.Equal([0, 1, 2, 3, 4], (await Orders.IdsAsync(Open(), snapshot.Files)).Order());
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task A_checkpoint_in_parts_is_read_when_all_of_them_are_there_and_passed_over_otherwise(bool complete)
    {
        var table = Open();
        for (var version = 0; version < 6; version++) await AppendAsync(table, version);
        var snapshot = await table.SnapshotAsync();
        var head = new CheckpointBatch();
        head.Protocol(snapshot.Protocol);
        head.Metadata(snapshot.Metadata);
        foreach (var txn in snapshot.TransactionActions.Values) head.Txn(txn);
        CheckpointBatch first = new(), second = new();
        foreach (var (file, i) in snapshot.Files.Select((f, i) => (f, i))) (i < 3 ? first : second).Add(file, Encoding.UTF8.GetBytes(file.Stats!));
        var parts = new[] { head, first, second };
        for (var i = 0; i < (complete ? 3 : 2); i++)
        {
            await using var output = File.Create(Path.Combine(Root, "_delta_log", $"{5:D20}.checkpoint.{i + 1:D10}.{3:D10}.parquet"));
            ParquetFile.Write(output, CheckpointSchema.Written, [parts[i].Build()]);
        }

        // With all parts the commits before are not needed; without one they are.
        if (complete)
        {
            for (var version = 0; version < 6; version++) File.Delete(Path.Combine(Root, "_delta_log", $"{version:D20}.json"));
        }

        await AppendAsync(table, 6);
        var cold = await Open().SnapshotAsync();
        Assert.Equal(7, cold.Files.Count);
        Assert.Equal([0, 1, 2, 3, 4, 5, 6], (await Orders.IdsAsync(Open(), cold.Files)).Order());
        Assert.Equal((6, 4, 5), (cold.TransactionOf("app0"), cold.TransactionOf("app1"), cold.TransactionOf("app2")));
    }

    [Fact]
    public async Task A_missing_commit_between_others_is_an_error_and_not_a_shorter_table()
    {
        var table = Open();
        for (var version = 0; version < 4; version++) await AppendAsync(table, version);
        File.Delete(Path.Combine(Root, "_delta_log", "00000000000000000002.json"));
        var error = await Assert.ThrowsAsync<DeltaFormatException>(async () => await Open().SnapshotAsync());
        Assert.Contains("commit 2 is missing", error.Message);
    }

    public void Dispose() => _folder.Dispose();
}
