using System.Globalization;
using Confluent.Kafka;

namespace Tidemark.Functions.Kafka;

/// <summary>How a <see cref="KafkaProducer"/> sends. The defaults are meant for results and events; a batch is full or as old as the linger when it goes.</summary>
public sealed record KafkaProducerOptions
{
    /// <summary>What makes a record arrive once and in order within a partition: acknowledged by all replicas, numbered by the client, at most five requests under way.</summary>
    public static readonly IReadOnlyDictionary<string, string> Reliable = new Dictionary<string, string>
    {
        ["acks"] = "all",
        ["enable.idempotence"] = "true",
        ["max.in.flight.requests.per.connection"] = "5",
        ["retry.backoff.ms"] = "100",
    };

    /// <summary>How batches are compressed.</summary>
    public CompressionType Compression { get; init; } = CompressionType.Lz4;

    /// <summary>How long a record waits for others.</summary>
    public TimeSpan Linger { get; init; } = TimeSpan.FromMilliseconds(20);

    /// <summary>Largest batch, bytes before compression; a larger record is a batch of its own.</summary>
    public int BatchBytes { get; init; } = 64 << 10;

    /// <summary>Most records that wait or are under way; more wait outside.</summary>
    public int QueueRecords { get; init; } = 100_000;

    /// <summary>Most bytes of them, KB.</summary>
    public int QueueKilobytes { get; init; } = 64 << 10;

    /// <summary>A record that is not acknowledged after this long has failed; until then it is tried again.</summary>
    public TimeSpan GivesUpAfter { get; init; } = TimeSpan.FromSeconds(30);

    internal ProducerConfig ToConfig(ClientConfig connection)
    {
        var config = new ProducerConfig(connection)
        {
            CompressionType = Compression,
            LingerMs = Linger.TotalMilliseconds,
            QueueBufferingMaxMessages = QueueRecords,
            QueueBufferingMaxKbytes = QueueKilobytes,
            MessageTimeoutMs = (int)GivesUpAfter.TotalMilliseconds,
            // As the Java client does, so that a key is in the same partition whoever sends it.
            Partitioner = Partitioner.Murmur2Random,
            // Brokers have a limit of their own, and say so.
            MessageMaxBytes = 16 << 20,
        };
        foreach (var (name, value) in Reliable)
            config.Set(name, value);
        config.Set("batch.size", BatchBytes.ToString(CultureInfo.InvariantCulture));
        return config;
    }
}

/// <summary>What became of the records given to a producer so far.</summary>
/// <param name="Delivered">Acknowledged by the brokers.</param>
/// <param name="Failed">Given up, or refused.</param>
public readonly record struct ProducerFigures(long Delivered, long Failed)
{
    /// <summary>Delivered of all that is decided, 0 to 1; 1 before the first.</summary>
    public double SuccessRate => Delivered + Failed == 0 ? 1 : (double)Delivered / (Delivered + Failed);
}
