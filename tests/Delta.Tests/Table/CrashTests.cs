using Tidemark.Delta.Tests.Support;

namespace Tidemark.Delta.Tests.Table;

/// <summary>
/// Every operation, with the process lost at each of its writes in turn, before and after its effect. The table is then as before or as after,
/// and whoever comes next can go on.
/// </summary>
public sealed class CrashTests
{
    private static readonly long[] Before = [.. Enumerable.Range(0, 12).Select(i => (long)i)];

    public static TheoryData<string> Operations() => [.. All.Keys];

    private static readonly Dictionary<string, (Func<DeltaTable, Task> Run, long[] After)> All = new()
    {
        ["append"] = (async t => await AppendAsync(t, 100, 101, 102), [.. Before, 100, 101, 102]),
        ["append with a new column"] = (async t =>
        {
            var wider = new TableSchema([.. Orders.Daily.Fields, new TableField("note", DataType.String)]);
            var rows = new RecordBatch(wider, [.. Orders.DailyRows(3, 100).Columns, RandomRows.Strings(["n"])], 1);
            await t.AppendAsync(new AppendRequest { Schema = wider, Files = await t.WriteFilesAsync(rows, ["day"]), EvolveSchema = true });
        }, [.. Before, 100]),
        ["overwrite"] = (async t => await t.OverwriteAsync(await t.WriteFilesAsync(Orders.DailyRows(3, 100, 101), ["day"])), [100, 101]),
        ["replace partitions"] = (async t => await t.ReplacePartitionsAsync(await t.WriteFilesAsync(Orders.DailyRows(3, 99), ["day"])), [.. Before.Where(i => i % 3 != 0), 99]),
        ["delete partitions"] = (async t => await t.DeletePartitionsAsync(p => p["day"] == "2023-12-09"), [.. Before.Where(i => i % 3 != 0)]),
        ["replace rows"] = (async t => await t.ReplaceRowsAsync(Orders.DailyRows(3, 100), new ScanFilter().Between("id", null, 4),
            b => [.. ((Int64Column)b["id"]).Values.Take(b.RowCount).Select(i => i < 5)], ["id"]), [.. Before.Where(i => i >= 5), 100]),
        ["merge"] = (async t => await t.MergeAsync(Orders.DailyRows(3, 2, 7, 100), ["id"]), [.. Before, 100]),
        ["optimize"] = (async t => await t.OptimizeAsync(), Before),
        ["checkpoint"] = (async t => await t.CheckpointAsync(), Before),
        ["clean up the log"] = (async t => Assert.NotEqual(0, await t.CleanupLogAsync()), Before),
        ["vacuum"] = (async t => Assert.NotEmpty((await t.VacuumAsync()).Files), Before),
        ["maintain"] = (async t => await t.MaintainAsync(), Before),
    };

    private static async Task AppendAsync(DeltaTable table, params long[] ids) => Assert.IsType<AppendResult.Committed>(await table.AppendAsync(new AppendRequest
    {
        Schema = Orders.Daily, Files = await table.WriteFilesAsync(Orders.DailyRows(3, ids), ["day"]), PartitionColumns = ["day"],
    }));

    [Theory]
    [MemberData(nameof(Operations))]
    public async Task Wherever_an_operation_is_cut_off_the_table_is_as_before_or_as_after(string name)
    {
        var crashes = 0;
        foreach (var kind in new[] { FaultyObjectStore.Fault.Before, FaultyObjectStore.Fault.After })
        {
            for (var at = 1; await CrashAsync(name, kind, at); at++) crashes++;
        }

        Assert.True(crashes >= 2, $"{name} was cut off {crashes} times");
    }

    // False when the operation has fewer writes than that.
    private static async Task<bool> CrashAsync(string name, FaultyObjectStore.Fault kind, int at)
    {
        var time = new FakeTime();
        var memory = new MemoryObjectStore(time);
        DeltaTable Open(IObjectStore store) => DeltaTable.Open(store, "t", new DeltaTableOptions { Time = time, UploadPartBytes = 1500 });
        await PrepareAsync(Open(memory), time);
        var faulty = new FaultyObjectStore(memory);
        var writes = 0;
        faulty.OnWrite = _ => ++writes < at ? FaultyObjectStore.Fault.None : writes == at ? kind : FaultyObjectStore.Fault.Before;
        var (run, after) = All[name];
        var crashed = false;
        try
        {
            await run(Open(faulty));
        }
        catch (StoreFault)
        {
            crashed = true;
        }

        var where = $"{name}, cut off {kind} write {at}";
        var ids = await IdsAsync(Open(memory));
        var before = Before.ToHashSet();
        Assert.True(ids.SequenceEqual(after.Order()) || (crashed && ids.SequenceEqual(Before)), $"{where}: {string.Join(' ', ids)}");
        // A commit that was cut off after its effect counts; one more of each goes through on what is left.
        await AppendAsync(Open(memory), 1000);
        time.Advance(TimeSpan.FromDays(45));
        await Open(memory).CheckpointAsync();
        await Open(memory).MaintainAsync();
        Assert.Equal(ids.Append(1000), await IdsAsync(Open(memory)));
        return writes >= at;
    }

    // Six commits, a checkpoint among them, tombstones and an orphan old enough to go, and a log old enough to be cleaned.
    private static async Task PrepareAsync(DeltaTable table, FakeTime time)
    {
        await AppendAsync(table, 500, 501, 502);
        for (var i = 0; i < 6; i += 3) await AppendAsync(table, i, i + 1, i + 2);
        await table.ReplaceRowsAsync(null, null, b => [.. ((Int64Column)b["id"]).Values.Take(b.RowCount).Select(i => i >= 500)], ["id"]);
        await table.CheckpointAsync();
        await table.WriteFileAsync(Orders.Rows(600), new Dictionary<string, string?> { ["day"] = "2023-12-09" });
        time.Advance(TimeSpan.FromDays(40));
        for (var i = 6; i < 12; i += 3) await AppendAsync(table, i, i + 1, i + 2);
    }

    private static async Task<List<long>> IdsAsync(DeltaTable table) => [.. (await Orders.IdsAsync(table, (await table.SnapshotAsync()).Files)).Order()];
}
