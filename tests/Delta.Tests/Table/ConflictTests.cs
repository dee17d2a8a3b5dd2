using System.Text;
using Tidemark.Delta.Log;
using Tidemark.Delta.Tests.Support;

namespace Tidemark.Delta.Tests.Table;

/// <summary>
/// The table of conflicts, cell by cell: each change, with another commit landing between its snapshot and its put. The table holds ids 0, 3 on
/// day 0, ids 1, 4 on day 1 and ids 2, 5 on day 2, in two files a day.
/// </summary>
public sealed class ConflictTests
{
    private readonly MemoryObjectStore _memory = new();

    private static readonly Dictionary<string, Func<DeltaTable, Task>> Changes = new()
    {
        ["append"] = t => AppendAsync(t, 30),
        ["overwrite"] = async t => await t.OverwriteAsync(await t.WriteFilesAsync(Orders.DailyRows(3, 60), ["day"])),
        ["replace day 0"] = async t => await t.ReplacePartitionsAsync(await t.WriteFilesAsync(Orders.DailyRows(3, 60), ["day"])),
        ["delete day 0"] = async t => await t.DeletePartitionsAsync(p => p["day"] == "2023-12-09"),
        ["merge 0"] = async t => await t.MergeAsync(Orders.DailyRows(3, 0), ["id"]),
        ["replace ids up to 0"] = async t => await t.ReplaceRowsAsync(null, new ScanFilter().Between("id", null, 0), b => [.. ((Int64Column)b["id"]).Values.Take(b.RowCount).Select(i => i <= 0)], ["id"]),
        ["optimize"] = async t => await t.OptimizeAsync(),
        ["optimize day 1"] = async t => await t.OptimizeAsync(new OptimizeOptions { Partitions = p => p["day"] == "2023-12-10" }),
        ["set a property"] = async t => await t.SetPropertiesAsync(new Dictionary<string, string?> { ["owner"] = "me" }),
    };

    private readonly Dictionary<string, Func<ConflictTests, Task>> _winners = new()
    {
        ["append to day 0, no key of mine"] = c => AppendAsync(c.Open(c._memory), 90),
        ["append to day 0, a key of mine"] = c => AppendAsync(c.Open(c._memory), 0),
        ["append to day 2"] = c => AppendAsync(c.Open(c._memory), 92),
        ["delete day 0"] = async c => await c.Open(c._memory).DeletePartitionsAsync(p => p["day"] == "2023-12-09"),
        ["delete day 2"] = async c => await c.Open(c._memory).DeletePartitionsAsync(p => p["day"] == "2023-12-11"),
        ["optimize day 0"] = async c => await c.Open(c._memory).OptimizeAsync(new OptimizeOptions { Partitions = p => p["day"] == "2023-12-09" }),
        ["set a property"] = async c => await c.Open(c._memory).SetPropertiesAsync(new Dictionary<string, string?> { ["owner"] = "other" }),
        ["protocol"] = c => c.RaiseAsync("""{"protocol":{"minReaderVersion":1,"minWriterVersion":2}}"""),
    };

    public static TheoryData<string, string, bool> Cells()
    {
        const string key = "append to day 0, a key of mine", noKey = "append to day 0, no key of mine", elsewhere = "append to day 2";
        string[] all = [noKey, key, elsewhere, "delete day 0", "delete day 2", "optimize day 0", "set a property", "protocol"];
        var conflicts = new Dictionary<string, string[]>
        {
            ["append"] = [],
            ["overwrite"] = all,
            ["replace day 0"] = [noKey, key, "delete day 0", "optimize day 0", "set a property", "protocol"],
            ["delete day 0"] = [noKey, key, "delete day 0", "optimize day 0", "set a property", "protocol"],
            ["merge 0"] = [key, "delete day 0", "optimize day 0", "set a property", "protocol"],
            ["replace ids up to 0"] = [key, "delete day 0", "optimize day 0", "set a property", "protocol"],
            ["optimize"] = ["delete day 0", "delete day 2", "optimize day 0", "set a property", "protocol"],
            ["optimize day 1"] = ["set a property", "protocol"],
            ["set a property"] = ["set a property", "protocol"],
        };
        var cells = new TheoryData<string, string, bool>();
        foreach (var (change, failing) in conflicts)
        {
            foreach (var winner in all) cells.Add(change, winner, failing.Contains(winner));
        }

        return cells;
    }

    private DeltaTable Open(IObjectStore store) => DeltaTable.Open(store, "t");

    private static async Task AppendAsync(DeltaTable table, params long[] ids) => await table.AppendAsync(new AppendRequest
    {
        Schema = Orders.Daily, Files = await table.WriteFilesAsync(Orders.DailyRows(3, ids), ["day"]), PartitionColumns = ["day"],
    });

    private async Task RaiseAsync(string action)
    {
        var version = (await Open(_memory).RefreshAsync()).Version + 1;
        Assert.True(await _memory.PutIfAbsentAsync("t/" + LogPath.Commit(version), Encoding.UTF8.GetBytes(action), default));
    }

    [Theory]
    [MemberData(nameof(Cells))]
    public async Task A_change_fails_beside_what_contradicts_it_and_goes_on_beside_all_else(string change, string winner, bool conflict)
    {
        for (var id = 0; id < 6; id++) await AppendAsync(Open(_memory), id);
        var store = new FaultyObjectStore(_memory);
        var raced = false;
        store.BeforePut = async path =>
        {
            if (raced || !path.Contains("_delta_log/", StringComparison.Ordinal)) return;
            raced = true;
            await _winners[winner](this);
        };
        if (!conflict)
        {
            await Changes[change](Open(store));
            Assert.Equal(7, (await Open(_memory).RefreshAsync()).Version);
            return;
        }

        var error = await Assert.ThrowsAsync<DeltaConflictException>(async () => await Changes[change](Open(store)));
        Assert.Contains("Commit 6", error.Message);
        Assert.Equal(6, (await Open(_memory).RefreshAsync()).Version);
        // Repeated on what is there now, it goes through.
        await Changes[change](Open(store));
        Assert.True((await Open(_memory).SnapshotAsync()).Version is 6 or 7);
    }

    [Fact]
    public async Task An_append_beside_a_protocol_that_is_out_of_reach_commits_nothing()
    {
        await AppendAsync(Open(_memory), 0);
        var store = new FaultyObjectStore(_memory);
        var raced = false;
        store.BeforePut = async path =>
        {
            if (raced || !path.Contains("_delta_log/", StringComparison.Ordinal)) return;
            raced = true;
            await RaiseAsync("""{"protocol":{"minReaderVersion":1,"minWriterVersion":7,"writerFeatures":["rowTracking"]}}""");
        };
        var error = await Assert.ThrowsAsync<DeltaUnsupportedException>(async () => await AppendAsync(Open(store), 1));
        Assert.Contains("rowTracking", error.Message);
        Assert.Equal(1, (await Open(_memory).RefreshAsync()).Version);
    }
}
