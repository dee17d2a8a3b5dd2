using Confluent.Kafka;
using Confluent.Kafka.Admin;

namespace Tidemark.Functions.Kafka;

/// <summary>Makes topics that are missing.</summary>
internal static class TopicAdmin
{
    /// <summary>See <see cref="KafkaProducer.EnsureTopicAsync"/>.</summary>
    public static async Task<int> EnsureAsync(IAdminClient admin, string topic, int? partitions, short? replication, TimeSpan patience)
    {
        if (Partitions(admin, topic, patience) is > 0 and var found)
            return found;
        try
        {
            await admin.CreateTopicsAsync(
                [new TopicSpecification { Name = topic, NumPartitions = partitions ?? -1, ReplicationFactor = replication ?? -1 }],
                new CreateTopicsOptions { RequestTimeout = patience });
        }
        catch (CreateTopicsException e) when (e.Results[0].Error.Code is ErrorCode.TopicAlreadyExists)
        {
            // Another client was quicker.
        }
        catch (CreateTopicsException e)
        {
            throw new KafkaException(new Error(e.Results[0].Error.Code, $"the topic {topic} is missing and cannot be made ({e.Results[0].Error.Reason}); create it with your Kafka tools."));
        }

        return Partitions(admin, topic, patience) is > 0 and var made ? made : partitions ?? 1;
    }

    /// <summary>Number of partitions; 0 when there is no such topic (yet).</summary>
    private static int Partitions(IAdminClient admin, string topic, TimeSpan patience)
    {
        var metadata = admin.GetMetadata(topic, patience).Topics.Find(t => t.Topic == topic);
        return metadata?.Error.IsError == false ? metadata.Partitions.Count : 0;
    }
}
