using Tidemark.Delta.Tests.Support;

namespace Tidemark.Delta.Tests.Log;

public class SnapshotAtHandTests
{
    [Fact]
    public async Task A_version_at_hand_is_gone_on_from_with_a_request_for_each_commit_since_and_stays_what_it_was()
    {
        var time = new FakeTime();
        var counting = new CountingObjectStore(new MemoryObjectStore(time));
        var table = DeltaTable.Open(counting, "t", new DeltaTableOptions { Time = time });
        for (var n = 1; n <= 30; n++)
            await Orders.AppendAsync(table, Orders.Rows(n), new TxnMove("app", n == 1 ? null : n - 1, n));
        var known = await table.SnapshotAsync();
        var before = counting.Counts;
        Assert.Same(known, await table.FollowAsync(known));
        Assert.Equal(1, counting.Counts.Requests - before.Requests);

        await Orders.AppendAsync(table, Orders.Rows(31), new TxnMove("app", 30, 31));
        await table.OptimizeAsync();
        await Orders.AppendAsync(table, Orders.Rows(32));
        before = counting.Counts;
        var (followed, requests) = (await table.FollowAsync(known), counting.Counts.Requests - before.Requests);
        var fresh = await table.SnapshotAsync();
        Assert.Equal(4, requests);
        Assert.Equal((fresh.Version, fresh.TransactionOf("app")), (followed.Version, followed.TransactionOf("app")));
        Assert.Equal(fresh.Files.Select(file => file.Path).Order(), followed.Files.Select(file => file.Path).Order());
        Assert.Equal(Enumerable.Range(1, 32).Select(id => (long)id), (await Orders.IdsAsync(table, followed.Files)).Order());
        Assert.Equal(30, known.Files.Count);
    }

    [Fact]
    public async Task The_log_of_a_table_without_a_checkpoint_is_read_several_commits_at_once()
    {
        var store = new FaultyObjectStore(new MemoryObjectStore(new FakeTime()));
        var table = DeltaTable.Open(store, "t");
        for (var n = 1; n <= 40; n++)
            await Orders.AppendAsync(table, Orders.Rows(n));
        // None is answered before its whole group is asked for.
        var (asked, group) = (0, new TaskCompletionSource());
        store.BeforeGet = path =>
        {
            if (!path.EndsWith(".json", StringComparison.Ordinal))
                return Task.CompletedTask;
            var mine = group;
            if (++asked is 16 or 32 or 40)
            {
                group = new TaskCompletionSource();
                mine.SetResult();
            }

            return mine.Task.WaitAsync(TimeSpan.FromSeconds(30));
        };
        Assert.Equal(40, (await DeltaTable.Open(store, "t").SnapshotAsync()).Files.Count);
        Assert.Equal(40, asked);
    }
}
