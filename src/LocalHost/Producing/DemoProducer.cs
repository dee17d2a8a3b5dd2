using Microsoft.Extensions.Logging;
using Tidemark.LocalHost.Cli;
using Tidemark.LocalHost.Demo;
using Tidemark.LocalHost.Kafka;
using Tidemark.LocalHost.Kafka.Native;
using Tidemark.LocalHost.Processes;

namespace Tidemark.LocalHost.Producing;

/// <summary>What a demo produces.</summary>
/// <param name="History">How much of the past comes first.</param>
/// <param name="From">The records from a time on, in order of arrival, without end; another time gives other ids.</param>
internal sealed record DemoStream(TimeSpan History, Func<DateTimeOffset, IEnumerable<DemoEvent>> From)
{
    /// <summary>
    /// The shop with three hours of history; its products are those of the <see cref="DemoCatalog"/>. Accounts are misused often enough that every rule has
    /// found something in it also after a quiet night.
    /// </summary>
    /// <param name="rate">Events a second.</param>
    public static DemoStream Shop(double rate) => new(TimeSpan.FromHours(3), start =>
        new ShopSimulation(DemoCatalog.Shop with { Seed = start.ToUnixTimeMilliseconds(), MisuseShare = 0.001, Surge = 3 }).Generate(start, DateTimeOffset.MaxValue, rate));

    /// <summary>The devices with an hour of history.</summary>
    public static DemoStream Devices() => new(TimeSpan.FromHours(1), start =>
        new SensorSimulation(new SensorOptions { Seed = start.ToUnixTimeMilliseconds() }).Generate(start, DateTimeOffset.MaxValue));
}

/// <summary>
/// A demo in Kafka: history first, as fast as it is read, then as time goes by. A resumed run goes on where the last one stopped.
/// </summary>
/// <param name="stream">What is produced.</param>
/// <param name="state">File that says how far it has got.</param>
/// <param name="connection">Brokers.</param>
/// <param name="topics">Where it goes: each record to those topics that want it.</param>
/// <param name="time">Clock.</param>
/// <param name="logger">Log.</param>
internal sealed class DemoProducer(
    DemoStream stream, string state, KafkaConnection connection, IReadOnlyList<(RunTopic Topic, int Partitions, Predicate<DemoEvent> Wants)> topics, TimeProvider time, ILogger logger)
{
    private static readonly TimeSpan SaveEvery = TimeSpan.FromSeconds(1);

    private long sent;
    private long lastSave;
    private long arrivedMs;

    /// <summary>Whether history is still being produced.</summary>
    public bool IsBackfilling { get; private set; } = true;

    /// <summary>Produces until it is cancelled.</summary>
    public Task RunAsync(CancellationToken cancel) => Task.Factory.StartNew(() => Run(cancel), cancel, TaskCreationOptions.LongRunning, TaskScheduler.Default);

    private void Run(CancellationToken cancel)
    {
        var lanes = topics.Select(t => new Lane(t.Partitions, t.Wants, new PacedProducer(connection, t.Topic.Topic, t.Topic.Group, Ends(t.Topic.Topic, t.Partitions, cancel), PacedProducer.EmulatorWindow, time, logger))).ToList();
        try
        {
            Produce(lanes, cancel);
        }
        catch (OperationCanceledException) when (cancel.IsCancellationRequested)
        {
            // What was handed over is still sent, so that the state below is true.
            Flush(lanes, new CancellationTokenSource(TimeSpan.FromSeconds(5)).Token);
        }
        finally
        {
            StateFile.Write(state, new DemoState(arrivedMs));
            foreach (var lane in lanes)
                lane.Producer.DisposeAsync().AsTask().GetAwaiter().GetResult();
        }
    }

    private long[] Ends(string topic, int partitions, CancellationToken cancel)
    {
        using var tail = new TopicTail(connection, topic);
        return [.. tail.SteadyBounds(partitions, time, cancel).Select(b => b.End)];
    }

    private void Produce(List<Lane> lanes, CancellationToken cancel)
    {
        var start = StateFile.Read<DemoState>(state) is { ArrivedMs: > 0 } saved
            ? DateTimeOffset.FromUnixTimeMilliseconds(saved.ArrivedMs)
            : time.GetUtcNow() - stream.History;
        arrivedMs = start.ToUnixTimeMilliseconds();
        foreach (var item in stream.From(start))
        {
            WaitUntil(item.TimestampMs, lanes, cancel);
            foreach (var lane in lanes.Where(lane => lane.Wants(item)))
                lane.Send(item, Save, cancel);
            arrivedMs = item.TimestampMs;
            if ((++sent & 255) == 0)
                Save();
        }
    }

    private void WaitUntil(long arrivalMs, List<Lane> lanes, CancellationToken cancel)
    {
        while (arrivalMs - time.GetUtcNow().ToUnixTimeMilliseconds() is > 0 and var wait)
        {
            IsBackfilling = false;
            cancel.ThrowIfCancellationRequested();
            Flush(lanes, cancel);
            Save();
            cancel.WaitHandle.WaitOne((int)Math.Min(wait, 50));
        }
    }

    private static void Flush(List<Lane> lanes, CancellationToken cancel)
    {
        foreach (var lane in lanes)
            lane.Producer.Flush(() => { }, cancel);
    }

    private void Save()
    {
        if (time.GetElapsedTime(lastSave) < SaveEvery)
            return;
        lastSave = time.GetTimestamp();
        StateFile.Write(state, new DemoState(arrivedMs));
    }

    private sealed record DemoState(long ArrivedMs);

    /// <summary>One topic.</summary>
    private sealed class Lane(int partitions, Predicate<DemoEvent> wants, PacedProducer producer)
    {
        private long _sent;
        private long _keyless;

        public PacedProducer Producer => producer;

        public bool Wants(DemoEvent item) => wants(item);

        public void Send(DemoEvent item, Action whileWaiting, CancellationToken cancel) => producer.Send(
            new OutgoingRecord
            {
                Partition = item.Key is { } key ? KafkaPartitioner.Partition(key, partitions) : (int)(_keyless++ % partitions),
                HasKey = item.Key is not null, Key = item.Key, IsTombstone = item.Value is null, Value = item.Value, TimestampMs = item.TimestampMs, Tag = ++_sent,
            },
            whileWaiting, cancel);
    }
}
