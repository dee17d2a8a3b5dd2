using Microsoft.Extensions.DependencyInjection;
using Tidemark.Domain.Events;
using Tidemark.Domain.Queries;
using Tidemark.Functions.Configuration;
using Tidemark.Functions.Sources;

namespace Tidemark.Functions.Tests.Configuration;

/// <summary>Trigger intervals from the settings, over those of definitions.</summary>
public sealed class TriggerIntervalTests
{
    [Theory]
    [InlineData("", 60_000L, null)]
    [InlineData("own=10s, other = 5m", 10_000L, 300_000L)]
    [InlineData("own=0s", null, null)]
    [InlineData("OFF", null, null)]
    public void A_setting_takes_the_place_of_the_definition(string text, long? own, long? other)
    {
        Query Named(string name) => Query.Named(name).Tumbling(TimeSpan.FromMinutes(1)).Watermark(TimeSpan.Zero).Count("n");
        var pipeline = new EventPipeline(new EventOptions("events"), [Named("own").Trigger(TimeSpan.FromMinutes(1)).Append(), Named("other").Append()]);
        var options = TidemarkOptions.Read(Configuration(text));
        options.QueryTriggers.Check([pipeline]);
        Assert.Equal([own, other], pipeline.Queries.Select(options.ToTick().IntervalOf));
    }

    [Theory]
    [InlineData("no_such_query=10s", "names no_such_query, which is no query; the topics that are read have ")]
    [InlineData("fraud_alerts=10s", "names fraud_alerts, which is a stream")]
    public void A_name_that_has_no_trigger_ends_the_start(string text, string said)
    {
        var e = Assert.Throws<InvalidSettingException>(() => new ServiceCollection().AddTidemark(Configuration(text)));
        Assert.Equal("QueryTriggers", e.Setting);
        Assert.Contains(said, e.Message);
    }

    [Fact]
    public void A_query_of_a_further_topic_has_one_where_the_topic_is_read()
    {
        var settings = Configuration("order_flow=10s");
        Assert.Throws<InvalidSettingException>(() => new ServiceCollection().AddTidemark(settings));
        settings["PurchasesTopic"] = "orders";
        using var services = new ServiceCollection().AddLogging().AddTidemark(settings).BuildServiceProvider();
        var hosted = services.GetRequiredService<HostedPipelines>().All.Single(h => h.Name == HostedPipelines.Purchases);
        Assert.Equal(10_000, services.GetRequiredService<TidemarkOptions>().ToTick().IntervalOf(hosted.Pipeline.Queries.Single()));
    }

    private static Microsoft.Extensions.Configuration.IConfiguration Configuration(string triggers) =>
        TidemarkOptionsTests.Configuration([("AzureWebJobsStorage", "UseDevelopmentStorage=true"), ("BrokerList", "a:1"), ("QueryTriggers", triggers)]);
}
