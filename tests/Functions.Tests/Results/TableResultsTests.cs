using System.Text;
using global::Azure;
using global::Azure.Data.Tables;
using Tidemark.Domain.Columns;
using Tidemark.Domain.Ledger;
using Tidemark.Domain.Pipelines;
using Tidemark.Functions.Results;
using Tidemark.Functions.Tests.Azure;

namespace Tidemark.Functions.Tests.Results;

[Collection(AzuriteCollection.Name)]
public sealed class TableResultsTests(Azurite azurite)
{
    private static readonly PipelineId Id = new("v1", "events", 1);

    private static readonly QuerySpec Query = new("country_revenue", 0, 60_000, 60_000, "1m", true, new RowSchema(
    [
        new("window_start", FieldType.Timestamp, false), new("window_end", FieldType.Timestamp, false), new("country", FieldType.String),
        new("revenue", FieldType.Decimal, Precision: 38, Scale: 4), new("orders", FieldType.Int64), new("rate", FieldType.Double), new("day", FieldType.Date),
    ]), ["country"]);

    [Fact]
    public async Task A_row_that_cannot_be_indexed_is_not_there_either_and_both_are_once_it_can()
    {
        var stream = new StreamSpec(
            "visits", "silver/events", [], new RowSchema([new("at", FieldType.Timestamp, false), new("user_id", FieldType.String, false)]), ["user_id"], "at", StreamResults.Rows, 0) { IndexBy = "user_id" };
        var service = new TableServiceClient(azurite.ConnectionString);
        var prefix = "I" + Guid.NewGuid().ToString("N")[..10];
        var results = new TableResults(Id, name => service.GetTableClient(prefix + name), TimeProvider.System);
        await service.CreateTableIfNotExistsAsync(prefix + "Visits");
        var users = new[] { "a/b", new string('ü', 700), "|" };
        var text = users.Select(System.Text.Encoding.UTF8.GetBytes).ToList();
        var offsets = text.Aggregate(new List<int> { 0 }, (all, t) => [.. all, all[^1] + t.Length]);
        var rows = new RowBatch(stream.Schema, [new Int64Column([1_000_000, 2_000_000, 3_000_000], 3), new Utf8Column([.. text.SelectMany(t => t)], [.. offsets], 3)], 3);
        var writes = Enumerable.Range(0, 3).Select(row => new ResultWrite(row, results.RowKey(stream, rows, row), ResultWrite.Any)).ToList();

        await Assert.ThrowsAnyAsync<RequestFailedException>(() => results.WriteAsync(stream, rows, writes, final: true, default));
        Assert.Empty(await results.ReadNewestAsync(stream, 10, default));
        await service.CreateTableIfNotExistsAsync(prefix + "VisitsByUserId");
        await results.WriteAsync(stream, rows, writes, final: true, default);

        Assert.Equal(users.Reverse(), (await results.ReadNewestAsync(stream, 10, default)).Select(r => r.GetString("user_id")));
        var indexed = new Dictionary<string, string>();
        await foreach (var row in service.GetTableClient(prefix + "VisitsByUserId").QueryAsync<TableEntity>())
            indexed[row.GetString("user_id")] = row.RowKey;
        Assert.All(users, user => Assert.StartsWith(ResultKeys.IndexPrefix(user), indexed[user], StringComparison.Ordinal));
        Assert.All(indexed.Values, key => Assert.True(key.Length <= 512, $"{key.Length} characters."));
    }

    [Fact]
    public async Task Rows_are_inserted_typed_replaced_under_their_etag_and_listed_newest_first()
    {
        var results = await NewAsync();
        var rows = Batch((0, "DE"), (60_000, "FR"), (120_000, null));
        var first = await results.WriteAsync(Query, rows, All(results, rows), final: false, default);
        Assert.All(first, Assert.NotNull);

        var again = await results.WriteAsync(Query, rows, All(results, rows, first), final: true, default);

        Assert.All(again, Assert.NotNull);
        var newest = await results.ReadNewestAsync(Query, 2, default);
        Assert.Equal([DateTimeOffset.FromUnixTimeMilliseconds(120_000), DateTimeOffset.FromUnixTimeMilliseconds(60_000)], newest.Select(r => r.GetDateTimeOffset("window_start")));
        Assert.False(newest[0].ContainsKey("country"));
        var row = newest[1];
        Assert.Equal("FR", row.GetString("country"));
        Assert.Equal($"{2 * (System.Numerics.BigInteger)long.MaxValue * 184467440737}" is var digits ? digits.Insert(digits.Length - 4, ".") : "", row.GetString("revenue"));
        Assert.Equal(1L, row.GetInt64("orders"));
        Assert.Equal(0.5, row.GetDouble("rate"));
        Assert.Equal("1970-01-02", row.GetString("day"));
        Assert.True(row.GetBoolean("is_final"));
    }

    [Fact]
    public async Task Of_many_rows_those_with_a_wrong_etag_fail_alone()
    {
        var results = await NewAsync();
        var rows = Batch([.. Enumerable.Range(0, 250).Select(i => (i * 60_000L, (string?)"DE"))]);
        var etags = await results.WriteAsync(Query, rows, All(results, rows), final: false, default);
        int[] touched = [0, 7, 99, 100, 249];
        await results.WriteAsync(Query, rows, [.. touched.Select(i => new ResultWrite(i, results.RowKey(Query, rows, i), etags[i]))], false, default);

        var again = await results.WriteAsync(Query, rows, All(results, rows, etags), final: true, default);

        Assert.Equal(touched, Enumerable.Range(0, 250).Where(i => again[i] is null));
        var stored = await results.ReadETagsAsync(Query, null, default);
        Assert.Equal(250, stored.Count);
        Assert.All(Enumerable.Range(0, 250).Except(touched), i => Assert.Equal(again[i], stored[results.RowKey(Query, rows, i)]));
        Assert.Equal(5, (await results.ReadNewestAsync(Query, 1000, default)).Count(r => r.GetBoolean("is_final") == false));
    }

    [Fact]
    public async Task Inserting_a_row_that_is_there_fails_alone()
    {
        var results = await NewAsync();
        var rows = Batch((0, "A"), (0, "B"), (0, "C"));
        await results.WriteAsync(Query, rows, [new(1, results.RowKey(Query, rows, 1), null)], false, default);

        var etags = await results.WriteAsync(Query, rows, All(results, rows), false, default);

        Assert.Equal([true, false, true], etags.Select(e => e is not null));
    }

    [Fact]
    public async Task ETags_are_read_from_a_window_start_on()
    {
        var results = await NewAsync();
        var rows = Batch((0, "x"), (60_000, "x"), (60_000, "y"), (120_000, "x"));
        await results.WriteAsync(Query, rows, All(results, rows), false, default);

        Assert.Equal(4, (await results.ReadETagsAsync(Query, null, default)).Count);
        Assert.Equal(4, (await results.ReadETagsAsync(Query, -5, default)).Count);
        Assert.Equal(
            new[] { 1, 2, 3 }.Select(i => results.RowKey(Query, rows, i)).Order(StringComparer.Ordinal),
            (await results.ReadETagsAsync(Query, 60_000, default)).Keys.Order(StringComparer.Ordinal));
        Assert.Single(await results.ReadETagsAsync(Query, 60_001, default));
    }

    [Fact]
    public async Task Groups_of_any_characters_have_rows_of_their_own()
    {
        var results = await NewAsync();
        string?[] groups = [null, "", "!n", "a/b", "a\\b", "a#b", "a?b", "a|b", "it's", "100 %", "日本", "😀", "\u0001", new('x', 5000), new string('x', 5000) + "y"];
        var rows = Batch([.. groups.Select(g => (0L, g))]);

        var etags = await results.WriteAsync(Query, rows, All(results, rows), false, default);

        Assert.All(etags, Assert.NotNull);
        Assert.Equal(groups.Length, (await results.ReadETagsAsync(Query, 0, default)).Count);
        var stored = (await results.ReadNewestAsync(Query, 100, default)).Select(r => r.GetString("country")).ToHashSet();
        Assert.All(stored, s => Assert.Contains(s, groups));
        Assert.Equal(groups.Length, stored.Count);
    }

    [Fact]
    public async Task Rows_of_a_query_that_withdraws_are_written_and_deleted_with_its_fence_alone()
    {
        var results = await NewAsync();
        var rows = Batch([.. Enumerable.Range(0, 150).Select(i => (i * 60_000L, (string?)"DE"))]);
        // One that is told of every change knows the rows without reading them.
        var followed = new SortedSet<string>(StringComparer.Ordinal);
        results.Written = (_, written, deleted) =>
        {
            followed.UnionWith(written.Select(row => row.RowKey));
            followed.ExceptWith(deleted);
        };
        var first = await results.WriteFencedAsync(Query, rows, All(results, rows), [], null, false, default);
        Assert.Equal(150, first!.ETags.Count);
        var stored = await results.ReadETagsAsync(Query, null, default);
        Assert.Equal(first.Fence, stored[IResults.Fence]);
        Assert.Equal(first.ETags, Enumerable.Range(0, 150).Select(i => stored[results.RowKey(Query, rows, i)]));
        Assert.Contains(IResults.Fence, (await results.ReadETagsAsync(Query, 149 * 60_000, default)).Keys);

        // A tick that read before: neither what it knows nor what is new to it gets in.
        Assert.Null(await results.WriteFencedAsync(Query, Batch((0, "FR")), [new(0, results.RowKey(Query, Batch((0, "FR")), 0), null)], [], null, false, default));
        Assert.Null(await results.WriteFencedAsync(Query, Batch((0, "FR")), [new(0, results.RowKey(Query, Batch((0, "FR")), 0), null)], [], "W/\"datetime'1970-01-01'\"", false, default));

        ResultDelete[] gone = [.. Enumerable.Range(0, 120).Select(i => new ResultDelete(results.RowKey(Query, rows, i), first.ETags[i]))];
        var second = await results.WriteFencedAsync(Query, rows, [new(149, results.RowKey(Query, rows, 149), first.ETags[149])], gone, first.Fence, true, default);
        var moved = await results.WriteFencedAsync(Query, rows, [], [], second!.Fence, true, default);

        Assert.Null(await results.WriteFencedAsync(Query, rows, [], [], second.Fence, true, default));
        Assert.NotEqual(second.Fence, moved!.Fence);
        var left = await results.ReadNewestAsync(Query, 1000, default);
        Assert.Equal(30, left.Count);
        Assert.Equal(left.Select(row => row.RowKey), followed);
        Assert.True(left[0].GetBoolean("is_final"));
        Assert.All(left, row => Assert.Equal(row.GetDateTimeOffset("window_start")!.Value.ToUnixTimeMilliseconds(), results.WindowStart(row.RowKey)));
    }

    [Fact]
    public async Task What_is_old_is_removed_by_the_end_of_its_window_and_the_fence_stays()
    {
        var results = await NewAsync();
        var rows = Batch([.. Enumerable.Range(0, 250).Select(i => (i * 60_000L, (string?)"DE"))]);
        Assert.Equal(120_000, results.AgeTime(Query, rows, 1));
        var written = await results.WriteFencedAsync(Query, rows, All(results, rows), [], null, false, default);

        Assert.Equal(0, await results.RemoveAsync(Query, 59_999, 1000, default));
        Assert.Equal(130, await results.RemoveAsync(Query, 200 * 60_000 + 59_999, 130, default));
        Assert.Equal(70, await results.RemoveAsync(Query, 200 * 60_000 + 59_999, 1000, default));

        var left = await results.ReadETagsAsync(Query, null, default);
        Assert.Equal(Enumerable.Range(200, 50).Select(i => results.RowKey(Query, rows, i)).Append(IResults.Fence).Order(), left.Keys.Order());
        Assert.Equal(written!.Fence, left[IResults.Fence]);
    }

    [Theory]
    [InlineData("window_start", "window_start")]
    [InlineData(null, "window_end")]
    public async Task What_is_old_of_a_stream_is_removed_by_its_age(string? time, string age)
    {
        var results = await NewAsync();
        var stream = new StreamSpec("country_revenue", "silver/events", [], Query.Schema, ["country"], time, StreamResults.Latest, 0) { AgeColumn = age };
        var rows = Batch((0, "DE"), (60_000, "FR"), (120_000, "IT"), (180_000, "ES"));
        var ages = Enumerable.Range(0, 4).Select(row => results.AgeTime(stream, rows, row)!.Value).ToList();
        await results.WriteAsync(stream, rows, [.. Enumerable.Range(0, 4).Select(i => new ResultWrite(i, results.RowKey(stream, rows, i), null))], true, default);

        Assert.Equal(2, await results.RemoveAsync(stream, ages[1], 1000, default));

        Assert.Equal(["ES", "IT"], (await results.ReadNewestAsync(stream, 10, default)).Select(r => r.GetString("country")).Order());
    }

    [Fact]
    public async Task What_is_old_leaves_the_index_as_it_leaves_the_table()
    {
        var (table, index) = (await azurite.NewTableAsync(), await azurite.NewTableAsync());
        var results = new TableResults(Id, name => name switch { "CountryRevenue" => table, "CountryRevenueByCountry" => index, _ => throw new InvalidOperationException(name) }, TimeProvider.System);
        var stream = new StreamSpec("country_revenue", "silver/events", [], Query.Schema, ["country"], "window_start", StreamResults.Rows, 0) { AgeColumn = "window_end", IndexBy = "country" };
        // A name whose key begins with an escape sorts before every other.
        var rows = Batch((0, "/DE"), (60_000, "FR"), (120_000, "/IT"), (180_000, "ES"), (240_000, "/DE"));
        var writes = Enumerable.Range(0, 5).Select(i => new ResultWrite(i, results.RowKey(stream, rows, i), ResultWrite.Any)).ToList();
        await results.WriteAsync(stream, rows, writes, true, default);
        async Task<List<string>> IndexedAsync()
        {
            var countries = new List<string>();
            await foreach (var row in index.QueryAsync<TableEntity>())
                countries.Add(row.GetString("country"));
            return countries;
        }

        Assert.Equal(4, await results.RemoveAsync(stream, results.AgeTime(stream, rows, 1)!.Value, 1000, default));
        Assert.Equal(["/DE", "/IT", "ES"], (await IndexedAsync()).Order(StringComparer.Ordinal));
        Assert.Equal(["/DE", "/IT", "ES"], (await results.ReadNewestAsync(stream, 10, default)).Select(r => r.GetString("country")).Order(StringComparer.Ordinal));
        // One that a tick which had fallen behind put back goes in the next round, from both, and a limit holds for each.
        await results.WriteAsync(stream, rows, writes[..2], true, default);
        Assert.Equal(2, await results.RemoveAsync(stream, results.AgeTime(stream, rows, 1)!.Value, 1, default));
        Assert.Equal(2, await results.RemoveAsync(stream, results.AgeTime(stream, rows, 1)!.Value, 1, default));
        Assert.Equal(3, (await IndexedAsync()).Count);
    }

    [Fact]
    public void Rows_of_a_top_are_keyed_by_their_rank_and_sort_by_it()
    {
        var spec = new QuerySpec("top_products", 0, 60_000, 60_000, "1m", true, new RowSchema(
            [new("window_start", FieldType.Timestamp, false), new("rank", FieldType.Int32, false)]), ["rank"]) { Top = 10 };
        var rows = new RowBatch(spec.Schema, [new Int64Column([0, 0, 0], 3), new Int32Column([1, 2, 10], 3)], 3);
        Assert.Equal(["9223372036854775807|01", "9223372036854775807|02", "9223372036854775807|10"], Enumerable.Range(0, 3).Select(row => ResultKeys.Row(spec, rows, row)));
    }

    [Fact]
    public void Tables_are_named_in_PascalCase_and_impossible_names_refused()
    {
        Assert.Equal("CategoryViews", ResultKeys.Table("category_views"));
        Assert.Throws<ArgumentException>(() => ResultKeys.Table("q"));
        Assert.Throws<ArgumentException>(() => ResultKeys.Table("1_abc"));
        Assert.Throws<ArgumentException>(() => ResultKeys.Table("größe"));
    }

    [Theory]
    [InlineData("0", 0, "0")]
    [InlineData("5", 4, "0.0005")]
    [InlineData("-5", 4, "-0.0005")]
    [InlineData("123456", 2, "1234.56")]
    [InlineData("-100", 2, "-1.00")]
    public void Decimals_keep_all_their_digits(string unscaled, int scale, string digits) =>
        Assert.Equal(digits, Cell.Digits(Int128.Parse(unscaled), scale));

    private async Task<TableResults> NewAsync()
    {
        var table = await azurite.NewTableAsync();
        return new TableResults(Id, name => name == "CountryRevenue" ? table : throw new InvalidOperationException(name), TimeProvider.System);
    }

    private static ResultWrite[] All(TableResults results, RowBatch rows, IReadOnlyList<string?>? etags = null) =>
        [.. Enumerable.Range(0, rows.Count).Select(i => new ResultWrite(i, results.RowKey(Query, rows, i), etags?[i]))];

    internal static RowBatch Batch(params (long Start, string? Country)[] rows)
    {
        var texts = rows.Select(r => Encoding.UTF8.GetBytes(r.Country ?? "")).ToList();
        var offsets = new int[rows.Length + 1];
        for (var i = 0; i < rows.Length; i++)
            offsets[i + 1] = offsets[i] + texts[i].Length;
        var nulls = new ulong[(rows.Length + 63) / 64];
        for (var i = 0; i < rows.Length; i++)
            if (rows[i].Country is null)
                nulls[i >> 6] |= 1UL << (i & 63);
        return new RowBatch(Query.Schema,
        [
            new Int64Column([.. rows.Select(r => r.Start * 1000)], rows.Length),
            new Int64Column([.. rows.Select(r => (r.Start + 60_000) * 1000)], rows.Length),
            new Utf8Column([.. texts.SelectMany(t => t)], offsets, rows.Length, nulls),
            new Int128Column([.. rows.Select((_, i) => (i + 1) * (Int128)long.MaxValue * 184467440737)], rows.Length),
            new Int64Column([.. rows.Select((_, i) => (long)i)], rows.Length),
            new DoubleColumn([.. rows.Select((_, i) => i / 2.0)], rows.Length),
            new Int32Column([.. rows.Select((_, i) => i)], rows.Length),
        ], rows.Length);
    }
}
