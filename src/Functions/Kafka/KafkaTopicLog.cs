using System.Collections.Concurrent;
using Confluent.Kafka;
using Microsoft.Extensions.Logging;
using Tidemark.Domain.Ledger;
using Tidemark.Domain.Pipelines;
using Tidemark.Functions.Configuration;

namespace Tidemark.Functions.Kafka;

/// <summary>
/// The topic as Kafka itself tells it, read by consumers of our own without group and without commits.
/// <para><b>Failure.</b> A broker that is slow or away is an exception, never a short answer: a fetch ends only when it has the offset before
/// <c>to</c> behind it, or the broker says that the partition ends there. Without any sign of life for <see cref="KafkaOptions.Timeout"/> a
/// <see cref="TimeoutException"/> is thrown.</para>
/// <para><b>Threads.</b> The client library blocks; calls run on the thread pool, at most four at a time, each with a consumer from a small pool.</para>
/// </summary>
internal sealed class KafkaTopicLog(KafkaOptions options, ILogger<KafkaTopicLog> logger) : ITopicLog, IDisposable
{
    private const int MostConsumers = 4;
    private const int SearchStep = 1_000;
    private static readonly TimeSpan Poll = TimeSpan.FromMilliseconds(250);
    private static readonly IReadOnlyList<RecordHeader> NoHeaders = [];
    private readonly ConcurrentBag<IConsumer<byte[]?, byte[]?>> _idle = [];
    private readonly SemaphoreSlim _atOnce = new(MostConsumers);
    private volatile bool _isThere;

    /// <summary>
    /// Until the topic was seen it is looked for among all of them: brokers that make topics on demand, such as the emulator, would make it by being asked for it.
    /// </summary>
    public Task<IReadOnlyList<int>> PartitionsAsync(CancellationToken cancel) => RunAsync<IReadOnlyList<int>>(
        consumer =>
        {
            using var admin = new DependentAdminClientBuilder(consumer.Handle).Build();
            var topic = (_isThere ? admin.GetMetadata(options.Topic, options.Timeout) : admin.GetMetadata(options.Timeout)).Topics.Find(t => t.Topic == options.Topic);
            if (topic is null || topic.Error.IsError || topic.Partitions.Count == 0)
                throw new KafkaException(topic?.Error.IsError == true ? topic.Error : new Error(ErrorCode.UnknownTopicOrPart, $"Topic {options.Topic} is not there (yet)."));
            _isThere = true;
            return [.. topic.Partitions.Select(p => p.PartitionId).Order()];
        },
        cancel);

    public Task<LogBounds> BoundsAsync(int partition, CancellationToken cancel) => RunAsync(consumer => Bounds(consumer, partition), cancel);

    public Task<IReadOnlyList<SourceRecord>> FetchAsync(int partition, long from, long to, int limit, CancellationToken cancel) =>
        from >= to || limit <= 0
            ? Task.FromResult<IReadOnlyList<SourceRecord>>([])
            : RunAsync(consumer => Fetch(consumer, partition, from, to, limit, cancel), cancel);

    /// <summary>
    /// Asks the broker. One that keeps no index of times, such as the emulator, answers as if there were no such record; what it says of time 0 tells, and
    /// there the records are read from the first on.
    /// </summary>
    public Task<long> OffsetAtAsync(int partition, long timeMs, CancellationToken cancel) => RunAsync(
        consumer =>
        {
            if (Find(consumer, partition, timeMs) is { } found)
                return found;
            var bounds = Bounds(consumer, partition);
            return bounds.End == bounds.Start || Find(consumer, partition, 0) is not null ? bounds.End : Search(consumer, partition, timeMs, bounds, cancel);
        },
        cancel);

    public void Dispose()
    {
        while (_idle.TryTake(out var consumer))
            consumer.Dispose();
        _atOnce.Dispose();
    }

    private long? Find(IConsumer<byte[]?, byte[]?> consumer, int partition, long timeMs)
    {
        var asked = new TopicPartitionTimestamp(options.Topic, partition, new Timestamp(timeMs, TimestampType.CreateTime));
        return consumer.OffsetsForTimes([asked], options.Timeout)[0].Offset is { IsSpecial: false } found ? found.Value : null;
    }

    private long Search(IConsumer<byte[]?, byte[]?> consumer, int partition, long timeMs, LogBounds bounds, CancellationToken cancel)
    {
        for (var from = bounds.Start; from < bounds.End;)
        {
            var records = Fetch(consumer, partition, from, bounds.End, SearchStep, cancel);
            foreach (var record in records)
                if (record.KafkaTimeMs >= timeMs)
                    return record.Offset;
            from = records.Count < SearchStep ? bounds.End : records[^1].Offset + 1;
        }

        return bounds.End;
    }

    private IReadOnlyList<SourceRecord> Fetch(IConsumer<byte[]?, byte[]?> consumer, int partition, long from, long to, int limit, CancellationToken cancel)
    {
        var bounds = Bounds(consumer, partition);
        if (to > bounds.End)
            throw new InvalidOperationException($"Topic {options.Topic}, partition {partition} ends at offset {bounds.End}, before {to} that was seen earlier: it was made anew or lost its tail; raise TopicGeneration.");
        var start = Math.Max(from, bounds.Start);
        if (start >= to)
            return [];
        consumer.Assign(new TopicPartitionOffset(options.Topic, partition, start));
        try
        {
            return Read(consumer, partition, to, limit, cancel);
        }
        finally
        {
            consumer.Unassign();
        }
    }

    private List<SourceRecord> Read(IConsumer<byte[]?, byte[]?> consumer, int partition, long to, int limit, CancellationToken cancel)
    {
        var records = new List<SourceRecord>();
        var silentFor = TimeSpan.Zero;
        while (records.Count < limit)
        {
            cancel.ThrowIfCancellationRequested();
            if (consumer.Consume(Poll) is not { } result)
            {
                silentFor += Poll;
                if (silentFor >= options.Timeout)
                    throw new TimeoutException($"Topic {options.Topic}, partition {partition}: the broker sent nothing for {options.Timeout.TotalSeconds} s while offsets up to {to} were due; it is asked again by the next run.");
                continue;
            }

            silentFor = TimeSpan.Zero;
            if (result.IsPartitionEOF)
            {
                // The log goes on at least up to "to", so what ends here is what a reader of committed records may see: the rest may yet appear.
                if (result.Offset.Value < to)
                    throw new InvalidOperationException($"Topic {options.Topic}, partition {partition}: offsets {result.Offset.Value} to {to} belong to a transaction that is still open; they are asked for again by the next run.");
                break;
            }

            if (result.Offset.Value >= to)
                break;
            records.Add(ToRecord(result));
            if (result.Offset.Value == to - 1)
                break;
        }

        return records;
    }

    /// <summary>
    /// Asked as "offset at time −2 (start) and −1 (end)", since the client's own question for watermarks ignores its time-out and hangs while the
    /// broker is away. For a reader of committed records the end is before the first open transaction.
    /// </summary>
    private LogBounds Bounds(IConsumer<byte[]?, byte[]?> consumer, int partition)
    {
        var start = OffsetAt(consumer, partition, -2);
        return new LogBounds(start, Math.Max(start, OffsetAt(consumer, partition, -1)));
    }

    private long OffsetAt(IConsumer<byte[]?, byte[]?> consumer, int partition, long time)
    {
        var asked = new TopicPartitionTimestamp(options.Topic, partition, new Timestamp(time, TimestampType.CreateTime));
        var found = consumer.OffsetsForTimes([asked], options.Timeout)[0].Offset;
        return found.IsSpecial
            ? throw new KafkaException(new Error(ErrorCode.OffsetNotAvailable, $"Topic {options.Topic}, partition {partition}: the broker gave no offset."))
            : found.Value;
    }

    /// <summary>Runs the call with a consumer of its own; one that failed is not used again.</summary>
    private async Task<T> RunAsync<T>(Func<IConsumer<byte[]?, byte[]?>, T> call, CancellationToken cancel)
    {
        await _atOnce.WaitAsync(cancel);
        try
        {
            return await Task.Run(() => Run(call), cancel);
        }
        finally
        {
            _atOnce.Release();
        }
    }

    private T Run<T>(Func<IConsumer<byte[]?, byte[]?>, T> call)
    {
        if (!_idle.TryTake(out var consumer))
            consumer = KafkaClients.Reader(options, trouble => logger.LogWarning("Kafka at {Brokers}: {Trouble}", options.BrokerList, trouble));
        try
        {
            var result = call(consumer);
            _idle.Add(consumer);
            return result;
        }
        catch
        {
            consumer.Dispose();
            throw;
        }
    }

    private static SourceRecord ToRecord(ConsumeResult<byte[]?, byte[]?> result) => new(
        result.Offset.Value,
        result.Message.Timestamp.UnixTimestampMs,
        result.Message.Key,
        result.Message.Value,
        result.Message.Headers is { Count: > 0 } headers ? [.. headers.Select(h => new RecordHeader(h.Key, h.GetValueBytes()))] : NoHeaders);
}
