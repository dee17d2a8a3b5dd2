using System.Runtime.CompilerServices;
using Tidemark.Delta.Tests.Support;

namespace Tidemark.Delta.Tests.Storage;

/// <summary>What passes through a store while files are written: parts as they fill, and one request where one is enough.</summary>
public sealed class StreamingTests
{
    private const int PartBytes = 20_000;
    private readonly WatchedStore _store = new();

    private DeltaTable Open(int partBytes = PartBytes) => DeltaTable.Open(_store, "t", new DeltaTableOptions
    {
        UploadPartBytes = partBytes, Parquet = new ParquetWriterOptions { RowGroupRows = 1000, Compression = ParquetCompression.None, DictionaryBytes = 0 },
    });

    private static RecordBatch Rows(int from, int count) => Orders.Rows([.. Enumerable.Range(from, count).Select(i => (long)i)]);

    private async Task FillAsync(DeltaTable table, int files)
    {
        for (var i = 0; i < files; i++) await Orders.AppendAsync(table, Rows(i * 1000, 1000));
        _store.Trace.Clear();
    }

    [Fact]
    public async Task A_file_that_fits_in_a_part_is_stored_in_one_request()
    {
        await Open(1 << 20).WriteFileAsync(Rows(0, 1000), path: "one.parquet");
        Assert.Equal(["put t/one.parquet"], _store.Trace.Where(t => t.Contains("one.parquet", StringComparison.Ordinal)));
    }

    [Fact]
    public async Task A_large_file_is_stored_in_parts_of_the_size_asked_for_and_reads_back_equal()
    {
        var table = Open();
        var file = await table.WriteFileAsync(Rows(0, 5000), path: "large.parquet");
        var parts = _store.Trace.Where(t => t.StartsWith("part", StringComparison.Ordinal)).ToList();
        Assert.Equal(file.Size / PartBytes + 1, parts.Count);
        Assert.All(parts.SkipLast(1), p => Assert.Equal($"part {PartBytes} t/large.parquet", p));
        Assert.Equal("commit t/large.parquet", _store.Trace[^1]);
        await table.AppendAsync(new AppendRequest { Schema = Orders.Schema, Files = [file] });
        Assert.Equal(Enumerable.Range(0, 5000).Select(i => (long)i), await Orders.IdsAsync(table, [file]));
    }

    [Fact]
    public async Task Optimize_stores_parts_while_it_still_reads()
    {
        var table = Open();
        await FillAsync(table, 12);
        await table.OptimizeAsync();
        AssertStreamed(12);
        Assert.Equal(Enumerable.Range(0, 12_000).Select(i => (long)i), (await Orders.IdsAsync(table, (await table.SnapshotAsync()).Files)).Order());
    }

    [Fact]
    public async Task Merge_rewrites_a_large_file_group_by_group()
    {
        var table = Open();
        await table.AppendAsync(new AppendRequest { Schema = Orders.Schema, Files = [await table.WriteFileAsync(Rows(0, 100_000))] });
        _store.Trace.Clear();
        await table.MergeAsync(Rows(50_000, 1), ["id"]);
        var firstPart = _store.Trace.FindIndex(t => t.StartsWith("part", StringComparison.Ordinal));
        var reads = _store.Trace.Skip(firstPart).Count(t => t.StartsWith("read", StringComparison.Ordinal));
        Assert.True(firstPart >= 0 && reads >= 80, $"{reads} reads after the first part was stored at {firstPart}");
        Assert.Equal(Enumerable.Range(0, 100_000).Select(i => (long)i), (await Orders.IdsAsync(table, (await table.SnapshotAsync()).Files)).Order());
    }

    [Fact]
    public async Task A_checkpoint_and_a_large_commit_pass_through_in_pieces()
    {
        var table = Open(1 << 20);
        await Orders.AppendAsync(table, Rows(0, 10));
        var stats = new string('x', 900);
        var many = Enumerable.Range(0, 20_000).Select(i => new DataFile($"part-{i:D5}-{Guid.NewGuid()}.parquet", 1000, new Dictionary<string, string?>(),
            $$"""{"numRecords":{{i}},"note":"{{i}}{{stats}}"}""", i, 1_700_000_000_000 + i)).ToList();
        await table.AppendAsync(new AppendRequest { Schema = Orders.Schema, Files = many });
        _store.Trace.Clear();
        Assert.Equal(1, await table.CheckpointAsync());
        Assert.True(_store.LargestRead <= 2 << 20, $"a read of {_store.LargestRead} bytes");
        Assert.Contains(_store.Trace, t => t.StartsWith("part", StringComparison.Ordinal));
        Assert.Equal("commit t/_delta_log/00000000000000000001.checkpoint.parquet", _store.Trace.Single(t => t.StartsWith("commit", StringComparison.Ordinal)));
        await _store.DeleteAsync("t/_delta_log/00000000000000000000.json", default);
        await _store.DeleteAsync("t/_delta_log/00000000000000000001.json", default);
        var files = (await DeltaTable.Open(_store, "t").SnapshotAsync()).Files;
        Assert.Equal(20_001, files.Count);
        var byPath = files.ToDictionary(f => f.Path);
        Assert.All(many, f => Assert.Equal((f.Stats, f.Size, f.RowCount, f.ModificationTime), (byPath[f.Path].Stats, byPath[f.Path].Size, byPath[f.Path].RowCount, byPath[f.Path].ModificationTime)));
    }

    [Fact]
    public async Task A_writer_that_fails_between_parts_leaves_no_file()
    {
        var table = Open();
        _store.FailAtPart = 3;
        await Assert.ThrowsAsync<StoreFault>(async () => await table.WriteFileAsync(Rows(0, 5000), path: "half.parquet"));
        Assert.Null(await _store.HeadAsync("t/half.parquet", default));
        _store.FailAtPart = 0;
        Assert.Equal(5000, (await table.WriteFileAsync(Rows(0, 5000), path: "half.parquet")).RowCount);
    }

    private void AssertStreamed(int files)
    {
        var firstPart = _store.Trace.FindIndex(t => t.StartsWith("part", StringComparison.Ordinal));
        var reads = _store.Trace.Skip(firstPart).Where(t => t.StartsWith("read", StringComparison.Ordinal) && t.Contains(".parquet", StringComparison.Ordinal)).Distinct().Count();
        Assert.True(firstPart >= 0 && reads >= files / 2, $"{reads} files were read after the first part was stored at {firstPart}");
    }

    /// <summary>Notes what is asked of it, in order.</summary>
    private sealed class WatchedStore : IObjectStore
    {
        private readonly MemoryObjectStore _inner = new();

        public List<string> Trace { get; } = [];

        public int LargestRead { get; private set; }

        public int FailAtPart { get; set; }

        public ValueTask<bool> PutIfAbsentAsync(string path, ReadOnlyMemory<byte> content, CancellationToken ct)
        {
            Trace.Add($"put {path}");
            return _inner.PutIfAbsentAsync(path, content, ct);
        }

        public IObjectWriter OpenWrite(string path) => new Writer(this, _inner.OpenWrite(path), path);

        public ValueTask PutAsync(string path, ReadOnlyMemory<byte> content, CancellationToken ct) => _inner.PutAsync(path, content, ct);

        public ValueTask<bool> PutIfMatchAsync(string path, ReadOnlyMemory<byte> content, string etag, CancellationToken ct) => _inner.PutIfMatchAsync(path, content, etag, ct);

        public async ValueTask<ReadOnlyMemory<byte>?> GetAsync(string path, CancellationToken ct) => Read(path, await _inner.GetAsync(path, ct));

        public async ValueTask<ReadOnlyMemory<byte>?> GetRangeAsync(string path, long offset, int length, CancellationToken ct) => Read(path, await _inner.GetRangeAsync(path, offset, length, ct));

        private ReadOnlyMemory<byte>? Read(string path, ReadOnlyMemory<byte>? content)
        {
            Trace.Add($"read {path}");
            LargestRead = Math.Max(LargestRead, content?.Length ?? 0);
            return content;
        }

        public ValueTask<ObjectInfo?> HeadAsync(string path, CancellationToken ct) => _inner.HeadAsync(path, ct);

        public async IAsyncEnumerable<ObjectInfo> ListAsync(string prefix, string? startAfter, [EnumeratorCancellation] CancellationToken ct)
        {
            await foreach (var info in _inner.ListAsync(prefix, startAfter, ct)) yield return info;
        }

        public ValueTask DeleteAsync(string path, CancellationToken ct) => _inner.DeleteAsync(path, ct);

        private sealed class Writer(WatchedStore store, IObjectWriter inner, string path) : IObjectWriter
        {
            private int _parts;

            public ValueTask WriteAsync(ReadOnlyMemory<byte> part, CancellationToken ct)
            {
                if (++_parts == store.FailAtPart) throw new StoreFault($"at part {_parts} of {path}");
                store.Trace.Add($"part {part.Length} {path}");
                return inner.WriteAsync(part, ct);
            }

            public ValueTask<bool> CommitIfAbsentAsync(CancellationToken ct)
            {
                store.Trace.Add($"commit {path}");
                return inner.CommitIfAbsentAsync(ct);
            }

            public ValueTask DisposeAsync() => inner.DisposeAsync();
        }
    }
}
