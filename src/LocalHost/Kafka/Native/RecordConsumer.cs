using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using Microsoft.Azure.Functions.Worker;
using Microsoft.Extensions.Logging;
using static Tidemark.LocalHost.Kafka.Native.Librdkafka;

namespace Tidemark.LocalHost.Kafka.Native;

/// <summary>
/// A group consumer of one topic that reads whole batches. Not thread-safe but for <see cref="Store"/>, which may be called
/// while another thread reads. Offsets are committed only after they were stored.
/// </summary>
internal sealed unsafe class RecordConsumer : IClientLog, IDisposable
{
    private static readonly KafkaHeader[] NoHeaders = [];

    private readonly string topic;
    private readonly ILogger logger;
    private readonly Lock gate = new();
    private readonly HashSet<int> assigned = [];
    private GCHandle self;
    private nint client;
    private nint queue;
    private Message** buffer;
    private int bufferSize;

    /// <exception cref="KafkaClientException">A setting is refused.</exception>
    public RecordConsumer(IReadOnlyDictionary<string, string> settings, string topic, ILogger logger)
    {
        this.topic = topic;
        this.logger = logger;
        self = GCHandle.Alloc(this);
        try
        {
            var conf = ClientConfiguration.Build(settings);
            rd_kafka_conf_set_opaque(conf, GCHandle.ToIntPtr(self));
            rd_kafka_conf_set_rebalance_cb(conf, &OnRebalance);
            rd_kafka_conf_set_error_cb(conf, &OnError);
            client = ClientConfiguration.Create(TypeConsumer, conf);
        }
        catch
        {
            self.Free();
            throw;
        }

        _ = rd_kafka_poll_set_consumer(client);
        queue = rd_kafka_queue_get_consumer(client);
        Subscribe();
    }

    /// <summary>Whether every broker was unreachable when last heard of. Cleared by the next record or by <see cref="Reachable"/>.</summary>
    public bool BrokersDown { get; private set; }

    /// <summary>Set when the client cannot go on and a new one is needed.</summary>
    public string? Fatal { get; private set; }

    /// <summary>Partitions that the group has given to this consumer.</summary>
    public int[] Assigned
    {
        get
        {
            lock (assigned)
                return [.. assigned.Order()];
        }
    }

    /// <summary>
    /// Reads until the span is full or the time has passed; records of all assigned partitions, in consume order. Errors of
    /// single partitions are logged and give no record.
    /// </summary>
    /// <returns>How many records were read.</returns>
    public int Read(Span<KafkaRecord> into, int timeoutMs)
    {
        Reserve(into.Length);
        var count = (int)rd_kafka_consume_batch_queue(queue, timeoutMs, buffer, (nuint)into.Length);
        var records = 0;
        for (var i = 0; i < count; i++)
        {
            var message = buffer[i];
            if (message->Error == ErrorNone)
                into[records++] = ToRecord(message);
            else if (message->Error != ErrorPartitionEof)
                ReportError(message->Error, ClientConfiguration.Text(message->Payload));
            rd_kafka_message_destroy(message);
        }

        if (records > 0)
            BrokersDown = false;
        return records;
    }

    /// <summary>Asks a broker for one partition's bounds; true when it answered.</summary>
    public bool Reachable(int timeoutMs)
    {
        long low, high;
        var error = rd_kafka_query_watermark_offsets(client, topic, 0, &low, &high, timeoutMs);
        var answered = error is not (ErrorTransport or ErrorAllBrokersDown or ErrorResolve or ErrorTimedOut);
        BrokersDown &= !answered;
        return answered;
    }

    /// <summary>
    /// Notes the offsets to commit (next offset to read, per partition); the client commits them at its interval and when it closes.
    /// </summary>
    /// <returns>Partitions that are no longer ours and were passed over.</returns>
    public IReadOnlyList<int> Store(IReadOnlyDictionary<int, long> next)
    {
        lock (gate)
        {
            if (client == 0)
                return [.. next.Keys];
            var list = rd_kafka_topic_partition_list_new(next.Count);
            foreach (var (partition, offset) in next)
                rd_kafka_topic_partition_list_add(list, topic, partition)->Offset = offset;
            _ = rd_kafka_offsets_store(client, list);
            List<int> lost = [];
            for (var i = 0; i < list->Count; i++)
            {
                if (list->Items[i].Error != ErrorNone)
                    lost.Add(list->Items[i].Number);
            }

            rd_kafka_topic_partition_list_destroy(list);
            return lost;
        }
    }

    public void Write(LogLevel level, string message) => logger.Log(level, "Kafka client: {Message}", message);

    /// <summary>Commits what was stored, leaves the group and frees the client.</summary>
    public void Dispose()
    {
        lock (gate)
        {
            if (client == 0)
                return;
            rd_kafka_queue_destroy(queue);
            _ = rd_kafka_consumer_close(client);
            rd_kafka_destroy(client);
            client = 0;
            NativeMemory.Free(buffer);
            buffer = null;
            self.Free();
        }
    }

    private void Subscribe()
    {
        var list = rd_kafka_topic_partition_list_new(1);
        _ = rd_kafka_topic_partition_list_add(list, topic, PartitionUnassigned);
        var error = rd_kafka_subscribe(client, list);
        rd_kafka_topic_partition_list_destroy(list);
        if (error == ErrorNone)
            return;
        Dispose();
        throw new KafkaClientException($"The topic {topic} cannot be subscribed to: {Describe(error)}");
    }

    private void Reserve(int size)
    {
        if (size <= bufferSize)
            return;
        buffer = (Message**)NativeMemory.Realloc(buffer, (nuint)size * (nuint)sizeof(Message*));
        bufferSize = size;
    }

    private KafkaRecord ToRecord(Message* message)
    {
        int type;
        return new KafkaRecord
        {
            Topic = topic,
            Partition = message->Partition,
            Offset = message->Offset,
            Key = message->Key == null ? null! : new ReadOnlySpan<byte>(message->Key, (int)message->KeyLength).ToArray(),
            Value = message->Payload == null ? null! : new ReadOnlySpan<byte>(message->Payload, (int)message->Length).ToArray(),
            Timestamp = new KafkaTimestamp { UnixTimestampMs = rd_kafka_message_timestamp(message, &type) },
            Headers = Headers(message),
        };
    }

    private static KafkaHeader[] Headers(Message* message)
    {
        nint headers;
        if (rd_kafka_message_headers(message, &headers) != ErrorNone)
            return NoHeaders;
        List<KafkaHeader> found = [];
        byte* name;
        byte* value;
        nuint size;
        while (rd_kafka_header_get_all(headers, (nuint)found.Count, &name, &value, &size) == ErrorNone)
        {
            found.Add(new KafkaHeader
            {
                Key = ClientConfiguration.Text(name),
                Value = value == null ? null! : new ReadOnlySpan<byte>(value, (int)size).ToArray(),
            });
        }

        return [.. found];
    }

    private void ReportError(int error, string reason)
    {
        if (error is ErrorAllBrokersDown)
            BrokersDown = true;
        else if (error is ErrorFatal)
            Fatal = reason;
        else if (error is not (ErrorTransport or ErrorResolve))
            logger.LogWarning("Kafka topic {Topic}: {Error} {Reason}", topic, Describe(error), reason);
    }

    [UnmanagedCallersOnly(CallConvs = [typeof(CallConvCdecl)])]
    private static void OnError(nint rk, int error, byte* reason, nint opaque)
    {
        if (GCHandle.FromIntPtr(opaque).Target is RecordConsumer consumer)
            consumer.ReportError(error, ClientConfiguration.Text(reason));
    }

    // Runs on the reading thread. Eager assignment, as the real host's: everything is taken away before it is given out anew.
    [UnmanagedCallersOnly(CallConvs = [typeof(CallConvCdecl)])]
    private static void OnRebalance(nint rk, int error, PartitionList* partitions, nint opaque)
    {
        var consumer = (RecordConsumer)GCHandle.FromIntPtr(opaque).Target!;
        var given = error == ErrorAssignPartitions;
        lock (consumer.assigned)
        {
            consumer.assigned.Clear();
            for (var i = 0; given && i < partitions->Count; i++)
                consumer.assigned.Add(partitions->Items[i].Number);
        }

        _ = rd_kafka_assign(rk, given ? partitions : null);
        consumer.logger.LogInformation(
            "Kafka topic {Topic}: partitions {Partitions} {What}", consumer.topic, string.Join(", ", Numbers(partitions)), given ? "assigned" : "revoked");
    }

    private static List<int> Numbers(PartitionList* partitions)
    {
        List<int> numbers = [];
        for (var i = 0; i < partitions->Count; i++)
            numbers.Add(partitions->Items[i].Number);
        return numbers;
    }
}
