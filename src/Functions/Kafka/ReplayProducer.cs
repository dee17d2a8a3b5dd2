using Confluent.Kafka;
using Tidemark.Functions.Configuration;
using Tidemark.Native;

namespace Tidemark.Functions.Kafka;

/// <summary>
/// Sends records to the topic, with acknowledgement by all replicas and without repeats within one attempt. The client is made at the first use: most
/// processes never send.
/// </summary>
internal sealed class ReplayProducer(KafkaOptions options) : IDisposable
{
    /// <summary>After this long an attempt has failed: the client delivers it no more.</summary>
    public static readonly TimeSpan GivesUpAfter = TimeSpan.FromSeconds(20);

    private readonly Lazy<IProducer<byte[]?, byte[]?>> _producer = new(() => Build(options));

    /// <summary>Sends one record to that partition; its offset. Throws when it surely or possibly was not delivered.</summary>
    public async Task<long> SendAsync(int partition, byte[]? key, byte[]? value, Headers headers, CancellationToken cancel) =>
        (await _producer.Value.ProduceAsync(new TopicPartition(options.Topic, partition), new Message<byte[]?, byte[]?> { Key = key, Value = value, Headers = headers }, cancel)).Offset.Value;

    public void Dispose()
    {
        if (_producer.IsValueCreated)
            _producer.Value.Dispose();
    }

    private static IProducer<byte[]?, byte[]?> Build(KafkaOptions options)
    {
        NativeKafka.Load();
        var config = new ProducerConfig
        {
            BootstrapServers = options.BrokerList,
            SecurityProtocol = options.Protocol,
            Acks = Acks.All,
            EnableIdempotence = true,
            MessageTimeoutMs = (int)GivesUpAfter.TotalMilliseconds,
            LingerMs = 0,
        };
        if (options.User is not null)
            (config.SaslMechanism, config.SaslUsername, config.SaslPassword) = (options.Mechanism, options.User, options.Password);
        if (options.CaLocation is not null)
            config.SslCaLocation = options.CaLocation;
        return new ProducerBuilder<byte[]?, byte[]?>(config).SetLogHandler((_, _) => { }).Build();
    }
}
