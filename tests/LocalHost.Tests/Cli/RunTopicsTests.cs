using Microsoft.Extensions.Configuration;
using Tidemark.Functions.Configuration;
using Tidemark.LocalHost.Cli;
using Tidemark.LocalHost.Settings;

namespace Tidemark.LocalHost.Tests.Cli;

public sealed class RunTopicsTests
{
    [Theory]
    [InlineData("a.ndjson", "events", "a.ndjson")]
    [InlineData("events=a.ndjson", "events", "a.ndjson")]
    [InlineData("sensors=x=y.gz", "sensors", "x=y.gz")]
    [InlineData("purchases=/p", "purchases", "/p")]
    [InlineData("other=a.ndjson", "events", "other=a.ndjson")]
    [InlineData("=a.ndjson", "events", "=a.ndjson")]
    public void An_input_names_its_topic_or_is_for_the_main_one(string text, string name, string file) => Assert.Equal(new RunInput(name, file), RunInput.Parse(text));

    [Fact]
    public void The_demo_reads_every_topic_and_an_input_those_that_it_names()
    {
        Assert.Equal([("events", "events", "tidemark"), ("sensors", "sensors", "tidemark-sensors"), ("purchases", "purchases", "tidemark-purchases")], Topics(new RunOptions()));
        Assert.Equal([("events", "events", "tidemark")], Topics(new RunOptions { Inputs = [new("events", "f")] }));
        Assert.Equal([("events", "events", "tidemark"), ("sensors", "sensors", "tidemark-sensors")], Topics(new RunOptions { Inputs = [new("sensors", "f")] }));
        Assert.Equal([("events", "events", "tidemark")], Topics(new RunOptions { Kafka = "localhost:9092" }));
    }

    [Fact]
    public void A_command_needs_no_start_of_topics_that_the_run_need_not_have_read()
    {
        var settings = RunSettings.Read(new RunOptions());
        (settings["BrokerList"], settings["AzureWebJobsStorage"], settings["StartFrom"], settings["PurchasesStartFrom"]) = ("localhost:9092", "UseDevelopmentStorage=true", "0:5,1:7", "latest");
        var options = TidemarkOptions.Read(RunTopics.WithStarts(settings));
        Assert.Equal(["0:5,1:7", "earliest", "latest"], new[] { options.StartFrom, options.SensorsStartFrom, options.PurchasesStartFrom }.Select(start => start.ToString()));
    }

    [Fact]
    public void A_function_whose_topic_is_not_named_is_left_out()
    {
        var settings = RunSettings.Read(new RunOptions { Inputs = [new("sensors", "f")] });
        Assert.Equal([false, false, true], new[] { "Ingest", "IngestSensors", "IngestPurchases" }.Select(settings.IsDisabled));
    }

    [Fact]
    public async Task The_host_leaves_out_what_a_setting_disables()
    {
        using var kafka = new TestKafka();
        await using var host = await TestHost.StartAsync(
            [typeof(BatchFunction), typeof(RetryingBatchFunction)], new(TestHost.KafkaSettings(kafka)) { ["AzureWebJobs.RetryingBatch.Disabled"] = "True" });
        Assert.Single(host.Host.KafkaListeners);
    }

    [Fact]
    public void An_emulator_holds_every_topic_that_a_run_on_the_folder_may_read()
    {
        var settings = new ConfigurationBuilder().AddInMemoryCollection(new Dictionary<string, string?> { ["KafkaTopic"] = "clicks", ["KafkaGroup"] = "g", ["SensorsTopic"] = "boxes" }).Build();
        Assert.Equal([new("clicks", "g"), new("boxes", "g-sensors"), new("purchases", "g-purchases")], RunTopics.OfEmulator(settings));
    }

    private static IEnumerable<(string, string, string)> Topics(RunOptions options) => RunTopics.Of(RunSettings.Read(options)).Select(t => (t.Name, t.Topic, t.Group));
}
