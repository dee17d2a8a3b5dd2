using Tidemark.Delta.Tests.Support;

namespace Tidemark.Delta.Tests.Table;

/// <summary>Writers, correctors and maintainers at once on one table, in whatever order they come.</summary>
public sealed class ConcurrencyTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task Appends_merges_and_maintenance_at_once_leave_every_row_once(bool inMemory)
    {
        IObjectStore store = inMemory ? new MemoryObjectStore() : new LocalObjectStore(_folder.Path);
        DeltaTable Open() => DeltaTable.Open(store, "t", new DeltaTableOptions { UploadPartBytes = 2000 });
        await Open().CreateAsync(Orders.Schema);
        const int writers = 4, each = 12;
        var left = writers + 1;
        async Task AppendAsync(int writer)
        {
            var table = Open();
            for (var i = 0; i < each; i++) await Orders.AppendAsync(table, Orders.Rows(writer * 1000 + i), new TxnMove($"w{writer}", i == 0 ? null : i - 1, i));
            Interlocked.Decrement(ref left);
        }

        async Task MergeAsync()
        {
            var table = Open();
            // Ids that nobody else writes; each is written twice and must be there once.
            for (var i = 0; i < each; i++) await RetryAsync(async () => await table.MergeAsync(Orders.Rows(9000 + i / 2), ["id"]));
            Interlocked.Decrement(ref left);
        }

        async Task MaintainAsync(Func<DeltaTable, Task> work)
        {
            var table = Open();
            while (Volatile.Read(ref left) > 0)
            {
                try
                {
                    await work(table);
                }
                catch (DeltaConflictException)
                {
                    // Another was faster; the next round has what it left.
                }
            }
        }

        await Task.WhenAll([
            .. Enumerable.Range(1, writers).Select(w => Task.Run(() => AppendAsync(w))), Task.Run(MergeAsync),
            Task.Run(() => MaintainAsync(async t => await t.OptimizeAsync(new OptimizeOptions { Full = true }))),
            Task.Run(() => MaintainAsync(async t => await t.CheckpointAsync())),
        ]);
        var expected = Enumerable.Range(1, writers).SelectMany(w => Enumerable.Range(0, each).Select(i => w * 1000L + i)).Concat(Enumerable.Range(0, each / 2).Select(i => 9000L + i));
        var snapshot = await Open().SnapshotAsync();
        Assert.Equal(expected.Order(), (await Orders.IdsAsync(Open(), snapshot.Files)).Order());
        Assert.All(Enumerable.Range(1, writers), w => Assert.Equal(each - 1, snapshot.TransactionOf($"w{w}")));
    }

    private static async Task RetryAsync(Func<Task> act)
    {
        while (true)
        {
            try
            {
                await act();
                return;
            }
            catch (DeltaConflictException)
            {
                // Read again and repeat, as its message says.
            }
        }
    }

    public void Dispose() => _folder.Dispose();
}
