using System.Threading.Channels;
using Microsoft.Azure.Functions.Worker;
using Microsoft.Extensions.Logging;
using Tidemark.LocalHost.Invocation;
using Tidemark.LocalHost.Kafka.Native;

namespace Tidemark.LocalHost.Kafka;

/// <summary>
/// The Kafka trigger of one function: one consumer, read by one thread, and one reader of a bounded channel of batches, so that one
/// invocation is in flight. A full channel stops consumption. Offsets are stored after success only.
/// </summary>
/// <remarks>
/// A batch holds records of all assigned partitions in consume order. It is flushed when it is full or when the window ends; in a window with a
/// full batch the rest waits for the next window's end, as in the real host. Unlike there, a batch goes on growing while another one waits for the
/// function: to queue up behind it would only make many small commits.
/// </remarks>
internal sealed class KafkaListener : IAsyncDisposable
{
    private readonly KafkaBatchRunner runner;
    private readonly KafkaTriggerOptions options;
    private readonly Dictionary<string, string> settings;
    private readonly string topic;
    private readonly string brokers;
    private readonly TimeProvider time;
    private readonly ILogger logger;
    private readonly Channel<KafkaRecord[]> batches;
    private readonly CancellationTokenSource stopReading = new();
    private readonly CancellationTokenSource stopRunning = new();
    private readonly TaskCompletionSource mayRun = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly TaskCompletionSource ended = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private volatile RecordConsumer? consumer;
    private Task? running;

    public KafkaListener(
        FunctionRunner function, KafkaConnection connection, string topic, string group, KafkaTriggerOptions options, TimeProvider time, ILogger logger)
    {
        this.options = options;
        this.topic = topic;
        this.time = time;
        this.logger = logger;
        brokers = connection.Brokers;
        runner = new KafkaBatchRunner(function, options, Store, logger);
        batches = Channel.CreateBounded<KafkaRecord[]>(new BoundedChannelOptions(options.ExecutorChannelCapacity) { SingleReader = true, SingleWriter = true });
        settings = connection.ToClientSettings();
        settings["group.id"] = group;
        settings["enable.auto.commit"] = "true";
        settings["enable.auto.offset.store"] = "false";
        foreach (var (name, value) in options.ClientSettings)
            settings[name] = value;
    }

    /// <summary>Whether the brokers cannot be reached now.</summary>
    public bool BrokersDown => consumer?.BrokersDown ?? false;

    /// <summary>Partitions assigned now.</summary>
    public IReadOnlyList<int> Assigned => consumer?.Assigned ?? [];

    /// <summary>Records handed to the function in batches that succeeded.</summary>
    public long Processed => runner.Processed;

    /// <summary>Joins the group and reads what fits into the channel, so that partitions are there by the time that the function may run.</summary>
    /// <exception cref="KafkaClientException">A client setting is refused.</exception>
    public void Join()
    {
        if (running is not null)
            return;
        consumer = new RecordConsumer(settings, topic, logger);
        running = Task.Run(RunBatchesAsync);
        new Thread(ReadUntilStopped) { IsBackground = true, Name = $"kafka {topic}" }.Start();
    }

    /// <summary>Lets the function run; joins first where that was not done.</summary>
    /// <exception cref="KafkaClientException">A client setting is refused.</exception>
    public void Start()
    {
        Join();
        mayRun.SetResult();
    }

    /// <summary>Stops reading, lets the running batch finish within the given time, commits, leaves the group.</summary>
    public async Task StopAsync(TimeSpan grace)
    {
        if (running is null)
            return;
        await stopReading.CancelAsync();
        using var limit = new CancellationTokenSource(grace, time);
        await using (limit.Token.UnsafeRegister(static source => ((CancellationTokenSource)source!).Cancel(), stopRunning))
            await running;
        await ended.Task;
        running = null;
    }

    public async ValueTask DisposeAsync()
    {
        await StopAsync(TimeSpan.Zero);
        stopReading.Dispose();
        stopRunning.Dispose();
    }

    private async Task RunBatchesAsync()
    {
        try
        {
            await mayRun.Task.WaitAsync(stopReading.Token);
            // What still waits in the channel at a stop was not stored and comes again after the next start.
            while (await batches.Reader.WaitToReadAsync(stopReading.Token))
            {
                while (!stopReading.IsCancellationRequested && batches.Reader.TryRead(out var batch))
                    await runner.RunAsync(batch, stopReading.Token, stopRunning.Token);
            }
        }
        catch (OperationCanceledException) when (stopReading.IsCancellationRequested)
        {
            // Stopped before it might run, or while no batch was there.
        }
    }

    private void ReadUntilStopped()
    {
        var pending = new PendingBatch(options.MaxBatchSize);
        var failures = 0;
        while (!stopReading.IsCancellationRequested)
        {
            try
            {
                ReadWindow(pending);
                WatchBrokers();
                failures = 0;
            }
            catch (OperationCanceledException)
            {
                break;
            }
            catch (Exception e)
            {
                // The real host's thread would end here and nothing would be consumed until a restart; this one begins anew.
                var delay = TimeSpan.FromSeconds(Math.Min(30, 1 << Math.Min(failures++, 5)));
                logger.LogError(e, "Kafka topic {Topic}: the consumer failed and is replaced in {Delay}: {Message}", topic, delay, e.Message);
                stopReading.Token.WaitHandle.WaitOne(delay);
                pending.Clear();
                Replace();
            }
        }

        running!.GetAwaiter().GetResult(); // The last batch's offsets must be stored before the client closes.
        consumer?.Dispose();
        ended.SetResult();
    }

    private void ReadWindow(PendingBatch pending)
    {
        var client = consumer!;
        if (client.Fatal is { } reason)
            throw new KafkaClientException(reason);
        var start = time.GetTimestamp();
        var flushed = false;
        while (!stopReading.IsCancellationRequested)
        {
            var left = options.SubscriberInterval - time.GetElapsedTime(start);
            if (left <= TimeSpan.Zero)
                break;
            var read = client.Read(pending.Free, (int)Math.Ceiling(left.TotalMilliseconds));
            if (read == 0)
                break;
            pending.Add(read);
            if (!pending.IsFull)
                continue;
            Flush(pending);
            flushed = true;
        }

        if (!flushed && batches.Reader.Count == 0)
            Flush(pending);
    }

    private void Flush(PendingBatch pending)
    {
        if (pending.Count == 0)
            return;
        var batch = pending.Take();
        while (!batches.Writer.TryWrite(batch))
            batches.Writer.WaitToWriteAsync(stopReading.Token).AsTask().GetAwaiter().GetResult();
    }

    private void WatchBrokers()
    {
        if (!BrokersDown)
            return;
        logger.LogWarning("Kafka at {Brokers} is away; the trigger waits for it", brokers);
        while (!stopReading.IsCancellationRequested && !consumer!.Reachable(1000))
            stopReading.Token.WaitHandle.WaitOne(TimeSpan.FromMilliseconds(250));
        if (!stopReading.IsCancellationRequested)
            logger.LogWarning("Kafka at {Brokers} is back", brokers);
    }

    private void Replace()
    {
        consumer?.Dispose();
        if (!stopReading.IsCancellationRequested)
            consumer = new RecordConsumer(settings, topic, logger);
    }

    private void Store(IReadOnlyDictionary<int, long> next)
    {
        if (consumer?.Store(next) is { Count: > 0 } lost)
            logger.LogInformation("Kafka topic {Topic}: partitions {Partitions} went to another consumer; their records come again there", topic, string.Join(", ", lost));
    }

    /// <summary>A batch that fills up.</summary>
    private sealed class PendingBatch(int size)
    {
        // Records of the usual size fill a batch by their number; large ones must not fill the memory.
        private const long MaxBytes = 32 << 20;

        private readonly KafkaRecord[] records = new KafkaRecord[size];
        private long bytes;

        public int Count { get; private set; }

        public bool IsFull => Count == records.Length || bytes >= MaxBytes;

        /// <summary>Where the next records go; few enough at a time for <see cref="IsFull"/> to be asked in between.</summary>
        public Span<KafkaRecord> Free => records.AsSpan(Count, Math.Min(records.Length - Count, 1000));

        public void Add(int count)
        {
            foreach (var record in records.AsSpan(Count, count))
                bytes += record.Value?.Length ?? 0;
            Count += count;
        }

        public KafkaRecord[] Take()
        {
            var batch = records.AsSpan(0, Count).ToArray();
            Clear();
            return batch;
        }

        public void Clear()
        {
            records.AsSpan(0, Count).Clear();
            (Count, bytes) = (0, 0);
        }
    }
}
