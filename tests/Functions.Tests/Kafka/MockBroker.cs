using System.Runtime.InteropServices;
using System.Text;
using Confluent.Kafka;
using Microsoft.Azure.Functions.Worker;
using Tidemark.Native;

namespace Tidemark.Functions.Tests.Kafka;

/// <summary>The client library's own mock cluster: real sockets and the real protocol, in memory.</summary>
internal sealed class MockBroker : IDisposable
{
    private readonly IntPtr _owner;
    private IntPtr _cluster;
    private IProducer<byte[]?, byte[]?>? _producer;

    public MockBroker(string topic, int partitions)
        : this(partitions, topic)
    {
    }

    public MockBroker(int partitions, params string[] topics)
    {
        NativeKafka.Load();
        _owner = rd_kafka_new(0, rd_kafka_conf_new(), new byte[512], 512);
        _cluster = rd_kafka_mock_cluster_new(_owner, 1);
        Brokers = Marshal.PtrToStringUTF8(rd_kafka_mock_cluster_bootstraps(_cluster))!;
        Assert.All(topics, topic => Assert.Equal(0, rd_kafka_mock_topic_create(_cluster, topic, partitions, 1)));
    }

    public string Brokers { get; }

    public async Task ProduceAsync(string topic, int partition, int count)
    {
        using var producer = new ProducerBuilder<byte[]?, byte[]?>(new ProducerConfig { BootstrapServers = Brokers }).Build();
        await Task.WhenAll(Enumerable.Range(0, count).Select(i => producer.ProduceAsync(new TopicPartition(topic, partition), new Message<byte[]?, byte[]?>
        {
            Key = i % 3 == 0 ? null : Encoding.UTF8.GetBytes($"k{i}"),
            Value = i % 5 == 4 ? null : Encoding.UTF8.GetBytes($"v{i}"),
            Timestamp = new Timestamp(1_700_000_000_000 + i, TimestampType.CreateTime),
            Headers = i == 1 ? new Headers { { "h", [9] } } : null,
        })));
    }

    /// <summary>Sends records to the partitions that they name.</summary>
    public async Task ProduceAsync(string topic, IEnumerable<KafkaRecord> records)
    {
        using var producer = new ProducerBuilder<byte[]?, byte[]?>(new ProducerConfig { BootstrapServers = Brokers }).Build();
        await Task.WhenAll(records.Select(r => producer.ProduceAsync(new TopicPartition(topic, r.Partition), new Message<byte[]?, byte[]?>
        {
            Value = r.Value, Timestamp = new Timestamp(r.Timestamp!.UnixTimestampMs, TimestampType.CreateTime),
        })));
    }

    public async Task ProduceAsync(string topic, int partition, string key, string value, params (string Name, string Value)[] headers)
    {
        _producer ??= new ProducerBuilder<byte[]?, byte[]?>(new ProducerConfig { BootstrapServers = Brokers, LingerMs = 0 }).Build();
        var all = new Headers();
        foreach (var (name, text) in headers)
            all.Add(name, Encoding.UTF8.GetBytes(text));
        await _producer.ProduceAsync(new TopicPartition(topic, partition), new Message<byte[]?, byte[]?> { Key = Encoding.UTF8.GetBytes(key), Value = Encoding.UTF8.GetBytes(value), Headers = all });
    }

    /// <summary>The broker no longer answers.</summary>
    public void Stop()
    {
        if (_cluster != IntPtr.Zero)
            rd_kafka_mock_cluster_destroy(_cluster);
        _cluster = IntPtr.Zero;
    }

    public void Dispose()
    {
        _producer?.Dispose();
        Stop();
        rd_kafka_destroy(_owner);
    }

    [DllImport(NativeKafka.Library)]
    private static extern IntPtr rd_kafka_conf_new();

    [DllImport(NativeKafka.Library)]
    private static extern IntPtr rd_kafka_new(int type, IntPtr conf, byte[] error, nuint size);

    [DllImport(NativeKafka.Library)]
    private static extern void rd_kafka_destroy(IntPtr client);

    [DllImport(NativeKafka.Library)]
    private static extern IntPtr rd_kafka_mock_cluster_new(IntPtr owner, int brokers);

    [DllImport(NativeKafka.Library)]
    private static extern IntPtr rd_kafka_mock_cluster_bootstraps(IntPtr cluster);

    [DllImport(NativeKafka.Library)]
    private static extern int rd_kafka_mock_topic_create(IntPtr cluster, string topic, int partitions, int replication);

    [DllImport(NativeKafka.Library)]
    private static extern void rd_kafka_mock_cluster_destroy(IntPtr cluster);
}
