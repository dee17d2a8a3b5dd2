using Tidemark.Delta;
using Tidemark.Delta.Tests.Storage;
using Tidemark.Functions.Lake;

namespace Tidemark.Functions.Tests.Lake;

public sealed class RecentObjectsTests : ObjectStoreConformance
{
    private const string Log = "silver/events/_delta_log/00000000000000000000.json";

    protected override ValueTask<IObjectStore> OpenEmptyAsync() => new(new RecentObjects(new MemoryObjectStore(), 1000));

    [Fact]
    public async Task What_was_written_through_it_is_not_read_from_storage_and_is_the_same()
    {
        var (counting, recent) = Open(1000);
        var content = Enumerable.Range(0, 100).Select(i => (byte)i).ToArray();
        foreach (var path in new[] { "silver/events/a.parquet", "_staging/v1/00000/0-a" })
        {
            Assert.True(await recent.PutIfAbsentAsync(path, content, default));
            Assert.Equal(content, (await recent.GetAsync(path, default))!.Value.ToArray());
            foreach (var (offset, length) in new[] { (0, 100), (10, 5), (95, 50), (100, 1), (2000, 3), (4, 0) })
            {
                var expected = content.Skip(offset).Take(length).ToArray();
                Assert.Equal(expected, (await recent.GetRangeAsync(path, offset, length, default))!.Value.ToArray());
                var into = new byte[length];
                Assert.Equal(expected.Length, await recent.ReadAsync(path, offset, into, default));
                Assert.Equal(expected, into[..expected.Length]);
            }
        }

        Assert.Equal(0, counting.Counts.Gets);
    }

    [Fact]
    public async Task What_a_writer_does_with_its_memory_later_changes_nothing()
    {
        var (_, recent) = Open(1000);
        var content = new byte[] { 1, 2, 3 };
        await recent.PutAsync("_staging/x", content, default);
        content[0] = 9;
        Assert.Equal(new byte[] { 1, 2, 3 }, (await recent.GetAsync("_staging/x", default))!.Value.ToArray());
    }

    [Fact]
    public async Task Objects_that_change_are_always_read_from_storage()
    {
        var inner = new MemoryObjectStore();
        var recent = new RecentObjects(inner, 1000);
        foreach (var path in new[] { Log, "silver/events/_delta_log/_last_checkpoint", "silver/events/_delta_log/1.checkpoint.parquet", "_state/v1/x" })
        {
            await recent.PutAsync(path, new byte[] { 1 }, default);
            await inner.PutAsync(path, new byte[] { 2 }, default);
            Assert.Equal(2, (await recent.GetAsync(path, default))!.Value.Span[0]);
        }
    }

    [Fact]
    public async Task What_is_deleted_or_refused_is_not_there()
    {
        var inner = new MemoryObjectStore();
        var recent = new RecentObjects(inner, 1000);
        await recent.PutAsync("t/a.parquet", new byte[] { 1 }, default);
        await recent.DeleteAsync("t/a.parquet", default);
        Assert.Null(await recent.GetAsync("t/a.parquet", default));
        await inner.PutAsync("t/b.parquet", new byte[] { 1 }, default);
        Assert.False(await recent.PutIfAbsentAsync("t/b.parquet", new byte[] { 2 }, default));
        Assert.Equal(1, (await recent.GetAsync("t/b.parquet", default))!.Value.Span[0]);
    }

    [Fact]
    public async Task It_holds_no_more_than_its_capacity_and_the_newest()
    {
        var (counting, recent) = Open(1000);
        for (var i = 0; i < 50; i++)
            await recent.PutAsync($"_staging/{i}", new byte[100], default);
        await recent.PutAsync("_staging/large", new byte[600], default);
        for (var i = 0; i < 50; i++)
            Assert.Equal(100, (await recent.GetAsync($"_staging/{i}", default))!.Value.Length);
        Assert.Equal(40, counting.Counts.Gets);
        Assert.Equal(600, (await recent.GetAsync("_staging/large", default))!.Value.Length);
        Assert.Equal(41, counting.Counts.Gets);
    }

    [Fact]
    public async Task Names_of_what_is_deleted_do_not_pile_up()
    {
        var (_, recent) = Open(1000);
        for (var i = 0; i < 1000; i++)
        {
            await recent.PutAsync($"_staging/{i}", new byte[10], default);
            await recent.DeleteAsync($"_staging/{i}", default);
        }

        Assert.True(recent.Names <= 2, $"{recent.Names} names are kept");
    }

    private static (CountingObjectStore Counting, RecentObjects Recent) Open(long capacity)
    {
        var counting = new CountingObjectStore(new MemoryObjectStore());
        return (counting, new RecentObjects(counting, capacity));
    }
}
