using System.Globalization;
using Confluent.Kafka;
using Confluent.Kafka.Admin;
using Tidemark.LocalHost.Kafka;

namespace Tidemark.LocalHost.Doctor;

/// <summary>Asks the brokers. Nothing is written and no group is joined.</summary>
internal static class BrokerProbe
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(10);

    /// <exception cref="KafkaException">The brokers do not answer, or refuse the sign-in.</exception>
    public static Task<BrokerFacts> AskAsync(KafkaConnection connection, string topic, string group, IReadOnlyList<string> ownTopics, bool isEmulator, CancellationToken cancel) =>
        // The client waits in native code; a caller that is cancelled does not wait with it.
        Task.Run(() => Ask(connection, topic, group, ownTopics, isEmulator), cancel).WaitAsync(cancel);

    private static async Task<BrokerFacts> Ask(KafkaConnection connection, string topic, string group, IReadOnlyList<string> ownTopics, bool isEmulator)
    {
        Tidemark.Native.NativeKafka.Load();
        using var consumer = new ConsumerBuilder<byte[]?, byte[]?>(new ConsumerConfig(connection.ToClientSettings()) { GroupId = group, EnableAutoCommit = false, AllowAutoCreateTopics = false })
            .SetLogHandler((_, _) => { }).SetErrorHandler((_, _) => { }).Build();
        using var admin = new DependentAdminClientBuilder(consumer.Handle).Build();
        var all = admin.GetMetadata(Patience);
        var found = all.Topics.Find(t => t.Topic == topic && !t.Error.IsError)?.Partitions ?? [];
        var committed = Committed(consumer, topic, found);
        var partitions = found.OrderBy(p => p.PartitionId).Select(p =>
        {
            var bounds = consumer.QueryWatermarkOffsets(new TopicPartition(topic, p.PartitionId), Patience);
            return new PartitionFacts(
                p.PartitionId, p.Replicas.Length, p.InSyncReplicas.Length, bounds.Low.Value, bounds.High.Value,
                committed.TryGetValue(p.PartitionId, out var offset) ? offset : null, Next: null);
        }).ToList();
        var (retention, why) = found.Count == 0 || isEmulator ? (null, null) : await RetentionAsync(admin, topic);
        return new BrokerFacts(all.Brokers.Count, partitions, retention, why, [.. ownTopics.Where(own => !all.Topics.Exists(t => t.Topic == own && !t.Error.IsError))], isEmulator);
    }

    private static Dictionary<int, long> Committed(IConsumer<byte[]?, byte[]?> consumer, string topic, IReadOnlyList<PartitionMetadata> partitions) => partitions.Count == 0
        ? []
        : consumer.Committed([.. partitions.Select(p => new TopicPartition(topic, p.PartitionId))], Patience)
            .Where(o => o.Offset.Value >= 0).ToDictionary(o => o.Partition.Value, o => o.Offset.Value);

    // Event Hubs and some managed services do not tell topic settings to Kafka clients.
    private static async Task<(long? Ms, string? Why)> RetentionAsync(IAdminClient admin, string topic)
    {
        try
        {
            var resource = new ConfigResource { Type = ResourceType.Topic, Name = topic };
            var told = await admin.DescribeConfigsAsync([resource], new DescribeConfigsOptions { RequestTimeout = Patience });
            return told[0].Entries.TryGetValue("retention.ms", out var entry) && long.TryParse(entry.Value, CultureInfo.InvariantCulture, out var ms) ? (ms, null) : (null, "retention.ms is not among them.");
        }
        catch (KafkaException e)
        {
            return (null, e.Error.Reason);
        }
    }
}
