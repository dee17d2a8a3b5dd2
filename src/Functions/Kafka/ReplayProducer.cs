using Confluent.Kafka;
using Microsoft.Extensions.Logging;
using Tidemark.Functions.Configuration;

namespace Tidemark.Functions.Kafka;

/// <summary>Sends records to the topic that is read, each to a partition of the caller's choice, one at a time.</summary>
internal sealed class ReplayProducer(KafkaOptions options, ILogger<ReplayProducer> logger) : IDisposable
{
    /// <summary>After this long an attempt has failed: the client delivers it no more.</summary>
    public static readonly TimeSpan GivesUpAfter = TimeSpan.FromSeconds(20);

    private readonly KafkaProducer _producer = new(KafkaClients.Connection(options), new KafkaProducerOptions { Compression = CompressionType.None, Linger = TimeSpan.Zero, GivesUpAfter = GivesUpAfter }, logger);

    /// <summary>Sends one record to that partition; its offset. Throws when it surely or possibly was not delivered.</summary>
    public Task<long> SendAsync(int partition, byte[]? key, byte[]? value, Headers headers, CancellationToken cancel) =>
        _producer.SendAsync(new TopicPartition(options.Topic, partition), new Message<byte[]?, byte[]?> { Key = key, Value = value, Headers = headers }, cancel);

    public void Dispose() => _producer.Dispose();
}
