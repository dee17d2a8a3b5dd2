using Confluent.Kafka;
using Tidemark.LocalHost.Kafka;

namespace Tidemark.LocalHost.Producing;

/// <summary>Reads the ends of a topic's partitions, apart from any group.</summary>
internal sealed class TopicTail : IDisposable
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(30);

    // A producer that was killed may have left requests in the broker's sockets. Each question makes the broker serve all its connections at least
    // once, so ends that stay for this many answers and this long do not move any more.
    private const int SteadyAnswers = 25;
    private static readonly TimeSpan SteadyTime = TimeSpan.FromMilliseconds(300);

    private readonly IConsumer<byte[]?, byte[]?> consumer;
    private readonly string topic;

    public TopicTail(KafkaConnection connection, string topic)
    {
        this.topic = topic;
        Tidemark.Native.NativeKafka.Load();
        consumer = new ConsumerBuilder<byte[]?, byte[]?>(new ConsumerConfig(connection.ToClientSettings())
        {
            GroupId = "tidemark-tail",
            EnableAutoCommit = false,
            EnablePartitionEof = true,
            AutoOffsetReset = AutoOffsetReset.Error,
            FetchWaitMaxMs = 20,
        }).SetLogHandler((_, _) => { }).Build();
    }

    /// <summary>Number of partitions; 0 when there is no such topic.</summary>
    /// <param name="patience">How long brokers may take to answer; null = half a minute.</param>
    public int Partitions(TimeSpan? patience = null)
    {
        using var admin = new DependentAdminClientBuilder(consumer.Handle).Build();
        var metadata = admin.GetMetadata(topic, patience ?? Patience).Topics.Single();
        return metadata.Error.Code is ErrorCode.NoError ? metadata.Partitions.Count : 0;
    }

    /// <summary>Log start and end of each partition.</summary>
    public (long Start, long End)[] Bounds(int partitions) => [.. Enumerable.Range(0, partitions).Select(p =>
    {
        var bounds = consumer.QueryWatermarkOffsets(new TopicPartition(topic, p), Patience);
        return (bounds.Low.Value, bounds.High.Value);
    })];

    /// <summary>Bounds after which no request of a killed producer is on its way any more.</summary>
    public (long Start, long End)[] SteadyBounds(int partitions, TimeProvider time, CancellationToken cancel)
    {
        var last = Bounds(partitions);
        var since = time.GetTimestamp();
        for (var same = 0; same < SteadyAnswers || time.GetElapsedTime(since) < SteadyTime; same++)
        {
            cancel.ThrowIfCancellationRequested();
            var now = Bounds(partitions);
            if (now.Select(b => b.End).SequenceEqual(last.Select(b => b.End)))
                continue;
            (last, since, same) = (now, time.GetTimestamp(), 0);
        }

        return last;
    }

    /// <summary>Keys and values of a partition's records from an offset on, up to the given end.</summary>
    public IEnumerable<(long Offset, byte[]? Key, byte[]? Value)> Read(int partition, long from, long end)
    {
        if (from >= end)
            yield break;
        consumer.Assign(new TopicPartitionOffset(topic, partition, from));
        for (var next = from; next < end;)
        {
            var result = consumer.Consume(Patience)
                ?? throw new KafkaException(new Error(ErrorCode.Local_TimedOut, $"Partition {partition} of {topic} gave no record from offset {next} on; try again."));
            next = result.IsPartitionEOF ? end : result.Offset.Value + 1;
            if (!result.IsPartitionEOF && result.Offset.Value < end)
                yield return (result.Offset.Value, result.Message.Key, result.Message.Value);
        }

        consumer.Unassign();
    }

    public void Dispose() => consumer.Dispose();
}
