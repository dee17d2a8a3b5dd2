using System.Runtime.InteropServices;
using Tidemark.LocalHost.Kafka.Native;
using static Tidemark.LocalHost.Kafka.Native.Librdkafka;

namespace Tidemark.LocalHost.Emulator;

/// <summary>
/// librdkafka's mock cluster with one broker on a free loopback port: real sockets, the real protocol, groups, committed offsets, idempotent
/// producers. All in memory; each partition keeps its newest <see cref="RetainedBytes"/> of batches. Clients cannot ask for a topic, but one
/// that they name comes to be.
/// </summary>
internal sealed class KafkaEmulator : IDisposable
{
    /// <summary>Bytes of record batches that a partition keeps; older batches are dropped.</summary>
    public const int RetainedBytes = 5 * 1024 * 1024;

    private nint client;
    private nint cluster;

    public KafkaEmulator()
    {
        client = ClientConfiguration.Create(TypeProducer, ClientConfiguration.Build(new Dictionary<string, string>()));
        cluster = rd_kafka_mock_cluster_new(client, 1);
        if (cluster == 0)
            throw new KafkaClientException("The Kafka emulator cannot open a port on 127.0.0.1.");
        Brokers = Marshal.PtrToStringUTF8(rd_kafka_mock_cluster_bootstraps(cluster))!;
    }

    /// <summary>HOST:PORT.</summary>
    public string Brokers { get; }

    /// <exception cref="KafkaClientException">The topic exists or the numbers are wrong.</exception>
    public void CreateTopic(string topic, int partitions)
    {
        var error = rd_kafka_mock_topic_create(cluster, topic, partitions, 1);
        if (error != ErrorNone)
            throw new KafkaClientException($"The topic {topic} with {partitions} partitions cannot be made: {Describe(error)}");
    }

    public void Dispose()
    {
        if (client == 0)
            return;
        rd_kafka_mock_cluster_destroy(cluster);
        rd_kafka_destroy(client);
        client = 0;
        cluster = 0;
    }
}
