using Microsoft.Extensions.Logging;
using Tidemark.LocalHost.Demo;
using Tidemark.LocalHost.Kafka;
using Tidemark.LocalHost.Kafka.Native;
using Tidemark.LocalHost.Processes;

namespace Tidemark.LocalHost.Producing;

/// <summary>
/// The simulated shop in Kafka: first three hours of history as fast as they are read, then as time goes by. A resumed run goes on where the last one
/// stopped.
/// </summary>
internal sealed class DemoProducer(
    DataDirectory data, KafkaConnection connection, string topic, string group, int partitions, double rate, TimeProvider time, ILogger logger)
{
    private const string FileName = "demo.json";
    private static readonly TimeSpan History = TimeSpan.FromHours(3);
    private static readonly TimeSpan SaveEvery = TimeSpan.FromSeconds(1);

    private long sent;
    private long lastSave;
    private long arrivedMs;

    /// <summary>Records produced in this process.</summary>
    public long Sent => Volatile.Read(ref sent);

    /// <summary>Whether history is still being produced.</summary>
    public bool IsBackfilling { get; private set; } = true;

    /// <summary>Produces until it is cancelled.</summary>
    public Task RunAsync(CancellationToken cancel) => Task.Factory.StartNew(() => Run(cancel), cancel, TaskCreationOptions.LongRunning, TaskScheduler.Default);

    private void Run(CancellationToken cancel)
    {
        var producer = new PacedProducer(connection, topic, group, Ends(cancel), PacedProducer.EmulatorWindow, time, logger);
        try
        {
            Produce(producer, cancel);
        }
        catch (OperationCanceledException) when (cancel.IsCancellationRequested)
        {
            // What was handed over is still sent, so that the state below is true.
            producer.Flush(() => { }, new CancellationTokenSource(TimeSpan.FromSeconds(5)).Token);
        }
        finally
        {
            StateFile.Write(data[FileName], new DemoState(arrivedMs));
            producer.DisposeAsync().AsTask().GetAwaiter().GetResult();
        }
    }

    private long[] Ends(CancellationToken cancel)
    {
        using var tail = new TopicTail(connection, topic);
        return [.. tail.SteadyBounds(partitions, time, cancel).Select(b => b.End)];
    }

    private void Produce(PacedProducer producer, CancellationToken cancel)
    {
        var start = StateFile.Read<DemoState>(data[FileName]) is { ArrivedMs: > 0 } state
            ? DateTimeOffset.FromUnixTimeMilliseconds(state.ArrivedMs)
            : time.GetUtcNow() - History;
        arrivedMs = start.ToUnixTimeMilliseconds();
        // Another seed for each part, so that no event id comes twice.
        var shop = new ShopSimulation(new DemoOptions { Seed = arrivedMs, MisuseShare = 0.0001, Surge = 3 });
        var keyless = 0L;
        foreach (var item in shop.Generate(start, DateTimeOffset.MaxValue, rate))
        {
            WaitUntil(item.TimestampMs, producer, cancel);
            var partition = item.Key is { } key ? KafkaPartitioner.Partition(key, partitions) : (int)(keyless++ % partitions);
            producer.Send(
                new OutgoingRecord
                {
                    Partition = partition, HasKey = item.Key is not null, Key = item.Key, IsTombstone = item.Value is null, Value = item.Value,
                    TimestampMs = item.TimestampMs, Tag = sent + 1,
                },
                Save, cancel);
            arrivedMs = item.TimestampMs;
            Volatile.Write(ref sent, sent + 1);
            if ((sent & 255) == 0)
                Save();
        }
    }

    private void WaitUntil(long arrivalMs, PacedProducer producer, CancellationToken cancel)
    {
        while (arrivalMs - time.GetUtcNow().ToUnixTimeMilliseconds() is > 0 and var wait)
        {
            IsBackfilling = false;
            cancel.ThrowIfCancellationRequested();
            producer.Flush(() => { }, cancel);
            Save();
            cancel.WaitHandle.WaitOne((int)Math.Min(wait, 50));
        }
    }

    private void Save()
    {
        if (time.GetElapsedTime(lastSave) < SaveEvery)
            return;
        lastSave = time.GetTimestamp();
        StateFile.Write(data[FileName], new DemoState(arrivedMs));
    }

    private sealed record DemoState(long ArrivedMs);
}
