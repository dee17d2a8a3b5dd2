using System.Globalization;
using System.Text;
using System.Text.Json;
using global::Azure;
using Microsoft.Extensions.DependencyInjection;
using Tidemark.Domain.Ledger;
using Tidemark.Functions.Api;
using Tidemark.Functions.Costs;
using Tidemark.Functions.Http;
using Tidemark.Functions.Scoring;
using Tidemark.Functions.Tests.Azure;
using Tidemark.Functions.Tests.Kafka;
using Tidemark.Functions.Tests.Triggers;

namespace Tidemark.Functions.Tests.Http;

/// <summary>Queries from outside, on rows with keys that mean harm.</summary>
[Collection(AzuriteCollection.Name)]
public sealed partial class ApiTests(Azurite azurite)
{
    private static readonly string[] Hostile = ["a/b", "o'brien", "100%", "%2F", "x%2Fy", "ü😀", "q\"uote", "back\\slash", "#?&=+ ", "two\nlines", "!n", "=1+1", "a|b", "a,b;c", "plain"];

    private static readonly (string Address, int Status, string? Parameter)[] Wrong =
    [
        ("/api/queries/nothing", 404, null),
        ("/api/queries/purchases?limit=0", 400, "limit"),
        ("/api/queries/purchases?limit=1001", 400, "limit"),
        ("/api/queries/purchases?limit=ten", 400, "limit"),
        ("/api/queries/purchases?limit=1&limit=2", 400, "limit"),
        ("/api/queries/purchases?from=yesterday", 400, "from"),
        ("/api/queries/purchases?from=2026-02-30", 400, "from"),
        ("/api/queries/purchases?from=2026-01-02&to=2026-01-01", 400, "from"),
        ("/api/queries/purchases?key=colour:red", 400, "key"),
        ("/api/queries/purchases?key=:red", 400, "key"),
        ("/api/queries/purchases?form=csv", 400, "form"),
        ("/api/queries/purchases?format=xml", 400, "format"),
        ("/api/queries/purchases?continuation=x", 400, "continuation"),
        ("/api/queries/purchases?continuation=eyJPZiI6ImEiLCJBZnRlciI6ImIifQ", 400, "continuation"),
        ("/api/queries/also_viewed?from=2026-01-01", 400, "from"),
        ("/api/queries/also_viewed?source=delta", 400, "source"),
        ("/api/queries/abandoned_views?source=table", 400, "source"),
        ("/api/sessions/u?open=maybe", 400, "open"),
        ("/api/fraud/u?amount=-1", 400, "amount"),
        ("/api/fraud/u?amount=1,5", 400, "amount"),
        ("/api/fraud/u?within=1", 400, "within"),
        ("/api/alerts?severity=dire", 400, "severity"),
        ("/api/alerts?kind=weather", 400, "kind"),
        ("/api/users/u/recommendations?limit=51", 400, "limit"),
        ("/api/products/p/also", 404, null),
    ];


    [Fact]
    public async Task A_key_of_any_text_finds_its_rows_and_no_others()
    {
        using var broker = new MockBroker("events", 1);
        await using var app = new App(azurite, broker.Brokers, null, ("DeltaInterval", "1s"));
        var events = Enumerable.Range(0, 300).Select(i => Event(i, "view", Hostile[i % Hostile.Length], Hostile[i * 7 % Hostile.Length])).ToList();
        await RunAsync(app, broker, events);

        foreach (var key in Hostile)
        {
            var rows = await AllAsync(app, "category_views", $"key={Uri.EscapeDataString("category:" + key)}&limit=3");
            Assert.Equal(events.Count(e => e.Category == key), rows.Sum(r => r.GetProperty("view_count").GetInt32()));
            Assert.All(rows, r => Assert.Equal(key, r.GetProperty("category").GetString()));
        }

        Assert.Empty(await AllAsync(app, "category_views", "key=category"));
        Assert.Empty(await AllAsync(app, "category_views", "key=category:nothing%20of%20the%20kind"));
        var all = await AllAsync(app, "category_views", "limit=1000");
        Assert.Equal(events.Count, all.Sum(r => r.GetProperty("view_count").GetInt32()));
        Assert.Equal(Lines(all), Lines(await AllAsync(app, "category_views", "limit=2")));
    }

    [Fact]
    public async Task Bounds_of_time_mean_the_same_in_every_zone_and_in_both_stores()
    {
        using var broker = new MockBroker("events", 1);
        await using var app = new App(azurite, broker.Brokers, null, ("DeltaInterval", "1s"));
        await RunAsync(app, broker, [.. Enumerable.Range(0, 240).Select(i => Event(i * 20, i % 3 == 0 ? "purchase" : "view", $"c{i % 3}", $"u{i % 4}"))]);
        var all = await AllAsync(app, "revenue_by_category", "limit=1000&source=table");
        var starts = all.Select(r => r.GetProperty("window_start").GetDateTimeOffset()).Distinct().Order().ToList();
        Assert.True(starts.Count > 20, $"Only {starts.Count} windows.");
        var (from, to) = (starts[5], starts[^8]);
        var expected = Lines(all.Where(r => r.GetProperty("window_start").GetDateTimeOffset() >= from && r.GetProperty("window_start").GetDateTimeOffset() < to));
        Assert.NotEmpty(expected);
        foreach (var zone in new[] { TimeSpan.Zero, TimeSpan.FromHours(5.5), TimeSpan.FromHours(-8) })
        {
            var (a, b) = (from.ToOffset(zone).ToString("yyyy-MM-ddTHH:mm:sszzz", CultureInfo.InvariantCulture), to.ToOffset(zone).ToString("yyyy-MM-ddTHH:mm:ss.ffffffzzz", CultureInfo.InvariantCulture));
            Assert.Equal(expected, Lines(await AllAsync(app, "revenue_by_category", $"from={Uri.EscapeDataString(a)}&to={Uri.EscapeDataString(b)}&limit=9")));
            // A plus that nobody encoded comes as a blank and means what was meant.
            Assert.Equal(expected, Lines(await AllAsync(app, "revenue_by_category", $"from={a}&to={b}&limit=1000")));
        }

        var naive = from.UtcDateTime.ToString("yyyy-MM-ddTHH:mm:ss", CultureInfo.InvariantCulture);
        Assert.Equal(expected, Lines(await AllAsync(app, "revenue_by_category", $"from={naive}&to={Uri.EscapeDataString(to.ToString("O"))}")));

        // What is final is in both stores, under the same question, a page at a time.
        var final = Lines(all.Where(r => r.GetProperty("is_final").GetBoolean()));
        Assert.NotEmpty(final);
        Assert.Equal(final, Lines(await AllAsync(app, "revenue_by_category", "source=delta&limit=7")));
        var one = Uri.EscapeDataString(from.ToString("O"));
        var ofKey = Lines(all.Where(r => r.GetProperty("is_final").GetBoolean() && r.GetProperty("category").GetString() == "c0" && r.GetProperty("window_start").GetDateTimeOffset() >= from));
        Assert.Equal(ofKey, Lines(await AllAsync(app, "revenue_by_category", $"source=delta&key=category:c0&from={one}&limit=4")));
    }

    [Fact]
    public async Task Pages_give_every_row_once_while_rows_are_added()
    {
        using var broker = new MockBroker("events", 1);
        await using var app = new App(azurite, broker.Brokers, null, ("DeltaInterval", "1s"));
        await RunAsync(app, broker, [.. Enumerable.Range(0, 200).Select(i => Event(i * 10, "purchase", "c", $"u{i % 9}"))]);
        foreach (var source in new[] { "table", "delta" })
        {
            var before = Keys(await AllAsync(app, "purchases", $"source={source}&limit=1000"));
            var seen = new List<string>();
            var next = $"/api/queries/purchases?source={source}&limit=17";
            for (var page = 0; next is not null; page++)
            {
                var answer = await GetAsync(app, next);
                seen.AddRange(Keys(answer.GetProperty("rows").EnumerateArray()));
                next = answer.GetProperty("next").GetString();
                var first = 10_000 * (source == "table" ? 1 : 2) + page * 10;
                await RunAsync(app, broker, [.. Enumerable.Range(first, 3).Select(i => Event(i, "purchase", "c", "new"))]);
            }

            Assert.True(before.Count >= 200);
            Assert.Equal(seen.Count, seen.Distinct().Count());
            Assert.Equal(before, seen.Where(before.Contains).ToList());
        }
    }

    [Fact]
    public async Task What_is_too_old_for_Table_storage_comes_from_Delta_in_the_same_pages()
    {
        using var broker = new MockBroker("events", 1);
        await using var app = new App(azurite, broker.Brokers, null, ("DeltaInterval", "1s"), ("ResultsRetention", "1h"));
        app.Time.Advance(TimeSpan.FromHours(4));
        for (var part = 0; part < 4; part++)
            await RunAsync(app, broker, [.. Enumerable.Range(part * 50, 50).Select(i => Event(i * 60, "purchase", $"c{i % 2}", $"u{i % 9}"))]);
        Assert.NotEmpty(await app.Services.GetRequiredService<IReadOnlyList<ResultRetention>>().Single().RemoveAsync(100_000, default));
        foreach (var query in new[] { "purchases", "revenue_by_category" })
        {
            var (all, kept) = (await AllAsync(app, query, "limit=1000&source=delta"), await AllAsync(app, query, "limit=1000&source=table"));
            Assert.True(all.Count > kept.Count(r => r.GetProperty("is_final").GetBoolean()), "Nothing is too old.");
            var paged = await AllAsync(app, query, "limit=15");
            Assert.Equal(Lines(all), Lines(paged.Where(r => r.GetProperty("is_final").GetBoolean())));
            Assert.Equal(paged.Count, Lines(paged).Distinct().Count());
        }

        Assert.Equal("table", Text(await GetAsync(app, "/api/queries/purchases?limit=5"), "source"));
        var old = Uri.EscapeDataString(DateTimeOffset.FromUnixTimeMilliseconds(HandTime.Start + 1_800_000).ToString("O"));
        Assert.Equal(30, (await AllAsync(app, "purchases", $"to={old}&limit=8")).Count);
        // What is asked for by user goes on in Delta, too; the index keeps no longer than the table.
        var byUser = (await AllAsync(app, "purchases", "limit=1000&source=delta")).Where(r => r.GetProperty("user_id").GetString() == "u4").ToList();
        Assert.Equal(Enumerable.Range(0, 200).Count(i => i % 9 == 4), byUser.Count);
        Assert.Equal(Lines(byUser), Lines(await AllAsync(app, "purchases", "key=user_id:u4&limit=3")));
        var inTable = (await AllAsync(app, "purchases", "limit=1000&source=table")).Where(r => r.GetProperty("user_id").GetString() == "u4").ToList();
        Assert.InRange(inTable.Count, 1, byUser.Count - 1);
        Assert.Equal(Lines(inTable), Lines(await AllAsync(app, "purchases", "key=user_id:u4&source=table")));
    }

    [Fact]
    public async Task A_verdict_follows_from_the_rules_that_fired_and_costs_two_requests_at_most()
    {
        using var broker = new MockBroker("events", 1);
        await using var app = new App(azurite, broker.Brokers);
        var thief = Hostile[0];
        var start = HandTime.Start;
        // Ten usual purchases, then one of a hundred times as much; another buys five times within a minute; a third lives on as ever.
        var events = Enumerable.Range(0, 10).SelectMany(i => new[] { Event(i * 60, "purchase", "c", thief, 20 + i), Event(i * 60, "purchase", "c", "honest", 20 + i) })
            .Append(Event(700, "purchase", "c", thief, 2_000)).Concat(Enumerable.Range(0, 6).Select(i => Event(720 + i, "purchase", "c", "hasty", 10))).ToList();
        await RunAsync(app, broker, events);

        var honest = await GetAsync(app, "/api/fraud/honest");
        Assert.Equal(("allow", 0.0, 0), (Text(honest, "verdict"), honest.GetProperty("score").GetDouble(), honest.GetProperty("reasons").GetArrayLength()));
        Assert.True(honest.GetProperty("as_of").GetProperty("fresh").GetBoolean());
        var blocked = await GetAsync(app, $"/api/fraud/{Uri.EscapeDataString(thief)}");
        Assert.Equal(("block", thief), (Text(blocked, "verdict"), Text(blocked, "user")));
        var reason = blocked.GetProperty("reasons")[0];
        Assert.Equal(("unusual_amount_for_user", "critical"), (Text(reason, "rule"), Text(reason, "severity")));
        Assert.Equal("2000.00", reason.GetProperty("evidence").GetProperty("amount").GetString());
        Assert.Equal((long)(app.Time.GetUtcNow() - DateTimeOffset.FromUnixTimeMilliseconds(start + 700_000)).TotalSeconds, reason.GetProperty("age_seconds").GetInt64());
        Assert.Equal("review", Text(await GetAsync(app, "/api/fraud/hasty"), "verdict"));
        Assert.Equal("allow", Text(await GetAsync(app, "/api/fraud/hasty?within=60"), "verdict"));
        Assert.Equal("allow", Text(await GetAsync(app, "/api/fraud/never%20seen"), "verdict"));

        // A purchase that was not made yet.
        Assert.Equal("allow", Text(await GetAsync(app, "/api/fraud/honest?amount=25"), "verdict"));
        var judged = await GetAsync(app, "/api/fraud/honest?amount=2000.00&country=DE");
        Assert.Equal(("block", "unusual_amount_for_user"), (Text(judged, "verdict"), Text(judged.GetProperty("reasons")[0], "rule")));
        Assert.Equal((2000.00m, 10), (judged.GetProperty("purchase").GetProperty("amount").GetDecimal(), judged.GetProperty("purchase").GetProperty("purchases_known").GetInt32()));
        var travel = await GetAsync(app, "/api/fraud/honest?country=JP");
        // Last seen in Germany half an hour ago.
        Assert.Equal(("block", "impossible_travel"), (Text(travel, "verdict"), Text(travel.GetProperty("reasons")[0], "rule")));

        var costs = (CostCounters)app.Services.GetService(typeof(CostCounters))!;
        Assert.Equal(1, await CostAsync(costs, () => GetAsync(app, "/api/fraud/hasty")));
        Assert.Equal(2, await CostAsync(costs, () => GetAsync(app, "/api/fraud/honest?amount=2000")));
        Assert.Equal(1, await CostAsync(costs, () => GetAsync(app, "/api/sessions/honest")));
        Assert.Equal(1, await CostAsync(costs, () => SendAsync(app, "/api/products/p/also")));
        Assert.Equal(1, await CostAsync(costs, () => GetAsync(app, "/api/queries/purchases?key=user_id:honest&limit=5")));
        await GetAsync(app, "/api/alerts");
        Assert.Equal(0, await CostAsync(costs, () => GetAsync(app, "/api/alerts?severity=critical")));

        // An instance that does not tick has the status from storage, once a second for all who ask.
        await using var other = app.Again();
        other.Time.Advance(app.Time.GetUtcNow() - other.Time.GetUtcNow());
        var same = await GetAsync(other, $"/api/fraud/{Uri.EscapeDataString(thief)}");
        Assert.Equal(blocked.GetProperty("reasons").GetRawText(), same.GetProperty("reasons").GetRawText());
        Assert.Equal(1, await CostAsync((CostCounters)other.Services.GetService(typeof(CostCounters))!, () => GetAsync(other, "/api/fraud/hasty")));
    }

    [Fact]
    public async Task A_model_that_is_installed_scores_purchases_alerts_judges_and_is_watched()
    {
        using var broker = new MockBroker("events", 1);
        await using var app = new App(new Limit(), azurite, broker.Brokers);
        await RunAsync(app, broker, [Event(0, "purchase", "c", "small", 10), Event(10, "purchase", "c", "large", 600), Event(20, "purchase", "c", "odd", 13)]);

        var rows = (await AllAsync(app, "purchases", "")).ToDictionary(r => Text(r, "user_id"));
        Assert.Equal([("limit/7", 0.01), ("limit/7", 0.6)], new[] { "small", "large" }.Select(u => (Text(rows[u], "model"), rows[u].GetProperty("model_score").GetDouble())));
        Assert.Equal(JsonValueKind.Null, rows["odd"].GetProperty("model_score").ValueKind);
        Assert.Equal("InvalidOperationException: unlucky", Text(rows["odd"], "model_error"));
        var alert = Assert.Single(await AllAsync(app, "fraud_alerts", "key=rule:model"));
        Assert.Equal(("large", "warning", 0.6), (Text(alert, "user_id"), Text(alert, "severity"), alert.GetProperty("score").GetDouble()));
        Assert.Equal(("review", "model"), (Text(await GetAsync(app, "/api/fraud/large"), "verdict"), Text((await GetAsync(app, "/api/fraud/large")).GetProperty("reasons")[0], "rule")));
        Assert.Equal("block", Text(await GetAsync(app, "/api/fraud/small?amount=950"), "verdict"));
        Assert.Equal("allow", Text(await GetAsync(app, "/api/fraud/small?amount=13"), "verdict"));
        var told = Assert.Single((await GetAsync(app, "/api/alerts?kind=pipeline")).GetProperty("alerts").EnumerateArray(), a => Text(a, "name") == "scorer-failed");
        Assert.Contains("limit/7", Text(told, "text"), StringComparison.Ordinal);
        Assert.Throws<ArgumentException>(() => new ServiceCollection().AddTidemarkScorer(new Limit { Name = "a/b" }));
    }

    [Fact]
    public async Task Sessions_and_alerts_say_what_the_events_say()
    {
        using var broker = new MockBroker("events", 1);
        await using var app = new App(azurite, broker.Brokers, null, ("DeltaInterval", "1s"));
        // Two hours ago three users viewed p1 and p2, two of them bought p3; one more viewed p1 alone. At the end a user is still at it.
        var events = new List<TestEvent>();
        foreach (var user in new[] { "a", "b", "c" })
            events.AddRange([Event(0, "view", "c", user, product: "p1"), Event(60, "view", "c", user, product: "p2")]);
        events.AddRange([Event(90, "purchase", "c", "a", 5, "p3"), Event(95, "purchase", "c", "b", 6, "p3"), Event(100, "view", "c", "d/d", product: "p1"), Event(110, "view", "c", "d/d", product: "p4")]);
        events.AddRange([Event(7200, "view", "c", "e", product: "p1"), Event(7260, "purchase", "c", "e", 7.5m, "p2"), Event(7290, "view", "c", "last")]);
        app.Time.Advance(TimeSpan.FromHours(2));
        await RunAsync(app, broker, events);

        var sessions = (await GetAsync(app, "/api/sessions/d%2Fd")).GetProperty("sessions");
        Assert.Equal(1, sessions.GetArrayLength());
        Assert.Equal(("""["p1","p4"]""", 10.0), (Text(sessions[0], "viewed"), sessions[0].GetProperty("duration_seconds").GetDouble()));
        var e = await GetAsync(app, "/api/sessions/e?open=true");
        Assert.Equal(0, e.GetProperty("sessions").GetArrayLength());
        var open = e.GetProperty("open");
        Assert.Equal((2, 1, 7.5m, true), (open.GetProperty("events").GetInt32(), open.GetProperty("purchases").GetInt32(), open.GetProperty("revenue").GetDecimal(), open.GetProperty("complete").GetBoolean()));
        Assert.Equal("p2", open.GetProperty("bought")[0].GetString());
        Assert.Equal(JsonValueKind.Null, (await GetAsync(app, "/api/sessions/a?open=true")).GetProperty("open").ValueKind);

        var also = await GetAsync(app, "/api/products/p1/also");
        Assert.Equal([("p2", 3), ("p4", 1)], also.GetProperty("also_viewed").EnumerateArray().Select(o => (Text(o, "product_id"), o.GetProperty("sessions").GetInt32())));
        Assert.Equal([("p3", 2)], also.GetProperty("also_bought").EnumerateArray().Select(o => (Text(o, "product_id"), o.GetProperty("sessions").GetInt32())));
        var alerts = await GetAsync(app, "/api/alerts?kind=fraud_alerts");
        Assert.True(alerts.GetProperty("complete").GetBoolean());
        Assert.Equal((await AllAsync(app, "fraud_alerts", "")).Count, alerts.GetProperty("alerts").GetArrayLength());
    }

    [Fact]
    public async Task Bad_input_is_answered_with_a_sentence_that_names_what_is_wrong()
    {
        using var broker = new MockBroker("events", 1);
        await using var app = new App(azurite, broker.Brokers);
        foreach (var (address, status, parameter) in Wrong)
        {
            var (response, body) = await SendAsync(app, address);
            Assert.Equal((address, status, "application/problem+json; charset=utf-8"), (address, response.StatusCode, response.ContentType));
            var problem = JsonDocument.Parse(body).RootElement;
            Assert.Equal(status, problem.GetProperty("status").GetInt32());
            Assert.EndsWith(".", Text(problem, "detail"), StringComparison.Ordinal);
            Assert.Equal((address, parameter), (address, problem.TryGetProperty("parameter", out var named) ? named.GetString() : null));
        }
    }

    [Fact]
    public async Task A_form_is_agreed_on_tags_hold_and_a_token_of_another_question_is_refused()
    {
        using var broker = new MockBroker("events", 1);
        await using var app = new App(azurite, broker.Brokers);
        await RunAsync(app, broker, [.. Enumerable.Range(0, 30).Select(i => Event(i, "purchase", Hostile[i % Hostile.Length], $"u{i % 3}"))]);
        const string Address = "/api/queries/purchases?limit=4";
        var (json, body) = await SendAsync(app, Address);
        Assert.Equal(("application/json; charset=utf-8", "Accept, Accept-Encoding"), (json.ContentType, json.Headers.Vary.ToString()));
        Assert.Contains("no-cache", json.Headers.CacheControl.ToString(), StringComparison.Ordinal);
        var (csv, lines) = await SendAsync(app, Address, ("Accept", "application/json;q=0.5, text/csv"));
        Assert.Equal("text/csv; charset=utf-8", csv.ContentType);
        Assert.StartsWith("event_time,event_id,", Encoding.UTF8.GetString(lines), StringComparison.Ordinal);
        Assert.Equal(json.Headers["Tidemark-Continuation"].ToString(), csv.Headers["Tidemark-Continuation"].ToString());
        Assert.Equal("text/csv; charset=utf-8", (await SendAsync(app, Address + "&format=csv", ("Accept", "application/json"))).Response.ContentType);
        Assert.Equal("application/json; charset=utf-8", (await SendAsync(app, Address, ("Accept", "*/*"))).Response.ContentType);
        Assert.Equal(406, (await SendAsync(app, Address, ("Accept", "image/png"))).Response.StatusCode);

        var tag = json.Headers.ETag.ToString();
        foreach (var known in new[] { tag, tag["W/".Length..], $"\"other\", {tag}", "*" })
        {
            var (again, nothing) = await SendAsync(app, Address, ("If-None-Match", known));
            Assert.Equal((304, 0, tag), (again.StatusCode, nothing.Length, again.Headers.ETag.ToString()));
        }

        Assert.Equal(200, (await SendAsync(app, Address, ("If-None-Match", csv.Headers.ETag.ToString()))).Response.StatusCode);
        // A verdict is the same while only its age changes.
        var verdict = (await SendAsync(app, "/api/fraud/u0")).Response.Headers.ETag.ToString();
        app.Time.Advance(TimeSpan.FromSeconds(3));
        Assert.Equal(304, (await SendAsync(app, "/api/fraud/u0", ("If-None-Match", verdict))).Response.StatusCode);
        var (head, empty) = await SendAsync(app, Address, ("", "HEAD"));
        Assert.Equal((200, 0, (long?)body.Length), (head.StatusCode, empty.Length, head.ContentLength));

        var token = JsonDocument.Parse(body).RootElement.GetProperty("continuation").GetString();
        Assert.Equal(200, (await SendAsync(app, $"{Address}&continuation={token}")).Response.StatusCode);
        foreach (var other in new[] { $"/api/queries/purchases?key=user_id:u1&continuation={token}", $"/api/queries/fraud_alerts?continuation={token}", $"{Address}&source=delta&continuation={token}" })
            Assert.Equal(400, (await SendAsync(app, other)).Response.StatusCode);
        Assert.DoesNotContain("secret", (await SendAsync(app, Address + "&code=secret")).Response.Headers["Link"].ToString(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Storage_that_is_away_is_a_problem_that_passes_and_tells_no_key()
    {
        foreach (var away in new Exception[] { new RequestFailedException(503, "SharedKey abc", "ServerBusy", null), new AggregateException(new RequestFailedException(0, "SharedKey abc")), new IOException("SharedKey abc") })
        {
            var reply = Assert.IsType<Reply>(await Guarded.AnswerAsync(() => throw away));
            Assert.Equal(503, reply.Status);
            Assert.Contains(("Retry-After", "5"), reply.Headers);
            Assert.DoesNotContain("abc", Encoding.UTF8.GetString(reply.Body.Span), StringComparison.Ordinal);
        }

        await Assert.ThrowsAsync<InvalidOperationException>(() => Guarded.AnswerAsync(() => throw new InvalidOperationException("a mistake of ours")));
    }
}
