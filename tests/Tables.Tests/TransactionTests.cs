using Azure;
using Azure.Data.Tables;
using static Azure.Data.Tables.TableTransactionActionType;

namespace Tidemark.Tables.Tests;

[Collection(nameof(TableService))]
public class TransactionTests(TableService service)
{
    [Fact]
    public async Task Every_kind_of_action_takes_effect_and_gives_its_ETag()
    {
        var table = await service.TableAsync();
        foreach (var row in new[] { "merge", "replace", "delete" })
            await table.AddEntityAsync(new TableEntity("p", row) { ["Old"] = 1 });
        TableEntity New(string row) => new("p", row) { ["New"] = 2L, ["Text"] = "--changeset_\r\nHTTP/1.1 500 no" };

        var answer = await table.SubmitTransactionAsync(
        [
            new(Add, New("add")),
            new(UpdateMerge, New("merge")),
            new(UpdateReplace, New("replace")),
            new(Delete, new TableEntity("p", "delete")),
            new(UpsertMerge, New("upsert1")),
            new(UpsertReplace, New("upsert2")),
        ]);

        var rows = await Rows(table);
        Assert.Equal(["add", "merge", "replace", "upsert1", "upsert2"], rows.Keys.Order());
        Assert.All(rows.Values, r => Assert.Equal(2L, r.GetInt64("New")));
        Assert.Equal(["merge"], rows.Where(r => r.Value.ContainsKey("Old")).Select(r => r.Key));
        Assert.Equal(6, answer.Value.Count);
        Assert.All(answer.Value, part => Assert.Equal(204, part.Status));
        Assert.Equal(rows["add"].ETag, answer.Value[0].Headers.ETag);
        Assert.Equal(rows["upsert2"].ETag, answer.Value[5].Headers.ETag);
    }

    [Fact]
    public async Task The_head_moves_and_the_range_appears_only_if_the_ETag_matches()
    {
        var table = await service.TableAsync();
        await table.AddEntityAsync(new TableEntity("p", "head") { ["Next"] = 0L });
        var tag = (await table.GetEntityAsync<TableEntity>("p", "head")).Value.ETag;
        List<TableTransactionAction> Commit(long from, long to) =>
        [
            new(UpdateReplace, new TableEntity("p", "head") { ["Next"] = to }, tag),
            new(Add, new TableEntity("p", $"r|{from:D20}") { ["To"] = to }),
        ];

        await table.SubmitTransactionAsync(Commit(0, 10));
        var stale = await Assert.ThrowsAsync<TableTransactionFailedException>(() => table.SubmitTransactionAsync(Commit(10, 20)));

        Assert.Equal((412, "UpdateConditionNotSatisfied", 0), (stale.Status, stale.ErrorCode, stale.FailedTransactionActionIndex));
        var rows = await Rows(table);
        Assert.Equal(10L, rows["head"].GetInt64("Next"));
        Assert.Equal(["head", $"r|{0:D20}"], rows.Keys.Order());
    }

    [Theory]
    [InlineData(0)]
    [InlineData(7)]
    [InlineData(99)]
    public async Task Of_a_hundred_actions_none_is_done_when_one_fails_and_it_is_named(int taken)
    {
        var table = await service.TableAsync();
        await table.AddEntityAsync(new TableEntity("p", $"{taken:D3}") { ["Mine"] = true });

        var error = await Assert.ThrowsAsync<TableTransactionFailedException>(() => table.SubmitTransactionAsync(
            Enumerable.Range(0, 100).Select(i => new TableTransactionAction(Add, new TableEntity("p", $"{i:D3}")))));

        Assert.Equal((409, "EntityAlreadyExists", taken), (error.Status, error.ErrorCode, error.FailedTransactionActionIndex));
        Assert.True(Assert.Single(await Rows(table)).Value.GetBoolean("Mine"));
    }

    [Fact]
    public async Task An_update_without_an_ETag_is_an_upsert_and_one_for_any_ETag_needs_the_entity()
    {
        var table = await service.TableAsync();

        await table.SubmitTransactionAsync([new(UpdateReplace, new TableEntity("p", "new"))]);
        var error = await Assert.ThrowsAsync<TableTransactionFailedException>(
            () => table.SubmitTransactionAsync([new(UpdateReplace, new TableEntity("p", "none"), ETag.All)]));

        Assert.Equal((404, "ResourceNotFound"), (error.Status, error.ErrorCode));
        Assert.Equal(["new"], (await Rows(table)).Keys);
    }

    [Fact]
    public async Task A_transaction_on_a_missing_table_says_so()
    {
        var table = service.Client.GetTableClient("NoSuchTable");

        var error = await Assert.ThrowsAnyAsync<RequestFailedException>(
            () => table.SubmitTransactionAsync([new(Add, new TableEntity("p", "r"))]));

        Assert.Equal((404, "TableNotFound"), (error.Status, error.ErrorCode));
    }

    [Fact]
    public async Task Large_binary_columns_ride_in_a_transaction()
    {
        var table = await service.TableAsync();
        var random = new Random(7);
        var entity = new TableEntity("p", "r");
        for (var i = 0; i < 14; i++)
        {
            var column = new byte[65_536];
            random.NextBytes(column);
            entity[$"C{i}"] = column;
        }

        await table.SubmitTransactionAsync([new(Add, entity), new(UpsertReplace, new TableEntity("p", "head"))]);

        var read = (await table.GetEntityAsync<TableEntity>("p", "r")).Value;
        for (var i = 0; i < 14; i++)
            Assert.Equal(entity.GetBinary($"C{i}"), read.GetBinary($"C{i}"));
    }

    private static async Task<Dictionary<string, TableEntity>> Rows(TableClient table)
    {
        var rows = new Dictionary<string, TableEntity>();
        await foreach (var row in table.QueryAsync<TableEntity>())
            rows.Add(row.RowKey, row);
        return rows;
    }
}
