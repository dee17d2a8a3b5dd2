using System.Runtime.InteropServices;
using Tidemark.LocalHost.Processes;

namespace Tidemark.LocalHost.Emulator;

/// <summary>What a running emulator tells about itself in <c>kafka.json</c>.</summary>
/// <param name="Process">Its process.</param>
/// <param name="Brokers">HOST:PORT.</param>
/// <param name="Topic">Its topic.</param>
/// <param name="Partitions">Number of partitions.</param>
internal sealed record EmulatorInfo(ProcessIdentity Process, string Brokers, string Topic, int Partitions)
{
    /// <summary>The one that runs on a data directory; null when there is none.</summary>
    public static EmulatorInfo? Find(string folder) =>
        StateFile.Read<EmulatorInfo>(Path.Combine(folder, EmulatorProcess.InfoFile)) is { } info && info.Process.IsAlive() ? info : null;
}

/// <summary>
/// The emulator as a process of its own. It holds <c>kafka.lock</c> while it runs, says where it is in <c>kafka.json</c>, and writes
/// <c>kafka.snapshot</c> when it is asked to end, from which the next one goes on. A killed one leaves no snapshot and its records are gone.
/// </summary>
internal static class EmulatorProcess
{
    public const string LockFile = "kafka.lock";
    public const string InfoFile = "kafka.json";
    public const string SnapshotFile = "kafka.snapshot";

    /// <summary>Runs until SIGTERM; the exit code.</summary>
    public static int Run(string folder, string topic, string group, int partitions)
    {
        if (TryLock(folder) is not { } guard)
            return 0; // Another emulator is starting on this folder; the host finds that one.
        using (guard)
        using (var emulator = new KafkaEmulator())
        using (var stopped = new ManualResetEventSlim())
        {
            using var terminate = PosixSignalRegistration.Create(PosixSignal.SIGTERM, context => Stop(context, stopped));
            emulator.CreateTopic(topic, partitions);
            var snapshot = Path.Combine(folder, SnapshotFile);
            if (EmulatorSnapshot.Read(snapshot) is { } saved)
                SnapshotTransfer.PutBack(emulator.Brokers, saved);

            // In this order: a dead process in kafka.json means lost records, whatever snapshot there is.
            StateFile.Write(Path.Combine(folder, InfoFile), new EmulatorInfo(ProcessIdentity.Current, emulator.Brokers, topic, partitions));
            File.Delete(snapshot);
            stopped.Wait();
            SnapshotTransfer.Take(emulator.Brokers, topic, group, partitions).Write(snapshot);
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
