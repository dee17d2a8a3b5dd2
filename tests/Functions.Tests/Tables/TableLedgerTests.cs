using Azure.Data.Tables;
using Tidemark.Domain.Ledger;
using Tidemark.Domain.Pipelines;
using Tidemark.Functions.Tables;
using Tidemark.Functions.Tests.Azure;

namespace Tidemark.Functions.Tests.Tables;

[Collection(AzuriteCollection.Name)]
public sealed class TableLedgerTests(Azurite azurite)
{
    private static readonly PipelineId Id = new("v1", "shop.events", 1);

    [Fact]
    public async Task A_head_goes_in_once_and_comes_back_as_it_was()
    {
        var ledger = await NewAsync();
        Assert.Null(await ledger.ReadHeadAsync(3, default));
        var head = new Head(42, 1_700_000_000_123, null, 7);

        var etag = await ledger.TryInsertHeadAsync(3, head, default);

        Assert.NotNull(etag);
        Assert.Null(await ledger.TryInsertHeadAsync(3, head with { Next = 1 }, default));
        Assert.Equal(new VersionedHead(head, etag), await ledger.ReadHeadAsync(3, default));
        Assert.Null(await ledger.ReadHeadAsync(4, default));
    }

    [Fact]
    public async Task A_head_is_replaced_only_under_its_etag_and_forgets_what_became_null()
    {
        var ledger = await NewAsync();
        var first = await ledger.TryInsertHeadAsync(0, new Head(0, 5, 6, 7), default);
        var second = await ledger.TryReplaceHeadAsync(0, new Head(1, null, null, 8), first!, default);

        Assert.NotNull(second);
        Assert.NotEqual(first, second);
        Assert.Null(await ledger.TryReplaceHeadAsync(0, new Head(2, 1, 1, 1), first!, default));
        Assert.Null(await ledger.TryReplaceHeadAsync(9, new Head(2, 1, 1, 1), first!, default));
        Assert.Equal(new VersionedHead(new Head(1, null, null, 8), second), await ledger.ReadHeadAsync(0, default));
    }

    [Fact]
    public async Task A_commit_moves_the_head_and_adds_the_range_and_its_gaps()
    {
        var ledger = await NewAsync();
        var etag = await ledger.TryInsertHeadAsync(1, new Head(10, null, null, 0), default);
        var range = Range(1, 10, 20, tag: null, inline: [1, 2, 3]);

        var next = await ledger.TryCommitAsync(new Head(20, 99, null, 1), etag!, range, [new Gap(1, 10, 13, 5), new Gap(1, 15, 16, 5)], default);

        var view = await ledger.ReadPartitionAsync(1, 0, default);
        Assert.Equal(new VersionedHead(new Head(20, 99, null, 1), next!), view.Head);
        AssertSame(range, Assert.Single(view.Ranges));
        Assert.Equal([new Gap(1, 10, 13, 5), new Gap(1, 15, 16, 5)], await ledger.ReadGapsAsync([0, 1], default));
    }

    [Fact]
    public async Task Of_commits_that_race_on_one_etag_exactly_one_wins_and_writes_one_range()
    {
        var ledger = await NewAsync();
        var etag = await ledger.TryInsertHeadAsync(0, new Head(0, null, null, 0), default);

        var outcomes = await Task.WhenAll(Enumerable.Range(1, 8).Select(i =>
            ledger.TryCommitAsync(new Head(i, null, null, i), etag!, Range(0, 0, i), [], default)));

        var won = Array.FindIndex(outcomes, o => o is not null) + 1;
        Assert.Single(outcomes, o => o is not null);
        var view = await ledger.ReadPartitionAsync(0, 0, default);
        Assert.Equal(won, Assert.Single(view.Ranges).To);
        Assert.Equal(won, view.Head!.Value.Value.Next);
    }

    [Fact]
    public async Task A_commit_whose_range_is_there_already_changes_nothing()
    {
        var ledger = await NewAsync();
        var etag = await ledger.TryInsertHeadAsync(0, new Head(0, null, null, 0), default);
        var second = await ledger.TryCommitAsync(new Head(5, null, null, 0), etag!, Range(0, 0, 5), [], default);

        Assert.Null(await ledger.TryCommitAsync(new Head(9, null, null, 0), second!, Range(0, 0, 9), [], default));

        var view = await ledger.ReadPartitionAsync(0, 0, default);
        Assert.Equal(5, view.Head!.Value.Value.Next);
        Assert.Equal(5, Assert.Single(view.Ranges).To);
    }

    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    [InlineData(65_535)]
    [InlineData(65_536)]
    [InlineData(65_537)]
    [InlineData(900 << 10)]
    public async Task A_payload_is_split_over_properties_and_joined_again(int length)
    {
        var ledger = await NewAsync();
        var etag = await ledger.TryInsertHeadAsync(0, new Head(0, null, null, 0), default);
        var payload = new byte[length];
        new Random(length).NextBytes(payload);

        Assert.NotNull(await ledger.TryCommitAsync(new Head(1, null, null, 0), etag!, Range(0, 0, 1, inline: payload), [], default));

        Assert.Equal(payload, Assert.Single((await ledger.ReadPartitionAsync(0, 0, default)).Ranges).Inline);
    }

    [Fact]
    public async Task A_range_too_large_for_a_row_is_refused_with_the_setting_to_change()
    {
        var ledger = await NewAsync();
        var e = await Assert.ThrowsAsync<RangeTooLargeException>(() =>
            ledger.TryCommitAsync(new Head(1, null, null, 0), "*", Range(0, 0, 1, inline: new byte[1 << 20]), [], default));
        Assert.Contains("InlineSegmentLimit", e.Message);
    }

    [Fact]
    public async Task A_staged_range_and_many_entities_come_back()
    {
        var ledger = await NewAsync();
        var etag = await ledger.TryInsertHeadAsync(0, new Head(0, null, null, 0), default);
        var range = Range(0, 0, 1) with
        {
            Inline = null,
            Staged = new StagedSegment("a1", new Dictionary<string, string> { ["silver/events"] = "{\"path\":\"x é\"}" }, "_staging/x"),
            Entities = [.. Enumerable.Range(0, 3000).Select(i => new EntityKey("5m", i * 300_000L))],
        };

        Assert.NotNull(await ledger.TryCommitAsync(new Head(1, null, null, 0), etag!, range, [], default));

        AssertSame(range, Assert.Single((await ledger.ReadPartitionAsync(0, 0, default)).Ranges));
    }

    [Fact]
    public async Task Ranges_are_read_from_an_offset_on_ascending_over_several_pages_with_the_head()
    {
        var table = await azurite.NewTableAsync();
        var ledger = new TableLedger(Id, table);
        await ledger.TryInsertHeadAsync(7, new Head(2500, null, null, 0), default);
        foreach (var batch in Enumerable.Range(0, 2500).Chunk(100))
            await table.SubmitTransactionAsync(batch.Select(i => new TableTransactionAction(
                TableTransactionActionType.Add, RangeCodec.ToEntity($"{Id.Key}|00007", Range(7, i, i + 1)))));

        var view = await ledger.ReadPartitionAsync(7, 5, default);

        Assert.Equal(2500, view.Head!.Value.Value.Next);
        Assert.Equal(Enumerable.Range(5, 2495).Select(i => (long)i), view.Ranges.Select(r => r.From));
    }

    [Fact]
    public async Task Deleting_ranges_takes_any_number_and_those_already_gone()
    {
        var table = await azurite.NewTableAsync();
        var ledger = new TableLedger(Id, table);
        foreach (var batch in Enumerable.Range(0, 250).Chunk(100))
            await table.SubmitTransactionAsync(batch.Select(i => new TableTransactionAction(
                TableTransactionActionType.Add, RangeCodec.ToEntity($"{Id.Key}|00000", Range(0, i, i + 1)))));
        await ledger.DeleteRangesAsync(0, [3, 120], default);

        await ledger.DeleteRangesAsync(0, [.. Enumerable.Range(0, 249).Select(i => (long)i)], default);
        await ledger.DeleteRangesAsync(0, [.. Enumerable.Range(0, 249).Select(i => (long)i)], default);

        Assert.Equal([249L], (await ledger.ReadPartitionAsync(0, 0, default)).Ranges.Select(r => r.From));
    }

    [Fact]
    public async Task More_gaps_than_a_transaction_takes_are_all_kept()
    {
        var ledger = await NewAsync();
        var etag = await ledger.TryInsertHeadAsync(0, new Head(0, null, null, 0), default);
        var gaps = Enumerable.Range(0, 500).Select(i => new Gap(0, i * 2, i * 2 + 1, 9)).ToList();

        Assert.NotNull(await ledger.TryCommitAsync(new Head(1000, null, null, 0), etag!, Range(0, 0, 1000), gaps, default));

        Assert.Equal(gaps, await ledger.ReadGapsAsync([0], default));
    }

    [Fact]
    public async Task Meta_goes_in_once_and_changes_only_under_its_etag()
    {
        var ledger = await NewAsync();
        Assert.Null(await ledger.ReadMetaAsync(default));
        var meta = new Meta(Enumerable.Range(0, 2000).ToDictionary(p => p, p => long.MaxValue - p), null, false, false);

        var etag = await ledger.TryWriteMetaAsync(meta, null, default);

        Assert.Null(await ledger.TryWriteMetaAsync(meta, null, default));
        var changed = await ledger.TryWriteMetaAsync(meta with { FrontierMs = -5, Hold = true, EndOfInput = true, KeepOpen = true }, etag, default);
        Assert.Null(await ledger.TryWriteMetaAsync(meta, etag, default));
        var read = (await ledger.ReadMetaAsync(default))!.Value;
        Assert.Equal(changed, read.ETag);
        Assert.Equal((-5, true, true, true), (read.Value.FrontierMs, read.Value.Hold, read.Value.EndOfInput, read.Value.KeepOpen));
        Assert.Equal(meta.Starts.OrderBy(s => s.Key), read.Value.Starts.OrderBy(s => s.Key));
    }

    [Fact]
    public async Task The_registry_inserts_once_raises_under_etag_never_inserts_by_raising_and_forgets()
    {
        var ledger = await NewAsync();
        EntityKey[] keys = [new("5m", 0), new("5m/odd|name#1?", -3), new("1h", 7_200_000)];
        foreach (var key in keys)
            await ledger.RegisterAsync(key, default);
        var rows = await ledger.ReadRegistryAsync(default);
        Assert.Equal(keys.Order(), rows.Select(r => r.Entity).Order());
        Assert.All(rows, row => Assert.Equal(0, row.Version));

        var raised = await ledger.TryRaiseAsync(rows[0], 4, 90, default);
        await ledger.RegisterAsync(rows[0].Entity, default);

        Assert.NotNull(raised);
        Assert.Null(await ledger.TryRaiseAsync(rows[0], 5, 90, default));
        Assert.Equal(4, (await ledger.ReadRegistryAsync(default)).Single(r => r.Entity == rows[0].Entity).Version);
        await ledger.UnregisterAsync(rows[0].Entity, default);
        await ledger.UnregisterAsync(rows[0].Entity, default);
        Assert.Null(await ledger.TryRaiseAsync(rows[0] with { ETag = raised! }, 6, 90, default));
        Assert.Equal(2, (await ledger.ReadRegistryAsync(default)).Count);
    }

    [Fact]
    public async Task A_cursor_never_written_reads_as_none_and_moves_under_its_etag()
    {
        var ledger = await NewAsync();
        Assert.Equal((new Cursor(-1, null), null), await ledger.ReadCursorAsync("q", default));

        var etag = await ledger.TryWriteCursorAsync("q", new Cursor(0, null), null, default);
        Assert.Null(await ledger.TryWriteCursorAsync("q", new Cursor(3, 4), null, default));
        var next = await ledger.TryWriteCursorAsync("q", new Cursor(3, 4), etag, default);
        Assert.Null(await ledger.TryWriteCursorAsync("q", new Cursor(2, 4), etag, default));

        Assert.Equal((new Cursor(3, 4), next), await ledger.ReadCursorAsync("q", default));
    }

    [Fact]
    public async Task A_lease_is_taken_when_free_or_expired_and_renewed_by_its_owner()
    {
        var ledger = await NewAsync();
        Assert.True(await ledger.TryTakeLeaseAsync(new Lease("a", 100), 0, default));
        Assert.False(await ledger.TryTakeLeaseAsync(new Lease("b", 200), 99, default));
        Assert.True(await ledger.TryTakeLeaseAsync(new Lease("a", 150), 99, default));
        Assert.True(await ledger.TryTakeLeaseAsync(new Lease("b", 300), 150, default));
        Assert.False(await ledger.TryTakeLeaseAsync(new Lease("a", 400), 160, default));
    }

    [Fact]
    public async Task Pipelines_of_another_version_or_generation_share_a_table_without_meeting()
    {
        var table = await azurite.NewTableAsync();
        var one = new TableLedger(Id, table);
        await one.TryInsertHeadAsync(0, new Head(1, null, null, 0), default);
        await one.TryWriteMetaAsync(new Meta(new Dictionary<int, long>(), 1, false, false), null, default);
        foreach (var other in new[] { Id with { Version = "v2" }, Id with { Generation = 11 }, Id with { Topic = "shop.event" } })
        {
            var ledger = new TableLedger(other, table);
            Assert.Null(await ledger.ReadHeadAsync(0, default));
            Assert.Null(await ledger.ReadMetaAsync(default));
        }
    }

    [Fact]
    public async Task A_missing_table_is_a_failure_and_no_failed_precondition()
    {
        var ledger = new TableLedger(Id, azurite.Tables.GetTableClient("never"));
        await Assert.ThrowsAsync<global::Azure.RequestFailedException>(() => ledger.TryInsertHeadAsync(0, new Head(0, null, null, 0), default));
        await Assert.ThrowsAsync<global::Azure.RequestFailedException>(() => ledger.TryReplaceHeadAsync(0, new Head(0, null, null, 0), "W/\"1\"", default));
        await Assert.ThrowsAnyAsync<global::Azure.RequestFailedException>(() => ledger.TryCommitAsync(new Head(0, null, null, 0), "W/\"1\"", Range(0, 0, 1), [], default));
    }

    private async Task<TableLedger> NewAsync() => new(Id, await azurite.NewTableAsync());

    private static RangeRow Range(int partition, long from, long to, long? tag = 77, byte[]? inline = null) => new()
    {
        Partition = partition,
        From = from,
        To = to,
        Tag = tag,
        Rows = new Dictionary<string, int> { ["bronze/events"] = 10, ["silver/events"] = 9 },
        Entities = [new EntityKey("1h", 0), new EntityKey("5m", 300_000)],
        Counts = new Dictionary<string, long> { ["late/category_views"] = 2 },
        KafkaTimeMs = 1_700_000_000_000,
        Inline = inline ?? [],
    };

    private static void AssertSame(RangeRow expected, RangeRow actual)
    {
        Assert.Equal((expected.Partition, expected.From, expected.To, expected.Tag, expected.KafkaTimeMs), (actual.Partition, actual.From, actual.To, actual.Tag, actual.KafkaTimeMs));
        Assert.Equal(expected.Rows.OrderBy(r => r.Key), actual.Rows.OrderBy(r => r.Key));
        Assert.Equal(expected.Counts.OrderBy(r => r.Key), actual.Counts.OrderBy(r => r.Key));
        Assert.Equal(expected.Entities, actual.Entities);
        Assert.Equal(expected.Inline, actual.Inline);
        Assert.Equal(expected.Staged?.Attempt, actual.Staged?.Attempt);
        Assert.Equal(expected.Staged?.Partials, actual.Staged?.Partials);
        Assert.Equal(expected.Staged?.Files.OrderBy(f => f.Key), actual.Staged?.Files.OrderBy(f => f.Key));
    }
}
