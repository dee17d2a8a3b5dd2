using Confluent.Kafka;
using Tidemark.LocalHost.Emulator;

namespace Tidemark.LocalHost.Tests.Emulator;

public sealed class LogStartOffsetTests
{
    private static readonly TopicPartition Partition = new("events", 0);
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(10);

    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(1_000_000)]
    [InlineData(3_000_000_000)]
    public void Records_follow_at_the_offset_and_before_it_there_is_none(long offset)
    {
        using var kafka = new TestKafka(1);
        LogStartOffset.Advance(kafka.Brokers, "events", 0, offset);
        // What is behind a start of 1 begins with a marker, which no reader gets.
        Assert.Equal((offset == 1 ? 0 : offset, offset), Bounds(kafka));
        kafka.Produce(10);
        Assert.Equal((offset == 1 ? 0 : offset, offset + 10), Bounds(kafka));
        Assert.Equal(Enumerable.Range(0, 10).Select(i => (offset + i, i)), Read(kafka, offset + 10));
    }

    [Fact]
    public void An_offset_before_it_is_out_of_range()
    {
        using var kafka = new TestKafka(1);
        LogStartOffset.Advance(kafka.Brokers, "events", 0, 100);
        kafka.Produce(10);
        using var consumer = Consumer(kafka, AutoOffsetReset.Error);
        consumer.Assign(new TopicPartitionOffset(Partition, 99));
        var error = Assert.Throws<ConsumeException>(() => consumer.Consume(Patience)).Error.Code;
        Assert.True(error is ErrorCode.OffsetOutOfRange or ErrorCode.Local_AutoOffsetReset, $"{error}");
    }

    /// <summary>The hidden batch at its head does not disturb how the emulator drops what is too much.</summary>
    [Fact]
    public void The_log_goes_on_to_keep_its_newest_records()
    {
        using var kafka = new TestKafka(1);
        LogStartOffset.Advance(kafka.Brokers, "events", 0, 100);
        using (var producer = new ProducerBuilder<byte[], byte[]>(new ProducerConfig { BootstrapServers = kafka.Brokers, EnableIdempotence = true }).Build())
        {
            for (var i = 0; i < 80; i++)
                producer.Produce(Partition, new Message<byte[], byte[]> { Value = [.. BitConverter.GetBytes(i), .. new byte[100_000]] });
            producer.Flush(Patience);
        }

        var (low, high) = Bounds(kafka);
        Assert.Equal(180, high);
        Assert.InRange((high - low) * 100_004, 4 << 20, KafkaEmulator.RetainedBytes);
        Assert.Equal(Enumerable.Range((int)low, (int)(high - low)).Select(o => ((long)o, o - 100)), Read(kafka, high));
    }

    private static List<(long Offset, int Value)> Read(TestKafka kafka, long end)
    {
        using var consumer = Consumer(kafka, AutoOffsetReset.Earliest);
        consumer.Assign(new TopicPartitionOffset(Partition, Offset.Beginning));
        List<(long Offset, int Value)> read = [];
        while (read.Count == 0 || read[^1].Offset < end - 1)
        {
            var record = consumer.Consume(Patience);
            Assert.NotNull(record);
            read.Add((record.Offset.Value, BitConverter.ToInt32(record.Message.Value)));
        }

        return read;
    }

    private static (long Low, long High) Bounds(TestKafka kafka)
    {
        using var consumer = Consumer(kafka, AutoOffsetReset.Earliest);
        var bounds = consumer.QueryWatermarkOffsets(Partition, Patience);
        return (bounds.Low.Value, bounds.High.Value);
    }

    private static IConsumer<byte[], byte[]> Consumer(TestKafka kafka, AutoOffsetReset reset) => new ConsumerBuilder<byte[], byte[]>(
        new ConsumerConfig { BootstrapServers = kafka.Brokers, GroupId = "reader", EnableAutoCommit = false, AutoOffsetReset = reset, FetchWaitMaxMs = 10, CheckCrcs = true }).Build();
}
