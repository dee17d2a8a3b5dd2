using System.IO.Compression;
using System.Text;
using System.Text.Json;
using Azure.Data.Tables;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Mvc;
using Microsoft.Azure.Functions.Worker;
using Tidemark.Domain.Columns;
using Tidemark.Domain.Pipelines;
using Tidemark.Functions.Costs;
using Tidemark.Functions.Http;
using Tidemark.Functions.Results;
using Tidemark.Functions.Tests.Azure;
using Tidemark.Functions.Tests.Kafka;
using Tidemark.Functions.Tests.Triggers;
using Tidemark.Functions.Triggers;

namespace Tidemark.Functions.Tests.Http;

/// <summary>What viewers get, and what it costs.</summary>
[Collection(AzuriteCollection.Name)]
public sealed class ViewerTests(Azurite azurite)
{
    [Fact]
    public async Task Twenty_viewers_cost_storage_no_more_than_one_and_see_what_the_tick_wrote()
    {
        using var broker = new MockBroker("events", 1);
        await using var app = new App(azurite, broker.Brokers);
        var overview = new OverviewFunction((OverviewSource)app.Services.GetService(typeof(OverviewSource))!);
        await TickWithAsync(app, broker, 0, 40);
        await OverviewAsync(overview, app);
        var costs = (CostCounters)app.Services.GetService(typeof(CostCounters))!;

        for (var second = 0; second < 5; second++)
        {
            app.Time.Advance(TimeSpan.FromSeconds(2));
            var before = costs.StorageTransactions().Values.Sum();
            await Task.WhenAll(Enumerable.Range(0, 20).Select(_ => OverviewAsync(overview, app)));
            Assert.Equal(before, costs.StorageTransactions().Values.Sum());
        }

        // Rows written later show without being read.
        await TickWithAsync(app, broker, 40, 40);
        app.Time.Advance(TimeSpan.FromSeconds(2));
        var read = costs.StorageTransactions()["table_read"];
        var shown = Views(await OverviewAsync(overview, app));
        Assert.Equal(read, costs.StorageTransactions()["table_read"]);
        Assert.Equal(80, shown);
        Assert.Equal(shown, (await app.RowsAsync("category_views")).Sum(r => r.GetProperty("view_count").GetInt32()));
    }

    [Fact]
    public async Task What_has_not_changed_is_not_sent_again_and_what_is_sent_is_compressed()
    {
        var reply = Reply.Tagged(new { text = new string('x', 5000) });
        var (first, body) = await SendAsync(reply, "gzip");
        Assert.Equal((200, "gzip"), (first.StatusCode, first.Headers.ContentEncoding.ToString()));
        Assert.True(body.Length < 500);
        Assert.Equal(reply.Body.ToArray(), Unzip(body));
        var (again, nothing) = await SendAsync(Reply.Tagged(new { text = new string('x', 5000) }), "gzip", first.Headers.ETag.ToString());
        Assert.Equal((304, 0), (again.StatusCode, nothing.Length));
        Assert.Equal(200, (await SendAsync(Reply.Tagged(new { text = new string('y', 5000) }), "gzip", first.Headers.ETag.ToString())).Response.StatusCode);
        Assert.Equal("", (await SendAsync(reply, "")).Response.Headers.ContentEncoding.ToString());
        // Too short to be worth it: as it is, not as nothing.
        var (plain, whole) = await SendAsync(Reply.Tagged(new { text = "x" }), "gzip");
        Assert.Equal(("", """{"text":"x"}"""), (plain.Headers.ContentEncoding.ToString(), Encoding.UTF8.GetString(whole)));
        Assert.Contains("default-src 'self'", first.Headers.ContentSecurityPolicy.ToString());
    }

    [Fact]
    public async Task A_read_that_fails_is_shared_as_well_and_tried_again_later()
    {
        var time = new HandTime();
        var shared = new Shared<int>(TimeSpan.FromSeconds(1), time);
        var asked = 0;
        Task<int> Fail(CancellationToken _) => throw new InvalidOperationException($"away {++asked}");
        await Assert.ThrowsAsync<InvalidOperationException>(() => shared.GetAsync(Fail, default));
        await Assert.ThrowsAsync<IOException>(() => shared.GetAsync(Fail, default));
        Assert.Equal(1, asked);
        time.Advance(TimeSpan.FromSeconds(1));
        Assert.Equal(7, await shared.GetAsync(_ => Task.FromResult(7), default));
    }

    [Fact]
    public void Csv_keeps_digits_quotes_text_and_lets_no_formula_through()
    {
        var query = new QuerySpec("q", 0, 1, 1, "b", true, new RowSchema(
            [new("window_start", FieldType.Timestamp, false), new("name", FieldType.String), new("money", FieldType.Decimal, true, 38, 4), new("n", FieldType.Int64)]), ["name"]);
        var rows = new[] { "=1+1", "a,\"b\"", "-2" }.Select(name => new TableEntity("p", "r")
        {
            ["window_start"] = new DateTimeOffset(2026, 1, 2, 3, 4, 5, TimeSpan.Zero), ["name"] = name, ["money"] = "-12345678901234567890.1200", ["n"] = -3L, ["is_final"] = true,
        });
        Assert.Equal(
            "window_start,name,money,n,is_final\r\n" + string.Concat(new[] { "'=1+1", "\"a,\"\"b\"\"\"", "'-2" }.Select(name => $"2026-01-02T03:04:05Z,{name},-12345678901234567890.1200,-3,true\r\n")),
            Encoding.UTF8.GetString(RowJson.Csv(query, rows)));
    }

    [Fact]
    public async Task Timeline_tables_and_entities_show_what_the_pipeline_wrote()
    {
        using var broker = new MockBroker("events", 1);
        await using var app = new App(azurite, broker.Brokers, null, ("DeltaInterval", "1s"));
        await TickWithAsync(app, broker, 0, 40);
        app.Time.Advance(TimeSpan.FromSeconds(20));
        await app.TickAsync();
        app.Time.Advance(TimeSpan.FromSeconds(20));
        await app.TickAsync();

        var timeline = Json(await app.Get<LakeFunction, Reply>(f => f.TimelineAsync(App.Request("?user=u1"), app.Context)));
        Assert.True(timeline.GetProperty("complete").GetBoolean());
        Assert.Equal(Enumerable.Range(0, 40).Where(i => i % 4 == 1).Reverse().Select(i => $"e{i}"), timeline.GetProperty("events").EnumerateArray().Select(e => e.GetProperty("event_id").GetString()));
        Assert.Equal(400, (await app.Get<LakeFunction, Reply>(f => f.TimelineAsync(App.Request("?user=a&session=b"), app.Context))).Status);

        var tables = Json(await app.Get<LakeFunction, Reply>(f => f.ListAsync(App.Request(), app.Context))).EnumerateArray().ToDictionary(t => t.GetProperty("name").GetString()!);
        Assert.Equal((40, 40), (tables["bronze/events"].GetProperty("rows").GetInt32(), tables["silver/events"].GetProperty("rows").GetInt32()));
        var bronze = Json(await app.Get<LakeFunction, Reply>(f => f.TableAsync(App.Request(), "bronze", "events", app.Context)));
        Assert.Equal(40, bronze.GetProperty("files").EnumerateArray().Sum(f => f.GetProperty("rows").GetInt32()));
        Assert.Equal("WRITE", bronze.GetProperty("history")[0].GetProperty("operation").GetString());
        Assert.Equal(404, (await app.Get<LakeFunction, Reply>(f => f.TableAsync(App.Request(), "..", "secrets", app.Context))).Status);

        var entities = Json(await app.Get<ProgressFunction, Reply>(f => f.EntitiesAsync(App.Request(), app.Context))).GetProperty("entities").EnumerateArray().ToList();
        Assert.NotEmpty(entities);
        Assert.Contains(entities, e => e.GetProperty("version").GetInt64() > 0 && e.GetProperty("state_bytes").GetInt64() > 0);
        var partition = Json(await app.Get<ProgressFunction, Reply>(f => f.PartitionsAsync(App.Request(), app.Context))).GetProperty("partitions")[0];
        Assert.Equal(40, partition.GetProperty("next").GetInt32());
    }

    private static JsonElement Json(Reply reply) => JsonDocument.Parse(reply.Body).RootElement;

    private static async Task<JsonElement> OverviewAsync(OverviewFunction overview, App app) => Json(Assert.IsType<Reply>(await overview.RunAsync(App.Request(), app.Context)));

    private static int Views(JsonElement overview)
    {
        var query = overview.GetProperty("queries").EnumerateArray().Single(q => q.GetProperty("name").GetString() == "category_views");
        var column = query.GetProperty("columns").EnumerateArray().Select((c, i) => (Name: c.GetProperty("name").GetString(), i)).Single(c => c.Name == "view_count").i;
        return query.GetProperty("rows").EnumerateArray().Sum(r => r[column].GetInt32());
    }

    private static async Task TickWithAsync(App app, MockBroker broker, int from, int count)
    {
        await broker.ProduceAsync("events", 0, count);
        await app.Get<IngestFunction>().RunAsync([.. Enumerable.Range(from, count).Select(Record)], app.Context);
        await app.TickAsync();
    }

    private static KafkaRecord Record(int i) => new()
    {
        Topic = "events", Partition = 0, Offset = i, Key = null!, Headers = [], Timestamp = new KafkaTimestamp { UnixTimestampMs = HandTime.Start + i * 1000 },
        Value = JsonSerializer.SerializeToUtf8Bytes(new { event_id = $"e{i}", event_type = "view", ts = HandTime.Start + i * 1000, user_id = $"u{i % 4}", session_id = "s", category = "c" }),
    };

    private static async Task<(HttpResponse Response, byte[] Body)> SendAsync(Reply reply, string encoding, string? tag = null)
    {
        var context = new DefaultHttpContext();
        context.Request.Headers.AcceptEncoding = encoding;
        if (tag is not null)
            context.Request.Headers.IfNoneMatch = tag;
        var body = new MemoryStream();
        context.Response.Body = body;
        await reply.ExecuteResultAsync(new ActionContext(context, new(), new()));
        return (context.Response, body.ToArray());
    }

    private static byte[] Unzip(byte[] bytes)
    {
        using var gzip = new GZipStream(new MemoryStream(bytes), CompressionMode.Decompress);
        using var all = new MemoryStream();
        gzip.CopyTo(all);
        return all.ToArray();
    }
}
