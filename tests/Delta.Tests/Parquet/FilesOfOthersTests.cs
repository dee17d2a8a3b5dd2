using System.Buffers.Binary;
using Tidemark.Delta.Parquet;
using Tidemark.Delta.Tests.Support;

namespace Tidemark.Delta.Tests.Parquet;

/// <summary>The encodings, page versions and codecs that other writers use and we do not.</summary>
[Collection(ForeignReadersCollection.Name)]
public sealed class FilesOfOthersTests(ForeignReaders readers) : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    private (TableSchema Schema, string File, List<string> Rows) Make(int seed, bool nested)
    {
        var random = new RandomRows(seed);
        var schema = nested ? random.Schema(5, 2) : new TableSchema([.. RandomRows.Primitives.Select((t, i) => new TableField($"c{i}", t, i % 3 != 0))]);
        var batch = random.Batch(schema, 1500);
        var file = Path.Combine(_folder.Path, "ours.parquet");
        using (var output = File.Create(file))
        using (var writer = new ParquetWriter(output, schema))
        {
            writer.Write(batch);
            writer.Finish();
        }

        return (schema, file, Canon.Rows(batch));
    }

    [Theory]
    [InlineData("V1", "snappy", 1)]
    [InlineData("V1", "gzip", 2)]
    [InlineData("V1", "brotli", 3)]
    [InlineData("V1", "uncompressed", 4)]
    [InlineData("V2", "snappy", 5)]
    [InlineData("V2", "gzip", 6)]
    [InlineData("V2", "brotli", 7)]
    [InlineData("V2", "uncompressed", 8)]
    public async Task Files_of_DuckDB_read_back_equal(string version, string codec, int seed)
    {
        foreach (var nested in new[] { false, true })
        {
            var (schema, file, rows) = Make(seed + (nested ? 100 : 0), nested);
            var target = Path.Combine(_folder.Path, "duckdb.parquet");
            await readers.AskAsync(new { op = "sql", sql = $"copy (select * from read_parquet('{file}')) to '{target}' (format parquet, compression {codec}, parquet_version {version}, row_group_size 700)" });
            // DuckDB's own dictionaries do not tell the two zeros apart, so what it reads itself is what is expected.
            var expected = await readers.FileRowsAsync("duckdb", target, schema);
            Assert.Equal(rows.Count, expected.Count);
            Canon.AssertSame(expected, await ReadAsync(target, schema), $"{version} {codec} {schema}");
        }
    }

    [Theory]
    [InlineData("V1", "SNAPPY", true)]
    [InlineData("V2", "SNAPPY", true)]
    [InlineData("V1", "BROTLI", false)]
    [InlineData("V2", "GZIP", false)]
    [InlineData("V2", "UNCOMPRESSED", false)]
    public async Task Files_of_the_Rust_implementation_read_back_equal(string version, string codec, bool dictionary)
    {
        var (schema, file, rows) = Make(21, false);
        // One column of each kind by each delta encoding; the rest as the writer likes.
        var encodings = dictionary ? new Dictionary<string, string>() : schema.Fields.ToDictionary(f => f.Name, f => f.Type.Kind switch
        {
            TypeKind.Int32 or TypeKind.Int64 or TypeKind.Timestamp or TypeKind.Date => "DELTA_BINARY_PACKED",
            TypeKind.String => "DELTA_BYTE_ARRAY",
            TypeKind.Binary => "DELTA_LENGTH_BYTE_ARRAY",
            TypeKind.Float or TypeKind.Double => "BYTE_STREAM_SPLIT",
            _ => "PLAIN",
        });
        var target = Path.Combine(_folder.Path, "rust.parquet");
        await readers.AskAsync(new { op = "rewrite", file, target, codec, version, dictionary, encodings });
        Canon.AssertSame(rows, await ReadAsync(target, schema), $"{version} {codec}");
    }

    [Fact]
    public async Task Timestamps_of_96_bits_read_as_DuckDB_reads_them()
    {
        // Nanoseconds of the day and the Julian day; the last one stands before 1970.
        (long Nanos, int Day)[] times = [(0, 2_440_588), (45_296_789_123_000, 2_459_580), (86_399_999_999_000, 2_451_545), (1_000, 2_440_000)];
        var page = new byte[times.Length * 12];
        for (var i = 0; i < times.Length; i++)
        {
            BinaryPrimitives.WriteInt64LittleEndian(page.AsSpan(i * 12), times[i].Nanos);
            BinaryPrimitives.WriteInt32LittleEndian(page.AsSpan(i * 12 + 8), times[i].Day);
        }

        var file = Path.Combine(_folder.Path, "int96.parquet");
        await File.WriteAllBytesAsync(file, RawFile.OneColumn(PhysicalType.Int96, times.Length, page, page.Length, 0));
        var schema = new TableSchema(new TableField("c", DataType.Timestamp));
        var read = await ReadAsync(file, schema);
        Assert.Equal(times.Select(t => $"[\"{(t.Day - 2_440_588L) * 86_400_000_000 + t.Nanos / 1000}\"]"), read);
        Assert.Equal(await readers.FileRowsAsync("duckdb", file, schema), read);
    }

    [Theory]
    [InlineData("zstd", "ZSTD")]
    [InlineData("lz4_raw", "LZ4_RAW")]
    public async Task A_codec_that_is_not_supported_is_refused_by_name(string codec, string named)
    {
        var (schema, file, _) = Make(31, false);
        var target = Path.Combine(_folder.Path, "other.parquet");
        await readers.AskAsync(new { op = "sql", sql = $"copy (select * from read_parquet('{file}')) to '{target}' (format parquet, compression {codec})" });
        var error = await Assert.ThrowsAsync<DeltaUnsupportedException>(async () => await ReadAsync(target, schema));
        Assert.Contains(named, error.Message);
    }

    [Fact]
    public async Task Row_groups_that_cannot_match_are_passed_over()
    {
        var schema = new TableSchema(new TableField("id", DataType.Int64), new TableField("name", DataType.String));
        var table = DeltaTable.Open(new LocalObjectStore(_folder.Path), "t", new DeltaTableOptions { Parquet = new ParquetWriterOptions { RowGroupRows = 100 } });
        var rows = new RecordBatch(schema, [new Int64Column([.. Enumerable.Range(0, 1000).Select(i => (long)i)], 1000), RandomRows.Strings([.. Enumerable.Range(0, 1000).Select(i => $"n{i:D4}")])], 1000);
        await table.AppendAsync(new AppendRequest { Schema = schema, Files = [await table.WriteFileAsync(rows)] });
        async Task<int> CountAsync(ScanFilter filter)
        {
            var count = 0;
            await foreach (var batch in table.ReadAsync(await table.SnapshotAsync(), null, filter)) count += batch.RowCount;
            return count;
        }

        Assert.Equal(100, await CountAsync(new ScanFilter().EqualTo("id", 555)));
        Assert.Equal(200, await CountAsync(new ScanFilter().Between("id", 599, 600)));
        Assert.Equal(100, await CountAsync(new ScanFilter().EqualTo("name", "n0001")));
        Assert.Equal(1000, await CountAsync(new ScanFilter().Between("id", null, 5000)));
    }

    private static async Task<List<string>> ReadAsync(string file, TableSchema schema)
    {
        var reader = await ParquetReader.OpenAsync(new MemorySource(await File.ReadAllBytesAsync(file)), new ReadLimits(1 << 30), CancellationToken.None);
        var rows = new List<string>();
        for (var group = 0; group < reader.Metadata.Groups.Count; group++) rows.AddRange(Canon.Rows(await reader.ReadGroupAsync(group, schema, CancellationToken.None)));
        return rows;
    }

    public void Dispose() => _folder.Dispose();
}
