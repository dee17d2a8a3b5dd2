using System.Text;
using Tidemark.Delta.Log;
using Tidemark.Delta.Tests.Support;

namespace Tidemark.Delta.Tests.Table;

/// <summary>Tables that need more than this library has: each is refused with the name of what it needs, and is left as it was.</summary>
public sealed class RefusalTests
{
    private const string Columns = """{\"type\":\"struct\",\"fields\":[{\"name\":\"id\",\"type\":\"TYPE\",\"nullable\":true,\"metadata\":{META}}]}""";
    private readonly MemoryObjectStore _store = new();

    private async Task<DeltaTable> TableAsync(string protocol, string type = "long", string meta = "", params string[] more)
    {
        var schema = Columns.Replace("TYPE", type).Replace("META", meta.Replace("\"", "\\\""));
        var lines = new List<string>
        {
            "{\"protocol\":" + protocol + "}",
            """{"metaData":{"id":"m","format":{"provider":"parquet","options":{}},"schemaString":"SCHEMA","partitionColumns":[],"configuration":{},"createdTime":0}}""".Replace("SCHEMA", schema),
        };
        await _store.PutAsync("t/" + LogPath.Commit(0), Encoding.UTF8.GetBytes(string.Join('\n', lines.Concat(more))), default);
        return DeltaTable.Open(_store, "t");
    }

    private static TableSchema Ids { get; } = new(new TableField("id", DataType.Int64));

    private static AppendRequest Nothing { get; } = new() { Schema = Ids };

    private static async Task ReadAsync(DeltaTable table)
    {
        await foreach (var _ in table.ReadAsync(await table.SnapshotAsync())) { }
    }

    [Theory]
    [InlineData("""{"minReaderVersion":2,"minWriterVersion":5}""", "column mapping")]
    [InlineData("""{"minReaderVersion":3,"minWriterVersion":7,"readerFeatures":["columnMapping"],"writerFeatures":["columnMapping"]}""", "columnMapping")]
    [InlineData("""{"minReaderVersion":3,"minWriterVersion":7,"readerFeatures":["timestampNtz","typeWidening"],"writerFeatures":["timestampNtz","typeWidening"]}""", "timestampNtz, typeWidening")]
    [InlineData("""{"minReaderVersion":3,"minWriterVersion":7,"readerFeatures":["v2Checkpoint"],"writerFeatures":["v2Checkpoint"]}""", "v2Checkpoint")]
    [InlineData("""{"minReaderVersion":3,"minWriterVersion":7,"readerFeatures":["someThingNew"],"writerFeatures":["someThingNew"]}""", "someThingNew")]
    [InlineData("""{"minReaderVersion":9,"minWriterVersion":9}""", "reader version 9")]
    public async Task A_reader_version_or_feature_that_is_missing_here_is_named(string protocol, string named)
    {
        var table = await TableAsync(protocol);
        Assert.Contains(named, (await Assert.ThrowsAsync<DeltaUnsupportedException>(async () => await table.SnapshotAsync())).Message);
        Assert.Contains(named, (await Assert.ThrowsAsync<DeltaUnsupportedException>(async () => await table.RefreshAsync())).Message);
        Assert.Contains(named, (await Assert.ThrowsAsync<DeltaUnsupportedException>(async () => await table.AppendAsync(Nothing))).Message);
    }

    [Theory]
    [InlineData("""{"minReaderVersion":1,"minWriterVersion":3}""", "writer version 3")]
    [InlineData("""{"minReaderVersion":1,"minWriterVersion":4}""", "writer version 4")]
    [InlineData("""{"minReaderVersion":1,"minWriterVersion":7,"writerFeatures":["rowTracking","domainMetadata"]}""", "rowTracking, domainMetadata")]
    public async Task A_writer_version_or_feature_that_is_missing_here_lets_the_table_be_read_and_no_more(string protocol, string named)
    {
        var table = await TableAsync(protocol);
        await ReadAsync(table);
        Func<Task>[] writes =
        [
            async () => await table.AppendAsync(Nothing), async () => await table.SetPropertiesAsync(new Dictionary<string, string?> { ["a"] = "b" }),
            async () => await table.CheckpointAsync(), async () => await table.CleanupLogAsync(), async () => await table.VacuumAsync(),
        ];
        foreach (var write in writes) Assert.Contains(named, (await Assert.ThrowsAsync<DeltaUnsupportedException>(write)).Message);
        Assert.Equal(0, (await table.RefreshAsync()).Version);
    }

    [Theory]
    [InlineData("\"delta.invariants\":\"{}\"", "invariant")]
    [InlineData("\"delta.generationExpression\":\"1\"", "generation expression")]
    public async Task A_column_whose_SQL_would_have_to_be_evaluated_is_named(string meta, string named)
    {
        var table = await TableAsync("""{"minReaderVersion":1,"minWriterVersion":2}""", meta: meta);
        await ReadAsync(table);
        var error = await Assert.ThrowsAsync<DeltaUnsupportedException>(async () => await table.AppendAsync(Nothing));
        Assert.Contains("'id'", error.Message);
        Assert.Contains(named, error.Message);
    }

    [Theory]
    [InlineData("timestamp_ntz")]
    [InlineData("variant")]
    [InlineData("void")]
    public async Task A_type_that_is_missing_here_is_named(string type)
    {
        var table = await TableAsync("""{"minReaderVersion":1,"minWriterVersion":2}""", type);
        Assert.Contains(type, (await Assert.ThrowsAsync<DeltaUnsupportedException>(async () => await ReadAsync(table))).Message);
    }

    [Fact]
    public async Task A_file_with_a_deletion_vector_or_an_absolute_path_is_named()
    {
        const string protocol = """{"minReaderVersion":1,"minWriterVersion":2}""";
        var vector = await TableAsync(protocol, more: """{"add":{"path":"a.parquet","partitionValues":{},"size":1,"modificationTime":0,"dataChange":true,"deletionVector":{"storageType":"u"}}}""");
        Assert.Contains("a.parquet has a deletion vector", (await Assert.ThrowsAsync<DeltaUnsupportedException>(async () => await ReadAsync(vector))).Message);
        var absolute = await TableAsync(protocol, more: """{"add":{"path":"s3://elsewhere/a.parquet","partitionValues":{},"size":1,"modificationTime":0,"dataChange":true}}""");
        Assert.Contains("absolute path", (await Assert.ThrowsAsync<DeltaUnsupportedException>(async () => await ReadAsync(absolute))).Message);
    }

    [Fact]
    public async Task A_table_of_which_only_a_V2_checkpoint_is_left_is_refused()
    {
        await _store.PutAsync("t/_delta_log/00000000000000000005.checkpoint.80a083e8-7026-4e79-81be-64bd76c43a11.json", "{}"u8.ToArray(), default);
        Assert.Contains("V2 checkpoints", (await Assert.ThrowsAsync<DeltaUnsupportedException>(async () => await DeltaTable.Open(_store, "t").SnapshotAsync())).Message);
    }
}
