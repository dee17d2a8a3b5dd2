using System.Runtime.InteropServices;
using System.Text;
using Confluent.Kafka;
using Tidemark.Native;

namespace Tidemark.Feed.Tests;

/// <summary>The Kafka client finds its native library and speaks the real protocol to librdkafka's mock cluster.</summary>
public sealed class KafkaTests : IDisposable
{
    private readonly IntPtr owner;
    private readonly IntPtr cluster;
    private readonly string brokers;

    public KafkaTests()
    {
        NativeKafka.Load();
        owner = Mock.rd_kafka_new(0, Mock.rd_kafka_conf_new(), new byte[512], 512);
        cluster = Mock.rd_kafka_mock_cluster_new(owner, 1);
        brokers = Marshal.PtrToStringUTF8(Mock.rd_kafka_mock_cluster_bootstraps(cluster))!;
        Assert.Equal(0, Mock.rd_kafka_mock_topic_create(cluster, "events", 3, 1));
    }

    [Fact]
    public async Task What_is_produced_is_consumed_in_order_from_every_partition_and_offsets_are_committed()
    {
        const int PerPartition = 200;
        using (var producer = new ProducerBuilder<byte[], byte[]>(new ProducerConfig { BootstrapServers = brokers, EnableIdempotence = true }).Build())
        {
            var sent = new List<Task<DeliveryResult<byte[], byte[]>>>();
            for (var i = 0; i < 3 * PerPartition; i++)
            {
                sent.Add(producer.ProduceAsync(new TopicPartition("events", i % 3), new Message<byte[], byte[]>
                {
                    Key = BitConverter.GetBytes(i),
                    Value = i % 50 == 0 ? null! : Encoding.UTF8.GetBytes($"value {i}"),
                    Headers = new Headers { { "n", BitConverter.GetBytes(i) } },
                }));
            }

            producer.Flush(TimeSpan.FromSeconds(30));
            await Task.WhenAll(sent);
        }

        var seen = new Dictionary<int, List<ConsumeResult<byte[], byte[]>>>();
        using (var consumer = Consumer())
        {
            consumer.Subscribe("events");
            var deadline = DateTime.UtcNow.AddSeconds(60);
            while (seen.Values.Sum(l => l.Count) < 3 * PerPartition && DateTime.UtcNow < deadline)
            {
                if (consumer.Consume(TimeSpan.FromSeconds(1)) is not { } record)
                    continue;
                if (!seen.TryGetValue(record.Partition, out var list))
                    seen[record.Partition] = list = [];
                list.Add(record);
            }

            consumer.Commit(seen.Select(p => new TopicPartitionOffset("events", p.Key, PerPartition)));
        }

        Assert.Equal([0, 1, 2], seen.Keys.Order());
        foreach (var (partition, records) in seen)
        {
            Assert.Equal(Enumerable.Range(0, PerPartition).Select(i => (long)i), records.Select(r => r.Offset.Value));
            Assert.Equal(Enumerable.Range(0, PerPartition).Select(i => 3 * i + partition), records.Select(r => BitConverter.ToInt32(r.Message.Key)));
            Assert.All(records, r => Assert.Equal(r.Message.Key, r.Message.Headers.GetLastBytes("n")));
            Assert.All(records, r => Assert.Equal(BitConverter.ToInt32(r.Message.Key) % 50 == 0, r.Message.Value is null));
        }

        using var again = Consumer();
        var committed = again.Committed([new("events", 0), new("events", 1), new("events", 2)], TimeSpan.FromSeconds(10));
        Assert.All(committed, c => Assert.Equal(PerPartition, c.Offset.Value));
        Assert.Equal((0, PerPartition), Offsets(again.QueryWatermarkOffsets(new TopicPartition("events", 1), TimeSpan.FromSeconds(10))));
    }

    public void Dispose()
    {
        Mock.rd_kafka_mock_cluster_destroy(cluster);
        Mock.rd_kafka_destroy(owner);
    }

    private static (long Low, long High) Offsets(WatermarkOffsets offsets) => (offsets.Low.Value, offsets.High.Value);

    private IConsumer<byte[], byte[]> Consumer() => new ConsumerBuilder<byte[], byte[]>(new ConsumerConfig
    {
        BootstrapServers = brokers,
        GroupId = "tests",
        AutoOffsetReset = AutoOffsetReset.Earliest,
        EnableAutoCommit = false,
    }).Build();

    private static class Mock
    {
        [DllImport(NativeKafka.Library)]
        public static extern IntPtr rd_kafka_conf_new();

        [DllImport(NativeKafka.Library)]
        public static extern IntPtr rd_kafka_new(int type, IntPtr conf, byte[] error, nuint size);

        [DllImport(NativeKafka.Library)]
        public static extern IntPtr rd_kafka_mock_cluster_new(IntPtr owner, int brokers);

        [DllImport(NativeKafka.Library)]
        public static extern IntPtr rd_kafka_mock_cluster_bootstraps(IntPtr cluster);

        [DllImport(NativeKafka.Library, CharSet = CharSet.Ansi)]
        public static extern int rd_kafka_mock_topic_create(IntPtr cluster, string topic, int partitions, int replication);

        [DllImport(NativeKafka.Library)]
        public static extern void rd_kafka_mock_cluster_destroy(IntPtr cluster);

        [DllImport(NativeKafka.Library)]
        public static extern void rd_kafka_destroy(IntPtr owner);
    }
}
