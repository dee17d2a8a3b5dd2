using Tidemark.Delta.Tests.Support;

namespace Tidemark.Delta.Tests.Log;

/// <summary>Runs alone, because the heap is measured: what is live after a full collection when a part is stored, and at some of the reads.</summary>
[CollectionDefinition(Name, DisableParallelization = true)]
public sealed class MeasuredAlone
{
    public const string Name = "memory";
}

[Collection(MeasuredAlone.Name)]
public sealed class MemoryTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    [Fact]
    public async Task A_checkpoint_of_100_000_files_holds_their_paths_and_a_row_group_and_not_the_files()
    {
        var schema = new TableSchema(new TableField("id", DataType.Int64));
        var local = new LocalObjectStore(_folder.Path);
        for (var i = 0; i < 10; i++)
            await DeltaTable.Open(local, "t").AppendAsync(new AppendRequest { Schema = schema, Files = [.. Enumerable.Range(i * 10_000, 10_000).Select(File)] });
        await MeasureAsync(local, "from the log alone");
        await DeltaTable.Open(local, "t").AppendAsync(new AppendRequest { Schema = schema, Files = [File(1_000_000)] });
        await MeasureAsync(local, "upon the one before");
        var snapshot = await DeltaTable.Open(local, "t").SnapshotAsync();
        Assert.Equal(100_001, snapshot.Files.Count);
    }

    private static async Task MeasureAsync(LocalObjectStore local, string what)
    {
        var store = new MeasuringStore(local);
        var before = GC.GetTotalMemory(forceFullCollection: true);
        await DeltaTable.Open(store, "t").CheckpointAsync();
        // Pools that other tests have filled empty themselves when they like; the lower of the two is nearer to what the heap holds anyway.
        var without = Math.Min(before, GC.GetTotalMemory(forceFullCollection: true));
        Assert.True(store.Parts >= 4, $"{store.Parts} parts {what}");
        Assert.True(store.Most - without < 80 << 20, $"{store.Most - without} bytes live {what}");
    }

    [Fact]
    public async Task A_file_of_many_row_groups_is_written_in_the_memory_of_a_few()
    {
        // 64 MB that do not compress, in row groups of 2 MB, made while they are written.
        var schema = new TableSchema(new TableField("id", DataType.Int64, false), new TableField("text", DataType.Binary, false));
        var store = new MeasuringStore(new LocalObjectStore(_folder.Path));
        var source = DeltaTable.Open(new LocalObjectStore(_folder.Path), "t");
        var random = new Random(5);
        for (var file = 0; file < 32; file++)
        {
            var heap = new byte[2 << 20];
            random.NextBytes(heap);
            var rows = new RecordBatch(schema, [new Int64Column([.. Enumerable.Range(0, 2048).Select(i => (long)i)], 2048), new BytesColumn(heap, [.. Enumerable.Range(0, 2049).Select(i => i * 1024)], 2048)], 2048);
            await source.AppendAsync(new AppendRequest { Schema = schema, Files = [await source.WriteFileAsync(rows)] });
        }

        var before = GC.GetTotalMemory(forceFullCollection: true);
        var table = DeltaTable.Open(store, "t", new DeltaTableOptions { UploadPartBytes = 2 << 20, Parquet = new ParquetWriterOptions { RowGroupBytes = 2 << 20 } });
        var result = await table.OptimizeAsync();
        Assert.Equal((1, 32), (result.FilesAdded, result.FilesRemoved));
        var without = Math.Min(before, GC.GetTotalMemory(forceFullCollection: true));
        Assert.True(store.Parts >= 30, $"{store.Parts} parts");
        Assert.True(store.Most - without < 40 << 20, $"{store.Most - without} bytes live while 64 MB were written");
    }

    // Statistics as long as those of a table with 18 columns.
    private static DataFile File(int i)
    {
        var bounds = string.Join(",", Enumerable.Range(0, 18).Select(c => $"\"column_{c}\":{i * 31L + c}"));
        return new DataFile($"part-00000-{new Guid(i, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11):D}-c000.snappy.parquet", 1_000_000 + i, new Dictionary<string, string?>(),
            $"{{\"numRecords\":{i},\"minValues\":{{{bounds}}},\"maxValues\":{{{bounds}}},\"nullCount\":{{{bounds}}}}}", i, 1_700_000_000_000 + i);
    }

    public void Dispose() => _folder.Dispose();

    private sealed class MeasuringStore(IObjectStore inner) : IObjectStore
    {
        private int _reads;

        public long Most { get; private set; }

        public int Parts { get; private set; }

        public IObjectWriter OpenWrite(string path) => new Writer(this, inner.OpenWrite(path));

        public ValueTask<bool> PutIfAbsentAsync(string path, ReadOnlyMemory<byte> content, CancellationToken ct) => inner.PutIfAbsentAsync(path, content, ct);

        public ValueTask PutAsync(string path, ReadOnlyMemory<byte> content, CancellationToken ct) => inner.PutAsync(path, content, ct);

        public ValueTask<bool> PutIfMatchAsync(string path, ReadOnlyMemory<byte> content, string etag, CancellationToken ct) => inner.PutIfMatchAsync(path, content, etag, ct);

        public ValueTask<ReadOnlyMemory<byte>?> GetAsync(string path, CancellationToken ct) => inner.GetAsync(path, ct);

        public ValueTask<ReadOnlyMemory<byte>?> GetRangeAsync(string path, long offset, int length, CancellationToken ct) => inner.GetRangeAsync(path, offset, length, ct);

        public ValueTask<int> ReadAsync(string path, long offset, Memory<byte> destination, CancellationToken ct)
        {
            if (++_reads % 10 == 0) Measure();
            return inner.ReadAsync(path, offset, destination, ct);
        }

        private void Measure() => Most = Math.Max(Most, GC.GetTotalMemory(forceFullCollection: true));

        public ValueTask<ObjectInfo?> HeadAsync(string path, CancellationToken ct) => inner.HeadAsync(path, ct);

        public IAsyncEnumerable<ObjectInfo> ListAsync(string prefix, string? startAfter, CancellationToken ct) => inner.ListAsync(prefix, startAfter, ct);

        public ValueTask DeleteAsync(string path, CancellationToken ct) => inner.DeleteAsync(path, ct);

        private sealed class Writer(MeasuringStore owner, IObjectWriter inner) : IObjectWriter
        {
            public ValueTask WriteAsync(ReadOnlyMemory<byte> part, CancellationToken ct)
            {
                owner.Parts++;
                owner.Measure();
                return inner.WriteAsync(part, ct);
            }

            public ValueTask<bool> CommitIfAbsentAsync(CancellationToken ct) => inner.CommitIfAbsentAsync(ct);

            public ValueTask DisposeAsync() => inner.DisposeAsync();
        }
    }
}
