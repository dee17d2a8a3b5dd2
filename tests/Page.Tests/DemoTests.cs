using System.Text.Json;
using Tidemark.Page.Tests.Live;

namespace Tidemark.Page.Tests;

/// <summary>What a newcomer sees who starts the program without arguments.</summary>
[Collection(PipelineCollection.Name)]
public sealed class DemoTests(Pipeline pipeline)
{
    [BrowserFact]
    public async Task Every_query_and_stream_of_every_topic_gets_rows()
    {
        var names = (await pipeline.GetAsync("api/queries")).EnumerateArray().Select(query => query.GetProperty("name").GetString()!).ToList();
        Assert.Superset(
            new HashSet<string> { "category_views", "event_counts", "user_sessions", "fraud_alerts", "also_viewed", "daily_revenue", "sensor_metrics", "sensor_alerts", "view_to_purchase" },
            names.ToHashSet());
        foreach (var name in names)
            await pipeline.UntilAsync(() => HasRowsAsync($"/api/queries/{name}?limit=1"), $"{name} has rows");
    }

    [BrowserFact]
    public async Task Events_carry_the_brand_and_the_category_that_the_catalog_has()
    {
        const string Table = "gold/enriched_clickstream";
        var products = new List<JsonElement>();
        await pipeline.UntilAsync(
            async () =>
            {
                products.AddRange((await pipeline.DeltaAsync(Table)).Where(row => row.GetProperty("product_id").ValueKind == JsonValueKind.String));
                return products.Count > 0;
            },
            "the enriched table has rows of products");
        // The shop's prices are those of its catalog, which also knows who makes what.
        Assert.DoesNotContain(products, row => row.GetProperty("price").GetDecimal() != row.GetProperty("catalog_price").GetDecimal());
        Assert.DoesNotContain(products, row => row.GetProperty("catalog_brand").ValueKind != JsonValueKind.String);
    }

    /// <summary>Follows the pages to the first row: what Table storage has no more, Delta has.</summary>
    private async Task<bool> HasRowsAsync(string? path)
    {
        while (path is not null)
        {
            if (await pipeline.GetAsync(path) is not { ValueKind: JsonValueKind.Object } page)
                return false;
            if (page.GetProperty("rows").GetArrayLength() > 0)
                return true;
            path = page.TryGetProperty("next", out var next) ? next.GetString() : null;
        }
        return false;
    }
}
