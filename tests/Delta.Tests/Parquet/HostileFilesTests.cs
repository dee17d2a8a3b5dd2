using System.Text;
using Tidemark.Delta.Log;
using Tidemark.Delta.Parquet;
using Tidemark.Delta.Tests.Support;

namespace Tidemark.Delta.Tests.Parquet;

/// <summary>
/// Files that somebody broke: every one is either read or ends in one exception of this library, in bounded time and memory.
/// </summary>
[Collection(ForeignReadersCollection.Name)]
public sealed class HostileFilesTests(ForeignReaders readers) : IDisposable
{
    private const long Budget = 64 << 20;
    private readonly TemporaryFolder _folder = new();

    private static byte[] Write(TableSchema schema, RecordBatch batch, ParquetWriterOptions options)
    {
        using var output = new MemoryStream();
        using var writer = new ParquetWriter(output, schema, options);
        writer.Write(batch);
        writer.Finish();
        return output.ToArray();
    }

    private async Task<List<byte[]>> CorpusAsync(int seed)
    {
        var files = new List<byte[]>();
        var random = new RandomRows(seed);
        foreach (var codec in new[] { ParquetCompression.None, ParquetCompression.Snappy, ParquetCompression.Gzip })
        {
            var schema = random.Schema(5, 2);
            files.Add(Write(schema, random.Batch(schema, 60), new ParquetWriterOptions { Compression = codec, PageBytes = 200 }));
        }

        var flat = new TableSchema([.. RandomRows.Primitives.Select((t, i) => new TableField($"c{i}", t))]);
        files.Add(Write(flat, random.Batch(flat, 100), new ParquetWriterOptions()));
        var source = Path.Combine(_folder.Path, "source.parquet");
        await File.WriteAllBytesAsync(source, files[^1]);
        foreach (var (version, codec) in new[] { ("V1", "brotli"), ("V2", "uncompressed"), ("V2", "snappy") })
        {
            var target = Path.Combine(_folder.Path, "other.parquet");
            await readers.AskAsync(new { op = "sql", sql = $"copy (select * from read_parquet('{source}')) to '{target}' (format parquet, compression {codec}, parquet_version {version})" });
            files.Add(await File.ReadAllBytesAsync(target));
        }

        return files;
    }

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    [InlineData(4)]
    public async Task A_mutated_file_is_read_or_refused_and_never_hangs_or_crashes(int seed)
    {
        var random = new Random(seed);
        var corpus = await CorpusAsync(seed);
        var (refused, read) = (0, 0);
        // TIDEMARK_FUZZ_ROUNDS asks for a longer run.
        var rounds = int.TryParse(Environment.GetEnvironmentVariable("TIDEMARK_FUZZ_ROUNDS"), out var asked) ? asked : 1500;
        for (var round = 0; round < rounds; round++)
        {
            var original = corpus[random.Next(corpus.Count)];
            var file = Mutate(original, random);
            // Mostly past the checksums, which would stop what the decoders are to meet.
            var verify = random.Next(5) == 0;
            try
            {
                await Task.Run(() => ReadAllAsync(file, verify)).WaitAsync(TimeSpan.FromSeconds(20));
                read++;
            }
            catch (DeltaException)
            {
                refused++;
            }
            catch (Exception other)
            {
                Assert.Fail($"seed {seed}, round {round}: {other.GetType().Name} {other.Message}\n{other.StackTrace}");
            }
        }

        Assert.True(refused > 300 && read > 50, $"{refused} refused and {read} read: the mutations are too harsh or too mild");
    }

    private static byte[] Mutate(byte[] original, Random random)
    {
        var file = (byte[])original.Clone();
        var footer = BitConverter.ToInt32(file, file.Length - 8);
        switch (random.Next(6))
        {
            case 0: return file[..random.Next(file.Length)];
            case 1:
                // Somewhere in the metadata.
                for (var i = random.Next(1, 4); i > 0; i--) file[file.Length - 8 - 1 - random.Next(footer)] = (byte)random.Next(256);
                return file;
            case 2:
                for (var i = random.Next(1, 4); i > 0; i--) file[random.Next(file.Length)] ^= (byte)(1 << random.Next(8));
                return file;
            case 3:
                // Counts and lengths become huge.
                var at = random.Next(4, file.Length - 12);
                for (var i = 0; i < 5; i++) file[at + i] = i == 4 ? (byte)0x0F : (byte)0xFF;
                return file;
            case 4:
                var length = random.Next(1, Math.Min(200, file.Length / 3));
                file.AsSpan(random.Next(file.Length - length), length).CopyTo(file.AsSpan(random.Next(file.Length - length)));
                return file;
            default:
                // In the data.
                for (var i = random.Next(1, 6); i > 0; i--) file[random.Next(4, Math.Max(5, file.Length - 8 - footer))] = (byte)random.Next(256);
                return file;
        }
    }

    private static async Task ReadAllAsync(byte[] file, bool verify = true)
    {
        var reader = await ParquetReader.OpenAsync(new MemorySource(file), new ReadLimits(Budget, verify), CancellationToken.None);
        TableSchema schema;
        try
        {
            schema = reader.Schema();
        }
        catch (ArgumentException twice) when (twice.Message.Contains("twice", StringComparison.Ordinal))
        {
            return;
        }

        for (var group = 0; group < reader.Metadata.Groups.Count; group++)
        {
            // Every value is looked at once.
            var batch = await reader.ReadGroupAsync(group, schema, CancellationToken.None);
            batch.Slice(0, batch.RowCount);
        }
    }

    [Theory]
    [InlineData("")]
    [InlineData("PAR1")]
    [InlineData("PAR1PAR1PAR1")]
    [InlineData("this is no parquet file at all")]
    public async Task What_is_no_Parquet_file_is_refused(string content) =>
        await Assert.ThrowsAsync<DeltaFormatException>(async () => await ReadAllAsync(Encoding.ASCII.GetBytes(content)));

    [Fact]
    public async Task A_file_that_would_expand_beyond_the_limit_is_refused_before_it_does()
    {
        const int rows = 3_000_000;
        var schema = new TableSchema(new TableField("x", DataType.Int64), new TableField("y", DataType.Int64), new TableField("z", DataType.Int64));
        var zeros = new Int64Column(new long[rows], rows);
        var file = Write(schema, new RecordBatch(schema, [zeros, zeros, zeros], rows), new ParquetWriterOptions { RowGroupRows = rows });
        Assert.True(file.Length < 10_000);
        var error = await Assert.ThrowsAsync<DeltaFormatException>(async () => await ReadAllAsync(file));
        Assert.Contains("limit", error.Message);
    }

    [Fact]
    public async Task A_file_cut_off_anywhere_is_refused()
    {
        var random = new RandomRows(9);
        var schema = random.Schema(3, 1);
        var file = Write(schema, random.Batch(schema, 20), new ParquetWriterOptions());
        for (var length = 0; length < file.Length; length++)
            await Assert.ThrowsAnyAsync<DeltaException>(async () => await ReadAllAsync(file[..length]));
    }

    [Theory]
    [InlineData("gzip", 1 << 16)]
    [InlineData("brotli", 1 << 16)]
    [InlineData("snappy", 1 << 16)]
    public async Task A_page_that_expands_to_more_than_its_header_says_is_refused(string codec, int claimed)
    {
        // 4 MB of zeros compressed, in a page that claims 64 KB: expanding stops there.
        var zeros = new byte[4 << 20];
        var body = new ByteSink();
        switch (codec)
        {
            case "gzip": PageCodec.Compress(ParquetCompression.Gzip, zeros, body); break;
            case "snappy": PageCodec.Compress(ParquetCompression.Snappy, zeros, body); break;
            default:
                var compressed = new byte[1 << 16];
                Assert.True(System.IO.Compression.BrotliEncoder.TryCompress(zeros, compressed, out var written));
                body.Write(compressed.AsSpan(0, written));
                break;
        }

        var file = RawFile.OneColumn(PhysicalType.Int64, claimed / 8, body.WrittenMemory, claimed, codec switch { "snappy" => 1, "gzip" => 2, _ => 4 });
        var before = GC.GetAllocatedBytesForCurrentThread();
        await Assert.ThrowsAsync<DeltaFormatException>(async () => await ReadAllAsync(file));
        Assert.True(GC.GetAllocatedBytesForCurrentThread() - before < 2 << 20);
    }

    [Fact]
    public async Task Pages_without_values_come_to_an_end()
    {
        // A million pages of nothing, then the end: the chunk says that a value is still to come.
        using var sink = new ByteSink();
        sink.Write("PAR1"u8);
        for (var i = 0; i < 1_000_000; i++) RawFile.PageHeader(sink, 0, 0, 0, null);
        var file = RawFile.Finish(sink, PhysicalType.Int64, 1, 0);
        Assert.Contains("after 0 of 1 values", (await Assert.ThrowsAsync<DeltaFormatException>(async () => await ReadAllAsync(file))).Message);
    }

    [Theory]
    [InlineData(200)]
    [InlineData(200_000)]
    public async Task A_schema_that_nests_without_end_is_refused(int depth)
    {
        // Each group holds the next; the last names one more field than there is, as a cycle would.
        using var sink = new ByteSink();
        sink.Write("PAR1"u8);
        var at = sink.Length;
        var thrift = new ThriftWriter(sink);
        thrift.BeginStruct();
        thrift.I32(1, 1);
        thrift.List(2, ThriftType.Struct, depth);
        for (var i = 0; i < depth; i++)
        {
            thrift.BeginStruct();
            thrift.I32(3, 1);
            thrift.Text(4, "g");
            thrift.I32(5, 1);
            thrift.EndStruct();
        }

        thrift.I64(3, 0);
        thrift.List(4, ThriftType.Struct, 0);
        thrift.EndStruct();
        sink.WriteInt32(sink.Length - at);
        sink.Write("PAR1"u8);
        await Assert.ThrowsAsync<DeltaFormatException>(async () => await ReadAllAsync(sink.ToArray()));
    }

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    public async Task A_mutated_log_is_read_or_refused(int seed)
    {
        var store = new MemoryObjectStore();
        var table = DeltaTable.Open(store, "t");
        for (var i = 0; i < 6; i++) await Orders.AppendAsync(table, Orders.Rows(i), new TxnMove("a", i == 0 ? null : i - 1, i));
        await table.CheckpointAsync();
        await Orders.AppendAsync(table, Orders.Rows(9));
        var random = new Random(seed);
        string[] paths = [LogPath.Commit(6), LogPath.Commit(0), LogPath.Checkpoint(5), LogPath.LastCheckpoint];
        var originals = new Dictionary<string, byte[]>();
        foreach (var path in paths) originals[path] = (await store.GetAsync("t/" + path, default))!.Value.ToArray();
        for (var round = 0; round < 400; round++)
        {
            var path = paths[random.Next(paths.Length)];
            var content = (byte[])originals[path].Clone();
            for (var i = random.Next(1, 5); i > 0; i--) content[random.Next(content.Length)] = (byte)random.Next(256);
            if (random.Next(4) == 0) content = content[..random.Next(content.Length)];
            await store.PutAsync("t/" + path, content, default);
            try
            {
                var fresh = DeltaTable.Open(store, "t");
                await fresh.RefreshAsync();
                await fresh.SnapshotAsync();
            }
            catch (DeltaException)
            {
                // Refused by name, as it should be.
            }

            await store.PutAsync("t/" + path, originals[path], default);
        }
    }

    public void Dispose() => _folder.Dispose();
}
