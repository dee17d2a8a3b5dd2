using System.Buffers.Binary;
using System.IO.Compression;
using Tidemark.Delta.Parquet;
using Tidemark.Delta.Tests.Support;
using Tidemark.Delta.Tests.Table;

namespace Tidemark.Delta.Tests.Parquet;

public sealed class ChecksumTests
{
    private static readonly TableSchema Schema = new(new TableField("id", DataType.Int64, false), new TableField("name", DataType.String));

    [Fact]
    public void The_checksum_of_any_length_is_that_of_gzip()
    {
        var random = new Random(4);
        foreach (var length in Enumerable.Range(0, 300).Concat([1000, 4095, 4096, 4097, 65_537, 1_000_003]))
        {
            var bytes = new byte[length];
            random.NextBytes(bytes);
            // The trailer of a GZIP stream is the CRC32 of its content and the content's length.
            using var target = new MemoryStream();
            using (var gzip = new GZipStream(target, CompressionLevel.NoCompression, leaveOpen: true))
            {
                gzip.Write(bytes);
                if (length == 0) gzip.Flush();
            }

            if (length > 0) Assert.Equal(BinaryPrimitives.ReadUInt32LittleEndian(target.ToArray().AsSpan(^8)), Crc32.Of(bytes));
            Assert.Equal(~Crc32.ByTables(bytes, uint.MaxValue), Crc32.Of(bytes));
        }
    }

    private static async Task<(MemoryObjectStore Store, DataFile File)> WriteAsync(ParquetCompression compression)
    {
        var store = new MemoryObjectStore();
        var table = DeltaTable.Open(store, "t", new DeltaTableOptions { Parquet = new ParquetWriterOptions { Compression = compression, DictionaryBytes = 0 } });
        var ids = Enumerable.Range(0, 200).Select(i => i * 7919L).ToArray();
        var rows = new RecordBatch(Schema, [new Int64Column(ids, 200), RandomRows.Strings([.. ids.Select(i => $"name {i}")])], 200);
        await table.AppendAsync(new AppendRequest { Schema = Schema, Files = [await table.WriteFileAsync(rows, path: "a.parquet")] });
        return (store, (await table.SnapshotAsync()).Files.Single());
    }

    private static async Task<List<string>> ReadAsync(IObjectStore store, DataFile file, bool verify)
    {
        var rows = new List<string>();
        await foreach (var batch in DeltaTable.Open(store, "t", new DeltaTableOptions { VerifyPageChecksums = verify }).ReadAsync(file)) rows.AddRange(Canon.Rows(batch));
        return rows;
    }

    [Theory]
    [InlineData(ParquetCompression.None)]
    [InlineData(ParquetCompression.Snappy)]
    [InlineData(ParquetCompression.Gzip)]
    public async Task A_bit_that_changed_in_a_page_is_told_whatever_the_codec(ParquetCompression compression)
    {
        var (store, file) = await WriteAsync(compression);
        var original = (await store.GetAsync("t/a.parquet", default))!.Value.ToArray();
        var rows = await ReadAsync(store, file, verify: true);
        var footer = original.Length - 8 - BinaryPrimitives.ReadInt32LittleEndian(original.AsSpan(original.Length - 8));
        var (told, silent) = (0, 0);
        // Far enough behind the header of the first page to be in its body.
        for (var at = 60; at < footer; at += 3)
        {
            var damaged = (byte[])original.Clone();
            damaged[at] ^= (byte)(1 << (at & 7));
            await store.PutAsync("t/a.parquet", damaged, default);
            try
            {
                Assert.Equal(rows, await ReadAsync(store, file, verify: true));
                silent++;
            }
            catch (DeltaException wrong)
            {
                if (wrong.Message.Contains("checksum", StringComparison.Ordinal)) told++;
            }
        }

        // What is left are the few bytes of the second page's header, whose damage is met otherwise or harmless.
        Assert.True(told > (footer - 60) / 3 * 9 / 10 && silent < 15, $"{told} told, {silent} silent of {(footer - 60) / 3}");
    }

    [Fact]
    public async Task Without_verification_the_damaged_value_is_read()
    {
        var (store, file) = await WriteAsync(ParquetCompression.None);
        var damaged = (await store.GetAsync("t/a.parquet", default))!.Value.ToArray();
        damaged[200] ^= 1;
        await store.PutAsync("t/a.parquet", damaged, default);
        var error = await Assert.ThrowsAsync<DeltaFormatException>(async () => await ReadAsync(store, file, verify: true));
        Assert.Contains("Column 'id'", error.Message);
        Assert.Equal(200, (await ReadAsync(store, file, verify: false)).Count);
    }

    [TablesOfOthersFact]
    public async Task Checksums_that_other_writers_put_into_their_files_hold()
    {
        var (pages, files) = (0, 0);
        foreach (var path in Directory.EnumerateFiles(Repository.Shared("delta-tables")!, "*.parquet", SearchOption.AllDirectories).Order(StringComparer.Ordinal))
        {
            var bytes = await File.ReadAllBytesAsync(path);
            FileMetadata metadata;
            try
            {
                metadata = (await ParquetReader.OpenAsync(new MemorySource(bytes), new ReadLimits(1 << 30), default)).Metadata;
            }
            catch (DeltaException)
            {
                continue; // Some of the tables are broken on purpose.
            }

            var before = pages;
            foreach (var chunk in metadata.Groups.SelectMany(g => g.Chunks)) pages += Check(bytes, chunk, path);
            if (pages > before) files++;
        }

        Assert.True(files > 20 && pages > 100, $"{pages} pages in {files} files carried a checksum");
    }

    private static int Check(byte[] file, ChunkMetadata chunk, string path)
    {
        var pages = 0;
        var from = (int)(chunk.DictionaryOffset > 0 && chunk.DictionaryOffset < chunk.DataOffset ? chunk.DictionaryOffset : chunk.DataOffset);
        for (int at = from, end = from + (int)chunk.StoredBytes; at < end;)
        {
            var thrift = new ThriftReader(file.AsSpan(at));
            var header = PageHeader.Read(ref thrift);
            at += thrift.Position;
            if (header.Checksum is { } checksum)
            {
                pages++;
                Assert.True(checksum == Crc32.Of(file.AsSpan(at, header.StoredBytes)), $"a page of {path}");
            }

            at += header.StoredBytes;
        }

        return pages;
    }
}
