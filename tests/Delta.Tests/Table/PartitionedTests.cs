using Tidemark.Delta.Tests.Support;

namespace Tidemark.Delta.Tests.Table;

[Collection(ForeignReadersCollection.Name)]
public sealed class PartitionedTests(ForeignReaders readers) : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    [Theory]
    [InlineData("duckdb")]
    [InlineData("hyparquet")]
    [InlineData("wasm")]
    [InlineData("parquetjs")]
    public async Task A_table_partitioned_by_day_reads_back_equal(string reader)
    {
        var table = DeltaTable.Open(new LocalObjectStore(_folder.Path), "t");
        var expected = new List<string>();
        for (var i = 0; i < 5; i++)
        {
            var rows = Orders.DailyRows(3, [.. Enumerable.Range(i * 20, 20).Select(n => (long)n)]);
            expected.AddRange(Canon.Rows(rows));
            var files = await table.WriteFilesAsync(rows, ["day"]);
            Assert.Equal(3, files.Count);
            Assert.All(files, f => Assert.StartsWith("day=2023-12-", f.Path));
            await table.AppendAsync(new AppendRequest { Schema = Orders.Daily, Files = files, PartitionColumns = ["day"], Transactions = [new TxnMove("p", i == 0 ? null : i, i + 1)] });
        }

        var (found, answer) = await readers.TableAsync(reader, Path.Combine(_folder.Path, "t"));
        Canon.AssertSame(expected, found, reader, ordered: false);
        Assert.Equal(5, (long)answer["txn"]!["p"]!);
        var own = new List<string>();
        await foreach (var change in table.ReadChangesAsync(-1))
        {
            foreach (var file in change.Added)
            {
                await foreach (var batch in table.ReadAsync(file)) own.AddRange(Canon.Rows(batch));
            }
        }

        Canon.AssertSame(expected, own, "our reader", ordered: false);
    }

    [Fact]
    public async Task A_file_without_its_partition_values_is_refused()
    {
        var table = DeltaTable.Open(new LocalObjectStore(_folder.Path), "t");
        var file = await table.WriteFileAsync(Orders.Rows(1));
        var error = await Assert.ThrowsAsync<DeltaSchemaMismatchException>(async () =>
            await table.AppendAsync(new AppendRequest { Schema = Orders.Daily, Files = [file], PartitionColumns = ["day"] }));
        Assert.Contains("day", error.Message);
    }

    [Fact]
    public async Task Odd_partition_values_survive_the_folder_name_and_the_log()
    {
        var schema = new TableSchema(new TableField("id", DataType.Int64), new TableField("p", DataType.String));
        string?[] values = ["plain", "a b", "50%", "x=y/z", "ü:😀", null, "#?\"", ".."];
        var rows = new RecordBatch(schema, [new Int64Column([0, 1, 2, 3, 4, 5, 6, 7], 8), RandomRows.Strings(values)], 8);
        var table = DeltaTable.Open(new LocalObjectStore(_folder.Path), "t");
        await table.AppendAsync(new AppendRequest { Schema = schema, Files = await table.WriteFilesAsync(rows, ["p"]), PartitionColumns = ["p"] });
        var (found, _) = await readers.TableAsync("duckdb", Path.Combine(_folder.Path, "t"));
        Canon.AssertSame(Canon.Rows(rows), found, "duckdb", ordered: false);
    }

    public void Dispose() => _folder.Dispose();
}
