using Microsoft.Extensions.Logging;
using Tidemark.LocalHost.Kafka;
using Tidemark.LocalHost.Kafka.Native;
using Tidemark.LocalHost.Settings;

namespace Tidemark.LocalHost.Producing;

/// <summary>
/// Writes the lines of files to Kafka, each exactly once whatever kills this process. A line's partition follows from its key (or its number when it
/// has none), so the lines of a partition are in Kafka in their order and without holes. Progress is saved every quarter of a second and the
/// producer never runs ahead of it by more than the broker surely keeps; a resumed run compares what lies beyond it with the lines that come next.
/// Files that were read to their end before are left out.
/// </summary>
internal sealed class InputProducer(InputPlan plan, KafkaConnection connection, TimeProvider time, Action<string> tell, ILogger logger)
{
    private static readonly TimeSpan SaveEvery = TimeSpan.FromMilliseconds(250);

    private readonly string topic = plan.Topic;
    private readonly FinishedInputs finished = new(Path.ChangeExtension(plan.State, ".finished.json"));
    private IReadOnlyList<InputFile> files = plan.Files;
    private PartitionProgress[] progress = [];
    private Queue<(long Line, ulong Hash)>[] sentLines = [];
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
        var producer = new PacedProducer(connection, topic, plan.Group, ends, plan.Window, time, logger);
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
        catch (SettingException)
        {
            // A file is at fault. What was sent of it is settled, so that a mended one can go on from there, or another begin where it is nothing.
            producer.Flush(() => SaveIfDue(producer), cancel);
            Save(producer, isSettled: tails.All(t => t.IsOver));
            throw;
        }
        finally
        {
            producing = null;
            producer.DisposeAsync().AsTask().GetAwaiter().GetResult();
        }

        finished.Add(files);
    }

    /// <summary>Finds or begins the progress of these files. False: they are in Kafka already.</summary>
    private bool Prepare(CancellationToken cancel)
    {
        using var tail = new TopicTail(connection, topic);
        var partitions = tail.Partitions();
        if (partitions == 0)
            throw new SettingException($"The topic {topic} does not exist at {connection.Brokers}; create it, or leave out --kafka.");
        var saved = InputProgress.Read(plan.State);
        if (saved is { IsComplete: true })
        {
            // Those of an earlier version, or of a run that was killed before it noted them down.
            finished.Add(saved.Files);
            saved = null;
        }

        var isSame = saved is not null && saved.IsOf(files);
        if (!isSame && !plan.Again)
        {
            files = finished.NotIn(files, tell);
            isSame = saved is not null && saved.IsOf(files);
        }

        if (saved is null && files.Count == 0)
            return false;
        if (saved is not null && saved.Partitions.Length != partitions)
            throw new SettingException($"The topic {topic} has {partitions} partitions and had {saved.Partitions.Length} when this input began; begin anew with --fresh.");
        var bounds = tail.SteadyBounds(partitions, time, cancel);
        if (saved is not null && !isSame && !MayGiveWay(saved, bounds))
        {
            throw new SettingException(
                $"{Path.GetDirectoryName(plan.State)} is in the middle of {string.Join(", ", saved.Files.Select(f => f.Path))}; resume with the same --input or with a copy that begins with the same lines (of a damaged .gz, zcat FILE > COPY saves them), or begin anew with --fresh.");
        }

        // What is settled has nothing of ours behind it.
        progress = saved is null || (saved.GreatestLine == 0 && !isSame) ? [.. bounds.Select(b => new PartitionProgress(b.End, 0))]
            : saved.IsSettled ? [.. saved.Partitions.Select((p, i) => p with { Offset = bounds[i].End })]
            : saved.Partitions;
        new InputProgress(files, progress, IsComplete: false).Write(plan.State);
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
        sentLines = [.. bounds.Select(_ => new Queue<(long, ulong)>())];
        tails = [.. bounds.Select((b, p) => new ProducedTail(tail.Read(p, progress[p].Offset, b.End)))];
        return true;
    }

    /// <summary>Whether other files may take the place of those that were begun: none of their lines is in Kafka, or the others begin with the same.</summary>
    private bool MayGiveWay(InputProgress saved, (long Start, long End)[] bounds) => saved.GreatestLine > 0 ? saved.IsContinuedBy(files, plan.Key)
        : saved.IsSettled || saved.Partitions.Zip(bounds).All(p => p.First.Offset == p.Second.End);

    private void ProduceLines(PacedProducer producer, CancellationToken cancel)
    {
        var start = time.GetTimestamp();
        var sent = 0L;
        void WhileWaiting() => SaveIfDue(producer);
        using var input = new InputLines(files, plan.Key, progress.Length);
        while (input.TryRead(out var line))
        {
            var (number, partition) = (input.Number, input.Partition);
            Volatile.Write(ref lines, number);
            if (number <= progress[partition].Line)
                continue;
            if (tails[partition].Contains(input.Key, input.HasKey, line))
            {
                progress[partition] = new PartitionProgress(tails[partition].NextOffset!.Value, number, input.Hash);
                continue;
            }

            GoLive(partition);
            sentLines[partition].Enqueue((number, input.Hash));
            producer.Send(new OutgoingRecord { Partition = partition, HasKey = input.HasKey, Key = input.Key, Value = line, Tag = number }, WhileWaiting, cancel);
            if ((++sent & 1023) == 0)
                SaveIfDue(producer);
            if (plan.Rate is { } perSecond)
                Throttle(start, sent / perSecond, producer, cancel);
        }

        files = input.Counted;
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
            Save(producer);
    }

    private void Save(PacedProducer producer, bool isComplete = false, bool isSettled = false)
    {
        lastSave = time.GetTimestamp();
        Volatile.Write(ref delivered, producer.Delivered);
        for (var p = 0; p < progress.Length; p++)
        {
            if (producer.Acknowledged(p) is not { } last)
                continue;
            var hash = progress[p].Hash;
            while (sentLines[p].TryPeek(out var first) && first.Line <= last.Tag)
                hash = sentLines[p].Dequeue().Hash;
            progress[p] = new PartitionProgress(last.NextOffset, last.Tag, hash);
        }

        new InputProgress(files, progress, isComplete, isSettled).Write(plan.State);
        for (var p = 0; p < progress.Length; p++)
            producer.Release(p, progress[p].Offset);
    }
}

/// <summary>What is to be read, and into which topic.</summary>
/// <param name="State">The file of its progress.</param>
/// <param name="Topic">Topic.</param>
/// <param name="Group">The group whose commits pace the producer.</param>
/// <param name="Key">Field of a line that is its key.</param>
/// <param name="Files">The files, in order.</param>
/// <param name="Window">Bytes per partition that may be unread, see <see cref="PacedProducer"/>.</param>
/// <param name="Rate">Lines a second at most; null = as fast as it goes.</param>
/// <param name="Again">Whether files that were read before are read again.</param>
internal sealed record InputPlan(string State, string Topic, string Group, string Key, IReadOnlyList<InputFile> Files, long Window, double? Rate = null, bool Again = false);
