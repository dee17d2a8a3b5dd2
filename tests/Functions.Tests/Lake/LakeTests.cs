using Tidemark.Delta;
using Tidemark.Domain.Columns;
using Tidemark.Domain.Deduplication;
using Tidemark.Domain.Ledger;
using Tidemark.Domain.Pipelines;
using Tidemark.Functions.Costs;
using Tidemark.Functions.Lake;
using Tidemark.Functions.Tables;
using Tidemark.Functions.Tests.Azure;

namespace Tidemark.Functions.Tests.Lake;

[Collection(AzuriteCollection.Name)]
public sealed class LakeTests(Azurite azurite)
{
    private static readonly PipelineId Id = new("v1", "events", 1);

    [Fact]
    public async Task Rows_come_back_by_commit_with_their_position_and_every_type_as_it_was()
    {
        var (lake, _, counters) = New();
        var rows = SampleRows.Batch(seed: 1, count: 100);
        Assert.Equal(-1, (await lake.ReadHeadAsync("gold/sample", default)).Version);

        var first = await lake.AppendAsync("gold/sample", [new("app", null, 10)], [rows], [], default);
        var second = await lake.AppendAsync("gold/sample", [new("app", 10, 20)], [], [], default);
        var third = await lake.AppendAsync("gold/sample", [new("other", null, 5)], [rows], [], default);
        var fourth = await lake.AppendAsync("gold/sample", [new("app", 20, 30)], [SampleRows.Batch(2, 7), SampleRows.Batch(3, 5)], [], default);

        Assert.Equal([true, true, true, true], new[] { first, second, third, fourth }.Select(o => o.Committed));
        Assert.Equal(4, counters.DeltaCommits);
        var head = await lake.ReadHeadAsync("gold/sample", default);
        Assert.Equal(fourth.Version, head.Version);
        Assert.Equal((30, 5), (head.Positions["app"], head.Positions["other"]));
        var commits = new List<CommittedRows>();
        await foreach (var commit in lake.ReadCommitsAsync("gold/sample", "app", -1, null, default))
            commits.Add(commit);
        Assert.Equal([(first.Version, 10, 100), (second.Version, 20, 0), (fourth.Version, 30, 12)], commits.Select(c => (c.Version, c.Position, c.Rows.Count)));
        SampleRows.AssertSame(rows, commits[0].Rows);
        await foreach (var commit in lake.ReadCommitsAsync("gold/sample", "app", fourth.Version, null, default))
            Assert.Fail($"Commit {commit.Version} is not after {fourth.Version}.");
    }

    [Fact]
    public async Task A_follower_begins_with_what_came_lately_and_where_more_came_before_with_what_comes_next()
    {
        var container = azurite.NewContainer();
        var (lake, _, _) = New(container);
        Assert.Equal(-1, (await lake.BeginAsync("gold/sample", "app", TimeSpan.FromDays(1), default)).Version);
        await lake.AppendAsync("gold/sample", [new("other/0", null, 1)], [SampleRows.Batch(1, 3)], [], default);
        Assert.Equal(0, (await lake.BeginAsync("gold/sample", "app", TimeSpan.FromDays(1), default)).Version);
        await lake.AppendAsync("gold/sample", [new("app/0", null, 1)], [SampleRows.Batch(2, 3)], [], default);
        await lake.AppendAsync("gold/sample", [new("app/0", 1, 2), new("app/time", null, 77)], [SampleRows.Batch(3, 3)], [], default);

        var times = new List<DateTimeOffset>();
        await foreach (var (_, time, _) in new LakeTables(new BlobObjectStore(container), [new SamplePipeline()], TimeProvider.System)["gold/sample"].Delta.HistoryAsync())
            times.Insert(0, time);
        async Task<(long, long?)> BeginAsync(DateTimeOffset from)
        {
            var head = await New(container, time: new SetTime(from + TimeSpan.FromDays(1))).Lake.BeginAsync("gold/sample", "app", TimeSpan.FromDays(1), default);
            return (head.Version, head.Positions.TryGetValue("app/time", out var said) ? said : null);
        }

        Assert.Equal((-1, null), await BeginAsync(times[0] - TimeSpan.FromSeconds(1)));
        Assert.Equal((0, null), await BeginAsync(times[0]));
        Assert.Equal((2, 77), await BeginAsync(times[1]));
        Assert.Equal((2, 77), await BeginAsync(times[2] + TimeSpan.FromDays(9)));
    }

    [Fact]
    public async Task Of_appends_that_race_from_one_position_one_is_committed()
    {
        var container = azurite.NewContainer();
        var outcomes = await Task.WhenAll(Enumerable.Range(0, 6).Select(i =>
            New(container).Lake.AppendAsync("gold/sample", [new("app", null, i + 1)], [SampleRows.Batch(i, 10)], [], default)));

        var won = Assert.Single(Enumerable.Range(0, 6), i => outcomes[i].Committed);
        var (lake, _, _) = New(container);
        Assert.Equal(won + 1, (await lake.ReadHeadAsync("gold/sample", default)).Positions["app"]);
        await foreach (var commit in lake.ReadCommitsAsync("gold/sample", "app", -1, null, default))
            SampleRows.AssertSame(SampleRows.Batch(won, 10), commit.Rows);
    }

    [Fact]
    public async Task A_staged_segment_is_committed_by_description_also_over_several_partitions_of_a_table()
    {
        var (lake, segments, _) = New();
        var rows = SampleRows.Batch(4, 50);
        var segment = new Segment(new Dictionary<string, RowBatch> { ["silver/sample"] = rows }, Partials(), new Dictionary<string, long>());

        var staged = await segments.StageAsync(3, 77, "attempt1", segment, default);
        var outcome = await lake.AppendAsync("silver/sample", [new("a", null, 78)], [], [staged.Files["silver/sample"]], default);

        Assert.True(outcome.Committed);
        Assert.All(StagedFiles.Parse(staged.Files["silver/sample"]), f => Assert.Contains("attempt1", f.Path));
        Assert.True(StagedFiles.Parse(staged.Files["silver/sample"]).Count > 1);
        var read = new List<CommittedRows>();
        await foreach (var commit in lake.ReadCommitsAsync("silver/sample", "a", -1, null, default))
            read.Add(commit);
        Assert.Equal(50, Assert.Single(read).Rows.Count);
        Assert.Equal(
            ((Domain.Columns.Int64Column)rows["n"]).Values.Take(50).Order(),
            ((Domain.Columns.Int64Column)read[0].Rows["n"]).Values.Take(50).Order());

        var range = Range(null, staged);
        Assert.Equal(segment.Partials.OrderBy(p => p.Key).Select(p => (p.Key, Convert.ToHexString(p.Value.Span))), (await segments.ReadPartialsAsync(range, default)).OrderBy(p => p.Key).Select(p => (p.Key, Convert.ToHexString(p.Value))));
        var listed = Assert.Single(await segments.ListPartialsAsync(default));
        Assert.Equal((staged.Partials, 3, 77), (listed.Name, listed.Partition, listed.From));
        Assert.InRange(listed.LastModifiedMs, DateTimeOffset.UtcNow.AddMinutes(-5).ToUnixTimeMilliseconds(), DateTimeOffset.UtcNow.AddMinutes(1).ToUnixTimeMilliseconds());
        await segments.DeletePartialsAsync(staged.Partials, default);
        await segments.DeletePartialsAsync(staged.Partials, default);
        Assert.Empty(await segments.ListPartialsAsync(default));
        await Assert.ThrowsAsync<InvalidDataException>(() => segments.ReadPartialsAsync(range, default));
    }

    [Fact]
    public async Task A_segment_of_more_days_than_a_range_can_name_files_for_is_not_staged()
    {
        var (_, segments, _) = New();
        async Task<StagedSegment> StageAsync(int days)
        {
            var rows = SampleRows.Batch(4, 200);
            for (var row = 0; row < rows.Count; row++)
                ((Domain.Columns.Int32Column)rows["day"]).Values[row] = 20_000 + row % days;
            return await segments.StageAsync(3, 77, $"of{days}", new Segment(new Dictionary<string, RowBatch> { ["silver/sample"] = rows }, Partials(), new Dictionary<string, long>()), default);
        }

        var most = await StageAsync(64);
        Assert.Equal(64, StagedFiles.Parse(most.Files["silver/sample"]).Count);
        Assert.NotNull(RangeCodec.ToEntity("p", Range(null, most)));
        await Assert.ThrowsAsync<RangeTooLargeException>(() => StageAsync(65));
        Assert.Single(await segments.ListPartialsAsync(default));
        Assert.Throws<RangeTooLargeException>(() => RangeCodec.ToEntity("p", Range(new byte[1 << 20], null)));
    }

    [Fact]
    public async Task Rows_of_a_table_are_read_with_some_columns_and_files_beyond_the_bounds_are_left_out()
    {
        var (lake, _, _) = New();
        Assert.Empty(await RowsAsync([]));
        var rows = SampleRows.Batch(8, 60);
        await lake.AppendAsync("silver/sample", [new("a", null, 1)], [rows], [], default);
        var days = ((Domain.Columns.Int32Column)rows["day"]).Values.Take(60).ToArray();
        var all = ((Domain.Columns.Int64Column)rows["n"]).Values.Take(60).ToArray();
        Assert.Equal(all.Order(), await RowsAsync([]));
        Assert.Equal(all.Where((_, i) => days[i] >= 20_001).Order(), await RowsAsync([new("day", 20_001, null)]));
        Assert.Empty(await RowsAsync([new("n", all.Max() + 1, null)]));

        async Task<long[]> RowsAsync(ColumnBounds[] bounds)
        {
            var found = new List<long>();
            await foreach (var batch in lake.ReadRowsAsync("silver/sample", ["day", "n"], bounds, default))
            {
                Assert.Equal(["day", "n"], batch.Schema.Fields.Select(f => f.Name));
                found.AddRange(((Domain.Columns.Int64Column)batch["n"]).Values.Take(batch.Count));
            }
            return [.. found.Order()];
        }
    }

    /// <summary>Of a file that is not fetched whole, other columns are not even fetched.</summary>
    [Fact]
    public async Task Of_commits_the_columns_asked_for_are_read_and_no_others()
    {
        var store = new CountingObjectStore(new MemoryObjectStore());
        var lake = new DeltaLake(new LakeTables(store, [new SamplePipeline()], TimeProvider.System), new CostCounters(), TimeProvider.System);
        var rows = SampleRows.Batch(9, 40_000);
        await lake.AppendAsync("gold/sample", [new("app", null, 1)], [rows], [], default);
        async Task<(RowBatch Rows, long Bytes)> ReadAsync(IReadOnlyList<string>? columns)
        {
            var before = store.Counts.BytesRead;
            var commits = new List<CommittedRows>();
            await foreach (var commit in lake.ReadCommitsAsync("gold/sample", "app", -1, columns, default))
                commits.Add(commit);
            return (Assert.Single(commits).Rows, store.Counts.BytesRead - before);
        }

        var (all, allBytes) = await ReadAsync(null);
        var (some, someBytes) = await ReadAsync(["i", "day"]);
        Assert.Equal(SampleRows.Schema.Fields.Count, all.Columns.Count);
        var schema = new RowSchema([.. SampleRows.Schema.Fields.Where(f => f.Name is "i" or "day")]);
        SampleRows.AssertSame(new RowBatch(schema, [rows["i"], rows["day"]], rows.Count), some);
        Assert.InRange(allBytes, 1 << 20, long.MaxValue);
        Assert.InRange(someBytes, 40_000, allBytes / 5);
    }

    [Fact]
    public void A_segment_rides_inline_up_to_the_limit_and_not_beyond()
    {
        var (_, segments, _) = New();
        var small = new Segment(new Dictionary<string, RowBatch> { ["silver/sample"] = SampleRows.Batch(5, 20) }, Partials(), new Dictionary<string, long>());
        var large = small with { Rows = new Dictionary<string, RowBatch> { ["silver/sample"] = SampleRows.Batch(5, 5000) } };

        var encoded = segments.TryEncode(small);

        Assert.NotNull(encoded);
        Assert.Null(segments.TryEncode(large));
        var range = Range(encoded, null);
        SampleRows.AssertSame(small.Rows["silver/sample"], segments.ReadRows(range, "silver/sample"));
        Assert.Throws<InvalidDataException>(() => segments.ReadRows(range, "gold/sample"));
    }

    [Fact]
    public async Task Only_staged_blobs_of_the_own_pipeline_are_listed_and_deleted()
    {
        var container = azurite.NewContainer();
        var (_, segments, _) = New(container);
        var other = New(container, new PipelineId("v2", "events", 1)).Segments;
        await other.StageAsync(0, 0, "a", new Segment(new Dictionary<string, RowBatch>(), Partials(), new Dictionary<string, long>()), default);

        Assert.Empty(await segments.ListPartialsAsync(default));
        var name = Assert.Single(await other.ListPartialsAsync(default)).Name;
        await Assert.ThrowsAsync<ArgumentException>(() => segments.DeletePartialsAsync(name, default));
        await Assert.ThrowsAsync<ArgumentException>(() => segments.DeletePartialsAsync("gold/sample/_delta_log/00000000000000000000.json", default));
    }

    [Fact]
    public async Task Requests_are_counted_by_kind()
    {
        var before = azurite.Counters.StorageTransactions();
        var store = new BlobObjectStore(azurite.NewContainer());
        await store.PutAsync("a", new byte[10], default);
        await store.GetAsync("a", default);
        await foreach (var _ in store.ListAsync("", null, default))
        {
        }

        await store.DeleteAsync("a", default);
        var after = azurite.Counters.StorageTransactions();
        Assert.True(after[StorageKinds.BlobPut] >= before[StorageKinds.BlobPut] + 2);
        Assert.True(after[StorageKinds.BlobGet] > before[StorageKinds.BlobGet]);
        Assert.True(after[StorageKinds.BlobList] > before[StorageKinds.BlobList]);
        Assert.True(after[StorageKinds.BlobDelete] > before[StorageKinds.BlobDelete]);
    }

    private (DeltaLake Lake, SegmentStore Segments, CostCounters Counters) New(global::Azure.Storage.Blobs.BlobContainerClient? container = null, PipelineId? id = null, TimeProvider? time = null)
    {
        var store = new BlobObjectStore(container ?? azurite.NewContainer());
        var tables = new LakeTables(store, [new SamplePipeline()], TimeProvider.System);
        var counters = new CostCounters();
        return (new DeltaLake(tables, counters, time ?? TimeProvider.System), new SegmentStore(id ?? Id, 16 << 10, store, tables), counters);
    }

    private sealed class SetTime(DateTimeOffset now) : TimeProvider
    {
        public override DateTimeOffset GetUtcNow() => now;
    }

    private static Dictionary<EntityKey, ReadOnlyMemory<byte>> Partials() => new() { [new EntityKey("5m", 0)] = new byte[] { 1, 2, 3 }, [new EntityKey("1h", -5)] = default };

    private static RangeRow Range(byte[]? inline, StagedSegment? staged) => new()
    {
        Partition = 3, From = 77, To = 78, Tag = null, KafkaTimeMs = 0, Inline = inline, Staged = staged,
        Rows = new Dictionary<string, int>(), Entities = [], Counts = new Dictionary<string, long>(),
    };
}
