using Tidemark.Domain.Clickstream;
using Tidemark.Domain.Events;
using Tidemark.Domain.Queries;

namespace Tidemark.Domain.Tests.Queries;

public class QueryCheckTests
{
    public static TheoryData<string, string[]> Faults => new()
    {
        { "name", ["Bad Name", "snake_case"] },
        { "key", ["'contry'", "one of event_id"] },
        { "aggregate", ["'total'", "'revenu'"] },
        { "sum of text", ["'total'", "Sum", "'country'", "numeric"] },
        { "filter field", ["filter", "'typ'"] },
        { "filter type", ["'price'", "number"] },
        { "ratio", ["'rate'", "'carts'", "add it"] },
        { "same names", ["'n'", "rename"] },
        { "slide", ["slide", "shorten"] },
        { "delay", ["delay", "negative"] },
        { "fraction", ["size", "milliseconds"] },
        { "nothing", ["aggregate"] },
        { "twice", ["same name"] },
    };

    [Theory]
    [MemberData(nameof(Faults))]
    public void A_query_that_cannot_run_is_refused_with_its_name_the_field_and_the_remedy(string fault, string[] said)
    {
        var minute = TimeSpan.FromMinutes(1);
        Query Start(string name = "q") => Query.Named(name).Tumbling(minute).Watermark(minute);
        QueryDefinition[] queries = fault switch
        {
            "name" => [Start("Bad Name").Count("n").Append()],
            "key" => [Start().By("contry").Count("n").Append()],
            "aggregate" => [Start().Sum("total", "revenu").Append()],
            "sum of text" => [Start().Sum("total", "country").Append()],
            "filter field" => [Start().Where(!Field.Named("typ").Is("a")).Count("n").Append()],
            "filter type" => [Start().Count("n", where: Field.Named("price").Is("a")).Append()],
            "ratio" => [Start().Count("n").Ratio("rate", "carts", "n").Append()],
            "same names" => [Start().Count("n").Sum("n", "price").Append()],
            "slide" => [Start().Sliding(minute, minute * 2).Count("n").Append()],
            "delay" => [Start().Watermark(-minute).Count("n").Append()],
            "fraction" => [Start().Tumbling(TimeSpan.FromTicks(12_345)).Count("n").Append()],
            "nothing" => [Start().Append()],
            _ => [Start().Count("n").Append(), Start().Count("n").Append()],
        };
        var refused = Assert.Throws<QueryException>(() => new EventPipeline(new EventOptions("shop"), queries));
        Assert.StartsWith($"Query '{queries[0].Name}' ", refused.Message);
        foreach (var word in said)
            Assert.Contains(word, refused.Message);
    }

    [Fact]
    public void Queries_share_a_bundle_by_the_span_of_their_slices()
    {
        var pipeline = ClickstreamPipeline.Create(new EventOptions("shop"));
        Assert.Equal(["5m", "5m", "5m", "1h"], pipeline.Queries.Select(q => q.Bundle));
        Assert.Equal(["category_views", "revenue_by_category", "conversion_funnel", "country_revenue"], pipeline.Queries.Select(q => q.Name));
        Assert.Equal(
            ["window_start", "window_end", "unique_visitors", "cart_users", "purchasers", "cart_conversion_rate", "purchase_conversion_rate"],
            pipeline.Queries[2].Schema.Fields.Select(f => f.Name));
    }

    [Theory]
    [InlineData("", 1, 64)]
    [InlineData("shop", -1, 64)]
    [InlineData("shop", 1, 0)]
    public void Options_that_make_no_sense_are_refused_by_name(string topic, int skewHours, int depth)
    {
        var options = new EventOptions(topic) { MaxFutureSkew = TimeSpan.FromHours(skewHours), MaxDepth = depth };
        Assert.Contains("EventOptions.", Assert.Throws<ArgumentException>(() => ClickstreamPipeline.Create(options)).Message);
    }
}
