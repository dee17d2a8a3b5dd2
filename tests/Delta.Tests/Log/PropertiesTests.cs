using System.Text.Json;
using Tidemark.Delta.Tests.Support;

namespace Tidemark.Delta.Tests.Log;

public sealed class PropertiesTests
{
    private static readonly TableSchema Schema = new(new TableField("a", DataType.Int64), new TableField("b", DataType.Int64),
        new TableField("s", DataType.Struct(new TableField("x", DataType.Int64), new TableField("y", DataType.Int64))),
        new TableField("l", DataType.List(DataType.Int64)), new TableField("odd.name", DataType.Int64), new TableField("day", DataType.Int32));

    private readonly FakeTime _time = new();
    private readonly MemoryObjectStore _store;

    public PropertiesTests() => _store = new MemoryObjectStore(_time);

    private DeltaTable Open() => DeltaTable.Open(_store, "t", new DeltaTableOptions { Time = _time });

    private static Dictionary<string, string> Of(string name, string value) => new() { [name] = value };

    private static RecordBatch Rows()
    {
        Int64Column Longs(params long[] values) => new(values, values.Length);
        return new RecordBatch(Schema, [Longs(1, 2), Longs(3, 4), new StructColumn([Longs(5, 6), Longs(7, 8)], 2), new ListColumn([0, 1, 2], Longs(9, 10), 2), Longs(11, 12), new Int32Column([1, 1], 2)], 2);
    }

    // The leaves with statistics, as paths.
    private static List<string> Leaves(DataFile file, string group)
    {
        var found = new List<string>();
        void Walk(JsonElement json, string path)
        {
            foreach (var field in json.EnumerateObject())
            {
                if (field.Value.ValueKind == JsonValueKind.Object) Walk(field.Value, path + field.Name + "/");
                else found.Add(path + field.Name);
            }
        }

        using var stats = JsonDocument.Parse(file.Stats!);
        Assert.Equal(2, stats.RootElement.GetProperty("numRecords").GetInt32());
        Walk(stats.RootElement.GetProperty(group), "");
        return found;
    }

    [Theory]
    [InlineData("delta.dataSkippingStatsColumns", "b", "b", "b")]
    [InlineData("delta.dataSkippingStatsColumns", "B, s.y", "b s/y", "b s/y")]
    [InlineData("delta.dataSkippingStatsColumns", "s,l", "s/x s/y", "s/x s/y l")]
    [InlineData("delta.dataSkippingStatsColumns", "`odd.name`,a", "a odd.name", "a odd.name")]
    [InlineData("delta.dataSkippingStatsColumns", "", "", "")]
    [InlineData("delta.dataSkippingNumIndexedCols", "1", "a", "a")]
    [InlineData("delta.dataSkippingNumIndexedCols", "3", "a b s/x", "a b s/x")]
    [InlineData("delta.dataSkippingNumIndexedCols", "0", "", "")]
    [InlineData("delta.dataSkippingNumIndexedCols", "-1", "a b s/x s/y odd.name", "a b s/x s/y l odd.name")]
    [InlineData("delta.appendOnly", "false", "a b s/x s/y odd.name", "a b s/x s/y l odd.name")]
    public async Task Files_have_statistics_of_the_columns_that_the_table_names_also_from_a_writer_that_has_only_opened_it(string property, string value, string bounds, string nulls)
    {
        Assert.True(await Open().CreateAsync(Schema, ["day"], Of(property, value)));
        var file = Assert.Single(await Open().WriteFilesAsync(Rows(), ["day"]));
        string[] Split(string names) => names.Split(' ', StringSplitOptions.RemoveEmptyEntries);
        Assert.Equal(Split(bounds), Leaves(file, "minValues"));
        Assert.Equal(Split(bounds), Leaves(file, "maxValues"));
        Assert.Equal(Split(nulls), Leaves(file, "nullCount"));
    }

    [Fact]
    public async Task Named_statistics_columns_win_over_their_number()
    {
        await Open().CreateAsync(Schema, ["day"], new Dictionary<string, string> { ["delta.dataSkippingNumIndexedCols"] = "1", ["delta.dataSkippingStatsColumns"] = "b" });
        Assert.Equal(["b"], Leaves((await Open().WriteFilesAsync(Rows(), ["day"]))[0], "minValues"));
    }

    [Theory]
    [InlineData("delta.dataSkippingStatsColumns", "nope", "'nope'")]
    [InlineData("delta.dataSkippingStatsColumns", "s.z", "'s.z'")]
    [InlineData("delta.dataSkippingStatsColumns", "day", "partition column 'day'")]
    [InlineData("delta.dataSkippingNumIndexedCols", "many", "'many'")]
    [InlineData("delta.checkpointInterval", "0", "'0'")]
    [InlineData("delta.appendOnly", "yes", "'yes'")]
    [InlineData("delta.logRetentionDuration", "a while", "'a while'")]
    [InlineData("delta.setTransactionRetentionDuration", "30", "'30'")]
    [InlineData("delta.enableChangeDataFeed", "true", "change data feed")]
    [InlineData("delta.enableDeletionVectors", "true", "deletion vectors")]
    [InlineData("delta.enableRowTracking", "true", "row tracking")]
    [InlineData("delta.enableInCommitTimestamps", "true", "in-commit timestamps")]
    [InlineData("delta.enableTypeWidening", "true", "type widening")]
    [InlineData("delta.enableIcebergCompatV2", "true", "Iceberg")]
    [InlineData("delta.columnMapping.mode", "name", "column mapping")]
    [InlineData("delta.checkpointPolicy", "v2", "V2 checkpoints")]
    [InlineData("delta.constraints.positive", "a > 0", "CHECK constraints")]
    [InlineData("delta.feature.domainMetadata", "supported", "table features")]
    [InlineData("delta.minWriterVersion", "7", "protocol")]
    public async Task A_property_that_cannot_be_kept_is_refused_by_name_and_nothing_is_written(string name, string value, string told)
    {
        var created = await Assert.ThrowsAnyAsync<Exception>(async () => await Open().CreateAsync(Schema, ["day"], Of(name, value)));
        Assert.Contains(name, created.Message);
        Assert.Contains(told, created.Message);
        Assert.Equal(-1, (await Open().RefreshAsync()).Version);
        await Open().CreateAsync(Schema, ["day"]);
        var set = await Assert.ThrowsAnyAsync<Exception>(async () => await Open().SetPropertiesAsync(Of(name, value)!));
        Assert.Equal(created.Message, set.Message);
        Assert.Equal(0, (await Open().RefreshAsync()).Version);
    }

    [Fact]
    public async Task A_property_of_others_is_kept_and_one_can_be_removed()
    {
        var table = Open();
        await table.CreateAsync(Schema, ["day"], Of("delta.autoOptimize.autoCompact", "true"));
        await table.SetPropertiesAsync(new Dictionary<string, string?> { ["owner"] = "web", ["delta.checkpointInterval"] = "20" });
        await table.SetPropertiesAsync(new Dictionary<string, string?> { ["delta.checkpointInterval"] = null });
        var configuration = (await Open().RefreshAsync()).Configuration;
        Assert.Equal(("true", "web"), (configuration["delta.autoOptimize.autoCompact"], configuration["owner"]));
        Assert.DoesNotContain("delta.checkpointInterval", configuration.Keys);
    }

    private async Task MoveAsync(string app, long? expected, long next) => Assert.IsType<AppendResult.Committed>(
        await Open().AppendAsync(new AppendRequest { Schema = Orders.Schema, Transactions = [new TxnMove(app, expected, next)] }));

    [Theory]
    [InlineData(null, true)]
    [InlineData("interval 30 days", false)]
    [InlineData("interval 60 days", true)]
    public async Task An_application_is_forgotten_at_a_checkpoint_only_when_the_table_says_after_how_long(string? retention, bool kept)
    {
        await Open().CreateAsync(Orders.Schema, configuration: retention is null ? [] : Of("delta.setTransactionRetentionDuration", retention));
        await MoveAsync("old", null, 7);
        _time.Advance(TimeSpan.FromDays(40));
        await MoveAsync("young", null, 3);
        Assert.Equal(7, (await Open().RefreshAsync()).TransactionOf("old"));
        await Open().CheckpointAsync();
        var head = await Open().RefreshAsync();
        Assert.Equal(kept ? 7 : null, head.TransactionOf("old"));
        Assert.Equal(3, head.TransactionOf("young"));
        Assert.Equal(kept ? 7 : null, (await Open().SnapshotAsync()).TransactionOf("old"));
    }

    [Theory]
    [InlineData("true")]
    [InlineData("false")]
    public async Task The_log_is_cleaned_unless_the_table_says_no(string clean)
    {
        var table = Open();
        await table.CreateAsync(Orders.Schema, configuration: Of("delta.enableExpiredLogCleanup", clean));
        for (var i = 0; i < 5; i++) await Orders.AppendAsync(table, Orders.Rows(i));
        await table.CheckpointAsync();
        _time.Advance(TimeSpan.FromDays(40));
        Assert.Equal(clean == "true" ? 5 : 0, await table.CleanupLogAsync());
    }
}
