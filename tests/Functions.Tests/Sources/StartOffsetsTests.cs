using Azure.Data.Tables;
using Microsoft.Extensions.DependencyInjection;
using Tidemark.Domain.Ledger;
using Tidemark.Domain.Pipelines;
using Tidemark.Functions.Configuration;
using Tidemark.Functions.Sources;
using Tidemark.Functions.Tables;
using Tidemark.Functions.Tests.Azure;
using Tidemark.Functions.Tests.Configuration;
using Tidemark.Functions.Tests.Corrections;
using Tidemark.Functions.Tests.Kafka;
using Tidemark.Functions.Tests.Triggers;
using Tidemark.Functions.Triggers;

namespace Tidemark.Functions.Tests.Sources;

/// <summary>Starts by time and by offset, wired as in production: with a trigger that delivers from the beginning and leaves holes.</summary>
[Collection(AzuriteCollection.Name)]
public sealed class StartOffsetsTests(Azurite azurite)
{
    [Fact]
    public async Task A_start_by_time_drops_what_is_before_it_and_fetches_what_the_trigger_passed_over()
    {
        using var broker = new MockBroker("events", EventScenario.Partitions);
        var records = await EventScenario.ProduceAsync(broker);
        // Record 301 of Kafka time is the second partition's 150th, record 302 the first one's 151st.
        var time = DateTimeOffset.FromUnixTimeMilliseconds(HandTime.Start + 300 * 6_000 + 1);
        await using var app = new App(azurite, broker.Brokers, null, ("StartFrom", time.ToString("O")), ("DeltaInterval", "1s"));
        await app.Get<IngestFunction>().RunAsync([.. records.Take(200)], app.Context);
        await app.Get<IngestFunction>().RunAsync([.. records.Skip(500).Take(20)], app.Context);
        await EventScenario.TickAsync(app, 2);

        var meta = (await app.Services.GetRequiredService<ILedger>().ReadMetaAsync(default))!.Value.Value;
        Assert.Equal([(0, 151L), (1, 150L)], meta.Starts.OrderBy(s => s.Key).Select(s => (s.Key, s.Value)));
        Assert.Equal(StartFrom.Parse(time.ToString("O")).ToString(), meta.StartedFrom);
        Assert.Equal(520 - 301, await app.CountAsync("bronze/events", EventScenario.Partitions));
        Assert.Empty(await app.Services.GetRequiredService<ILedger>().ReadGapsAsync([0, 1], default));
    }

    [Fact]
    public async Task Each_topic_begins_where_its_own_setting_says()
    {
        using var broker = new MockBroker(2, "events", "readings", "orders");
        foreach (var topic in new[] { "events", "readings", "orders" })
            await broker.ProduceAsync(topic, 0, 60);
        await using var app = new App(azurite, broker.Brokers, null, ("SensorsTopic", "readings"), ("PurchasesTopic", "orders"),
            ("StartFrom", "{\"0\":40,\"1\":-2}"), ("SensorsStartFrom", "2023-11-14T22:13:20.030Z"), ("PurchasesStartFrom", "latest"));
        await app.TickAsync();
        var starts = new Dictionary<string, IReadOnlyDictionary<int, long>>();
        foreach (var source in app.Services.GetRequiredService<HostedSources>().All.Where(s => s.Hosted.Kafka is not null || s.Name == HostedPipelines.Main))
            starts[source.Name] = (await source.Ledger.ReadMetaAsync(default))!.Value.Value.Starts;
        Assert.Equal([("events", 40L, 0L), ("purchases", 60, 0), ("sensors", 30, 0)], starts.OrderBy(s => s.Key, StringComparer.Ordinal).Select(s => (s.Key, s.Value[0], s.Value[1])));
    }

    [Fact]
    public async Task An_offset_that_the_topic_does_not_have_begins_nothing_and_says_what_to_change()
    {
        using var broker = new MockBroker("events", 2);
        await using var app = new App(azurite, broker.Brokers, null, ("StartFrom", "0:0,1:4500"));
        var e = await Assert.ThrowsAsync<StartException>(() => app.TickAsync());
        Assert.Equal("StartFrom names offset 4500 of partition 1, which ends at 0: name one of 0 to 0, or -1 for its end.", e.Message);
        Assert.Equal(e.Message, (await app.StatusAsync()).LastError!.Text);
        Assert.Null(await app.Services.GetRequiredService<ILedger>().ReadMetaAsync(default));
    }

    [Fact]
    public async Task What_was_asked_for_at_the_first_start_is_kept_with_the_offsets()
    {
        var table = new TableServiceClient(azurite.ConnectionString).GetTableClient("StartedFrom");
        await table.CreateIfNotExistsAsync();
        var ledger = new TableLedger(new PipelineId("v1", "events", 1), table);
        var meta = new Meta(new Dictionary<int, long> { [0] = 5 }, null, false, false) { StartedFrom = "0:5" };
        var etag = await ledger.TryWriteMetaAsync(meta, null, default);
        await ledger.TryWriteMetaAsync(meta with { FrontierMs = 9 }, etag, default);
        Assert.Equal("0:5", (await ledger.ReadMetaAsync(default))!.Value.Value.StartedFrom);
    }

    [Fact]
    public void Offsets_of_the_main_topic_say_nothing_of_a_further_one()
    {
        var e = Assert.Throws<InvalidSettingException>(() => TidemarkOptions.Read(TidemarkOptionsTests.Configuration(
            [("AzureWebJobsStorage", "UseDevelopmentStorage=true"), ("BrokerList", "a:1"), ("SensorsTopic", "readings"), ("StartFrom", "0:5")])));
        Assert.Equal("SensorsStartFrom", e.Setting);
        Assert.Contains("topic readings", e.Message);
    }
}
