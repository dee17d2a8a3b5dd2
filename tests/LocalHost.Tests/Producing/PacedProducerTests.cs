using Confluent.Kafka;
using Microsoft.Extensions.Logging.Abstractions;
using Tidemark.LocalHost.Kafka;
using Tidemark.LocalHost.Kafka.Native;
using Tidemark.LocalHost.Producing;

namespace Tidemark.LocalHost.Tests.Producing;

public sealed class PacedProducerTests
{
    private static readonly byte[] Value = new byte[1000];

    [Fact]
    public async Task What_an_earlier_process_left_unread_counts_until_the_group_has_committed_it()
    {
        using var kafka = new TestKafka(1);
        kafka.Produce(10);
        await using var producer = new PacedProducer(new KafkaConnection(kafka.Brokers), "events", "test", [10], 1_000_000, TimeProvider.System, NullLogger.Instance);
        Assert.Throws<OperationCanceledException>(() => SendOrGiveUp(producer, 1));
        Commit(kafka, 9);
        Assert.Throws<OperationCanceledException>(() => SendOrGiveUp(producer, 1));
        Commit(kafka, 10);
        producer.Send(Record(1), () => { }, CancellationToken.None);
        producer.Flush(() => { }, CancellationToken.None);
        Assert.Equal((11, 1), producer.Acknowledged(0));
    }

    [Fact]
    public async Task It_never_runs_ahead_of_commits_or_of_what_was_released_by_more_than_its_window()
    {
        using var kafka = new TestKafka(1);
        await using var producer = new PacedProducer(new KafkaConnection(kafka.Brokers), "events", "test", [0], 200_000, TimeProvider.System, NullLogger.Instance);
        producer.Release(0, 0);
        var sent = 0L;
        Assert.Throws<OperationCanceledException>(() =>
        {
            for (; sent < 1000; sent++)
                SendOrGiveUp(producer, sent + 1);
        });
        Assert.InRange(sent * 1000, 150_000, 201_000);
        producer.Flush(() => { }, CancellationToken.None);
        Commit(kafka, producer.Acknowledged(0)!.Value.NextOffset);
        Assert.Throws<OperationCanceledException>(() => SendOrGiveUp(producer, sent + 1)); // Committed, but not released.
        producer.Release(0, long.MaxValue);
        producer.Send(Record(sent + 1), () => { }, CancellationToken.None);
    }

    private static OutgoingRecord Record(long tag) => new() { Partition = 0, Value = Value, Tag = tag };

    /// <summary>Sends, or gives up after it has waited for a few dozen answers about commits.</summary>
    private static void SendOrGiveUp(PacedProducer producer, long tag)
    {
        using var cancel = new CancellationTokenSource();
        var waits = 0;
        producer.Send(Record(tag), () => { if (++waits > 50) cancel.Cancel(); }, cancel.Token);
    }

    private static void Commit(TestKafka kafka, long offset)
    {
        using var consumer = new ConsumerBuilder<byte[], byte[]>(new ConsumerConfig { BootstrapServers = kafka.Brokers, GroupId = "test" }).Build();
        consumer.Commit([new TopicPartitionOffset("events", 0, offset)]);
    }
}
