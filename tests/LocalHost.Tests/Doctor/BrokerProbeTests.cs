using Confluent.Kafka;
using Tidemark.LocalHost.Doctor;
using Tidemark.LocalHost.Kafka;

namespace Tidemark.LocalHost.Tests.Doctor;

/// <summary>What is asked over the Kafka protocol, of brokers that tell no topic settings.</summary>
public sealed class BrokerProbeTests
{
    [Fact]
    public async Task Partitions_bounds_and_offsets_of_the_group_are_told_and_why_settings_are_not()
    {
        using var kafka = new TestKafka(partitions: 3);
        kafka.Produce(90);
        using (var consumer = new ConsumerBuilder<byte[], byte[]>(new ConsumerConfig { BootstrapServers = kafka.Brokers, GroupId = "shop", EnableAutoCommit = false }).Build())
            consumer.Commit([new TopicPartitionOffset("events", 1, 20)]);

        var facts = await BrokerProbe.AskAsync(new KafkaConnection(kafka.Brokers), "events", "shop", ["events", "events.dlq"], isEmulator: false, CancellationToken.None);
        Assert.Equal([(0, 0L, 30L, (long?)null), (1, 0L, 30L, 20L), (2, 0L, 30L, null)], facts.Partitions.Select(p => (p.Partition, p.Start, p.End, p.Committed)));
        Assert.Null(facts.RetentionMs);
        Assert.NotEmpty(facts.WhyNoSettings!);
        Assert.Equal(["events.dlq"], facts.Missing);
        Assert.All(facts.Partitions, p => Assert.Equal(1, p.Replicas));
    }

    [Fact]
    public async Task A_topic_that_is_missing_has_no_partitions_and_is_not_made()
    {
        using var kafka = new TestKafka();
        for (var time = 0; time < 2; time++)
        {
            var facts = await BrokerProbe.AskAsync(new KafkaConnection(kafka.Brokers), "orders", "shop", ["orders.dlq"], isEmulator: false, CancellationToken.None);
            Assert.Empty(facts.Partitions);
            Assert.Equal(["orders.dlq"], facts.Missing);
            Assert.Equal(1, facts.Brokers);
        }
    }
}
