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
        { "offset", ["offset", "take off whole slides"] },
        { "delay", ["delay", "negative"] },
        { "fraction", ["size", "milliseconds"] },
        { "nothing", ["aggregate"] },
        { "top by nothing", ["top", "'views'", "use one of"] },
        { "top of a list", ["'best'", "list"] },
        { "top without key", ["no group key"] },
        { "top of none", ["top 0", "1 to 10,000"] },
        { "rank twice", ["'rank'", "rename"] },
        { "part", ["'n'", "inside"] },
        { "nothing to change", ["OrElse", "after the aggregate"] },
        { "else for a count", ["'n'", "never null"] },
        { "else for a value", ["'n'", "Last"] },
        { "else between cents", ["'n'", "round it"] },
        { "retention", ["complete", "zero or more"] },
        { "small sample", ["'n'", "16 or more"] },
        { "short trigger", ["trigger is every 00:00:00.5000000", "00:00:01 to 01:00:00"] },
        { "long trigger", ["trigger is every 01:00:01", "leave it out"] },
        { "twice", ["same name"] },
    };

    [Theory]
    [MemberData(nameof(Faults))]
    public void A_query_that_cannot_run_is_refused_with_its_name_the_field_and_the_remedy(string fault, string[] said)
    {
        var minute = TimeSpan.FromMinutes(1);
        Query Start(string name = "q") => Query.Named(name).Tumbling(minute).Watermark(minute);
        Func<QueryDefinition[]> build = () => fault switch
        {
            "top by nothing" => [Start().By("country").Count("n").Top(3, "views").Append()],
            "top of a list" => [Start().By("country").Greatest("best", "price", 3).Top(3, "best").Append()],
            "top without key" => [Start().Count("n").Top(3, "n").Append()],
            "top of none" => [Start().By("country").Count("n").Top(0, "n").Append()],
            "rank twice" => [Start().By("country").Count("rank").Top(3, "rank").Append()],
            "part" => [Start().Count("n").InPart(TimeSpan.Zero, minute * 2).Append()],
            "nothing to change" => [Start().OrElse(0).Append()],
            "else for a count" => [Start().Count("n").OrElse(0).Append()],
            "else for a value" => [Start().Last("n", "quantity").OrElse(0).Append()],
            "else between cents" => [Start().Sum("n", "price").OrElse(0.00001m).Append()],
            "retention" => [Start().Count("n").Complete(-minute)],
            "small sample" => [Start().SumDistinct("n", "price", exactUpTo: 5).Append()],
            "name" => [Start("Bad Name").Count("n").Append()],
            "key" => [Start().By("contry").Count("n").Append()],
            "aggregate" => [Start().Sum("total", "revenu").Append()],
            "sum of text" => [Start().Sum("total", "country").Append()],
            "filter field" => [Start().Where(!Field.Named("typ").Is("a")).Count("n").Append()],
            "filter type" => [Start().Count("n", where: Field.Named("price").Is("a")).Append()],
            "ratio" => [Start().Count("n").Ratio("rate", "carts", "n").Append()],
            "same names" => [Start().Count("n").Sum("n", "price").Append()],
            "slide" => [Start().Sliding(minute, minute * 2).Count("n").Append()],
            "offset" => [Start().Sliding(minute, minute / 2, -minute / 2).Count("n").Append()],
            "delay" => [Start().Watermark(-minute).Count("n").Append()],
            "fraction" => [Start().Tumbling(TimeSpan.FromTicks(12_345)).Count("n").Append()],
            "short trigger" => [Start().Count("n").Trigger(TimeSpan.FromMilliseconds(500)).Append()],
            "long trigger" => [Start().Count("n").Trigger(TimeSpan.FromSeconds(3_601)).Append()],
            "nothing" => [Start().Append()],
            _ => [Start().Count("n").Append(), Start().Count("n").Append()],
        };
        var refused = Assert.Throws<QueryException>(() => new EventPipeline(new EventOptions("shop"), build()));
        Assert.StartsWith($"Query '{(fault == "name" ? "Bad Name" : "q")}' ", refused.Message);
        foreach (var word in said)
            Assert.Contains(word, refused.Message);
    }

    [Fact]
    public void A_trigger_is_described_and_state_does_not_depend_on_it()
    {
        EventPipeline Of(TimeSpan? trigger)
        {
            var query = Query.Named("q").Tumbling(TimeSpan.FromMinutes(1)).Watermark(TimeSpan.Zero).Count("n");
            return new EventPipeline(new EventOptions("shop"), [(trigger is { } every ? query.Trigger(every) : query).Update()]);
        }

        var triggered = Of(TimeSpan.FromSeconds(90));
        Assert.Contains("update mode\n  trigger every 00:01:30\n", triggered.Describe());
        Assert.Equal(90_000, Assert.Single(triggered.Queries).TriggerMs);
        Assert.DoesNotContain("trigger", Of(null).Describe());
        Assert.Equal(Of(null).FingerprintOf("q"), triggered.FingerprintOf("q"));
    }

    [Fact]
    public void Queries_share_a_bundle_by_the_span_of_their_slices()
    {
        var pipeline = ClickstreamPipeline.Create(new EventOptions("shop"));
        var bundles = pipeline.Queries.ToLookup(q => q.Bundle, q => q.Name);
        Assert.Equal(["10m", "1d", "1h", "5m"], bundles.Select(b => b.Key).Order());
        Assert.Equal(["daily_revenue"], bundles["1d"]);
        Assert.Equal(["country_revenue", "hourly_purchases", "trending_categories"], bundles["1h"].Order());
        Assert.Equal(
            ["window_start", "window_end", "unique_visitors", "cart_users", "purchasers", "cart_conversion_rate", "purchase_conversion_rate"],
            pipeline.Queries.Single(q => q.Name == "conversion_funnel").Schema.Fields.Select(f => f.Name));
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
