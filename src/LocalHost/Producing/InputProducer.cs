using Microsoft.Extensions.Logging;
using Tidemark.LocalHost.Kafka;
using Tidemark.LocalHost.Kafka.Native;
using Tidemark.LocalHost.Settings;

namespace Tidemark.LocalHost.Producing;

/// <summary>
/// Writes the lines of files to Kafka, each exactly once whatever kills this process. A line's partition follows from its key (or its number when it
/// has none), so the lines of a partition are in Kafka in their order and without holes. Progress is saved every quarter of a second and the
/// producer never runs ahead of it by more than the broker surely keeps; a resumed run compares what lies beyond it with the lines that come next.
/// </summary>
internal sealed class InputProducer(
    string state, KafkaConnection connection, string topic, string group, string key, IReadOnlyList<InputFile> files, long window, double? rate, TimeProvider time, ILogger logger)
{
    private static readonly TimeSpan SaveEvery = TimeSpan.FromMilliseconds(250);

    private PartitionProgress[] progress = [];
    private ProducedTail[] tails = [];
    private long[] ends = [];
    private bool[] isLive = [];
    private volatile PacedProducer? producing;
    private long lastSave;
    private long lines;
    private long delivered;

    /// <summary>Lines read so far, resumed ones included.</summary>
    public long Lines => Volatile.Read(ref lines);

    /// <summary>Records acknowledged by Kafka in this process.</summary>
    public long Delivered => Volatile.Read(ref delivered);

    /// <summary>Whether it waits now until what it has sent is read.</summary>
    public bool IsHeldBack => producing?.IsHeldBack ?? false;

    /// <summary>Produces what is missing. Returns when every line is in Kafka and that is noted down.</summary>
    /// <exception cref="SettingException">The input does not fit what the folder has seen.</exception>
    /// <exception cref="KafkaClientException">A record cannot be delivered.</exception>
    public Task RunAsync(CancellationToken cancel) => Task.Factory.StartNew(() => Run(cancel), cancel, TaskCreationOptions.LongRunning, TaskScheduler.Default);

    private void Run(CancellationToken cancel)
    {
        if (!Prepare(cancel))
            return;
        var producer = new PacedProducer(connection, topic, group, ends, window, time, logger);
        producing = producer;
        try
        {
            // Nothing that was not saved may be forgotten by the broker.
            for (var p = 0; p < progress.Length; p++)
                producer.Release(p, progress[p].Offset);
            ProduceLines(producer, cancel);
            producer.Flush(() => SaveIfDue(producer), cancel);
            Save(producer, isComplete: true);
        }
        finally
        {
            producing = null;
            producer.DisposeAsync().AsTask().GetAwaiter().GetResult();
        }
    }

    /// <summary>Finds or begins the progress of these files. False: they are in Kafka already.</summary>
    private bool Prepare(CancellationToken cancel)
    {
        using var tail = new TopicTail(connection, topic);
        var partitions = tail.Partitions();
        if (partitions == 0)
            throw new SettingException($"The topic {topic} does not exist at {connection.Brokers}; create it, or leave out --kafka.");
        var saved = InputProgress.Read(state);
        var isSame = saved is not null && saved.IsOf(files);
        if (saved is { IsComplete: false } && !isSame)
        {
            throw new SettingException(
                $"{Path.GetDirectoryName(state)} is in the middle of {string.Join(", ", saved.Files.Select(f => f.Path))}; resume with the same --input, or begin anew with --fresh.");
        }

        if (isSame && saved!.IsComplete)
            return false;
        var bounds = tail.SteadyBounds(partitions, time, cancel);
        if (!isSame)
        {
            saved = new InputProgress(files, [.. bounds.Select(b => new PartitionProgress(b.End, 0))], false);
            saved.Write(state);
        }

        progress = saved!.Partitions;
        if (progress.Length != partitions)
            throw new SettingException($"The topic {topic} has {partitions} partitions and had {progress.Length} when this input began; begin anew with --fresh.");
        for (var p = 0; p < partitions; p++)
        {
            if (progress[p].Offset < bounds[p].Start || progress[p].Offset > bounds[p].End)
            {
                throw new SettingException(
                    $"Partition {p} of {topic} holds offsets {bounds[p].Start} to {bounds[p].End}, not {progress[p].Offset} where this input had got to; begin anew with --fresh.");
            }
        }

        ends = [.. bounds.Select(b => b.End)];
        isLive = new bool[partitions];
        tails = [.. bounds.Select((b, p) => new ProducedTail(tail.Read(p, progress[p].Offset, b.End)))];
        return true;
    }

    private void ProduceLines(PacedProducer producer, CancellationToken cancel)
    {
        var keyBuffer = new byte[LineKey.MaxLength];
        var start = time.GetTimestamp();
        var sent = 0L;
        var number = 0L;
        void WhileWaiting() => SaveIfDue(producer);
        foreach (var file in files)
        {
            using var reader = new LineReader(file.Path);
            while (reader.TryRead(out var line))
            {
                number++;
                Volatile.Write(ref lines, number);
                var length = LineKey.Read(line, key, keyBuffer);
                var keyBytes = keyBuffer.AsSpan(0, Math.Max(0, length));
                var partition = length >= 0 ? KafkaPartitioner.Partition(keyBytes, progress.Length) : (int)(number % progress.Length);
                if (number <= progress[partition].Line)
                    continue;
                if (tails[partition].Contains(keyBytes, length >= 0, line))
                {
                    progress[partition] = new PartitionProgress(tails[partition].NextOffset!.Value, number);
                    continue;
                }

                GoLive(partition);
                producer.Send(new OutgoingRecord { Partition = partition, HasKey = length >= 0, Key = keyBytes, Value = line, Tag = number }, WhileWaiting, cancel);
                if ((++sent & 1023) == 0)
                    SaveIfDue(producer);
                if (rate is { } perSecond)
                    Throttle(start, sent / perSecond, producer, cancel);
            }
        }
    }

    /// <summary>The first line that is not in a partition: everything that the partition held at the start is known by now.</summary>
    private void GoLive(int partition)
    {
        if (isLive[partition])
            return;
        isLive[partition] = true;
        progress[partition] = progress[partition] with { Offset = ends[partition] };
    }

    private void Throttle(long start, double dueSeconds, PacedProducer producer, CancellationToken cancel)
    {
        while (time.GetElapsedTime(start).TotalSeconds < dueSeconds)
        {
            cancel.ThrowIfCancellationRequested();
            cancel.WaitHandle.WaitOne(TimeSpan.FromMilliseconds(5));
            SaveIfDue(producer);
        }
    }

    private void SaveIfDue(PacedProducer producer)
    {
        if (time.GetElapsedTime(lastSave) >= SaveEvery)
            Save(producer, isComplete: false);
    }

    private void Save(PacedProducer producer, bool isComplete)
    {
        lastSave = time.GetTimestamp();
        Volatile.Write(ref delivered, producer.Delivered);
        for (var p = 0; p < progress.Length; p++)
        {
            if (producer.Acknowledged(p) is { } last)
                progress[p] = new PartitionProgress(last.NextOffset, last.Tag);
        }

        new InputProgress(files, progress, isComplete).Write(state);
        for (var p = 0; p < progress.Length; p++)
            producer.Release(p, progress[p].Offset);
    }
}
