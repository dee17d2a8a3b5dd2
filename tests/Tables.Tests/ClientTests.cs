using Azure;
using Azure.Data.Tables;

namespace Tidemark.Tables.Tests;

[Collection(nameof(TableService))]
public class ClientTests(TableService service)
{
    [Fact]
    public async Task A_table_is_made_once_and_dropped_once()
    {
        var table = service.Client.GetTableClient("Lifecycle");

        Assert.Equal("Lifecycle", (await table.CreateIfNotExistsAsync()).Value.Name);
        Assert.Equal("Lifecycle", (await table.CreateIfNotExistsAsync()).Value.Name);
        var second = await Assert.ThrowsAsync<RequestFailedException>(() => table.CreateAsync());
        Assert.Equal((409, "TableAlreadyExists"), (second.Status, second.ErrorCode));
        Assert.Equal(204, (await table.DeleteAsync()).Status);
        Assert.Equal(404, (await table.DeleteAsync()).Status);
    }

    [Fact]
    public async Task Tables_are_listed_by_filter()
    {
        await service.Client.CreateTableIfNotExistsAsync("ListedA");
        await service.Client.CreateTableIfNotExistsAsync("ListedB");

        var names = new List<string>();
        await foreach (var item in service.Client.QueryAsync("TableName ge 'Listed' and TableName lt 'Listee'", maxPerPage: 1))
            names.Add(item.Name);

        Assert.Equal(["ListedA", "ListedB"], names);
        await service.Client.DeleteTableAsync("ListedA");
        await service.Client.DeleteTableAsync("ListedB");
    }

    [Fact]
    public async Task Errors_carry_the_services_status_and_code()
    {
        var table = await service.TableAsync();
        var missing = service.Client.GetTableClient("Missing");
        await table.AddEntityAsync(new TableEntity("p", "r"));

        await Fails(409, "EntityAlreadyExists", () => table.AddEntityAsync(new TableEntity("p", "r")));
        await Fails(404, "ResourceNotFound", () => table.GetEntityAsync<TableEntity>("p", "none"));
        await Fails(404, "ResourceNotFound", () => table.UpdateEntityAsync(new TableEntity("p", "none"), ETag.All));
        await Fails(404, "TableNotFound", () => missing.AddEntityAsync(new TableEntity("p", "r")));
    }

    [Fact]
    public async Task An_absent_entity_is_an_answer_not_an_error_where_the_caller_asks_so()
    {
        var table = await service.TableAsync();

        var none = await table.GetEntityIfExistsAsync<TableEntity>("p", "r");
        await table.AddEntityAsync(new TableEntity("p", "r"));
        var some = await table.GetEntityIfExistsAsync<TableEntity>("p", "r");

        Assert.False(none.HasValue);
        Assert.Throws<InvalidOperationException>(() => none.Value);
        Assert.Equal("r", some.Value!.RowKey);
        Assert.Equal(404, (await table.DeleteEntityAsync("p", "none")).Status);
    }

    [Fact]
    public async Task An_update_holds_only_for_the_ETag_that_was_read()
    {
        var table = await service.TableAsync();
        await table.AddEntityAsync(new TableEntity("p", "r") { ["N"] = 0 });
        var read = (await table.GetEntityAsync<TableEntity>("p", "r")).Value;
        read["N"] = 1;

        var first = await table.UpdateEntityAsync(read, read.ETag, TableUpdateMode.Replace);
        await Fails(412, "UpdateConditionNotSatisfied", () => table.UpdateEntityAsync(read, read.ETag, TableUpdateMode.Replace));
        await Fails(412, "UpdateConditionNotSatisfied", () => table.DeleteEntityAsync("p", "r", read.ETag));
        read["N"] = 2;
        await table.UpdateEntityAsync(read, first.Headers.ETag!.Value, TableUpdateMode.Replace);

        Assert.Equal(2, (await table.GetEntityAsync<TableEntity>("p", "r")).Value.GetInt32("N"));
    }

    [Fact]
    public async Task Of_ten_racing_updates_with_one_ETag_one_wins()
    {
        var table = await service.TableAsync();
        await table.AddEntityAsync(new TableEntity("p", "r"));
        var tag = (await table.GetEntityAsync<TableEntity>("p", "r")).Value.ETag;

        var outcomes = await Task.WhenAll(Enumerable.Range(0, 10).Select(async i =>
        {
            try
            {
                await table.UpdateEntityAsync(new TableEntity("p", "r") { ["Winner"] = i }, tag, TableUpdateMode.Replace);
                return i;
            }
            catch (RequestFailedException e) when (e.Status == 412)
            {
                return -1;
            }
        }));

        var winner = Assert.Single(outcomes, o => o >= 0);
        Assert.Equal(winner, (await table.GetEntityAsync<TableEntity>("p", "r")).Value.GetInt32("Winner"));
    }

    [Fact]
    public async Task Merge_keeps_other_properties_and_replace_drops_them()
    {
        var table = await service.TableAsync();
        await table.UpsertEntityAsync(new TableEntity("p", "r") { ["A"] = 1 });
        await table.UpsertEntityAsync(new TableEntity("p", "r") { ["B"] = 2 });
        var merged = (await table.GetEntityAsync<TableEntity>("p", "r")).Value;
        await table.UpsertEntityAsync(new TableEntity("p", "r") { ["C"] = 3 }, TableUpdateMode.Replace);
        var replaced = (await table.GetEntityAsync<TableEntity>("p", "r")).Value;
        await table.UpdateEntityAsync(new TableEntity("p", "r") { ["D"] = 4 }, ETag.All);
        var updated = (await table.GetEntityAsync<TableEntity>("p", "r")).Value;

        Assert.Equal((1, 2), (merged.GetInt32("A"), merged.GetInt32("B")));
        Assert.Equal((null, 3), (replaced.GetInt32("A"), replaced.GetInt32("C")));
        Assert.Equal((3, 4), (updated.GetInt32("C"), updated.GetInt32("D")));
    }

    [Fact]
    public async Task A_query_gives_keys_in_order_over_all_pages_and_resumes_from_a_token()
    {
        var table = await service.TableAsync();
        for (var from = 0; from < 1200; from += 100)
        {
            await table.SubmitTransactionAsync(Enumerable.Range(from, 100).Select(i =>
                new TableTransactionAction(TableTransactionActionType.Add, new TableEntity("p", $"{i:D5}") { ["N"] = (long)i })));
        }

        var all = new List<long>();
        await foreach (var entity in table.QueryAsync<TableEntity>("PartitionKey eq 'p'"))
            all.Add(entity.GetInt64("N")!.Value);
        var pages = new List<Page<TableEntity>>();
        await foreach (var page in table.QueryAsync<TableEntity>(maxPerPage: 500).AsPages())
            pages.Add(page);
        var resumed = new List<string>();
        await foreach (var page in table.QueryAsync<TableEntity>(maxPerPage: 500, select: ["RowKey"]).AsPages(pages[1].ContinuationToken))
            resumed.AddRange(page.Values.Select(e => e.RowKey));

        Assert.Equal(Enumerable.Range(0, 1200).Select(i => (long)i), all);
        Assert.Equal([500, 500, 200], pages.Select(p => p.Values.Count));
        Assert.Null(pages[2].ContinuationToken);
        Assert.Equal(Enumerable.Range(1000, 200).Select(i => $"{i:D5}"), resumed);
    }

    [Fact]
    public async Task Filters_quote_what_they_compare_with()
    {
        var table = await service.TableAsync();
        var time = new DateTimeOffset(2024, 1, 1, 0, 0, 0, TimeSpan.Zero);
        var guid = Guid.NewGuid();
        await table.AddEntityAsync(new TableEntity("it's", "r")
        {
            ["T"] = time, ["L"] = 5_000_000_000, ["D"] = 2.0, ["B"] = true, ["G"] = guid, ["S"] = "x' or '1' eq '1",
        });
        var partition = "it's";
        var injected = "x' or '1' eq '1";

        Assert.Equal(1, await Count(table, TableClient.CreateQueryFilter($"PartitionKey eq {partition} and S eq {injected}")));
        Assert.Equal(0, await Count(table, TableClient.CreateQueryFilter($"PartitionKey eq {injected}")));
        Assert.Equal(1, await Count(table, TableClient.CreateQueryFilter($"T ge {time} and L eq {5_000_000_000} and D eq {2.0} and B eq {true} and G eq {guid}")));
        Assert.Equal(0, await Count(table, TableClient.CreateQueryFilter($"T gt {time}")));
    }

    [Fact]
    public async Task Cancellation_ends_a_request()
    {
        var table = await service.TableAsync();

        await Assert.ThrowsAnyAsync<OperationCanceledException>(
            () => table.AddEntityAsync(new TableEntity("p", "r"), new CancellationToken(canceled: true)));
    }

    private static async Task<int> Count(TableClient table, string filter)
    {
        var count = 0;
        await foreach (var entity in table.QueryAsync<TableEntity>(filter))
            count++;
        return count;
    }

    private static async Task Fails(int status, string code, Func<Task> action)
    {
        var error = await Assert.ThrowsAnyAsync<RequestFailedException>(action);
        Assert.Equal((status, code), (error.Status, error.ErrorCode));
    }
}
