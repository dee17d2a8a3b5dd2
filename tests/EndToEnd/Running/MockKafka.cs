using System.Runtime.InteropServices;
using Confluent.Kafka;
using Tidemark.Native;

namespace Tidemark.EndToEnd.Running;

/// <summary>A broker of the test's own (librdkafka's mock cluster: real sockets, real protocol) with one topic, or more.</summary>
internal sealed partial class MockKafka : IDisposable
{
    private readonly IntPtr _owner, _cluster;

    public MockKafka(string topic, int partitions)
    {
        NativeKafka.Load();
        Topic = topic;
        _owner = rd_kafka_new(0, rd_kafka_conf_new(), new byte[512], 512);
        _cluster = rd_kafka_mock_cluster_new(_owner, 1);
        Address = Marshal.PtrToStringUTF8(rd_kafka_mock_cluster_bootstraps(_cluster))!;
        Assert.Equal(0, rd_kafka_mock_topic_create(_cluster, topic, partitions, 1));
    }

    public string Topic { get; }

    /// <summary>host:port.</summary>
    public string Address { get; }

    /// <summary>Makes another topic.</summary>
    public void Create(string topic, int partitions) => Assert.Equal(0, rd_kafka_mock_topic_create(_cluster, topic, partitions, 1));

    /// <summary>Sends the records, each acknowledged, those of a key in order.</summary>
    public async Task ProduceAsync(IEnumerable<(byte[]? Key, byte[]? Value)> records, string? topic = null)
    {
        var config = new ProducerConfig { BootstrapServers = Address, EnableIdempotence = true, MessageMaxBytes = 1_000_000, LingerMs = 20 };
        using var producer = new ProducerBuilder<byte[]?, byte[]?>(config)
            .SetKeySerializer(Serializers.ByteArray!).SetValueSerializer(Serializers.ByteArray!).Build();
        var sent = records.Select(r => producer.ProduceAsync(topic ?? Topic, new Message<byte[]?, byte[]?> { Key = r.Key, Value = r.Value })).ToList();
        producer.Flush(TimeSpan.FromSeconds(60));
        await Task.WhenAll(sent);
    }

    public void Dispose()
    {
        rd_kafka_mock_cluster_destroy(_cluster);
        rd_kafka_destroy(_owner);
    }

    [LibraryImport(NativeKafka.Library)]
    private static partial IntPtr rd_kafka_conf_new();

    [LibraryImport(NativeKafka.Library)]
    private static partial IntPtr rd_kafka_new(int type, IntPtr conf, byte[] error, nuint size);

    [LibraryImport(NativeKafka.Library)]
    private static partial IntPtr rd_kafka_mock_cluster_new(IntPtr owner, int brokers);

    [LibraryImport(NativeKafka.Library)]
    private static partial IntPtr rd_kafka_mock_cluster_bootstraps(IntPtr cluster);

    [LibraryImport(NativeKafka.Library, StringMarshalling = StringMarshalling.Utf8)]
    private static partial int rd_kafka_mock_topic_create(IntPtr cluster, string topic, int partitions, int replication);

    [LibraryImport(NativeKafka.Library)]
    private static partial void rd_kafka_mock_cluster_destroy(IntPtr cluster);

    [LibraryImport(NativeKafka.Library)]
    private static partial void rd_kafka_destroy(IntPtr owner);
}
