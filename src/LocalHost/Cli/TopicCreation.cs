using Confluent.Kafka;
using Confluent.Kafka.Admin;
using Tidemark.LocalHost.Kafka;
using Tidemark.LocalHost.Producing;
using Tidemark.LocalHost.Settings;

namespace Tidemark.LocalHost.Cli;

/// <summary>Makes the topic on real brokers when it is missing.</summary>
internal static class TopicCreation
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(5);

    /// <summary>Number of partitions that the topic has. Brokers that are away are waited for.</summary>
    /// <exception cref="SettingException">The brokers refuse to make the topic.</exception>
    public static async Task<int> EnsureAsync(KafkaConnection connection, string topic, int partitions, TimeProvider time, TextWriter messages, CancellationToken cancel)
    {
        var told = false;
        while (true)
        {
            try
            {
                // The client waits in native code, which no token ends; whoever stops need not wait with it.
                return await Task.Run(() => FindOrMakeAsync(connection, topic, partitions), cancel).WaitAsync(cancel);
            }
            catch (KafkaException e) when (e.Error.IsLocalError)
            {
                if (!told)
                    messages.WriteLine($"Kafka at {connection} does not answer ({e.Error.Reason}); waiting for it. If the address is wrong, end with Ctrl-C and give another --kafka HOST:PORT.");
                told = true;
                await Task.Delay(TimeSpan.FromSeconds(1), time, cancel);
            }
        }
    }

    private static async Task<int> FindOrMakeAsync(KafkaConnection connection, string topic, int partitions)
    {
        using var tail = new TopicTail(connection, topic);
        if (tail.Partitions(Patience) is > 0 and var found)
            return found;
        using var admin = new AdminClientBuilder(new AdminClientConfig(connection.ToClientSettings())).SetLogHandler((_, _) => { }).Build();
        try
        {
            await admin.CreateTopicsAsync([new TopicSpecification { Name = topic, NumPartitions = partitions, ReplicationFactor = -1 }]);
        }
        catch (CreateTopicsException e) when (e.Results.Any(r => r.Error.Code is ErrorCode.TopicAlreadyExists))
        {
            // Another client was quicker.
        }
        catch (CreateTopicsException e)
        {
            throw new SettingException($"The topic {topic} is missing at {connection} and cannot be made ({e.Results[0].Error.Reason}); create it with your Kafka tools.");
        }

        return tail.Partitions() is > 0 and var made ? made : partitions;
    }
}
