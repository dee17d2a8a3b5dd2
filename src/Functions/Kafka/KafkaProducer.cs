using Confluent.Kafka;
using Microsoft.Extensions.Logging;
using Tidemark.Native;

namespace Tidemark.Functions.Kafka;

/// <summary>
/// An idempotent producer: within its life each record is appended once and in order per partition, or reported as failed. The client is made at the
/// first use, since most processes never send, and made anew after an error that it cannot recover from.
/// <para><b>Queue.</b> Bounded; <see cref="EnqueueAsync"/> waits while it is full.</para>
/// <para><b>Failure.</b> A record that is not acknowledged within <see cref="KafkaProducerOptions.GivesUpAfter"/> may have arrived all the same.</para>
/// <para><b>Threads.</b> Any.</para>
/// </summary>
public sealed class KafkaProducer : IDisposable
{
    private static readonly TimeSpan FullQueuePause = TimeSpan.FromMilliseconds(10);
    private readonly ClientConfig _connection;
    private readonly KafkaProducerOptions _options;
    private readonly ILogger _logger;
    private readonly Lock _lock = new();
    private Client? _client;
    private volatile bool _isBroken;
    private long _delivered;
    private long _failed;

    /// <summary>Makes a producer; reaches nothing yet.</summary>
    /// <param name="connection">Brokers, protocol and sign-in.</param>
    /// <param name="options">How it sends.</param>
    /// <param name="logger">Where trouble goes.</param>
    public KafkaProducer(ClientConfig connection, KafkaProducerOptions options, ILogger logger) =>
        (_connection, _options, _logger) = (connection, options, logger);

    /// <summary>What became of the records so far.</summary>
    public ProducerFigures Figures => new(Interlocked.Read(ref _delivered), Interlocked.Read(ref _failed));

    /// <summary>Reason of the first failure; null when there was none.</summary>
    public string? FirstFailure { get; private set; }

    /// <summary>
    /// Puts a record in the queue, waiting while that is full. <paramref name="done"/> is called once, by the client's thread, with how it ended.
    /// Throws <see cref="KafkaException"/> for what can never be sent, such as a record that is too large.
    /// </summary>
    public async ValueTask EnqueueAsync(TopicPartition target, Message<byte[]?, byte[]?> message, Action<DeliveryReport<byte[]?, byte[]?>>? done, CancellationToken cancel)
    {
        while (true)
        {
            cancel.ThrowIfCancellationRequested();
            try
            {
                Current().Kafka.Produce(target, message, report => Ended(report, done));
                return;
            }
            catch (ProduceException<byte[]?, byte[]?> e) when (e.Error.Code == ErrorCode.Local_QueueFull)
            {
                await Task.Delay(FullQueuePause, cancel);
            }
            catch (KafkaException e)
            {
                Note(e.Error);
                throw;
            }
        }
    }

    /// <summary>Sends one record; its offset once it is acknowledged. Throws <see cref="KafkaException"/> when it surely or possibly did not arrive.</summary>
    public async Task<long> SendAsync(TopicPartition target, Message<byte[]?, byte[]?> message, CancellationToken cancel)
    {
        var client = Current();
        var offset = new TaskCompletionSource<long>(TaskCreationOptions.RunContinuationsAsynchronously);
        await EnqueueAsync(target, message, report =>
        {
            if (report.Error.IsError)
                offset.TrySetException(new KafkaException(report.Error));
            else
                offset.TrySetResult(report.Offset.Value);
        }, cancel);
        await (await Task.WhenAny(offset.Task, client.Ended).WaitAsync(cancel));
        return await offset.Task;
    }

    /// <summary>Sends records to a topic in order, each to the partition of its key; returns when all are acknowledged and throws the first failure when one is not.</summary>
    public async Task SendAllAsync(string topic, IReadOnlyList<Message<byte[]?, byte[]?>> messages, CancellationToken cancel)
    {
        if (messages.Count == 0)
            return;
        var client = Current();
        var target = new TopicPartition(topic, Partition.Any);
        var all = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        var left = messages.Count;
        foreach (var message in messages)
            await EnqueueAsync(target, message, report =>
            {
                if (report.Error.IsError)
                    all.TrySetException(new KafkaException(report.Error));
                else if (Interlocked.Decrement(ref left) == 0)
                    all.TrySetResult();
            }, cancel);
        await (await Task.WhenAny(all.Task, client.Ended).WaitAsync(cancel));
    }

    /// <summary>Waits until everything is decided, or for this long; how many records are left, with a warning when there are any.</summary>
    public int Flush(TimeSpan patience)
    {
        IProducer<byte[]?, byte[]?>? client;
        lock (_lock)
            client = _client?.Kafka;
        var left = client?.Flush(patience) ?? 0;
        if (left > 0)
            _logger.LogWarning("{Left} records were not acknowledged by Kafka at {Brokers} after {Seconds} s; they may or may not have arrived.", left, _connection.BootstrapServers, patience.TotalSeconds);
        return left;
    }

    /// <summary>
    /// Sees to it that the topic is there: brokers that make topics by themselves have made it when they are asked, others are told to. Throws
    /// <see cref="KafkaException"/> when it is missing and cannot be made.
    /// </summary>
    /// <param name="topic">Topic.</param>
    /// <param name="partitions">Partitions of a new one; null = as the brokers are set up.</param>
    /// <param name="replication">Replicas of a new one; null = as the brokers are set up.</param>
    /// <param name="patience">How long an answer may take.</param>
    /// <returns>How many partitions it has.</returns>
    public async Task<int> EnsureTopicAsync(string topic, int? partitions, short? replication, TimeSpan patience)
    {
        using var admin = new DependentAdminClientBuilder(Current().Kafka.Handle).Build();
        return await TopicAdmin.EnsureAsync(admin, topic, partitions, replication, patience);
    }

    /// <summary>Ends the client; what is still in the queue is dropped, see <see cref="Flush"/>.</summary>
    public void Dispose()
    {
        lock (_lock)
        {
            _client?.Dispose();
            _client = null;
        }
    }

    private void Ended(DeliveryReport<byte[]?, byte[]?> report, Action<DeliveryReport<byte[]?, byte[]?>>? done)
    {
        if (report.Error.IsError)
            Note(report.Error);
        else
            Interlocked.Increment(ref _delivered);
        done?.Invoke(report);
    }

    private void Note(Error error)
    {
        Interlocked.Increment(ref _failed);
        FirstFailure ??= error.Reason;
    }

    private Client Current()
    {
        lock (_lock)
        {
            if (_isBroken)
            {
                _client?.Dispose();
                _client = null;
                _isBroken = false;
            }

            return _client ??= new Client(Build());
        }
    }

    private IProducer<byte[]?, byte[]?> Build()
    {
        NativeKafka.Load();
        return new ProducerBuilder<byte[]?, byte[]?>(_options.ToConfig(_connection))
            .SetErrorHandler((_, error) =>
            {
                _isBroken |= error.IsFatal;
                _logger.Log(error.IsFatal ? LogLevel.Error : LogLevel.Debug, "Kafka at {Brokers}: {Trouble}", _connection.BootstrapServers, error.Reason);
            })
            .SetLogHandler((_, _) => { })
            .Build();
    }

    /// <summary>A client, and the end of those that wait for it: what it had not told when it was disposed it never tells.</summary>
    private sealed class Client(IProducer<byte[]?, byte[]?> kafka) : IDisposable
    {
        private readonly TaskCompletionSource _ended = new(TaskCreationOptions.RunContinuationsAsynchronously);

        public IProducer<byte[]?, byte[]?> Kafka => kafka;

        /// <summary>Fails when the client is disposed.</summary>
        public Task Ended => _ended.Task;

        public void Dispose()
        {
            kafka.Dispose();
            _ended.TrySetException(new KafkaException(new Error(ErrorCode.Local_Destroy, "The client was ended before every record was acknowledged; they may or may not have arrived.")));
            // Nobody may be waiting.
            _ = _ended.Task.Exception;
        }
    }
}
