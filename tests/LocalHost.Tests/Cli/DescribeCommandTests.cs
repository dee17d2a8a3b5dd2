using Microsoft.Extensions.Configuration;
using Tidemark.Domain.Clickstream;
using Tidemark.Functions.Configuration;
using Tidemark.LocalHost.Cli;

namespace Tidemark.LocalHost.Tests.Cli;

public sealed class DescribeCommandTests
{
    [Fact]
    public async Task The_whole_pipeline_is_printed_or_the_part_that_is_asked_for()
    {
        var all = await RunAsync();
        Assert.Equal(ExitCodes.Success, all.Code);
        string[] further = ["sensor_metrics", "sensor_alerts", "order_flow", "view_to_purchase", "view_to_purchase_late"];
        foreach (var name in (string[])[.. ClickstreamQueries.All.Select(q => q.Name), .. ClickstreamStreams.All.Select(s => s.Name), .. further])
        {
            var part = await RunAsync(name);
            Assert.Equal(ExitCodes.Success, part.Code);
            Assert.Contains(part.Output, all.Output);
            Assert.Single(part.Output.Split('\n'), line => !line.StartsWith(' ') && line.Length > 0);
            Assert.Equal(part.Output, (await RunAsync($"gold/{name}")).Output);
        }

        foreach (var (name, column) in new[] { ("silver/sensors_late", "device_id"), ("view_to_purchase", "view_id"), ("view_to_purchase_late", "watermark") })
            Assert.Contains($"\n    {column} ", (await RunAsync(name)).Output);
    }

    [Fact]
    public async Task A_name_that_there_is_not_is_one_sentence_with_those_that_there_are()
    {
        var (code, output, errors) = await RunAsync("sales");
        Assert.Equal((ExitCodes.BadSetting, ""), (code, output));
        Assert.Contains("'sales'", errors);
        Assert.Contains("country_revenue", errors);
    }

    [Fact]
    public void A_query_is_described_with_the_interval_that_the_setting_gives_it()
    {
        const string Text = "topic events\nquery a\n  window 1\n  trigger every 00:01:00\n  into gold/a\nquery b\n  window 1\n  into gold/b\nstream c\n  window 1\n";
        Assert.Equal(Text, Apply(""));
        Assert.Equal("topic events\nquery a\n  window 1\n  into gold/a\nquery b\n  window 1\n  into gold/b\nstream c\n  window 1\n", Apply("off"));
        Assert.Equal(
            "topic events\nquery a\n  window 1\n  into gold/a\nquery b\n  window 1\n  trigger every 00:00:10, by QueryTriggers\n  into gold/b\nstream c\n  window 1\n", Apply("a=0s,b=10s,c=1m"));

        static string Apply(string setting) => TriggerText.Apply(Text, TriggerIntervals.Read(new SettingReader(
            new ConfigurationBuilder().AddInMemoryCollection([KeyValuePair.Create("QueryTriggers", (string?)setting)]).Build())));
    }

    private static async Task<(int Code, string Output, string Errors)> RunAsync(params string[] arguments)
    {
        using StringWriter output = new(), errors = new();
        return (await CommandLine.RunAsync(["describe", .. arguments], output, errors), output.ToString(), errors.ToString());
    }
}
