using System.Text;

namespace Tidemark.Delta.Tests.Storage;

/// <summary>What every object store must do. Derive, give a fresh empty store, and the tests run against it.</summary>
public abstract class ObjectStoreConformance
{
    private static readonly CancellationToken None = CancellationToken.None;

    /// <summary>A store without objects.</summary>
    protected abstract ValueTask<IObjectStore> OpenEmptyAsync();

    private static byte[] Bytes(string text) => Encoding.UTF8.GetBytes(text);

    private static string Text(ReadOnlyMemory<byte>? content) => Encoding.UTF8.GetString(content!.Value.Span);

    [Fact]
    public async Task Of_32_writers_that_put_the_same_absent_object_one_wins_and_its_content_stays()
    {
        var store = await OpenEmptyAsync();
        for (var round = 0; round < 4; round++)
        {
            var path = $"race/{round:D20}.json";
            using var start = new SemaphoreSlim(0);
            var writers = Enumerable.Range(0, 32).Select(async writer =>
            {
                await start.WaitAsync();
                return (writer, won: await store.PutIfAbsentAsync(path, Bytes($"writer {writer}"), None));
            }).ToList();
            start.Release(32);
            var results = await Task.WhenAll(writers);
            var winner = Assert.Single(results, r => r.won);
            Assert.Equal($"writer {winner.writer}", Text(await store.GetAsync(path, None)));
        }
    }

    [Fact]
    public async Task Put_replaces_and_get_returns_what_was_put_last()
    {
        var store = await OpenEmptyAsync();
        await store.PutAsync("a/b", Bytes("one"), None);
        await store.PutAsync("a/b", Bytes("two and more"), None);
        Assert.Equal("two and more", Text(await store.GetAsync("a/b", None)));
        Assert.False(await store.PutIfAbsentAsync("a/b", Bytes("three"), None));
    }

    [Fact]
    public async Task What_is_absent_is_null_and_deleting_it_does_nothing()
    {
        var store = await OpenEmptyAsync();
        Assert.Null(await store.GetAsync("no/such", None));
        Assert.Null(await store.GetRangeAsync("no/such", 0, 10, None));
        Assert.Equal(-1, await store.ReadAsync("no/such", 0, new byte[10], None));
        Assert.Null(await store.HeadAsync("no/such", None));
        Assert.False(await store.PutIfMatchAsync("no/such", Bytes("x"), "etag", None));
        await store.DeleteAsync("no/such", None);
        Assert.Empty(await ListAsync(store, "no/"));
    }

    [Fact]
    public async Task A_range_is_cut_at_the_end_of_the_object()
    {
        var store = await OpenEmptyAsync();
        await store.PutAsync("range", Bytes("0123456789"), None);
        Assert.Equal("345", Text(await store.GetRangeAsync("range", 3, 3, None)));
        Assert.Equal("89", Text(await store.GetRangeAsync("range", 8, 5, None)));
        Assert.Equal("0123456789", Text(await store.GetRangeAsync("range", 0, 1000, None)));
        var memory = new byte[4];
        Assert.Equal(4, await store.ReadAsync("range", 3, memory, None));
        Assert.Equal("3456", Text(memory));
        Assert.Equal(2, await store.ReadAsync("range", 8, memory, None));
        Assert.Equal("8956", Text(memory));
        Assert.Equal(0, await store.ReadAsync("range", 10, memory, None));
    }

    [Fact]
    public async Task An_empty_object_is_an_object()
    {
        var store = await OpenEmptyAsync();
        Assert.True(await store.PutIfAbsentAsync("empty", ReadOnlyMemory<byte>.Empty, None));
        Assert.Equal(0, (await store.GetAsync("empty", None))!.Value.Length);
        Assert.Equal(0, (await store.HeadAsync("empty", None))!.Value.Size);
    }

    [Fact]
    public async Task Head_and_list_agree_and_the_etag_changes_with_the_content()
    {
        var store = await OpenEmptyAsync();
        await store.PutAsync("x/one", Bytes("aaa"), None);
        var first = (await store.HeadAsync("x/one", None))!.Value;
        Assert.Equal(3, first.Size);
        Assert.Equal([first], await ListAsync(store, "x/"));
        await store.PutAsync("x/one", Bytes("bbb"), None);
        Assert.NotEqual(first.ETag, (await store.HeadAsync("x/one", None))!.Value.ETag);
    }

    [Fact]
    public async Task Put_if_match_holds_only_for_the_etag_of_now()
    {
        var store = await OpenEmptyAsync();
        await store.PutAsync("m", Bytes("1"), None);
        var etag = (await store.HeadAsync("m", None))!.Value.ETag;
        Assert.True(await store.PutIfMatchAsync("m", Bytes("2"), etag, None));
        Assert.False(await store.PutIfMatchAsync("m", Bytes("3"), etag, None));
        Assert.Equal("2", Text(await store.GetAsync("m", None)));
    }

    [Fact]
    public async Task Listing_is_in_ordinal_order_by_prefix_and_after_a_name()
    {
        var store = await OpenEmptyAsync();
        string[] paths = ["t/_delta_log/00000000000000000000.json", "t/_delta_log/00000000000000000001.json", "t/_delta_log/00000000000000000010.checkpoint.parquet",
            "t/_delta_log/00000000000000000010.json", "t/_delta_log/_last_checkpoint", "t/d=2024-01-01/a.parquet", "t/d=2024-01-01-x/b.parquet", "t/B", "t/a", "tt/c", "t.x"];
        foreach (var path in paths.Reverse()) await store.PutAsync(path, Bytes(path), None);
        var all = paths.Order(StringComparer.Ordinal).ToList();
        Assert.Equal(all, (await ListAsync(store, "")).Select(o => o.Path));
        Assert.Equal(all.Where(p => p.StartsWith("t/", StringComparison.Ordinal)), (await ListAsync(store, "t/")).Select(o => o.Path));
        Assert.Equal(["t/d=2024-01-01-x/b.parquet", "t/d=2024-01-01/a.parquet"], (await ListAsync(store, "t/d=2024-01-01")).Select(o => o.Path));
        Assert.Equal(all.Where(p => p.StartsWith("t/_delta_log/", StringComparison.Ordinal)).Skip(2),
            (await ListAsync(store, "t/_delta_log/", "t/_delta_log/00000000000000000001.json")).Select(o => o.Path));
    }

    [Theory]
    [InlineData("with space/and+plus")]
    [InlineData("percent%20encoded%2Fname")]
    [InlineData("umlaut-ü-日本語-😀")]
    [InlineData("p=a%3Ab/x=__HIVE_DEFAULT_PARTITION__/f.parquet")]
    [InlineData("odd ,;()[]!@#$&'.parquet")]
    public async Task A_name_with_odd_characters_is_kept_as_it_is(string path)
    {
        var store = await OpenEmptyAsync();
        Assert.True(await store.PutIfAbsentAsync(path, Bytes(path), None));
        Assert.False(await store.PutIfAbsentAsync(path, Bytes("second"), None));
        Assert.Equal(path, Text(await store.GetAsync(path, None)));
        Assert.Equal(path, Assert.Single(await ListAsync(store, path[..1])).Path);
        await store.DeleteAsync(path, None);
        Assert.Null(await store.GetAsync(path, None));
    }

    [Fact]
    public async Task An_object_of_several_megabytes_comes_back_whole()
    {
        var store = await OpenEmptyAsync();
        var content = new byte[5_000_000];
        new Random(7).NextBytes(content);
        Assert.True(await store.PutIfAbsentAsync("big", content, None));
        Assert.True((await store.GetAsync("big", None))!.Value.Span.SequenceEqual(content));
        Assert.True((await store.GetRangeAsync("big", 4_000_000, 100_000, None))!.Value.Span.SequenceEqual(content.AsSpan(4_000_000, 100_000)));
    }

    [Fact]
    public async Task An_object_in_parts_appears_whole_with_its_commit_and_not_before()
    {
        var store = await OpenEmptyAsync();
        var content = new byte[300_000];
        new Random(8).NextBytes(content);
        await using (var writer = store.OpenWrite("in/parts"))
        {
            var part = new byte[100_000];
            for (var at = 0; at < content.Length; at += part.Length)
            {
                // The memory is the caller's again after each part.
                content.AsSpan(at, part.Length).CopyTo(part);
                await writer.WriteAsync(part, None);
                Assert.Null(await store.HeadAsync("in/parts", None));
                Assert.Empty(await ListAsync(store, ""));
            }

            Assert.True(await writer.CommitIfAbsentAsync(None));
        }

        Assert.True((await store.GetAsync("in/parts", None))!.Value.Span.SequenceEqual(content));
        Assert.Equal(content.Length, Assert.Single(await ListAsync(store, "")).Size);
        Assert.True((await store.GetRangeAsync("in/parts", 99_990, 20, None))!.Value.Span.SequenceEqual(content.AsSpan(99_990, 20)));
        Assert.False(await store.PutIfAbsentAsync("in/parts", Bytes("other"), None));
    }

    [Fact]
    public async Task Parts_that_are_never_committed_leave_no_object_and_their_path_free()
    {
        var store = await OpenEmptyAsync();
        await using (var writer = store.OpenWrite("given-up")) await writer.WriteAsync(Bytes("half"), None);
        await using (store.OpenWrite("never-begun")) { }
        Assert.Null(await store.GetAsync("given-up", None));
        Assert.Empty(await ListAsync(store, ""));
        Assert.True(await store.PutIfAbsentAsync("given-up", Bytes("whole"), None));
        Assert.Equal("whole", Text(await store.GetAsync("given-up", None)));
    }

    [Fact]
    public async Task An_object_without_parts_is_an_empty_object()
    {
        var store = await OpenEmptyAsync();
        await using var writer = store.OpenWrite("no-parts");
        Assert.True(await writer.CommitIfAbsentAsync(None));
        Assert.Equal(0, (await store.HeadAsync("no-parts", None))!.Value.Size);
    }

    [Fact]
    public async Task Parts_do_not_replace_an_object_that_is_there()
    {
        var store = await OpenEmptyAsync();
        await using var writer = store.OpenWrite("taken");
        await writer.WriteAsync(Bytes("late"), None);
        await store.PutAsync("taken", Bytes("first"), None);
        Assert.False(await writer.CommitIfAbsentAsync(None));
        Assert.Equal("first", Text(await store.GetAsync("taken", None)));
    }

    [Fact]
    public async Task Of_32_writers_in_parts_of_the_same_object_one_wins_and_no_part_of_another_gets_in()
    {
        var store = await OpenEmptyAsync();
        using var start = new SemaphoreSlim(0);
        var writers = Enumerable.Range(0, 32).Select(async number =>
        {
            await start.WaitAsync();
            await using var writer = store.OpenWrite("race/in-parts");
            for (var part = 0; part < 3; part++) await writer.WriteAsync(Bytes($"{number:D2}."), None);
            return (number, won: await writer.CommitIfAbsentAsync(None));
        }).ToList();
        start.Release(32);
        var winner = Assert.Single(await Task.WhenAll(writers), r => r.won);
        Assert.Equal(string.Concat(Enumerable.Repeat($"{winner.number:D2}.", 3)), Text(await store.GetAsync("race/in-parts", None)));
    }

    private static async Task<List<ObjectInfo>> ListAsync(IObjectStore store, string prefix, string? after = null)
    {
        var found = new List<ObjectInfo>();
        await foreach (var info in store.ListAsync(prefix, after, None)) found.Add(info);
        return found;
    }
}
