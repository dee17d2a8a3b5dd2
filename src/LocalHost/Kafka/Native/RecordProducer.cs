using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using Microsoft.Extensions.Logging;
using Tidemark.Functions.Kafka;
using static Tidemark.LocalHost.Kafka.Native.Librdkafka;

namespace Tidemark.LocalHost.Kafka.Native;

/// <summary>
/// An idempotent producer to one topic: within its life each record is appended once and in order per partition, or
/// <see cref="Failure"/> says why not. One thread produces and polls.
/// </summary>
internal sealed unsafe class RecordProducer : IClientLog, IDisposable
{
    private readonly ILogger logger;
    private readonly Action<int, long, long> delivered;
    private GCHandle self;
    private nint client;
    private nint topic;

    /// <param name="settings">Client settings; <see cref="KafkaProducerOptions.Reliable"/> are added.</param>
    /// <param name="topicName">Topic.</param>
    /// <param name="delivered">Called by <see cref="Poll"/> for each acknowledged record: partition, offset, and the tag that it was sent with.</param>
    /// <param name="logger">Where the client's lines go.</param>
    public RecordProducer(
        IReadOnlyDictionary<string, string> settings, string topicName, Action<int, long, long> delivered, ILogger logger)
    {
        this.delivered = delivered;
        this.logger = logger;
        var all = new Dictionary<string, string>(KafkaProducerOptions.Reliable);
        foreach (var (name, value) in settings)
            all[name] = value;
        self = GCHandle.Alloc(this);
        try
        {
            var conf = ClientConfiguration.Build(all);
            rd_kafka_conf_set_opaque(conf, GCHandle.ToIntPtr(self));
            rd_kafka_conf_set_dr_msg_cb(conf, &OnDelivered);
            rd_kafka_conf_set_error_cb(conf, &OnError);
            client = ClientConfiguration.Create(TypeProducer, conf);
        }
        catch
        {
            self.Free();
            throw;
        }

        topic = rd_kafka_topic_new(client, topicName, 0);
    }

    /// <summary>Why a record could not be delivered; the producer is of no use then.</summary>
    public string? Failure { get; private set; }

    /// <summary>Whether every broker was unreachable when last heard of; cleared by the next acknowledgement.</summary>
    public bool BrokersDown { get; private set; }

    /// <summary>Records handed over and not yet acknowledged.</summary>
    public int Waiting => rd_kafka_outq_len(client);

    /// <summary>Copies a record into the send queue.</summary>
    /// <returns>False when the queue is full: <see cref="Poll"/> and try again; or when there is a <see cref="Failure"/>.</returns>
    public bool TrySend(in OutgoingRecord record)
    {
        byte empty = 0;
        fixed (byte* key = record.Key)
        fixed (byte* value = record.Value)
        {
            var arguments = stackalloc Argument[7];
            var count = 0;
            arguments[count++] = new Argument { Tag = Argument.Topic, Pointer = topic };
            arguments[count++] = new Argument { Tag = Argument.Partition, Number = record.Partition };
            arguments[count++] = new Argument { Tag = Argument.Flags, Number = FlagCopy };
            arguments[count++] = new Argument { Tag = Argument.Opaque, Pointer = (nint)record.Tag };
            arguments[count++] = new Argument { Tag = Argument.Timestamp, Long = record.TimestampMs };
            if (!record.IsTombstone)
                arguments[count++] = Memory(Argument.Value, value == null ? &empty : value, record.Value.Length);
            if (record.HasKey)
                arguments[count++] = Memory(Argument.Key, key == null ? &empty : key, record.Key.Length);
            return Accepted(rd_kafka_produceva(client, arguments, (nuint)count));
        }

        static Argument Memory(int tag, byte* bytes, int length) => new() { Tag = tag, Pointer = (nint)bytes, Size = (nuint)length };
    }

    /// <summary>Serves acknowledgements for up to the given time; returns how many events were served.</summary>
    public int Poll(int timeoutMs) => rd_kafka_poll(client, timeoutMs);

    /// <summary>Waits until everything is acknowledged; false when time ran out first.</summary>
    public bool Flush(int timeoutMs) => rd_kafka_flush(client, timeoutMs) == ErrorNone;

    public void Write(LogLevel level, string message) => logger.Log(level, "Kafka client: {Message}", message);

    public void Dispose()
    {
        if (client == 0)
            return;
        rd_kafka_topic_destroy(topic);
        rd_kafka_destroy(client);
        client = 0;
        self.Free();
    }

    private bool Accepted(nint error)
    {
        if (error == 0)
            return true;
        var code = rd_kafka_error_code(error);
        rd_kafka_error_destroy(error);
        if (code != ErrorQueueFull)
            Failure ??= Describe(code);
        return false;
    }

    [UnmanagedCallersOnly(CallConvs = [typeof(CallConvCdecl)])]
    private static void OnDelivered(nint rk, Message* message, nint opaque)
    {
        var producer = (RecordProducer)GCHandle.FromIntPtr(opaque).Target!;
        if (message->Error != ErrorNone)
        {
            producer.Failure ??= Describe(message->Error);
            return;
        }

        producer.BrokersDown = false;
        producer.delivered(message->Partition, message->Offset, message->Opaque);
    }

    [UnmanagedCallersOnly(CallConvs = [typeof(CallConvCdecl)])]
    private static void OnError(nint rk, int error, byte* reason, nint opaque)
    {
        var producer = (RecordProducer)GCHandle.FromIntPtr(opaque).Target!;
        if (error == ErrorFatal)
            producer.Failure ??= ClientConfiguration.Text(reason);
        producer.BrokersDown |= error == ErrorAllBrokersDown;
    }
}

/// <summary>A record to produce; its bytes are copied.</summary>
internal readonly ref struct OutgoingRecord
{
    public required int Partition { get; init; }

    public bool HasKey { get; init; }

    public ReadOnlySpan<byte> Key { get; init; }

    /// <summary>Whether the value is null; <see cref="Value"/> is ignored then.</summary>
    public bool IsTombstone { get; init; }

    public ReadOnlySpan<byte> Value { get; init; }

    /// <summary>Kafka time in ms since 1970 UTC; 0 = now.</summary>
    public long TimestampMs { get; init; }

    /// <summary>Comes back with the acknowledgement.</summary>
    public long Tag { get; init; }
}
