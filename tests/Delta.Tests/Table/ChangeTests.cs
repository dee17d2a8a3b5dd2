using Tidemark.Delta.Tests.Support;

namespace Tidemark.Delta.Tests.Table;

public sealed class ChangeTests
{
    private readonly FakeTime _time = new();
    private readonly FaultyObjectStore _store;
    private readonly DeltaTable _table;

    public ChangeTests()
    {
        _store = new FaultyObjectStore(new MemoryObjectStore(_time));
        _table = Open();
    }

    private DeltaTable Open() => DeltaTable.Open(_store, "t", new DeltaTableOptions { Time = _time });

    private async Task<long> AppendAsync(params long[] ids) => await AppendAsync(_table, ids);

    private static async Task<long> AppendAsync(DeltaTable table, params long[] ids)
    {
        var result = await table.AppendAsync(new AppendRequest
        {
            Schema = Orders.Daily, Files = await table.WriteFilesAsync(Orders.DailyRows(3, ids), ["day"]), PartitionColumns = ["day"],
        });
        return ((AppendResult.Committed)result).Version;
    }

    private async Task<List<long>> IdsAsync(long? version = null)
    {
        var ids = await Orders.IdsAsync(_table, (await _table.SnapshotAsync(version)).Files);
        ids.Sort();
        return ids;
    }

    private void Race(Func<Task> other)
    {
        var done = false;
        _store.BeforePut = async path =>
        {
            if (done || !path.Contains("_delta_log/")) return;
            done = true;
            await other();
        };
    }

    private const string Day0 = "2023-12-09";

    [Fact]
    public async Task Overwrite_fails_when_another_commit_appends_meanwhile()
    {
        await AppendAsync(1, 2, 3);
        Race(() => AppendAsync(Open(), 4));
        var files = await _table.WriteFilesAsync(Orders.DailyRows(3, 9), ["day"]);
        await Assert.ThrowsAsync<DeltaConflictException>(async () => await _table.OverwriteAsync(files));
        Assert.Equal([1, 2, 3, 4], await IdsAsync());
        await _table.OverwriteAsync(files);
        Assert.Equal([9], await IdsAsync());
        Assert.Equal([1, 2, 3, 4], await IdsAsync(1));
    }

    [Theory]
    [InlineData(6L, true)]
    [InlineData(7L, false)]
    public async Task Deleting_a_partition_fails_only_when_another_commit_touches_that_partition(long appended, bool conflict)
    {
        await AppendAsync(0, 1, 2, 3);
        var day0 = (await _table.SnapshotAsync()).Files.Select(f => f.PartitionValues["day"]).Min();
        Assert.Equal(Day0, day0);
        Race(() => AppendAsync(Open(), appended));
        async Task Delete() => await _table.DeletePartitionsAsync(p => p["day"] == Day0);
        if (conflict) await Assert.ThrowsAsync<DeltaConflictException>(Delete);
        else await Delete();
        Assert.Equal(conflict ? [0, 1, 2, 3, 6] : [1, 2, 7], await IdsAsync());
    }

    [Fact]
    public async Task Optimize_goes_through_beside_an_append_and_changes_no_data()
    {
        for (var i = 0; i < 6; i++) await AppendAsync(3 * i, 3 * i + 1);
        var before = await IdsAsync();
        Race(() => AppendAsync(Open(), 100));
        var result = await _table.OptimizeAsync();
        Assert.Equal((2, 12), (result.FilesAdded, result.FilesRemoved));
        Assert.Equal([.. before, 100], await IdsAsync());
        var changes = new List<CommitChanges>();
        await foreach (var change in _table.ReadChangesAsync(result.Version - 1)) changes.Add(change);
        Assert.Empty(changes[0].Added);
        Assert.False(changes[0].RemovedData);
    }

    [Fact]
    public async Task A_table_optimized_after_each_append_is_not_rewritten_each_time()
    {
        const int rounds = 48, size = 1500;
        long rewritten = 0;
        for (var i = 0; i < rounds; i++)
        {
            await Orders.AppendAsync(_table, Orders.Rows([.. Enumerable.Range(i * size, size).Select(n => n * 7919L % 1_000_003)]));
            rewritten += (await _table.OptimizeAsync()).RowsAdded;
        }

        // Rewriting all of it each time would be 24 times per row.
        Assert.True(rewritten < 8L * rounds * size, $"{rewritten} rows were rewritten for {rounds * size}");
        Assert.True((await _table.SnapshotAsync()).Files.Count < 8);
        await _table.OptimizeAsync(new OptimizeOptions { Full = true });
        Assert.Single((await _table.SnapshotAsync()).Files);
        Assert.Equal(rounds * size, (await IdsAsync()).Count);
    }

    [Fact]
    public async Task Two_that_optimize_the_same_files_end_in_one_winner()
    {
        for (var i = 0; i < 4; i++) await AppendAsync(3 * i);
        Race(async () => await Open().OptimizeAsync());
        await Assert.ThrowsAsync<DeltaConflictException>(async () => await _table.OptimizeAsync());
        Assert.Equal([0, 3, 6, 9], await IdsAsync());
    }

    [Fact]
    public async Task An_append_goes_through_beside_an_optimize_and_an_overwrite()
    {
        for (var i = 0; i < 3; i++) await AppendAsync(i);
        Race(async () => await Open().OverwriteAsync([]));
        await AppendAsync(50);
        Assert.Equal([50], await IdsAsync());
    }

    [Fact]
    public async Task A_change_moves_its_applications_only_from_the_version_it_expects()
    {
        await AppendAsync(1);
        var files = await _table.WriteFilesAsync(Orders.DailyRows(3, 9), ["day"]);
        await _table.OverwriteAsync(files, [new TxnMove("fix", null, 1)]);
        await Assert.ThrowsAsync<DeltaConflictException>(async () => await _table.OverwriteAsync([], [new TxnMove("fix", null, 2)]));
        Assert.Equal(1, (await _table.RefreshAsync()).TransactionOf("fix"));
    }

    [Theory]
    [InlineData(MergeMode.Upsert, new long[] { 1, 2, 3, 10, 11 }, new long[] { 2, 3, 10, 11 })]
    [InlineData(MergeMode.InsertOnly, new long[] { 1, 2, 3, 10, 11 }, new long[] { 10, 11 })]
    [InlineData(MergeMode.UpdateOnly, new long[] { 1, 2, 3 }, new long[] { 2, 3 })]
    [InlineData(MergeMode.Delete, new long[] { 1 }, new long[0])]
    public async Task Merge_by_key_in_each_mode(MergeMode mode, long[] ids, long[] renamed)
    {
        await AppendAsync(1, 2, 3);
        var source = Orders.DailyRows(3, 2, 3, 10, 11);
        source = new RecordBatch(source.Schema, [source.Columns[0], RandomRows.Strings(["new 2", "new 3", "new 10", "new 11"]), source.Columns[2], source.Columns[3]], 4);
        await _table.MergeAsync(source, ["id"], mode);
        var rows = new List<string>();
        await foreach (var batch in _table.ReadAsync(await _table.SnapshotAsync(), ["id", "name"])) rows.AddRange(Canon.Rows(batch));
        Canon.AssertSame(ids.Select(i => renamed.Contains(i) ? $"[\"{i}\",\"new {i}\"]" : $"[\"{i}\",\"order {i}\"]"), rows, mode.ToString(), ordered: false);
    }

    [Fact]
    public async Task Merge_reads_and_rewrites_only_files_that_can_hold_a_key_of_the_source()
    {
        await AppendAsync(0, 3, 6);
        await AppendAsync(300, 303);
        var untouched = (await _table.SnapshotAsync()).Files.Single(f => f.RowCount == 3);
        var result = await _table.MergeAsync(Orders.DailyRows(3, 303), ["id"]);
        Assert.Equal(1, result.FilesRemoved);
        Assert.Contains((await _table.SnapshotAsync()).Files, f => f.Path == untouched.Path);
        Assert.Equal([0, 3, 6, 300, 303], await IdsAsync());
    }

    [Theory]
    [InlineData(500L, false)]
    [InlineData(302L, true)]
    public async Task Merge_and_replace_go_through_beside_appends_of_rows_that_they_do_not_depend_on(long appended, bool conflict)
    {
        await AppendAsync(300, 301, 303, 304);
        Race(() => AppendAsync(Open(), appended));
        async Task Merge() => await _table.MergeAsync(Orders.DailyRows(3, 301, 303), ["id"]);
        if (conflict) await Assert.ThrowsAsync<DeltaConflictException>(Merge);
        else await Merge();
        Race(() => AppendAsync(Open(), appended + 1));
        async Task Replace() => await _table.ReplaceRowsAsync(Orders.DailyRows(3, 310), new ScanFilter().Between("id", 300, 304), rows => new bool[rows.RowCount], ["id"]);
        if (conflict) await Assert.ThrowsAsync<DeltaConflictException>(Replace);
        else await Replace();
        Assert.Equal(conflict ? [300, 301, 302, 303, 303, 304] : [300, 301, 303, 304, 310, 500, 501], await IdsAsync());
    }

    [Fact]
    public async Task A_source_with_a_key_twice_is_refused()
    {
        await AppendAsync(1);
        await Assert.ThrowsAsync<ArgumentException>(async () => await _table.MergeAsync(Orders.DailyRows(3, 5, 5), ["id"]));
    }

    [Fact]
    public async Task An_append_only_table_refuses_to_lose_rows_and_still_lets_itself_be_optimized()
    {
        await AppendAsync(0);
        await AppendAsync(3);
        await _table.SetPropertiesAsync(new Dictionary<string, string?> { ["delta.appendOnly"] = "true" });
        await Assert.ThrowsAsync<InvalidOperationException>(async () => await _table.OverwriteAsync([]));
        Assert.Equal(1, (await _table.OptimizeAsync()).FilesAdded);
        Assert.Equal([0, 3], await IdsAsync());
    }

    [Fact]
    public async Task Vacuum_removes_only_what_is_old_and_needed_by_no_version_and_a_dry_run_removes_nothing()
    {
        await AppendAsync(0, 3);
        await _table.OverwriteAsync(await _table.WriteFilesAsync(Orders.DailyRows(3, 9), ["day"]));
        var orphan = await _table.WriteFileAsync(Orders.Rows(77));
        Assert.Empty((await _table.VacuumAsync()).Files);
        await Assert.ThrowsAsync<ArgumentException>(async () => await _table.VacuumAsync(new VacuumOptions { Retention = TimeSpan.FromDays(1) }));
        _time.Advance(TimeSpan.FromDays(8));
        var young = await _table.WriteFileAsync(Orders.Rows(78));
        var dry = await _table.VacuumAsync(new VacuumOptions { DryRun = true });
        Assert.Equal(2, dry.Files.Count);
        Assert.Contains(orphan.Path, dry.Files);
        Assert.Equal(dry.Files, (await _table.VacuumAsync()).Files);
        Assert.Empty((await _table.VacuumAsync()).Files);
        Assert.Equal([9], await IdsAsync());
        Assert.NotNull(await _store.HeadAsync("t/" + young.Path, default));
        await Assert.ThrowsAsync<DeltaFormatException>(async () => await IdsAsync(0));
    }

    [Fact]
    public async Task Vacuum_spares_what_it_is_told_and_what_is_committed_while_it_asks()
    {
        await AppendAsync(0);
        var named = await _table.WriteFilesAsync(Orders.DailyRows(3, 5), ["day"]);
        var committedMeanwhile = await _table.WriteFilesAsync(Orders.DailyRows(3, 6), ["day"]);
        var orphan = await _table.WriteFilesAsync(Orders.DailyRows(3, 7), ["day"]);
        var asked = 0;
        async ValueTask<IReadOnlySet<string>> ProtectedAsync(CancellationToken ct)
        {
            asked++;
            await Open().AppendAsync(new AppendRequest { Schema = Orders.Daily, Files = committedMeanwhile, PartitionColumns = ["day"] }, ct);
            return named.Select(f => f.Path).ToHashSet();
        }

        Assert.Empty((await _table.VacuumAsync(new VacuumOptions { Protected = ProtectedAsync })).Files);
        Assert.Equal(0, asked);
        _time.Advance(TimeSpan.FromDays(8));

        Assert.Equal(orphan.Select(f => f.Path), (await _table.VacuumAsync(new VacuumOptions { Protected = ProtectedAsync })).Files);

        Assert.Equal(1, asked);
        await _table.AppendAsync(new AppendRequest { Schema = Orders.Daily, Files = named, PartitionColumns = ["day"] });
        Assert.Equal([0, 5, 6], await IdsAsync());
    }

    [Fact]
    public async Task Log_cleanup_keeps_a_checkpoint_and_everything_after_it_and_does_nothing_without_one()
    {
        for (var i = 0; i < 5; i++) await AppendAsync(i);
        _time.Advance(TimeSpan.FromDays(40));
        Assert.Equal(0, await _table.CleanupLogAsync());
        Assert.Equal(4, await _table.CheckpointAsync());
        await AppendAsync(5);
        Assert.Equal(4, await _table.CleanupLogAsync());
        Assert.Equal([0, 1, 2, 3, 4, 5], await IdsAsync());
        await Assert.ThrowsAsync<DeltaVersionNotFoundException>(async () => await _table.SnapshotAsync(2));
        await Assert.ThrowsAsync<DeltaVersionNotFoundException>(async () =>
        {
            await foreach (var _ in _table.ReadChangesAsync(1)) { }
        });
    }

    [Fact]
    public async Task Time_travel_finds_the_version_of_a_time()
    {
        var start = _time.GetUtcNow();
        await AppendAsync(1);
        _time.Advance(TimeSpan.FromHours(1));
        await AppendAsync(2);
        _time.Advance(TimeSpan.FromHours(1));
        await AppendAsync(3);
        Assert.Equal(0, (await _table.SnapshotAtAsync(start.AddMinutes(59))).Version);
        Assert.Equal(1, (await _table.SnapshotAtAsync(start.AddMinutes(60))).Version);
        Assert.Equal(2, (await _table.SnapshotAtAsync(start.AddDays(1))).Version);
        await Assert.ThrowsAsync<DeltaVersionNotFoundException>(async () => await _table.SnapshotAtAsync(start.AddDays(-1)));
        await Assert.ThrowsAsync<DeltaVersionNotFoundException>(async () => await _table.SnapshotAsync(7));
        var history = new List<long>();
        await foreach (var (version, _, info) in _table.HistoryAsync())
        {
            history.Add(version);
            Assert.Equal("WRITE", info!.Operation);
        }

        Assert.Equal([2, 1, 0], history);
    }

    [Fact]
    public async Task A_filter_leaves_out_files_by_partition_and_statistics_and_never_a_matching_row()
    {
        for (var i = 0; i < 10; i++) await AppendAsync([.. Enumerable.Range(i * 100, 100).Select(n => (long)n)]);
        var snapshot = await _table.SnapshotAsync();
        Assert.Equal(30, snapshot.Files.Count);
        Assert.Equal(3, _table.FilesFor(snapshot, new ScanFilter().Between("id", 410, 480)).Count);
        Assert.Equal(10, _table.FilesFor(snapshot, new ScanFilter().EqualTo("day", 19_700)).Count);
        Assert.Single(_table.FilesFor(snapshot, new ScanFilter().EqualTo("day", 19_700).Between("id", 410, 480)));
        Assert.Empty(_table.FilesFor(snapshot, new ScanFilter().EqualTo("name", "zebra")));
        foreach (var wanted in new long[] { 0, 99, 100, 555, 999 })
        {
            var found = false;
            await foreach (var batch in _table.ReadAsync(snapshot, ["id"], new ScanFilter().EqualTo("id", wanted).EqualTo("name", $"order {wanted}")))
                found |= ((Int64Column)batch.Columns[0]).Values.AsSpan(0, batch.RowCount).Contains(wanted);
            Assert.True(found, $"row {wanted} was left out");
        }
    }
}
