using Microsoft.Extensions.Logging.Abstractions;
using NSubstitute;
using Tidemark.Delta;
using Tidemark.Domain.Columns;
using Tidemark.Domain.Ledger;
using Tidemark.Domain.Pipelines;
using Tidemark.Functions.Costs;
using Tidemark.Functions.Lake;
using Tidemark.Functions.Tests.Azure;

namespace Tidemark.Functions.Tests.Lake;

[Collection(AzuriteCollection.Name)]
public sealed class MaintenanceTests(Azurite azurite)
{
    private readonly BlobObjectStore _store = new(azurite.NewContainer());
    private readonly ILedger _ledger = Substitute.For<ILedger>();
    private readonly IAlerts _alerts = Substitute.For<IAlerts>();

    [Fact]
    public async Task Vacuum_spares_files_that_open_ranges_name_and_those_alone()
    {
        await AppendAsync("silver/sample", 1);
        var segments = new SegmentStore(new PipelineId("v1", "events", 1), 1, _store, new LakeTables(_store, [new SamplePipeline()], TimeProvider.System));
        var segment = new Segment(new Dictionary<string, RowBatch> { ["silver/sample"] = SampleRows.Batch(7, 20) }, new Dictionary<EntityKey, ReadOnlyMemory<byte>>(), new Dictionary<string, long>());
        var open = await segments.StageAsync(3, 77, "open", segment, default);
        var lost = await segments.StageAsync(3, 77, "lost", segment, default);
        _ledger.ReadMetaAsync(default).ReturnsForAnyArgs(new VersionedMeta(new Meta(new Dictionary<int, long> { [2] = 0, [3] = 0 }, null, false, false), "e"));
        _ledger.ReadPartitionAsync(2, 0, default).ReturnsForAnyArgs(new PartitionView(null, []));
        _ledger.ReadPartitionAsync(3, 0, Arg.Any<CancellationToken>()).Returns(new PartitionView(null, [Range(open)]));
        var orphans = StagedFiles.Parse(lost.Files["silver/sample"]).Select(f => f.Path).Order(StringComparer.Ordinal).ToList();

        var now = Maintenance(TimeProvider.System);
        Assert.Empty((await now.VacuumAsync("silver/sample", null, dryRun: false, default))!.Files);
        var later = Maintenance(new Later(TimeSpan.FromDays(8)));
        Assert.Equal(orphans, (await later.VacuumAsync("silver/sample", null, dryRun: true, default))!.Files.Order(StringComparer.Ordinal));
        Assert.Equal(orphans, Assert.Single(await RunAsync(later, "silver/sample")).Result!.Vacuumed.Files.Order(StringComparer.Ordinal));

        await Lake().AppendAsync("silver/sample", [new("app", null, 1)], [], [open.Files["silver/sample"]], default);
        Assert.Equal(30, await CountAsync("silver/sample"));
    }

    [Fact]
    public async Task A_table_that_fails_is_alerted_and_the_next_one_is_maintained_and_absent_ones_are_passed_over()
    {
        var maintenance = Maintenance(TimeProvider.System);
        Assert.Equal(["silver/sample", "gold/sample"], maintenance.Tables);
        Assert.Empty(await RunAsync(maintenance, [.. maintenance.Tables]));
        Assert.Null(await maintenance.VacuumAsync("gold/sample", null, dryRun: false, default));
        Assert.False(await Delta("gold/sample").RefreshAsync() is { Version: >= 0 });

        await _store.PutAsync("silver/sample/_delta_log/00000000000000000000.json", "{damaged"u8.ToArray(), default);
        for (var seed = 0; seed < 4; seed++)
            await AppendAsync("gold/sample", seed);
        var done = await RunAsync(Maintenance(TimeProvider.System), [.. maintenance.Tables]);

        Assert.Equal(["silver/sample", "gold/sample"], done.Select(d => d.Table));
        Assert.NotNull(done[0].Failure);
        await _alerts.Received(1).RaiseAsync("maintenance", "silver/sample", Arg.Is<string>(t => t.Contains(done[0].Failure!.Message)), Arg.Any<CancellationToken>());
        Assert.Single(_alerts.ReceivedCalls());
        Assert.Equal((4, 1), (done[1].Result!.Optimized!.FilesRemoved, done[1].Result!.Optimized!.FilesAdded));
        Assert.Equal(40, await CountAsync("gold/sample"));
    }

    private static async Task<List<MaintainedTable>> RunAsync(LakeMaintenance maintenance, params string[] tables)
    {
        var done = new List<MaintainedTable>();
        await foreach (var table in maintenance.RunAsync(tables, default))
            done.Add(table);
        return done;
    }

    private static RangeRow Range(StagedSegment staged) => new()
    {
        Partition = 3, From = 77, To = 78, Tag = null, KafkaTimeMs = 0, Staged = staged, Rows = new Dictionary<string, int>(), Entities = [], Counts = new Dictionary<string, long>(),
    };

    private LakeMaintenance Maintenance(TimeProvider time) =>
        new(new LakeTables(_store, [new SamplePipeline()], time), [_ledger], _alerts, NullLogger<LakeMaintenance>.Instance);

    private DeltaLake Lake() => new(new LakeTables(_store, [new SamplePipeline()], TimeProvider.System), new CostCounters(), TimeProvider.System);

    private DeltaTable Delta(string table) => DeltaTable.Open(_store, table);

    private async Task AppendAsync(string table, int seed) =>
        Assert.True((await Lake().AppendAsync(table, [new("seed", seed == 0 || table == "silver/sample" ? null : seed, seed + 1)], [SampleRows.Batch(seed, 10)], [], default)).Committed);

    private async Task<int> CountAsync(string table)
    {
        var count = 0;
        await foreach (var batch in Delta(table).ReadAsync(await Delta(table).SnapshotAsync()))
            count += batch.RowCount;
        return count;
    }

    // Blobs are as old as Azurite says; only the reader's clock can be turned.
    private sealed class Later(TimeSpan by) : TimeProvider
    {
        public override DateTimeOffset GetUtcNow() => base.GetUtcNow() + by;
    }
}
