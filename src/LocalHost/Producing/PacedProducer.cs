using Microsoft.Extensions.Logging;
using Tidemark.LocalHost.Kafka;
using Tidemark.LocalHost.Kafka.Native;

namespace Tidemark.LocalHost.Producing;

/// <summary>
/// Produces in order per partition, each record once, never more than a number of bytes ahead of what the consumer group has committed and of what
/// <see cref="Release"/> allows, so that a broker which keeps little loses nothing unread. Used by one thread.
/// </summary>
internal sealed class PacedProducer : IAsyncDisposable
{
    /// <summary>Bytes per partition that may be unread in the emulator: its retention, less a batch that is partly read and what batches cost.</summary>
    public const long EmulatorWindow = 4L * 1024 * 1024;

    private const int RecordOverhead = 32;
    private const int BatchBytes = 256 * 1024;
    private const int PollEvery = 512;

    private readonly RecordProducer producer;
    private readonly CommittedOffsets? committed;
    private readonly Lane[] lanes;
    private readonly long window;
    private readonly ILogger logger;
    private int sinceLastPoll;
    private bool saidAway;
    private volatile bool isHeldBack;

    /// <param name="connection">Brokers.</param>
    /// <param name="topic">Topic.</param>
    /// <param name="group">The group whose commits pace this producer.</param>
    /// <param name="ends">Where each partition ends now. What is unread before that counts as a full window, since its size is not known.</param>
    /// <param name="window">Bytes per partition; <see cref="long.MaxValue"/> for brokers that keep records by time.</param>
    /// <param name="time">Clock of the questions for commits.</param>
    /// <param name="logger">Log.</param>
    public PacedProducer(KafkaConnection connection, string topic, string group, IReadOnlyList<long> ends, long window, TimeProvider time, ILogger logger)
    {
        this.window = window;
        this.logger = logger;
        lanes = [.. ends.Select(end => new Lane(end, window))];
        var settings = connection.ToClientSettings();
        settings["linger.ms"] = "5";
        settings["batch.size"] = $"{BatchBytes}";
        settings["batch.num.messages"] = "100000";
        settings["message.max.bytes"] = $"{LineReader.MaxLength + 65536}";
        settings["queue.buffering.max.messages"] = "200000";
        settings["queue.buffering.max.kbytes"] = "65536";
        settings["message.timeout.ms"] = "0"; // Brokers that are away are waited for.
        settings["sticky.partitioning.linger.ms"] = "0";
        producer = new RecordProducer(settings, topic, OnDelivered, logger);
        if (window != long.MaxValue)
            committed = new CommittedOffsets(connection, topic, group, ends.Count, time);
    }

    /// <summary>Records acknowledged.</summary>
    public long Delivered { get; private set; }

    /// <summary>Whether the brokers are away.</summary>
    public bool BrokersDown => producer.BrokersDown;

    /// <summary>Whether it waits now for the reader. Read by any thread.</summary>
    public bool IsHeldBack => isHeldBack;

    /// <summary>Sends a record; waits while the window of its partition is full.</summary>
    /// <param name="record">The record; its tag must ascend within the partition.</param>
    /// <param name="whileWaiting">Called again and again while it waits.</param>
    /// <param name="cancel">Cancellation.</param>
    /// <exception cref="KafkaClientException">A record cannot be delivered.</exception>
    public void Send(in OutgoingRecord record, Action whileWaiting, CancellationToken cancel)
    {
        var lane = lanes[record.Partition];
        var size = record.Key.Length + record.Value.Length + RecordOverhead;
        while (window != long.MaxValue && lane.Unread > 0 && lane.Unread + size > window)
        {
            isHeldBack = true;
            Wait(whileWaiting, cancel);
            lane.Free(committed![record.Partition]);
        }

        isHeldBack = false;

        while (!producer.TrySend(record))
        {
            Check();
            Wait(whileWaiting, cancel);
        }

        lane.Sent(record.Tag, size);
        if (++sinceLastPoll < PollEvery)
            return;
        sinceLastPoll = 0;
        producer.Poll(0);
        Check();
    }

    /// <summary>Last acknowledged record of a partition: the offset after it and its tag; null when there is none yet.</summary>
    public (long NextOffset, long Tag)? Acknowledged(int partition) => lanes[partition].Acknowledged;

    /// <summary>Offsets below this one may be forgotten by the broker as far as the producer is concerned.</summary>
    public void Release(int partition, long offset) => lanes[partition].Released = offset;

    /// <summary>Waits until everything is acknowledged.</summary>
    public void Flush(Action whileWaiting, CancellationToken cancel)
    {
        while (producer.Waiting > 0)
        {
            cancel.ThrowIfCancellationRequested();
            producer.Poll(20);
            Check();
            whileWaiting();
        }
    }

    public async ValueTask DisposeAsync()
    {
        if (committed is not null)
            await committed.DisposeAsync();
        producer.Dispose();
    }

    private void Wait(Action whileWaiting, CancellationToken cancel)
    {
        cancel.ThrowIfCancellationRequested();
        producer.Poll(10);
        Check();
        whileWaiting();
    }

    private void Check()
    {
        if (producer.Failure is { } reason)
            throw new KafkaClientException($"A record could not be written to Kafka: {reason}");
        if (producer.BrokersDown == saidAway)
            return;
        saidAway = producer.BrokersDown;
        logger.LogWarning(saidAway ? "Kafka is away; the producer waits for it" : "Kafka is back; the producer goes on");
    }

    private void OnDelivered(int partition, long offset, long tag)
    {
        Delivered++;
        lanes[partition].Delivered(offset, tag);
    }

    /// <summary>What is known of one partition. Bytes are counted from the start; marks tell up to which offset so many of them lie.</summary>
    private sealed class Lane
    {
        private const int MarkEvery = 32 * 1024;

        private readonly Queue<(long Tag, long Bytes)> sent = new();
        private readonly Queue<(long NextOffset, long Bytes)> marks = new();
        private long sentBytes;
        private long markedBytes;
        private long freeBytes;

        public Lane(long end, long window)
        {
            if (end == 0 || window == long.MaxValue)
                return;
            sentBytes = markedBytes = window;
            marks.Enqueue((end, window));
        }

        public long Released { get; set; } = long.MaxValue;

        public long Unread => sentBytes - freeBytes;

        public (long NextOffset, long Tag)? Acknowledged { get; private set; }

        public void Sent(long tag, int size)
        {
            sentBytes += size;
            sent.Enqueue((tag, sentBytes));
        }

        public void Delivered(long offset, long tag)
        {
            var bytes = 0L;
            while (sent.TryPeek(out var first) && first.Tag <= tag)
                bytes = sent.Dequeue().Bytes;
            Acknowledged = (offset + 1, tag);
            if (bytes - markedBytes < MarkEvery && sent.Count > 0)
                return;
            markedBytes = bytes;
            marks.Enqueue((offset + 1, bytes));
        }

        public void Free(long committed)
        {
            var upTo = Math.Min(committed, Released);
            while (marks.TryPeek(out var mark) && mark.NextOffset <= upTo)
                freeBytes = marks.Dequeue().Bytes;
        }
    }
}
