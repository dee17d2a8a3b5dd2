using Confluent.Kafka;
using Tidemark.LocalHost.Kafka;
using Tidemark.LocalHost.Producing;

namespace Tidemark.LocalHost.Tests.Producing;

public sealed class ReaderPaceTests
{
    [Fact]
    public async Task Room_is_made_by_the_group_that_reads()
    {
        using var kafka = new TestKafka(2);
        kafka.Produce(10);
        await using var pace = new ReaderPace(new KafkaConnection(kafka.Brokers), "events", "test", 2, isRead: true, TimeProvider.System, TextWriter.Null);
        var flushed = 0;
        var room = pace.RoomForAsync(1_000, () => flushed++, CancellationToken.None).AsTask();
        Assert.False(room.IsCompleted);
        Commit(kafka, 5, 4);
        Assert.False(room.IsCompleted);
        Commit(kafka, 5, 5);
        Assert.True(await room);
        Assert.Equal(1, flushed);
        Assert.True(await pace.RoomForAsync(2 << 20, () => flushed++, CancellationToken.None));
        Assert.Equal(1, flushed);
    }

    [Fact]
    public async Task Where_nobody_reads_there_is_room_for_half_a_megabyte()
    {
        using var kafka = new TestKafka(1);
        await using var pace = new ReaderPace(new KafkaConnection(kafka.Brokers), "events", "test", 1, isRead: false, TimeProvider.System, TextWriter.Null);
        Assert.True(await pace.RoomForAsync(500 << 10, () => { }, CancellationToken.None));
        Assert.False(await pace.RoomForAsync(100 << 10, () => { }, CancellationToken.None));
    }

    private static void Commit(TestKafka kafka, params long[] offsets)
    {
        using var consumer = new ConsumerBuilder<byte[], byte[]>(new ConsumerConfig { BootstrapServers = kafka.Brokers, GroupId = "test" }).Build();
        consumer.Commit(offsets.Select((offset, p) => new TopicPartitionOffset("events", p, offset)));
    }
}
