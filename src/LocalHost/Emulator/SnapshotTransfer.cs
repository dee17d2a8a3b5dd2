using Confluent.Kafka;

namespace Tidemark.LocalHost.Emulator;

/// <summary>Takes a snapshot of an emulator's topic through its own protocol, and puts one back at the same offsets.</summary>
internal static class SnapshotTransfer
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(30);

    public static EmulatorSnapshot Take(string brokers, string topic, string group, int partitions)
    {
        using var consumer = new ConsumerBuilder<byte[]?, byte[]?>(new ConsumerConfig
        {
            BootstrapServers = brokers,
            GroupId = group,
            EnableAutoCommit = false,
            EnablePartitionEof = true,
            FetchWaitMaxMs = 10,
        }).Build();
        var all = Enumerable.Range(0, partitions).Select(p => new TopicPartition(topic, p)).ToList();
        var committed = consumer.Committed(all, Patience);
        return new EmulatorSnapshot(topic, group, [.. committed.Select(c => Take(consumer, c))]);
    }

    /// <summary>Fills the topic, which must be new, so that every saved record gets its old offset; then commits the group's offsets.</summary>
    /// <exception cref="InvalidOperationException">An offset is not what it was.</exception>
    public static void PutBack(string brokers, EmulatorSnapshot snapshot)
    {
        using var producer = new ProducerBuilder<byte[]?, byte[]?>(new ProducerConfig
        {
            BootstrapServers = brokers,
            EnableIdempotence = true,
            CompressionType = CompressionType.Gzip,
            LingerMs = 5,
            BatchNumMessages = 100_000,
            QueueBufferingMaxMessages = 500_000,
            EnableDeliveryReports = false,
        }).Build();
        for (var p = 0; p < snapshot.Partitions.Count; p++)
        {
            var partition = snapshot.Partitions[p];
            var target = new TopicPartition(snapshot.Topic, p);
            // The broker cannot be told where to begin; null records that compress to nothing move it there. Nobody reads them: they lie before
            // the committed offset.
            for (var offset = 0L; offset < partition.First; offset++)
                Send(producer, target, new Message<byte[]?, byte[]?>());
            foreach (var record in partition.Records)
                Send(producer, target, ToMessage(record));
        }

        producer.Flush(TimeSpan.FromMinutes(10));
        Commit(brokers, snapshot);
    }

    private static PartitionSnapshot Take(IConsumer<byte[]?, byte[]?> consumer, TopicPartitionOffset committed)
    {
        var bounds = consumer.QueryWatermarkOffsets(committed.TopicPartition, Patience);
        var known = committed.Offset.Value >= 0 ? committed.Offset.Value : -1;
        var first = Math.Max(bounds.Low.Value, Math.Min(Math.Max(known, 0), bounds.High.Value));
        List<SavedRecord> records = [];
        if (first < bounds.High.Value)
        {
            consumer.Assign(new TopicPartitionOffset(committed.TopicPartition, first));
            while (first + records.Count < bounds.High.Value)
            {
                var result = consumer.Consume(Patience)
                    ?? throw new InvalidOperationException($"The emulator did not give {committed.TopicPartition} from offset {first + records.Count} on.");
                if (!result.IsPartitionEOF)
                    records.Add(ToRecord(result.Message));
            }

            consumer.Unassign();
        }

        return new PartitionSnapshot(first, known, records);
    }

    private static void Commit(string brokers, EmulatorSnapshot snapshot)
    {
        using var consumer = new ConsumerBuilder<byte[]?, byte[]?>(new ConsumerConfig { BootstrapServers = brokers, GroupId = snapshot.Group, EnableAutoCommit = false }).Build();
        for (var p = 0; p < snapshot.Partitions.Count; p++)
        {
            var partition = snapshot.Partitions[p];
            var end = consumer.QueryWatermarkOffsets(new TopicPartition(snapshot.Topic, p), Patience).High.Value;
            var expected = partition.First + partition.Records.Count;
            if (end != expected)
                throw new InvalidOperationException($"Partition {p} of {snapshot.Topic} ends at offset {end} after it was put back; it ended at {expected}. Begin anew with --fresh.");
        }

        var offsets = snapshot.Partitions.Select((p, i) => new TopicPartitionOffset(snapshot.Topic, i, p.Committed)).Where(o => o.Offset.Value >= 0).ToList();
        if (offsets.Count > 0)
            consumer.Commit(offsets);
    }

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
