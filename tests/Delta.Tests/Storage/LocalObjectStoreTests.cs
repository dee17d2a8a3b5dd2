using Tidemark.Delta.Tests.Support;

namespace Tidemark.Delta.Tests.Storage;

public sealed class LocalObjectStoreTests : ObjectStoreConformance, IDisposable
{
    private readonly TemporaryFolder _folder = new();

    protected override ValueTask<IObjectStore> OpenEmptyAsync() => new(new LocalObjectStore(_folder.Path));

    [Theory]
    [InlineData("../outside")]
    [InlineData("/absolute")]
    [InlineData("a//b")]
    [InlineData("")]
    public async Task A_path_that_leaves_the_folder_is_refused(string path)
    {
        var store = await OpenEmptyAsync();
        await Assert.ThrowsAsync<ArgumentException>(async () => await store.GetAsync(path, CancellationToken.None));
    }

    [Fact]
    public async Task A_file_that_a_crash_left_half_written_is_no_object()
    {
        var store = await OpenEmptyAsync();
        Directory.CreateDirectory(Path.Combine(_folder.Path, ".tmp"));
        await File.WriteAllTextAsync(Path.Combine(_folder.Path, ".tmp", "left-over"), "half");
        await foreach (var info in store.ListAsync("", null, CancellationToken.None)) Assert.Fail($"{info.Path} is listed");
        Assert.True(await store.PutIfAbsentAsync("whole", new byte[] { 1 }, CancellationToken.None));
    }

    [Fact]
    public async Task What_crashes_left_days_ago_goes_with_the_first_write_and_what_is_under_way_stays()
    {
        var staging = Directory.CreateDirectory(Path.Combine(_folder.Path, ".tmp")).FullName;
        string Name(int hours) => Path.Combine(staging, $"{DateTime.UtcNow.AddHours(-hours).Ticks:x16}-{Guid.NewGuid():n}");
        string old = Name(30), young = Name(2);
        await File.WriteAllTextAsync(old, "old");
        await File.WriteAllTextAsync(young, "young");
        var store = await OpenEmptyAsync();
        await store.PutAsync("x", new byte[] { 1 }, CancellationToken.None);
        Assert.False(File.Exists(old));
        Assert.True(File.Exists(young));
    }

    public void Dispose() => _folder.Dispose();
}

public sealed class MemoryObjectStoreTests : ObjectStoreConformance
{
    protected override ValueTask<IObjectStore> OpenEmptyAsync() => new(new MemoryObjectStore());
}

public sealed class CountingObjectStoreTests : ObjectStoreConformance
{
    protected override ValueTask<IObjectStore> OpenEmptyAsync() => new(new CountingObjectStore(new MemoryObjectStore()));

    [Fact]
    public async Task Requests_are_counted_by_kind()
    {
        var store = new CountingObjectStore(new MemoryObjectStore());
        await store.PutIfAbsentAsync("a", new byte[3], CancellationToken.None);
        await store.PutAsync("a", new byte[4], CancellationToken.None);
        await store.GetAsync("a", CancellationToken.None);
        await store.HeadAsync("a", CancellationToken.None);
        await foreach (var _ in store.ListAsync("", null, CancellationToken.None)) { }
        await store.DeleteAsync("a", CancellationToken.None);
        Assert.Equal(new ObjectStoreCounts(2, 1, 1, 1, 1, 7, 4), store.Counts);
    }
}
