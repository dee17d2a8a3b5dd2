using Confluent.Kafka;

namespace Tidemark.LocalHost.Emulator;

/// <summary>Takes a snapshot of an emulator's topic through its own protocol, and puts one back at the same offsets.</summary>
internal static class SnapshotTransfer
{
    private const int MaxMessage = 256 << 20; // Whatever a client could send must go back.
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(30);

    /// <summary>All topics that there are, with their numbers of partitions; also those that came to be when a client first named them.</summary>
    public static IReadOnlyList<(string Topic, int Partitions)> Topics(string brokers)
    {
        using var admin = new AdminClientBuilder(new AdminClientConfig { BootstrapServers = brokers }).Build();
        return [.. admin.GetMetadata(Patience).Topics.Select(t => (t.Topic, t.Partitions.Count))];
    }

    /// <param name="brokers">The emulator.</param>
    /// <param name="topic">Topic.</param>
    /// <param name="group">The group whose offsets are kept; empty = none is known.</param>
    /// <param name="partitions">Partitions of the topic.</param>
    public static EmulatorSnapshot Take(string brokers, string topic, string group, int partitions)
    {
        using var consumer = Consumer(brokers, group);
        var all = Enumerable.Range(0, partitions).Select(p => new TopicPartition(topic, p)).ToList();
        var committed = group.Length > 0 ? consumer.Committed(all, Patience) : [.. all.Select(p => new TopicPartitionOffset(p, Offset.Unset))];
        return new EmulatorSnapshot(topic, group, [.. committed.Select(c => Take(consumer, c, mayDrop: group.Length == 0))]);
    }

    /// <summary>Fills the topic, which must be new, so that every saved record gets its old offset and the log starts where it did; then commits the group's offsets.</summary>
    /// <exception cref="InvalidOperationException">An offset is not what it was.</exception>
    public static void PutBack(string brokers, EmulatorSnapshot snapshot)
    {
        // Packed and in few batches it takes no more room than before, so that nothing is dropped meanwhile.
        using var producer = new ProducerBuilder<byte[]?, byte[]?>(new ProducerConfig
        {
            BootstrapServers = brokers,
            EnableIdempotence = true,
            CompressionType = CompressionType.Gzip,
            LingerMs = 5,
            BatchNumMessages = 100_000,
            MessageMaxBytes = MaxMessage,
            QueueBufferingMaxMessages = 500_000,
            EnableDeliveryReports = false,
        }).Build();
        // A producer that is not told of its topic first waits a second before it sends.
        using (var admin = new DependentAdminClientBuilder(producer.Handle).Build())
            admin.GetMetadata(snapshot.Topic, Patience);
        for (var p = 0; p < snapshot.Partitions.Count; p++)
        {
            LogStartOffset.Advance(brokers, snapshot.Topic, p, snapshot.Partitions[p].First);
            foreach (var record in snapshot.Partitions[p].Records)
                Send(producer, new TopicPartition(snapshot.Topic, p), ToMessage(record));
        }

        producer.Flush(TimeSpan.FromMinutes(10));
        Commit(brokers, snapshot);
    }

    private static PartitionSnapshot Take(IConsumer<byte[]?, byte[]?> consumer, TopicPartitionOffset committed, bool mayDrop)
    {
        var bounds = consumer.QueryWatermarkOffsets(committed.TopicPartition, Patience);
        var known = committed.Offset.Value >= 0 ? committed.Offset.Value : -1;
        var kept = new NewestRecords(bounds.Low.Value, mayDrop ? long.MaxValue : known);
        if (bounds.Low < bounds.High)
            consumer.Assign(new TopicPartitionOffset(committed.TopicPartition, bounds.Low));
        while (kept.Next < bounds.High.Value)
        {
            var result = consumer.Consume(Patience)
                ?? throw new InvalidOperationException($"The emulator did not give {committed.TopicPartition} from offset {kept.Next} on.");
            if (!result.IsPartitionEOF)
                kept.Add(result.Offset.Value, ToRecord(result.Message));
            else if (result.Offset >= bounds.High)
                kept.Reach(result.Offset.Value);
        }

        consumer.Unassign();
        return new PartitionSnapshot(kept.First, known, kept.Records);
    }

    private static void Commit(string brokers, EmulatorSnapshot snapshot)
    {
        using var consumer = Consumer(brokers, snapshot.Group);
        for (var p = 0; p < snapshot.Partitions.Count; p++)
        {
            var partition = snapshot.Partitions[p];
            var bounds = consumer.QueryWatermarkOffsets(new TopicPartition(snapshot.Topic, p), Patience);
            var (first, end) = (partition.First == 1 ? 0 : partition.First, partition.First + partition.Records.Count);
            // A log that was full to the brim may lose its oldest batch, as by any other that is sent.
            if (bounds.Low < first || bounds.High != end)
                throw new InvalidOperationException($"Partition {p} of {snapshot.Topic} has offsets {bounds.Low} to {bounds.High} after it was put back; it had {first} to {end}. Begin anew with --fresh.");
        }

        var offsets = snapshot.Partitions.Select((p, i) => new TopicPartitionOffset(snapshot.Topic, i, p.Committed)).Where(o => o.Offset.Value >= 0).ToList();
        if (offsets.Count > 0)
            consumer.Commit(offsets);
    }

    private static IConsumer<byte[]?, byte[]?> Consumer(string brokers, string group) => new ConsumerBuilder<byte[]?, byte[]?>(new ConsumerConfig
    {
        BootstrapServers = brokers,
        GroupId = group.Length > 0 ? group : "tidemark-snapshot", // The client asks for one.
        EnableAutoCommit = false,
        EnablePartitionEof = true,
        FetchWaitMaxMs = 10,
    }).Build();

    private static void Send(IProducer<byte[]?, byte[]?> producer, TopicPartition target, Message<byte[]?, byte[]?> message)
    {
        while (true)
        {
            try
            {
                producer.Produce(target, message);
                return;
            }
            catch (ProduceException<byte[]?, byte[]?> e) when (e.Error.Code == ErrorCode.Local_QueueFull)
            {
                producer.Poll(TimeSpan.FromMilliseconds(50));
            }
        }
    }

    private static SavedRecord ToRecord(Message<byte[]?, byte[]?> message) => new(
        message.Timestamp.UnixTimestampMs, message.Key, message.Value, [.. (message.Headers ?? []).Select(h => (h.Key, (byte[]?)h.GetValueBytes()))]);

    private static Message<byte[]?, byte[]?> ToMessage(SavedRecord record)
    {
        var message = new Message<byte[]?, byte[]?> { Key = record.Key, Value = record.Value, Timestamp = new Timestamp(record.TimestampMs, TimestampType.CreateTime) };
        if (record.Headers.Count > 0)
        {
            message.Headers = [];
            foreach (var (name, value) in record.Headers)
                message.Headers.Add(name, value);
        }

        return message;
    }
}
