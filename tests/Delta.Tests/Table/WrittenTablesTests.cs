using Tidemark.Delta.Tests.Support;

namespace Tidemark.Delta.Tests.Table;

/// <summary>Whole tables of ours in four readers that are not ours.</summary>
[Collection(ForeignReadersCollection.Name)]
public sealed class WrittenTablesTests(ForeignReaders readers) : IDisposable
{
    private readonly TemporaryFolder _folder = new();
    private readonly FakeTime _time = new();

    private DeltaTable Open() => DeltaTable.Open(new LocalObjectStore(_folder.Path, _time), "t", new DeltaTableOptions { Time = _time });

    private async Task CheckAsync(string what)
    {
        var table = Open();
        var expected = new List<string>();
        await foreach (var batch in table.ReadAsync(await table.SnapshotAsync())) expected.AddRange(Canon.Rows(batch));
        await CheckAsync(what, expected);
    }

    private async Task CheckAsync(string what, List<string> expected)
    {
        foreach (var name in ForeignReaders.Names)
        {
            var (rows, _) = await readers.TableAsync(name, Path.Combine(_folder.Path, "t"));
            Canon.AssertSame(expected, rows, $"{name}, {what}", ordered: false);
        }
    }

    [Fact]
    public async Task A_wide_table_with_nulls_reads_back_equal()
    {
        var random = new RandomRows(5);
        var schema = new TableSchema([.. Enumerable.Range(0, 250).Select(i => new TableField($"c{i}", RandomRows.Primitives[i % RandomRows.Primitives.Length], i % 4 != 0))]);
        var rows = random.Batch(schema, 60);
        var table = Open();
        await table.AppendAsync(new AppendRequest { Schema = schema, Files = [await table.WriteFileAsync(rows)] });
        await CheckAsync("wide", Canon.Rows(rows));
    }

    [Fact]
    public async Task A_deep_table_reads_back_equal()
    {
        var random = new RandomRows(6);
        var type = DataType.Int64;
        for (var i = 0; i < 4; i++) type = DataType.Struct(new TableField("a", DataType.List(type)), new TableField("b", DataType.Map(DataType.String, DataType.Int32)));
        var schema = new TableSchema(new TableField("deep", type), new TableField("id", DataType.Int64, false));
        var rows = random.Batch(schema, 30);
        var table = Open();
        await table.AppendAsync(new AppendRequest { Schema = schema, Files = [await table.WriteFileAsync(rows)] });
        await CheckAsync("deep", Canon.Rows(rows));
    }

    [Fact]
    public async Task An_empty_table_and_an_empty_file_read_back_empty()
    {
        var table = Open();
        await table.AppendAsync(new AppendRequest { Schema = Orders.Schema });
        await CheckAsync("no file", []);
        await Orders.AppendAsync(table, Orders.Rows());
        await CheckAsync("empty file", []);
    }

    [Fact]
    public async Task A_table_reads_back_equal_after_evolution_optimize_vacuum_and_merge()
    {
        var table = Open();
        await Orders.AppendAsync(table, Orders.Rows(1, 2, 3));
        var wider = new TableSchema([.. Orders.Schema.Fields, new TableField("note", DataType.String), new TableField("tags", DataType.List(DataType.String))]);
        for (var i = 10; i < 14; i++)
        {
            var rows = new RecordBatch(wider, [.. Orders.Rows(i).Columns, RandomRows.Strings([$"note {i}"]), new ListColumn([0, 2], RandomRows.Strings(["x", null]), 1)], 1);
            await table.AppendAsync(new AppendRequest { Schema = wider, Files = [await table.WriteFileAsync(rows)], EvolveSchema = true });
        }

        await CheckAsync("after evolution");
        await table.CheckpointAsync();
        await table.OptimizeAsync();
        await CheckAsync("after optimize");
        var source = new RecordBatch(wider, [.. Orders.Rows(2, 50).Columns, RandomRows.Strings(["merged", null]), new ListColumn([0, 0, 1], RandomRows.Strings(["y"]), 2, NullBits.From([true, false]))], 2);
        await table.MergeAsync(source, ["id"]);
        await CheckAsync("after merge");
        _time.Advance(TimeSpan.FromDays(8));
        Assert.NotEmpty((await table.VacuumAsync()).Files);
        await CheckAsync("after vacuum");
        var ids = await Orders.IdsAsync(table, (await table.SnapshotAsync()).Files);
        Assert.Equal([1, 2, 3, 10, 11, 12, 13, 50], ids.Order());
    }

    [Fact]
    public async Task A_table_that_many_wrote_at_once_reads_back_with_every_row_once()
    {
        await Orders.AppendAsync(Open(), Orders.Rows(0));
        await Task.WhenAll(Enumerable.Range(1, 8).Select(writer => Task.Run(async () =>
        {
            var table = Open();
            for (var i = 0; i < 6; i++)
            {
                await Orders.AppendAsync(table, Orders.Rows(writer * 100 + i), new TxnMove($"w{writer}", i == 0 ? null : i - 1, i));
                if (writer == 3) await table.CheckpointAsync();
            }
        })));
        await CheckAsync("many writers");
        Assert.Equal(49, (await Open().SnapshotAsync()).Files.Count);
    }

    public void Dispose() => _folder.Dispose();
}
