using System.Text;
using Confluent.Kafka;

namespace Tidemark.Functions.Tests.Kafka;

/// <summary>A record as a consumer sees it.</summary>
internal sealed record ReadRecord(int Partition, long Offset, string? Key, byte[]? Bytes, IReadOnlyDictionary<string, string> Headers)
{
    public string? Value => Bytes is null ? null : Encoding.UTF8.GetString(Bytes);
}

/// <summary>Reads topics as any consumer would.</summary>
internal static class TopicReader
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(60);

    /// <summary>Everything that is in the topic, partition by partition; nothing when there is no such topic.</summary>
    public static IReadOnlyList<ReadRecord> All(string brokers, string topic)
    {
        using var consumer = new ConsumerBuilder<byte[]?, byte[]?>(new ConsumerConfig { BootstrapServers = brokers, GroupId = "reader", EnablePartitionEof = true, EnableAutoCommit = false }).Build();
        using var admin = new DependentAdminClientBuilder(consumer.Handle).Build();
        var found = admin.GetMetadata(topic, Patience).Topics.Single(t => t.Topic == topic);
        var records = new List<ReadRecord>();
        foreach (var partition in found.Partitions.Select(p => p.PartitionId).Order())
        {
            consumer.Assign(new TopicPartitionOffset(topic, partition, Offset.Beginning));
            while (consumer.Consume(Patience) is { IsPartitionEOF: false } result)
                records.Add(new ReadRecord(
                    partition, result.Offset.Value, result.Message.Key is { } key ? Encoding.UTF8.GetString(key) : null, result.Message.Value,
                    (result.Message.Headers ?? []).GroupBy(h => h.Key).ToDictionary(h => h.Key, h => Encoding.UTF8.GetString(h.Last().GetValueBytes() ?? []))));
            consumer.Unassign();
        }

        return records;
    }
}
