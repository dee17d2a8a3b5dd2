using System.Text;
using Confluent.Kafka;

namespace Tidemark.Functions.Kafka;

/// <summary>How an <see cref="EventProducer"/> sends events.</summary>
public sealed record EventProducerOptions
{
    /// <summary>Topic.</summary>
    public required string Topic { get; init; }

    /// <summary>Field whose text is the key: events of one user are in one partition, in order.</summary>
    public string KeyField { get; init; } = "user_id";

    /// <summary>Headers of every event, such as <c>source</c>.</summary>
    public IReadOnlyList<KeyValuePair<string, string>> Headers { get; init; } = [];
}

/// <summary>Sends events (JSON) with key, id, time and headers; see <see cref="EventStamp"/> for what is added to an event that lacks it.</summary>
public sealed class EventProducer(KafkaProducer producer, EventProducerOptions options, TimeProvider time)
{
    private readonly TopicPartition _target = new(options.Topic, Partition.Any);
    private readonly KeyValuePair<string, byte[]>[] _headers = [.. options.Headers.Select(h => KeyValuePair.Create(h.Key, Encoding.UTF8.GetBytes(h.Value)))];
    private long _sent;
    private long _unkeyed;

    /// <summary>Events handed over.</summary>
    public long Sent => Interlocked.Read(ref _sent);

    /// <summary>Of these, events without a key: any partition may get them.</summary>
    public long Unkeyed => Interlocked.Read(ref _unkeyed);

    /// <summary>Hands an event over, waiting while the producer's queue is full; how it ended is in the producer's figures.</summary>
    public ValueTask SendAsync(ReadOnlySpan<byte> json, CancellationToken cancel)
    {
        var stamped = EventStamp.Apply(json, options.KeyField, time.GetUtcNow());
        var headers = new Headers();
        foreach (var (name, value) in _headers)
            headers.Add(name, value);
        Interlocked.Increment(ref _sent);
        if (stamped.Key is null)
            Interlocked.Increment(ref _unkeyed);
        return producer.EnqueueAsync(_target, new Message<byte[]?, byte[]?> { Key = stamped.Key, Value = stamped.Value, Headers = headers }, null, cancel);
    }
}
