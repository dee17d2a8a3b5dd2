using System.Text.Json;
using Azure.Data.Tables;
using Tidemark.Functions.Api;
using Tidemark.Functions.Results;
using Tidemark.Functions.Status;
using Tidemark.Functions.Tables;

namespace Tidemark.Functions.Http;

/// <summary>
/// Recommends from <c>also_viewed</c>, the user's own sessions and <c>top_products</c>.
/// <para><b>Score.</b> Looked at are the ten products that the user viewed last in closed sessions. Each names the products that were viewed or bought in the same sessions as it;
/// of these the one with most sessions counts 1, the others in proportion, a session that bought three times one that viewed. A product viewed n sessions ago weighs
/// 1/(n + 1). The score is the sum. So the taste of now counts more than that of before, and a product that is seen with everything does not win by that.</para>
/// <para><b>Left out</b> is what the user bought. <b>Filled up</b> is with the products most viewed lately by all, so that a user of whom nothing is known has recommendations, too.</para>
/// </summary>
public sealed class RecommendationSource
{
    private const string AlsoViewed = "also_viewed", UserSessions = "user_sessions", Purchases = "purchases", TopProducts = "top_products";
    private const int Seeds = 10, WeightOfBought = 3;
    private const int MostSessions = 20, MostPurchases = 200, MostTopRows = 200;
    private readonly OutputBook _outputs;
    private readonly OutputRows _rows;

    internal RecommendationSource(OutputBook outputs, OutputRows rows) => (_outputs, _rows) = (outputs, rows);

    /// <summary>The row of a product; null where there is none.</summary>
    internal async Task<AlsoAnswer?> AlsoAsync(string product, CancellationToken cancel)
    {
        if (_outputs.Find(AlsoViewed) is not { } also || await _rows.FindAsync(also, TableKeys.Escape(product), cancel) is not { } row)
            return null;
        return new AlsoAnswer(product, Others(row, "also_viewed"), Others(row, "also_bought"), row.GetDateTimeOffset("updated_at"));
    }

    /// <summary>The best products for a user; null where the pipeline lacks what it takes.</summary>
    internal async Task<RecommendationsAnswer?> RecommendAsync(string user, int limit, CancellationToken cancel)
    {
        if (_outputs.Find(UserSessions) is not { } sessions || _outputs.Find(Purchases) is not { } purchases || _outputs.Find(AlsoViewed) is null)
            return null;
        var key = new[] { new KeyFilter("user_id", user) };
        var visits = _rows.ReadAsync(new RowsWanted(sessions, null, null, key, MostSessions, null), cancel);
        var made = _rows.ReadAsync(new RowsWanted(purchases, null, null, key, MostPurchases, null), cancel);
        await Task.WhenAll(visits, made);
        var closed = (await visits).Rows;
        var bought = closed.SelectMany(row => List(row, "bought")).Concat((await made).Rows.Select(row => row.GetString("product_id")).OfType<string>()).ToHashSet(StringComparer.Ordinal);
        var seeds = Viewed(closed);
        var viewed = closed.SelectMany(row => List(row, "viewed")).ToHashSet(StringComparer.Ordinal);
        var found = new Dictionary<string, Recommendation>(StringComparer.Ordinal);
        var also = await Task.WhenAll(seeds.Select(seed => AlsoAsync(seed.Product, cancel)));
        foreach (var ((_, weight), of) in seeds.Zip(also))
            Count(found, of, weight, bought);
        var best = found.Values.Select(r => r with { Score = Math.Round(r.Score, 4), Viewed = viewed.Contains(r.ProductId) })
            .OrderByDescending(r => r.Score).ThenBy(r => r.ProductId, StringComparer.Ordinal).Take(limit).ToList();
        if (best.Count < limit)
            best.AddRange((await PopularAsync(cancel)).Where(id => !bought.Contains(id) && !found.ContainsKey(id)).Take(limit - best.Count)
                .Select(id => new Recommendation(id, 0, 0, 0, [], viewed.Contains(id), "popular")));
        return new RecommendationsAnswer(user, [.. seeds.Select(seed => seed.Product)], best);
    }

    /// <summary>The products viewed last, each with the weight of the newest session that viewed it.</summary>
    private static List<(string Product, double Weight)> Viewed(IReadOnlyList<TableEntity> newestFirst) =>
        [.. newestFirst.SelectMany((row, ago) => List(row, "viewed").Select(product => (product, 1.0 / (ago + 1)))).DistinctBy(seed => seed.product).Take(Seeds)];

    /// <summary>Adds what goes with one product, but for what was bought.</summary>
    private static void Count(Dictionary<string, Recommendation> found, AlsoAnswer? also, double weight, HashSet<string> bought)
    {
        if (also is null)
            return;
        var with = also.AlsoViewed.Select(o => (o.ProductId, Viewed: o.Sessions, Bought: 0L)).Concat(also.AlsoBought.Select(o => (o.ProductId, Viewed: 0L, Bought: o.Sessions)))
            .GroupBy(o => o.ProductId).Select(g => (Id: g.Key, Viewed: g.Sum(o => o.Viewed), Bought: g.Sum(o => o.Bought))).ToList();
        var most = with.Select(o => o.Viewed + WeightOfBought * o.Bought).DefaultIfEmpty(1).Max();
        foreach (var (id, viewed, times) in with.Where(o => !bought.Contains(o.Id)))
        {
            var before = found.GetValueOrDefault(id) ?? new Recommendation(id, 0, 0, 0, [], false, "viewed_together");
            found[id] = before with
            {
                Score = before.Score + weight * (viewed + WeightOfBought * times) / most,
                ViewedWith = before.ViewedWith + viewed,
                BoughtWith = before.BoughtWith + times,
                Because = [.. before.Because, also.ProductId],
            };
        }
    }

    /// <summary>By views in the newest windows of the top, most first; none where the pipeline has no such query.</summary>
    private async Task<IEnumerable<string>> PopularAsync(CancellationToken cancel)
    {
        if (_outputs.Find(TopProducts) is not { } top)
            return [];
        var page = await _rows.ReadAsync(new RowsWanted(top, null, null, [], MostTopRows, null), cancel);
        return page.Rows.Where(row => row.GetString("product_id") is not null).GroupBy(row => row.GetString("product_id"), StringComparer.Ordinal)
            .OrderByDescending(g => g.Sum(row => row.GetInt64("views") ?? 0)).ThenBy(g => g.Key, StringComparer.Ordinal).Select(g => g.Key);
    }

    // A list is cut where Table storage cannot hold it; those of twenty products never are, unless ids are very long.
    private static IReadOnlyList<OtherProduct> Others(TableEntity row, string column) => CutJson.Items<OtherProduct>(row.GetString(column));

    private static IReadOnlyList<string> List(TableEntity row, string column) => CutJson.Items<string>(row.GetString(column));
}

/// <summary>Another product and the number of sessions with both.</summary>
internal sealed record OtherProduct(string ProductId, long Sessions);

/// <summary>What else was viewed and bought in sessions that viewed a product, most first, at most 20 of each.</summary>
internal sealed record AlsoAnswer(string ProductId, IReadOnlyList<OtherProduct> AlsoViewed, IReadOnlyList<OtherProduct> AlsoBought, DateTimeOffset? UpdatedAt);

/// <summary>Products for a user.</summary>
/// <param name="User">The user.</param>
/// <param name="ViewedLately">The ten products that the user viewed last: what the rest rests on.</param>
/// <param name="Products">Best first.</param>
internal sealed record RecommendationsAnswer(string User, IReadOnlyList<string> ViewedLately, IReadOnlyList<Recommendation> Products);

/// <summary>A product for a user.</summary>
/// <param name="ProductId">The product.</param>
/// <param name="Score">See <see cref="RecommendationSource"/>; 0 for one that is popular.</param>
/// <param name="ViewedWith">Sessions that viewed it and one of the products viewed lately, for each of these.</param>
/// <param name="BoughtWith">The same with it bought.</param>
/// <param name="Because">The products viewed lately that it went with.</param>
/// <param name="Viewed">Whether the user has viewed it in one of the last 20 sessions.</param>
/// <param name="From"><c>viewed_together</c>, or <c>popular</c> where it fills up.</param>
internal sealed record Recommendation(string ProductId, double Score, long ViewedWith, long BoughtWith, IReadOnlyList<string> Because, bool Viewed, string From);
