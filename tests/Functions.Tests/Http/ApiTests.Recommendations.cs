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

public sealed partial class ApiTests
{
    private sealed record Visit(string User, int Number, List<string> Viewed, List<string> Bought);

    [Fact]
    public async Task Recommendations_are_those_of_a_naive_computation()
    {
        using var broker = new MockBroker("events", 1);
        await using var app = new App(azurite, broker.Brokers, null, ("DeltaInterval", "1s"), ("ResultsRetention", "7d"));
        // Four visits of each of nine users, an hour apart; then one at the end that closes them all.
        var random = new Random(17);
        var visits = new List<Visit>();
        var events = new List<TestEvent>();
        for (var number = 0; number < 4; number++)
            for (var user = 0; user < 9; user++)
            {
                List<string> Some(int most) => [.. Enumerable.Range(0, random.Next(most)).Select(_ => $"p{random.Next(random.Next(1, 14)):D2}").Distinct().Order(StringComparer.Ordinal)];
                var visit = new Visit($"u{user}", number, Some(5), random.Next(2) == 0 ? Some(3) : []);
                visits.Add(visit);
                var at = number * 3_600 + user * 60;
                events.AddRange(visit.Viewed.Select(product => Event(at++, "view", "c", visit.User, product: product)));
                events.AddRange(visit.Bought.Select(product => Event(at++, "purchase", "c", visit.User, product: product)));
            }
        events.Add(Event(5 * 3_600, "view", "c", "last", product: "p13"));
        app.Time.Advance(TimeSpan.FromHours(5));
        await RunAsync(app, broker, events);
        await RunAsync(app, broker, [Event(5 * 3_600 + 1, "view", "c", "last", product: "p13")]);
        visits.RemoveAll(v => v.Viewed.Count + v.Bought.Count == 0);

        var popular = (await GetAsync(app, "/api/queries/top_products?limit=200")).GetProperty("rows").EnumerateArray()
            .GroupBy(row => Text(row, "product_id")!).OrderByDescending(g => g.Sum(row => row.GetProperty("views").GetInt64())).ThenBy(g => g.Key, StringComparer.Ordinal).Select(g => g.Key).ToList();
        var kinds = new HashSet<string>();
        foreach (var user in Enumerable.Range(0, 9).Select(i => $"u{i}").Append("nobody"))
        {
            var answer = await GetAsync(app, $"/api/users/{user}/recommendations?limit=12");
            var expected = Naive(visits, popular, user, 12);
            var products = answer.GetProperty("products").EnumerateArray().ToList();
            Assert.Equal(expected.Select(e => e.Id), products.Select(p => Text(p, "product_id")!));
            Assert.All(expected.Zip(products), pair => Assert.Equal(pair.First.Score, pair.Second.GetProperty("score").GetDouble(), 3e-4));
            kinds.UnionWith(products.Select(p => Text(p, "from")!));
            Assert.Equal(products.Take(3).Select(p => p.ToString()), (await GetAsync(app, $"/api/users/{user}/recommendations?limit=3")).GetProperty("products").EnumerateArray().Select(p => p.ToString()));
        }

        Assert.Equal(["popular", "viewed_together"], kinds.Order());
    }

    /// <summary>From the visits alone: for each product viewed lately, in how many visits another was viewed or bought with it.</summary>
    private static List<(string Id, double Score)> Naive(IReadOnlyList<Visit> visits, IReadOnlyList<string> popular, string user, int limit)
    {
        var own = visits.Where(v => v.User == user).OrderByDescending(v => v.Number).ToList();
        var bought = own.SelectMany(v => v.Bought).ToHashSet();
        var lately = new Dictionary<string, double>();
        for (var ago = 0; ago < own.Count; ago++)
            foreach (var product in own[ago].Viewed)
                if (lately.Count < 10)
                    lately.TryAdd(product, 1.0 / (ago + 1));
        var scores = new SortedDictionary<string, double>(StringComparer.Ordinal);
        foreach (var (seed, weight) in lately)
        {
            var with = Enumerable.Range(0, 14).Select(i => $"p{i:D2}").Where(other => other != seed)
                .ToDictionary(other => other, other => visits.Where(v => v.Viewed.Contains(seed)).Sum(v => (v.Viewed.Contains(other) ? 1 : 0) + (v.Bought.Contains(other) ? 3 : 0)));
            foreach (var (other, count) in with.Where(w => w.Value > 0 && !bought.Contains(w.Key)))
                scores[other] = scores.GetValueOrDefault(other) + weight * count / with.Values.Max();
        }
        var best = scores.Select(s => (s.Key, Math.Round(s.Value, 4))).OrderByDescending(s => s.Item2).Take(limit).ToList();
        return [.. best, .. popular.Where(id => !bought.Contains(id) && !scores.ContainsKey(id)).Take(limit - best.Count).Select(id => (id, 0.0))];
    }
}
