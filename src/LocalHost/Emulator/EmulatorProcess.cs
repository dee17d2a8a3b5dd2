using System.Runtime.InteropServices;
using System.Text.Json.Serialization;
using Tidemark.LocalHost.Processes;

namespace Tidemark.LocalHost.Emulator;

/// <summary>What a running emulator tells about itself in <c>kafka.json</c>.</summary>
/// <param name="Process">Its process.</param>
/// <param name="Brokers">HOST:PORT.</param>
/// <param name="Topics">Its topics.</param>
/// <param name="Partitions">Number of partitions of each.</param>
internal sealed record EmulatorInfo(ProcessIdentity Process, string Brokers, IReadOnlyList<string> Topics, int Partitions)
{
    /// <summary>The main one.</summary>
    [JsonIgnore]
    public string Topic => Topics[0];

    /// <summary>The one that runs on a data directory; null when there is none.</summary>
    public static EmulatorInfo? Find(string folder) =>
        StateFile.Read<EmulatorInfo>(Path.Combine(folder, EmulatorProcess.InfoFile)) is { } info && info.Process.IsAlive() ? info : null;
}

/// <summary>A topic, and the consumer group whose offsets outlive an orderly end.</summary>
internal readonly record struct TopicGroup(string Topic, string Group);

/// <summary>
/// The emulator as a process of its own. It holds <c>kafka.lock</c> while it runs, says where it is in <c>kafka.json</c>, and writes
/// <c>kafka.snapshot</c> when it is asked to end, from which the next one has the same logs. A killed one leaves no snapshot and its records are gone.
/// </summary>
internal static class EmulatorProcess
{
    public const string LockFile = "kafka.lock";
    public const string InfoFile = "kafka.json";
    public const string SnapshotFile = "kafka.snapshot";

    /// <summary>Runs until SIGTERM; the exit code.</summary>
    public static int Run(string folder, IReadOnlyList<TopicGroup> topics, int partitions)
    {
        if (TryLock(folder) is not { } guard)
            return 0; // Another emulator is starting on this folder; the host finds that one.
        using (guard)
        using (var emulator = new KafkaEmulator())
        using (var stopped = new ManualResetEventSlim())
        {
            using var terminate = PosixSignalRegistration.Create(PosixSignal.SIGTERM, context => Stop(context, stopped));
            foreach (var topic in topics)
                emulator.CreateTopic(topic.Topic, partitions);
            var groups = topics.ToDictionary(t => t.Topic, t => t.Group);
            var snapshot = Path.Combine(folder, SnapshotFile);
            foreach (var saved in EmulatorSnapshot.Read(snapshot))
            {
                if (groups.TryAdd(saved.Topic, saved.Group))
                    emulator.CreateTopic(saved.Topic, saved.Partitions.Count);
                else if (saved.Partitions.Count != partitions)
                    throw new InvalidDataException($"The topic {saved.Topic} has {saved.Partitions.Count} partitions here, not {partitions}; name another topic, or begin anew with --fresh.");
                SnapshotTransfer.PutBack(emulator.Brokers, saved);
            }

            // All that was needed to put it back, a copy of the log, would be held while the emulator runs.
            GC.Collect(GC.MaxGeneration, GCCollectionMode.Aggressive);

            // In this order: a dead process in kafka.json means lost records, whatever snapshot there is.
            StateFile.Write(Path.Combine(folder, InfoFile), new EmulatorInfo(ProcessIdentity.Current, emulator.Brokers, [.. topics.Select(t => t.Topic)], partitions));
            File.Delete(snapshot);
            stopped.Wait();
            var all = SnapshotTransfer.Topics(emulator.Brokers);
            EmulatorSnapshot.Write(snapshot, all.Count, all.Select(t => SnapshotTransfer.Take(emulator.Brokers, t.Topic, groups.GetValueOrDefault(t.Topic, ""), t.Partitions)));
            File.Delete(Path.Combine(folder, InfoFile));
        }

        return 0;
    }

    /// <summary>Whether an emulator holds the folder, though it may not be ready yet.</summary>
    public static bool IsStarting(string folder)
    {
        using var guard = TryLock(folder);
        return guard is null;
    }

    private static FileStream? TryLock(string folder)
    {
        try
        {
            return new FileStream(Path.Combine(folder, LockFile), FileMode.OpenOrCreate, FileAccess.ReadWrite, FileShare.None);
        }
        catch (IOException)
        {
            return null;
        }
    }

    private static void Stop(PosixSignalContext context, ManualResetEventSlim stopped)
    {
        context.Cancel = true;
        stopped.Set();
    }
}
