using Tidemark.Delta.Parquet;
using Tidemark.Delta.Tests.Support;

namespace Tidemark.Delta.Tests.Parquet;

/// <summary>Files that this library writes, read back by readers that are not ours and by our own.</summary>
[Collection(ForeignReadersCollection.Name)]
public sealed class WrittenFilesTests(ForeignReaders readers) : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    public static TheoryData<string, int> Cases()
    {
        var cases = new TheoryData<string, int>();
        foreach (var compression in new[] { "None", "Snappy", "Gzip" })
        {
            for (var seed = 1; seed <= 4; seed++) cases.Add(compression, seed);
        }

        return cases;
    }

    [Theory]
    [MemberData(nameof(Cases))]
    public async Task Random_rows_of_all_flat_types_read_back_equal(string compression, int seed)
    {
        var random = new RandomRows(seed);
        var schema = new TableSchema([.. RandomRows.Primitives.Select((t, i) => new TableField($"c{i}", t, i % 5 != 0))]);
        var batches = Enumerable.Range(0, 1 + seed % 3).Select(_ => random.Batch(schema, random.Random.Next(1, 700))).ToList();
        await CheckAsync(schema, batches, new ParquetWriterOptions
        {
            Compression = Enum.Parse<ParquetCompression>(compression), RowGroupRows = seed % 2 == 0 ? 250 : 1 << 20, PageBytes = seed % 2 == 0 ? 256 : 1 << 20,
            DictionaryBytes = seed == 3 ? 0 : 1 << 20,
        }, $"{compression}, seed {seed}");
    }

    [Theory]
    [InlineData(11)]
    [InlineData(12)]
    [InlineData(13)]
    [InlineData(14)]
    [InlineData(15)]
    [InlineData(16)]
    [InlineData(17)]
    [InlineData(18)]
    public async Task Random_nested_rows_read_back_equal(int seed)
    {
        var random = new RandomRows(seed);
        var schema = random.Schema(4, 3);
        var batches = Enumerable.Range(0, 2).Select(_ => random.Batch(schema, random.Random.Next(1, 200))).ToList();
        await CheckAsync(schema, batches, new ParquetWriterOptions { RowGroupRows = 150, PageBytes = seed % 2 == 0 ? 100 : 1 << 20 }, $"seed {seed}, {schema}");
    }

    [Fact]
    public async Task Nulls_behind_the_last_value_have_a_code_of_the_dictionary()
    {
        var schema = new TableSchema(new TableField("a", DataType.String));
        string?[] values = ["x", .. Enumerable.Repeat("y", 700), .. Enumerable.Repeat<string?>(null, 700)];
        var file = Write(schema, [new RecordBatch(schema, [RandomRows.Strings(values)], values.Length)], new ParquetWriterOptions());
        var reader = await ParquetReader.OpenAsync(new MemorySource(await File.ReadAllBytesAsync(file)), new ReadLimits(1 << 30), CancellationToken.None);
        var read = Assert.IsType<DictionaryColumn>((await reader.ReadGroupAsync(0, schema, CancellationToken.None)).Columns[0]);
        Assert.Equal([0, .. Enumerable.Repeat(1, 1400)], read.Codes[..values.Length]);
    }

    [Fact]
    public async Task A_file_without_rows_reads_back_empty()
    {
        var schema = new TableSchema(new TableField("a", DataType.String), new TableField("b", DataType.Int64, false));
        await CheckAsync(schema, [new RecordBatch(schema, [RandomRows.Strings([]), new Int64Column([], 0)], 0)], new ParquetWriterOptions(), "empty");
    }

    [Fact]
    public async Task Many_rows_with_long_runs_and_wide_codes_read_back_equal()
    {
        const int rows = 200_000;
        var schema = new TableSchema(new TableField("run", DataType.Int32), new TableField("wide", DataType.Int64), new TableField("text", DataType.String), new TableField("unique", DataType.String, false));
        var random = new Random(3);
        var batch = new RecordBatch(schema,
        [
            new Int32Column([.. Enumerable.Range(0, rows).Select(i => i / 1000)], rows),
            new Int64Column([.. Enumerable.Range(0, rows).Select(_ => (long)random.Next(5000) << 40)], rows, NullBits.From([.. Enumerable.Range(0, rows).Select(i => i % 7 == 3)])),
            RandomRows.Strings([.. Enumerable.Range(0, rows).Select(_ => $"https://shop.example/product/{random.Next(3000)}")]),
            RandomRows.Strings([.. Enumerable.Range(0, rows).Select(i => $"{i * 7919L % 1_000_003:x}-{random.Next()}")]),
        ], rows);
        await CheckAsync(schema, [batch], new ParquetWriterOptions(), "many");
    }

    [Fact]
    public async Task Row_groups_are_closed_by_rows_and_by_size()
    {
        var schema = new TableSchema(new TableField("id", DataType.Int64, false));
        var batches = Enumerable.Range(0, 40).Select(b => new RecordBatch(schema, [new Int64Column([.. Enumerable.Range(b * 1000, 1000).Select(i => (long)i)], 1000)], 1000)).ToList();
        async Task<List<long>> GroupsAsync(ParquetWriterOptions options)
        {
            var reader = await ParquetReader.OpenAsync(new MemorySource(await File.ReadAllBytesAsync(Write(schema, batches, options))), new ReadLimits(1 << 30), CancellationToken.None);
            return [.. reader.Metadata.Groups.Select(g => g.Rows)];
        }

        Assert.Equal([40_000L], await GroupsAsync(new ParquetWriterOptions()));
        Assert.Equal(Enumerable.Repeat(8000L, 5), await GroupsAsync(new ParquetWriterOptions { RowGroupRows = 8000 }));
        // 8 bytes a value: 10,000 of them are 80,000 bytes.
        Assert.Equal(Enumerable.Repeat(10_000L, 4), await GroupsAsync(new ParquetWriterOptions { RowGroupBytes = 80_000 }));
    }

    [Fact]
    public async Task A_chunk_is_all_dictionary_or_all_plain_and_says_so()
    {
        var schema = new TableSchema(new TableField("few", DataType.String), new TableField("unique", DataType.String), new TableField("flag", DataType.Boolean));
        var batch = new RecordBatch(schema,
        [
            RandomRows.Strings([.. Enumerable.Range(0, 50_000).Select(i => $"v{i % 10}")]),
            RandomRows.Strings([.. Enumerable.Range(0, 50_000).Select(i => $"v{i}")]),
            new BooleanColumn([.. Enumerable.Range(0, 50_000).Select(i => i % 3 == 0)], 50_000),
        ], 50_000);
        var file = Write(schema, [batch], new ParquetWriterOptions());
        var chunks = (await readers.AskAsync(new { op = "metadata", file }))["chunks"]!.AsArray();
        Assert.Equal("PLAIN, RLE, RLE_DICTIONARY", chunks[0]!["encodings"]!.ToString());
        Assert.Equal("PLAIN, RLE", chunks[1]!["encodings"]!.ToString());
        Assert.Equal("PLAIN, RLE", chunks[2]!["encodings"]!.ToString());
        Assert.Equal("v0", chunks[0]!["stats_min_value"]!.ToString());
        Assert.Equal("v9999", chunks[1]!["stats_max_value"]!.ToString());
        Assert.Equal("SNAPPY", chunks[0]!["compression"]!.ToString());
    }

    private string Write(TableSchema schema, IReadOnlyList<RecordBatch> batches, ParquetWriterOptions options)
    {
        var file = Path.Combine(_folder.Path, $"{Guid.NewGuid():n}.parquet");
        using var output = File.Create(file);
        using var writer = new ParquetWriter(output, schema, options);
        foreach (var batch in batches) writer.Write(batch);
        Assert.Equal(batches.Sum(b => b.RowCount), writer.Finish().Rows);
        return file;
    }

    private async Task CheckAsync(TableSchema schema, IReadOnlyList<RecordBatch> batches, ParquetWriterOptions options, string what)
    {
        var file = Write(schema, batches, options);
        var expected = Canon.Rows(batches);
        var reader = await ParquetReader.OpenAsync(new MemorySource(await File.ReadAllBytesAsync(file)), new ReadLimits(1 << 30), CancellationToken.None);
        Assert.Equal(schema.ToString(), reader.Schema().ToString());
        var own = new List<RecordBatch>();
        for (var group = 0; group < reader.Metadata.Groups.Count; group++) own.Add(await reader.ReadGroupAsync(group, schema, CancellationToken.None));
        Canon.AssertSame(expected, Canon.Rows(own), $"our reader, {what}");
        foreach (var name in ForeignReaders.Names)
            Canon.AssertSame(expected, await readers.FileRowsAsync(name, file, schema), $"{name}, {what}");
    }

    public void Dispose() => _folder.Dispose();
}
