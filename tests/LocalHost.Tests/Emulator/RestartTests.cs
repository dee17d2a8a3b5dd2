using System.Globalization;
using Confluent.Kafka;
using Microsoft.Extensions.Logging.Abstractions;
using Tidemark.Functions.Configuration;
using Tidemark.Functions.Kafka;
using Tidemark.LocalHost.Emulator;
using Tidemark.LocalHost.Processes;

namespace Tidemark.LocalHost.Tests.Emulator;

public sealed class RestartTests
{
    private const long Time = 1_700_000_000_000;
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(10);

    /// <summary>
    /// Partition 0 has lost its oldest records to retention, all of partition 1 is there, and a topic that a client made is there, too. What was read and what was
    /// not is the same log after each restart: bounds, keys, values, tombstones, headers and times.
    /// </summary>
    [Fact]
    public async Task After_an_orderly_end_every_record_that_the_log_held_is_there_and_no_other()
    {
        Tidemark.Native.NativeKafka.Load();
        using var folder = new TestFolder();
        using var data = DataDirectory.Open(folder.Path);
        var services = new LocalServices(data, ServicePrograms.Locate(), TimeProvider.System);
        try
        {
            var brokers = await StartAsync(services);
            using (var producer = new ProducerBuilder<byte[]?, byte[]?>(new ProducerConfig { BootstrapServers = brokers, EnableIdempotence = true, BatchSize = 100_000, MessageMaxBytes = 3_000_000 }).Build())
            {
                for (var i = 0; i < 8_000; i++)
                    producer.Produce(new TopicPartition("events", 0), Record(i, 1_000));
                for (var i = 0; i < 100; i++)
                    producer.Produce(new TopicPartition("events", 1), Record(i, i == 50 ? 2_000_000 : 20));
                for (var i = 0; i < 20; i++)
                    producer.Produce(new TopicPartition("products", i % 2), Record(i, 30));
                producer.Flush(Patience);
            }

            var before = new[] { Read(brokers, new("events", 0)), Read(brokers, new("events", 1)), Read(brokers, new("products", 0)), Read(brokers, new("products", 1)) };
            Assert.InRange(before[0].Bounds.Low, 1, 7_999);
            Assert.Equal(["0..100", "0..10", "0..10"], before.Skip(1).Select(b => $"{b.Bounds.Low}..{b.Bounds.High}"));
            Commit(brokers, 8_000, 70);
            for (var restarts = 0; restarts < 2; restarts++)
            {
                await services.EndAsync();
                Assert.False(services.HasLostKafka());
                brokers = await StartAsync(services);
                Assert.Equal([8_000, 70], Committed(brokers));
                foreach (var was in before)
                {
                    var now = Read(brokers, was.Partition);
                    Assert.Equal(was.Bounds, now.Bounds);
                    Assert.Equal(was.Records, now.Records);
                }

                using var log = new KafkaTopicLog(Options(brokers), NullLogger<KafkaTopicLog>.Instance);
                var (low, high) = before[0].Bounds;
                Assert.Equal(low, await log.OffsetAtAsync(0, 0, CancellationToken.None));
                Assert.Equal(low, await log.OffsetAtAsync(0, Time + low - 1, CancellationToken.None));
                Assert.Equal(low + 1, await log.OffsetAtAsync(0, Time + low + 1, CancellationToken.None));
                Assert.Equal(high, await log.OffsetAtAsync(0, Time + high, CancellationToken.None));
                Assert.Equal(30, await log.OffsetAtAsync(1, Time + 30, CancellationToken.None));
            }

            using (var producer = new ProducerBuilder<byte[]?, byte[]?>(new ProducerConfig { BootstrapServers = brokers }).Build())
                Assert.Equal(8_000, (await producer.ProduceAsync(new TopicPartition("events", 0), Record(8_000, 20))).Offset.Value);
        }
        finally
        {
            await services.EndAsync();
        }
    }

    /// <summary>Every seventh is a tombstone, every eleventh has no key, some headers are empty, null or there twice; a value cannot be packed.</summary>
    private static Message<byte[]?, byte[]?> Record(int i, int size)
    {
        var value = new byte[size];
        new Random(i).NextBytes(value);
        var message = new Message<byte[]?, byte[]?>
        {
            Key = i % 11 == 0 ? null : BitConverter.GetBytes(i), Value = i % 7 == 0 ? null : value, Timestamp = new Timestamp(Time + i, TimestampType.CreateTime),
        };
        if (i % 3 == 0)
            message.Headers = [new Header("n", BitConverter.GetBytes(i)), new Header("n", []), new Header("null", null)];
        return message;
    }

    private static (TopicPartition Partition, (long Low, long High) Bounds, List<string> Records) Read(string brokers, TopicPartition partition)
    {
        using var consumer = Consumer(brokers, "reader");
        var bounds = consumer.QueryWatermarkOffsets(partition, Patience);
        consumer.Assign(new TopicPartitionOffset(partition, bounds.Low));
        List<string> records = [];
        for (var next = bounds.Low; next < bounds.High; next++)
        {
            var record = consumer.Consume(Patience);
            Assert.Equal(next, record.Offset);
            var headers = (record.Message.Headers ?? []).Select(h => $"{h.Key}={Text(h.GetValueBytes())}");
            records.Add(string.Create(CultureInfo.InvariantCulture,
                $"{record.Offset.Value} {record.Message.Timestamp.UnixTimestampMs} {Text(record.Message.Key)} {Text(record.Message.Value)} {string.Join(',', headers)}"));
        }

        return (partition, (bounds.Low.Value, bounds.High.Value), records);
    }

    private static KafkaOptions Options(string brokers) => new()
    {
        BrokerList = brokers, Topic = "events", Group = "test", Protocol = SecurityProtocol.Plaintext, Mechanism = SaslMechanism.Plain, Timeout = Patience,
    };

    private static string Text(byte[]? bytes) => bytes is null ? "null" : Convert.ToHexString(bytes);

    private static async Task<string> StartAsync(LocalServices services) => (await services.EnsureKafkaAsync([new("events", "test")], 2, CancellationToken.None)).Brokers;

    private static void Commit(string brokers, params long[] offsets)
    {
        using var consumer = Consumer(brokers, "test");
        consumer.Commit(offsets.Select((offset, p) => new TopicPartitionOffset("events", p, offset)));
    }

    private static IEnumerable<long> Committed(string brokers)
    {
        using var consumer = Consumer(brokers, "test");
        return [.. consumer.Committed([new("events", 0), new("events", 1)], Patience).Select(o => o.Offset.Value)];
    }

    private static IConsumer<byte[]?, byte[]?> Consumer(string brokers, string group) => new ConsumerBuilder<byte[]?, byte[]?>(new ConsumerConfig
    {
        BootstrapServers = brokers, GroupId = group, EnableAutoCommit = false, AutoOffsetReset = AutoOffsetReset.Earliest, FetchWaitMaxMs = 10,
    }).Build();
}
