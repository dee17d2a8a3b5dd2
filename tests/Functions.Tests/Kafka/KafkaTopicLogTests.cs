using System.Text;
using Confluent.Kafka;
using Microsoft.Extensions.Logging.Abstractions;
using Tidemark.Domain.Ledger;
using Tidemark.Functions.Configuration;
using Tidemark.Functions.Kafka;

namespace Tidemark.Functions.Tests.Kafka;

public sealed class KafkaTopicLogTests
{
    [Fact]
    public async Task Partitions_bounds_and_records_are_what_was_produced()
    {
        using var broker = new MockBroker("events", 3);
        await broker.ProduceAsync("events", 1, 50);
        using var log = New(broker);

        Assert.Equal([0, 1, 2], await log.PartitionsAsync(default));
        Assert.Equal(new LogBounds(0, 0), await log.BoundsAsync(0, default));
        Assert.Equal(new LogBounds(0, 50), await log.BoundsAsync(1, default));
        var records = await log.FetchAsync(1, 10, 30, 100, default);
        Assert.Equal(Enumerable.Range(10, 20).Select(i => (long)i), records.Select(r => r.Offset));
        Assert.All(records, r =>
        {
            Assert.Equal(1_700_000_000_000 + r.Offset, r.KafkaTimeMs);
            Assert.Equal(r.Offset % 3 == 0 ? null : $"k{r.Offset}", r.Key is null ? null : Encoding.UTF8.GetString(r.Key));
            Assert.Equal(r.Offset % 5 == 4 ? null : $"v{r.Offset}", r.Value is null ? null : Encoding.UTF8.GetString(r.Value));
        });
    }

    [Fact]
    public async Task Limits_ends_headers_and_empty_ranges_are_kept_also_when_asked_at_once()
    {
        using var broker = new MockBroker("events", 2);
        await broker.ProduceAsync("events", 0, 20);
        using var log = New(broker);

        Assert.Equal([5, 6, 7], (await log.FetchAsync(0, 5, 20, 3, default)).Select(r => r.Offset));
        Assert.Empty(await log.FetchAsync(0, 7, 7, 3, default));
        Assert.Empty(await log.FetchAsync(1, 0, 0, 3, default));
        var header = Assert.Single((await log.FetchAsync(0, 1, 2, 9, default))[0].Headers);
        Assert.Equal(("h", (byte)9), (header.Key, Assert.Single(header.Value!)));
        var many = await Task.WhenAll(Enumerable.Range(0, 12).Select(i => log.FetchAsync(0, i, 20, 100, default)));
        Assert.Equal(Enumerable.Range(0, 12).Select(i => 20 - i), many.Select(m => m.Count));
    }

    [Fact]
    public async Task A_time_has_the_first_offset_with_it_or_a_later_one_also_where_the_broker_keeps_no_index_of_times()
    {
        using var broker = new MockBroker("events", 2);
        await broker.ProduceAsync("events", 0, 2_100);
        using var log = New(broker);

        Assert.Equal(0, await log.OffsetAtAsync(0, 1_600_000_000_000, default));
        Assert.Equal(1_503, await log.OffsetAtAsync(0, 1_700_000_001_503, default));
        Assert.Equal(2_100, await log.OffsetAtAsync(0, 1_700_000_002_100, default));
        Assert.Equal(0, await log.OffsetAtAsync(1, 0, default));
    }

    [Fact]
    public async Task Offsets_beyond_the_log_end_are_a_failure_that_names_the_setting()
    {
        using var broker = new MockBroker("events", 1);
        await broker.ProduceAsync("events", 0, 5);
        using var log = New(broker);
        var e = await Assert.ThrowsAsync<InvalidOperationException>(() => log.FetchAsync(0, 0, 6, 100, default));
        Assert.Contains("TopicGeneration", e.Message);
    }

    [Fact]
    public async Task A_broker_that_is_away_is_a_failure_and_never_an_empty_answer()
    {
        using var broker = new MockBroker("events", 1);
        await broker.ProduceAsync("events", 0, 5);
        using var log = New(broker);
        Assert.Equal(5, (await log.FetchAsync(0, 0, 5, 100, default)).Count);
        broker.Stop();

        await Assert.ThrowsAnyAsync<KafkaException>(() => log.FetchAsync(0, 0, 5, 100, default));
        await Assert.ThrowsAnyAsync<KafkaException>(() => log.BoundsAsync(0, default));
        await Assert.ThrowsAnyAsync<KafkaException>(() => log.PartitionsAsync(default));
    }

    [Fact]
    public async Task A_topic_that_is_not_there_is_a_failure()
    {
        using var broker = new MockBroker("events", 1);
        using var log = New(broker, "other");
        await Assert.ThrowsAnyAsync<KafkaException>(() => log.BoundsAsync(7, default));
    }

    private static KafkaTopicLog New(MockBroker broker, string topic = "events") => new(
        new KafkaOptions
        {
            BrokerList = broker.Brokers,
            Topic = topic,
            Group = "tests",
            Protocol = SecurityProtocol.Plaintext,
            Mechanism = SaslMechanism.Plain,
            Timeout = TimeSpan.FromSeconds(2),
        },
        NullLogger<KafkaTopicLog>.Instance);
}
