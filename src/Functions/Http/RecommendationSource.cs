using System.Text.Json;
using Azure.Data.Tables;
using Tidemark.Functions.Api;
using Tidemark.Functions.Results;
using Tidemark.Functions.Status;
using Tidemark.Functions.Tables;

namespace Tidemark.Functions.Http;

/// <summary>
/// Recommends from <c>also_viewed</c>. Looked at are the five products that the user viewed last in closed sessions and has not bought; each product that was
/// viewed or bought in the same sessions as one of them gets the number of these sessions, and what the user bought is left out.
/// </summary>
public sealed class RecommendationSource
{
    private const string AlsoViewed = "also_viewed", UserSessions = "user_sessions", Purchases = "purchases";
    private const int Seeds = 5;
    private const int MostSessions = 20, MostPurchases = 200;
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
        var viewed = closed.SelectMany(row => List(row, "viewed")).Distinct(StringComparer.Ordinal).ToList();
        var seeds = viewed.Where(product => !bought.Contains(product)).Take(Seeds).ToList();
        var scores = new Dictionary<string, (long Viewed, long Bought, List<string> Because)>(StringComparer.Ordinal);
        foreach (var also in (await Task.WhenAll(seeds.Select(seed => AlsoAsync(seed, cancel)))).OfType<AlsoAnswer>())
        {
            foreach (var other in also.AlsoViewed.Where(o => !bought.Contains(o.ProductId)))
                Count(scores, other.ProductId, also.ProductId, other.Sessions, 0);
            foreach (var other in also.AlsoBought.Where(o => !bought.Contains(o.ProductId)))
                Count(scores, other.ProductId, also.ProductId, 0, other.Sessions);
        }

        return new RecommendationsAnswer(
            user, seeds,
            [.. scores.OrderByDescending(s => s.Value.Viewed + s.Value.Bought).ThenBy(s => s.Key, StringComparer.Ordinal).Take(limit)
                .Select(s => new Recommendation(s.Key, s.Value.Viewed + s.Value.Bought, s.Value.Viewed, s.Value.Bought, s.Value.Because, viewed.Contains(s.Key)))]);
    }

    private static void Count(Dictionary<string, (long Viewed, long Bought, List<string> Because)> scores, string product, string because, long viewed, long bought)
    {
        var known = scores.TryGetValue(product, out var before) ? before : (0, 0, []);
        if (!known.Because.Contains(because))
            known.Because.Add(because);
        scores[product] = (known.Viewed + viewed, known.Bought + bought, known.Because);
    }

    // A list is cut where Table storage cannot hold it; those of twenty products never are, unless ids are very long.
    private static IReadOnlyList<OtherProduct> Others(TableEntity row, string column) => JsonSerializer.Deserialize<List<OtherProduct>>(row.GetString(column) ?? "[]", StatusReport.Json) ?? [];

    private static IReadOnlyList<string> List(TableEntity row, string column) => JsonSerializer.Deserialize<List<string>>(row.GetString(column) ?? "[]") ?? [];
}

/// <summary>Another product and the number of sessions with both.</summary>
internal sealed record OtherProduct(string ProductId, long Sessions);

/// <summary>What else was viewed and bought in sessions that viewed a product, most first, at most 20 of each.</summary>
internal sealed record AlsoAnswer(string ProductId, IReadOnlyList<OtherProduct> AlsoViewed, IReadOnlyList<OtherProduct> AlsoBought, DateTimeOffset? UpdatedAt);

/// <summary>Products for a user.</summary>
/// <param name="User">The user.</param>
/// <param name="ViewedLately">What the user viewed last and has not bought: what the rest rests on.</param>
/// <param name="Products">Best first.</param>
internal sealed record RecommendationsAnswer(string User, IReadOnlyList<string> ViewedLately, IReadOnlyList<Recommendation> Products);

/// <summary>A product for a user.</summary>
/// <param name="ProductId">The product.</param>
/// <param name="Score">Sessions in which it was viewed or bought with one of the products viewed lately.</param>
/// <param name="ViewedWith">Of these, viewed.</param>
/// <param name="BoughtWith">Of these, bought.</param>
/// <param name="Because">The products viewed lately that it went with.</param>
/// <param name="Viewed">Whether the user has viewed it in one of the last 20 sessions.</param>
internal sealed record Recommendation(string ProductId, long Score, long ViewedWith, long BoughtWith, IReadOnlyList<string> Because, bool Viewed);
