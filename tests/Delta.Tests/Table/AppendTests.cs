using System.Text;
using System.Text.Json;
using Tidemark.Delta.Tests.Support;

namespace Tidemark.Delta.Tests.Table;

public sealed class AppendTests
{
    private readonly MemoryObjectStore _memory = new();

    private DeltaTable Open(IObjectStore? store = null) => DeltaTable.Open(store ?? _memory, "orders");

    private static async Task<List<CommitChanges>> ChangesAsync(DeltaTable table, long after)
    {
        var changes = new List<CommitChanges>();
        await foreach (var change in table.ReadChangesAsync(after)) changes.Add(change);
        return changes;
    }

    [Fact]
    public async Task There_is_no_table_until_the_first_append_which_is_version_0()
    {
        var table = Open();
        Assert.Equal(-1, (await table.RefreshAsync()).Version);
        Assert.Equal(0, await Orders.AppendAsync(table, Orders.Rows(1, 2)));
        var head = await Open().RefreshAsync();
        Assert.Equal(0, head.Version);
        Assert.Equal(Orders.Schema.ToString(), head.Schema!.ToString());
        Assert.Equal("snappy", head.Configuration["delta.parquet.compression.codec"]);
    }

    [Fact]
    public async Task Of_many_that_create_a_table_one_does_and_it_is_empty_with_its_schema_until_the_first_append()
    {
        var created = await Task.WhenAll(Enumerable.Range(0, 8).Select(_ => Task.Run(async () => await Open().CreateAsync(Orders.Schema))));

        Assert.Single(created, won => won);
        var table = Open();
        Assert.False(await table.CreateAsync(Orders.Schema));
        var snapshot = await table.SnapshotAsync();
        Assert.Equal((0L, 0), (snapshot.Version, snapshot.Files.Count()));
        Assert.Equal(Orders.Schema.ToString(), snapshot.Schema.ToString());
        Assert.Equal(1, await Orders.AppendAsync(table, Orders.Rows(1)));
        Assert.False(await Open().CreateAsync(Orders.Schema));
    }

    [Fact]
    public async Task A_commit_holds_one_action_per_line_in_the_shapes_of_the_protocol_and_no_nulls()
    {
        var table = Open();
        await Orders.AppendAsync(table, Orders.Rows(1, 2), new TxnMove("app", null, 7));
        var text = Encoding.UTF8.GetString((await _memory.GetAsync("orders/_delta_log/00000000000000000000.json", default))!.Value.Span);
        var lines = text.Split('\n', StringSplitOptions.RemoveEmptyEntries).Select(l => JsonDocument.Parse(l).RootElement).ToList();
        Assert.Equal(["commitInfo", "protocol", "metaData", "txn", "add"], lines.Select(l => l.EnumerateObject().Single().Name));
        Assert.DoesNotContain("null", text.Replace("nullable", "").Replace("nullCount", ""));
        Assert.Equal("""{"minReaderVersion":1,"minWriterVersion":2}""", lines[1].GetProperty("protocol").GetRawText());
        var stats = JsonDocument.Parse(lines[4].GetProperty("add").GetProperty("stats").GetString()!).RootElement;
        Assert.Equal("""{"numRecords":2,"minValues":{"id":1,"name":"order 1","amount":1.99},"maxValues":{"id":2,"name":"order 2","amount":2.99},"nullCount":{"id":0,"name":0,"amount":0}}""", stats.GetRawText());
    }

    [Fact]
    public async Task The_head_sees_commits_of_others_and_keeps_the_last_version_of_each_application()
    {
        DeltaTable mine = Open(), theirs = Open();
        await Orders.AppendAsync(mine, Orders.Rows(1), new TxnMove("a", null, 10));
        await Orders.AppendAsync(theirs, Orders.Rows(2), new TxnMove("b", null, 5));
        await Orders.AppendAsync(theirs, Orders.Rows(3), new TxnMove("a", 10, 4));
        var head = await mine.RefreshAsync();
        Assert.Equal(2, head.Version);
        Assert.Equal(4, head.TransactionOf("a"));
        Assert.Equal(5, head.TransactionOf("b"));
        Assert.Null(head.TransactionOf("c"));
    }

    [Theory]
    [InlineData(null)]
    [InlineData(9L)]
    [InlineData(11L)]
    public async Task An_append_whose_expected_version_is_not_equal_commits_nothing(long? expected)
    {
        var table = Open();
        await Orders.AppendAsync(table, Orders.Rows(1), new TxnMove("a", null, 10));
        var file = await table.WriteFileAsync(Orders.Rows(2));
        var result = await table.AppendAsync(new AppendRequest { Schema = Orders.Schema, Files = [file], Transactions = [new TxnMove("b", null, 1), new TxnMove("a", expected, 20)] });
        var mismatch = Assert.IsType<AppendResult.TxnMismatch>(result);
        Assert.Equal(10, mismatch.Current["a"]);
        Assert.Null(mismatch.Current["b"]);
        Assert.Equal(0, (await table.RefreshAsync()).Version);
    }

    [Fact]
    public async Task After_a_lost_race_the_transactions_are_compared_again_with_the_winner()
    {
        var faulty = new FaultyObjectStore(_memory);
        var table = Open(faulty);
        await Orders.AppendAsync(table, Orders.Rows(1), new TxnMove("a", null, 1));
        var other = Open();
        var raced = false;
        faulty.BeforePut = async path =>
        {
            if (raced || !path.EndsWith("00000000000000000001.json", StringComparison.Ordinal)) return;
            raced = true;
            await Orders.AppendAsync(other, Orders.Rows(2), new TxnMove("a", 1, 2));
        };
        var file = await table.WriteFileAsync(Orders.Rows(3));
        var result = await table.AppendAsync(new AppendRequest { Schema = Orders.Schema, Files = [file], Transactions = [new TxnMove("a", 1, 2)] });
        Assert.Equal(2, Assert.IsType<AppendResult.TxnMismatch>(result).Current["a"]);
        Assert.True(raced);
        Assert.Equal([1, 2], await CommittedIdsAsync());
    }

    [Fact]
    public async Task A_lost_race_against_an_unrelated_append_ends_in_the_next_version()
    {
        var faulty = new FaultyObjectStore(_memory);
        var table = Open(faulty);
        var other = Open();
        var raced = false;
        faulty.BeforePut = async path =>
        {
            if (raced || !path.EndsWith("0.json", StringComparison.Ordinal)) return;
            raced = true;
            await Orders.AppendAsync(other, Orders.Rows(2), new TxnMove("b", null, 2));
        };
        Assert.Equal(1, await Orders.AppendAsync(table, Orders.Rows(3), new TxnMove("a", null, 2)));
        Assert.Equal([2, 3], await CommittedIdsAsync());
    }

    [Fact]
    public async Task Of_many_writers_that_create_the_table_at_once_each_commits_once_and_one_metaData_is_there()
    {
        var tables = Enumerable.Range(0, 16).Select(_ => Open()).ToList();
        var versions = await Task.WhenAll(tables.Select((t, i) => Task.Run(() => Orders.AppendAsync(t, Orders.Rows(i), new TxnMove($"app{i}", null, 1)))));
        Assert.Equal(Enumerable.Range(0, 16).Select(i => (long)i), versions.Order());
        var all = string.Concat(await Task.WhenAll(Enumerable.Range(0, 16).Select(async v =>
            Encoding.UTF8.GetString((await _memory.GetAsync($"orders/_delta_log/{v:D20}.json", default))!.Value.Span))));
        Assert.Equal(2, all.Split("\"metaData\"").Length);
        Assert.Equal(Enumerable.Range(0, 16).Select(i => (long)i), await CommittedIdsAsync());
    }

    [Fact]
    public async Task Of_writers_that_move_the_same_application_from_the_same_version_one_commits()
    {
        await Orders.AppendAsync(Open(), Orders.Rows(100), new TxnMove("a", null, 0));
        var results = await Task.WhenAll(Enumerable.Range(0, 12).Select(i => Task.Run(async () =>
        {
            var table = Open();
            var file = await table.WriteFileAsync(Orders.Rows(i));
            return await table.AppendAsync(new AppendRequest { Schema = Orders.Schema, Files = [file], Transactions = [new TxnMove("a", 0, 1)] });
        })));
        Assert.Single(results, r => r is AppendResult.Committed);
        Assert.Equal(2, (await CommittedIdsAsync()).Count);
    }

    [Theory]
    [InlineData(FaultyObjectStore.Fault.After, 1)]
    [InlineData(FaultyObjectStore.Fault.Before, 1)]
    [InlineData(FaultyObjectStore.Fault.Before, 2)]
    public async Task A_commit_whose_answer_was_lost_is_recognised_and_counts_once(FaultyObjectStore.Fault fault, int times)
    {
        var faulty = new FaultyObjectStore(_memory);
        var table = Open(faulty);
        var file = await table.WriteFileAsync(Orders.Rows(1));
        var left = times;
        faulty.OnWrite = path => path.Contains("_delta_log") && left-- > 0 ? fault : FaultyObjectStore.Fault.None;
        var result = await table.AppendAsync(new AppendRequest { Schema = Orders.Schema, Files = [file], Transactions = [new TxnMove("a", null, 1)] });
        Assert.Equal(0, Assert.IsType<AppendResult.Committed>(result).Version);
        Assert.Equal([1], await CommittedIdsAsync());
        Assert.Equal(0, (await Open().RefreshAsync()).Version);
    }

    [Fact]
    public async Task A_store_that_keeps_failing_passes_its_own_exception_on_and_nothing_is_committed()
    {
        var faulty = new FaultyObjectStore(_memory);
        var table = Open(faulty);
        var file = await table.WriteFileAsync(Orders.Rows(1));
        faulty.OnWrite = path => path.Contains("_delta_log") ? FaultyObjectStore.Fault.Before : FaultyObjectStore.Fault.None;
        var request = new AppendRequest { Schema = Orders.Schema, Files = [file], Transactions = [new TxnMove("a", null, 1)] };
        await Assert.ThrowsAsync<StoreFault>(async () => await table.AppendAsync(request));
        Assert.Equal(-1, (await Open().RefreshAsync()).Version);
        faulty.OnWrite = _ => FaultyObjectStore.Fault.None;
        Assert.IsType<AppendResult.Committed>(await table.AppendAsync(request));
    }

    [Fact]
    public async Task A_file_that_one_process_wrote_is_committed_by_another_from_its_serialised_form()
    {
        var json = JsonSerializer.Serialize(await Open().WriteFileAsync(Orders.Rows(5, 6), path: "staged/attempt-1.parquet"));
        var file = JsonSerializer.Deserialize<DataFile>(json)!;
        Assert.Equal("staged/attempt-1.parquet", file.Path);
        Assert.Equal(2, file.RowCount);
        await Open().AppendAsync(new AppendRequest { Schema = Orders.Schema, Files = [file] });
        Assert.Equal([5, 6], await CommittedIdsAsync());
    }

    [Fact]
    public async Task A_data_file_is_never_overwritten()
    {
        await Open().WriteFileAsync(Orders.Rows(1), path: "a.parquet");
        await Assert.ThrowsAsync<DeltaException>(async () => await Open().WriteFileAsync(Orders.Rows(2), path: "a.parquet"));
    }

    [Fact]
    public async Task A_data_file_whose_upload_was_repeated_by_the_client_is_recognised()
    {
        var twice = new FaultyObjectStore(_memory);
        var first = true;
        twice.BeforePut = async path =>
        {
            if (!first || !path.EndsWith("a.parquet", StringComparison.Ordinal)) return;
            first = false;
            // The first try landed and its answer was lost; the client's second try finds the object there.
            await DeltaTable.Open(_memory, "orders").WriteFileAsync(Orders.Rows(1), path: "a.parquet");
        };
        var file = await Open(twice).WriteFileAsync(Orders.Rows(1), path: "a.parquet");
        Assert.Equal(1, file.RowCount);
    }

    [Fact]
    public async Task New_nullable_columns_are_added_at_the_end_when_allowed_and_old_rows_read_null()
    {
        var table = Open();
        await Orders.AppendAsync(table, Orders.Rows(1));
        var wider = new TableSchema([.. Orders.Schema.Fields, new TableField("note", DataType.String)]);
        var rows = new RecordBatch(wider, [.. Orders.Rows(2).Columns, RandomRows.Strings(["new"])], 1);
        var file = await table.WriteFileAsync(rows);
        await Assert.ThrowsAsync<DeltaSchemaMismatchException>(async () => await table.AppendAsync(new AppendRequest { Schema = wider, Files = [file] }));
        await table.AppendAsync(new AppendRequest { Schema = wider, Files = [file], EvolveSchema = true });
        Assert.Equal(wider.ToString(), (await Open().RefreshAsync()).Schema!.ToString());
        var read = new List<string>();
        foreach (var change in await ChangesAsync(table, -1))
        {
            foreach (var added in change.Added)
            {
                await foreach (var batch in table.ReadAsync(added, ["id", "note"])) read.AddRange(Canon.Rows(batch));
            }
        }

        Assert.Equal(["[\"1\",null]", "[\"2\",\"new\"]"], read);
    }

    [Fact]
    public async Task Rows_that_do_not_fit_the_table_are_refused_by_column()
    {
        var table = Open();
        await Orders.AppendAsync(table, Orders.Rows(1));
        var other = new TableSchema(new TableField("id", DataType.String), new TableField("name", DataType.String), new TableField("amount", DataType.Decimal(12, 2)));
        var error = await Assert.ThrowsAsync<DeltaSchemaMismatchException>(async () => await table.AppendAsync(new AppendRequest { Schema = other, EvolveSchema = true }));
        Assert.Contains("'id'", error.Message);
        var strict = new TableSchema([.. Orders.Schema.Fields, new TableField("must", DataType.Int32, false)]);
        await Assert.ThrowsAsync<DeltaSchemaMismatchException>(async () => await table.AppendAsync(new AppendRequest { Schema = strict, EvolveSchema = true }));
    }

    [Fact]
    public async Task Changes_tell_the_transactions_and_files_of_each_commit_in_order()
    {
        var table = Open();
        for (var i = 0; i < 4; i++) await Orders.AppendAsync(table, Orders.Rows(i), new TxnMove("a", i == 0 ? null : i - 1, i));
        var changes = await ChangesAsync(table, 1);
        Assert.Equal([2L, 3L], changes.Select(c => c.Version));
        Assert.Equal([2L, 3L], changes.Select(c => c.Transactions["a"]));
        Assert.Equal([3], await Orders.IdsAsync(table, changes[1].Added));
        Assert.Empty(await ChangesAsync(table, 3));
    }

    [Fact]
    public async Task A_blind_append_costs_three_requests_however_long_the_log_is()
    {
        var counting = new CountingObjectStore(_memory);
        var table = Open(counting);
        for (var i = 0; i < 300; i++) await Orders.AppendAsync(table, Orders.Rows(i));
        var before = counting.Counts;
        await Orders.AppendAsync(table, Orders.Rows(1000));
        var after = counting.Counts;
        // The data file, the commit, and one read that finds no newer commit.
        Assert.Equal((2, 1, 0, 0), (after.Puts - before.Puts, after.Gets - before.Gets, after.Heads - before.Heads, after.Lists - before.Lists));
        Assert.Equal(301, table.CommitCount);
    }

    private async Task<List<long>> CommittedIdsAsync()
    {
        var table = Open();
        var files = (await ChangesAsync(table, -1)).SelectMany(c => c.Added);
        var ids = await Orders.IdsAsync(table, files);
        ids.Sort();
        return ids;
    }
}
