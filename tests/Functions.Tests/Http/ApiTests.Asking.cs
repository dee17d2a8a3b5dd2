using System.Text;
using System.Text.Json;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Mvc;
using Microsoft.Azure.Functions.Worker;
using Tidemark.Domain.Columns;
using Tidemark.Domain.Scoring;
using Tidemark.Functions.Costs;
using Tidemark.Functions.Http;
using Tidemark.Functions.Tests.Kafka;
using Tidemark.Functions.Tests.Triggers;
using Tidemark.Functions.Triggers;

namespace Tidemark.Functions.Tests.Http;

/// <content>How the tests ask and what they feed.</content>
public sealed partial class ApiTests
{
    private int _produced;

    private static string Text(JsonElement json, string name) => json.GetProperty(name).GetString()!;

    private static async Task<long> CostAsync(CostCounters costs, Func<Task> ask)
    {
        await ask();
        var before = costs.StorageTransactions().Values.Sum();
        await ask();
        return costs.StorageTransactions().Values.Sum() - before;
    }

    /// <summary>All rows, page by page, and the addresses of the pages as they are given.</summary>
    private static async Task<List<JsonElement>> AllAsync(App app, string query, string parameters)
    {
        var rows = new List<JsonElement>();
        for (var next = $"/api/queries/{query}?{parameters}"; next is not null;)
        {
            var page = await GetAsync(app, next);
            rows.AddRange(page.GetProperty("rows").EnumerateArray());
            next = page.GetProperty("next").GetString();
        }

        return rows;
    }

    private static List<string> Keys(IEnumerable<JsonElement> rows) => [.. rows.Select(r => Text(r, "event_id"))];

    private static List<string> Lines(IEnumerable<JsonElement> rows) =>
        [.. rows.Select(r => string.Join("|", r.EnumerateObject().Where(p => p.Name is not ("updated_at" or "is_final")).Select(p => p.Value.ToString())))];

    private static async Task<JsonElement> GetAsync(App app, string address)
    {
        var (response, body) = await SendAsync(app, address);
        Assert.True(response.StatusCode == 200, $"{address} answered {response.StatusCode}: {Encoding.UTF8.GetString(body)}");
        return JsonDocument.Parse(body).RootElement;
    }

    /// <summary>Asks as the host does: the parts of the route decoded but for slashes.</summary>
    private static async Task<(HttpResponse Response, byte[] Body)> SendAsync(App app, string address, params (string Name, string Value)[] headers)
    {
        var context = new DefaultHttpContext();
        var parts = address.Split('?', 2);
        context.Features.Get<Microsoft.AspNetCore.Http.Features.IHttpRequestFeature>()!.RawTarget = address;
        context.Request.Method = headers.Any(h => h.Name.Length == 0) ? "HEAD" : "GET";
        context.Request.QueryString = new QueryString(parts.Length > 1 ? "?" + parts[1] : "");
        foreach (var (name, value) in headers.Where(h => h.Name.Length > 0))
            context.Request.Headers[name] = value;
        var body = new MemoryStream();
        context.Response.Body = body;
        var route = parts[0].Split('/')[2..].Select(Routed).ToArray();
        IActionResult answer = route switch
        {
            ["queries", var name] => await app.Get<QueriesFunction>().RowsAsync(context.Request, name, app.Context),
            ["sessions", var user] => await app.Get<SessionsFunction>().RunAsync(context.Request, user, app.Context),
            ["fraud", var user] => await app.Get<FraudFunction>().RunAsync(context.Request, user, app.Context),
            ["products", var product, "also"] => await app.Get<ProductsFunction>().AlsoAsync(context.Request, product, app.Context),
            ["users", var user, "recommendations"] => await app.Get<ProductsFunction>().RecommendationsAsync(context.Request, user, app.Context),
            ["alerts"] => await app.Get<AlertsFunction>().RunAsync(context.Request, app.Context),
            _ => throw new ArgumentException($"There is no route for {address}."),
        };
        await answer.ExecuteResultAsync(new ActionContext(context, new(), new()));
        return (context.Response, body.ToArray());
    }

    /// <summary>A thousandth of the amount; does not do thirteen.</summary>
    private sealed class Limit : IScorer
    {
        public string Name { get; init; } = "limit";

        public string Version => "7";

        public double Threshold => 0.5;

        public double CriticalThreshold => 0.9;

        public DoubleColumn Score(RowBatch rows)
        {
            var amounts = ((Int64Column)rows["revenue"]).Values.Take(rows.Count).Select(v => v / 10_000.0).ToArray();
            return amounts.Contains(13) ? throw new InvalidOperationException("unlucky") : new DoubleColumn([.. amounts.Select(a => a / 1000)], rows.Count);
        }
    }

    private static string Routed(string part) => string.Join("%2F", part.Split("%2F").Select(Uri.UnescapeDataString));

    private sealed record TestEvent(long At, string Type, string Category, string User, decimal Amount, string? Product);

    private static TestEvent Event(long at, string type, string category, string user, decimal amount = 10, string? product = null) => new(at, type, category, user, amount, product);

    /// <summary>Produces and ingests the events, and ticks until they are in Delta and published.</summary>
    private async Task RunAsync(App app, MockBroker broker, IReadOnlyList<TestEvent> events)
    {
        var offset = _produced;
        _produced += events.Count;
        await broker.ProduceAsync("events", 0, events.Count);
        await app.Get<IngestFunction>().RunAsync(
            [.. events.Select((e, i) => new KafkaRecord
            {
                Topic = "events", Partition = 0, Offset = offset + i, Key = null!, Headers = [], Timestamp = new KafkaTimestamp { UnixTimestampMs = HandTime.Start + e.At * 1000 },
                Value = JsonSerializer.SerializeToUtf8Bytes(new
                {
                    event_id = $"e{offset + i}", event_type = e.Type, ts = HandTime.Start + e.At * 1000, user_id = e.User, session_id = "s", category = e.Category, product_id = e.Product,
                    country = "DE", revenue = e.Type == "purchase" ? e.Amount : (decimal?)null,
                }),
            })],
            app.Context);
        // Not for so long that the partition counts as silent and holds the frontier no more.
        for (var tick = 0; tick < 5; tick++)
        {
            await app.TickAsync();
            app.Time.Advance(TimeSpan.FromSeconds(2));
        }
    }
}
