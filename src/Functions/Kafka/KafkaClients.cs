using Confluent.Kafka;
using Tidemark.Functions.Configuration;
using Tidemark.Native;

namespace Tidemark.Functions.Kafka;

/// <summary>Client settings of our own consumer and producer, apart from the trigger's.</summary>
internal static class KafkaClients
{
    /// <summary>How to reach the brokers and sign in.</summary>
    public static ClientConfig Connection(KafkaOptions options)
    {
        var config = new ClientConfig { BootstrapServers = options.BrokerList, SecurityProtocol = options.Protocol };
        if (options.User is not null)
            (config.SaslMechanism, config.SaslUsername, config.SaslPassword) = (options.Mechanism, options.User, options.Password);
        if (options.CaLocation is not null)
            config.SslCaLocation = options.CaLocation;
        return config;
    }

    /// <summary>
    /// A consumer that is told where to read (assign and seek). It joins no group and commits nothing; its group name only has to exist for the
    /// client library and is not the trigger's.
    /// </summary>
    public static IConsumer<byte[]?, byte[]?> Reader(KafkaOptions options, Action<string> onTrouble)
    {
        NativeKafka.Load();
        var config = new ConsumerConfig(Connection(options))
        {
            GroupId = options.Group + "-reader",
            EnableAutoCommit = false,
            EnableAutoOffsetStore = false,
            EnablePartitionEof = true,
            IsolationLevel = IsolationLevel.ReadCommitted,
            AutoOffsetReset = AutoOffsetReset.Error,
            AllowAutoCreateTopics = false,
            SocketTimeoutMs = (int)options.Timeout.TotalMilliseconds,
        };
        return new ConsumerBuilder<byte[]?, byte[]?>(config)
            .SetErrorHandler((_, error) => onTrouble($"{error.Reason} ({error.Code})"))
            .SetLogHandler((_, line) =>
            {
                if (line.Level <= SyslogLevel.Error)
                    onTrouble(line.Message);
            })
            .Build();
    }
}
