using System.Diagnostics;
using System.Globalization;
using System.Runtime.InteropServices;

namespace Tidemark.LocalHost.Processes;

/// <summary>A process that cannot be mistaken for a later one with the same id: id and start time (and boot).</summary>
/// <param name="Id">Process id.</param>
/// <param name="Started">Start time in the system's own units, with the boot it belongs to.</param>
internal sealed partial record ProcessIdentity(int Id, string Started)
{
    private const int SignalTerminate = 15;
    private const int SignalKill = 9;

    public static ProcessIdentity Current => Of(Environment.ProcessId)!;

    /// <summary>The process that has this id now; null when there is none.</summary>
    public static ProcessIdentity? Of(int id)
    {
        try
        {
            if (!OperatingSystem.IsLinux())
            {
                using var process = Process.GetProcessById(id);
                return new ProcessIdentity(id, process.StartTime.ToUniversalTime().ToString("O", CultureInfo.InvariantCulture));
            }

            // The name in parentheses may hold spaces; state is the first field after it, start time the twentieth.
            var stat = File.ReadAllText($"/proc/{id}/stat");
            var fields = stat[(stat.LastIndexOf(')') + 2)..].Split(' ');
            var isDead = fields[0] is "Z" or "X";
            return isDead ? null : new ProcessIdentity(id, $"{fields[19]}@{File.ReadAllText("/proc/sys/kernel/random/boot_id").Trim()}");
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or ArgumentException or InvalidOperationException)
        {
            return null;
        }
    }

    /// <summary>Whether this very process still runs.</summary>
    public bool IsAlive() => Of(Id) == this;

    /// <summary>Asks the process to end and waits; after the given time it is killed. A stranger with the same id is left alone.</summary>
    public async Task EndAsync(TimeSpan patience, TimeProvider time)
    {
        if (!IsAlive())
            return;
        Signal(SignalTerminate);
        var start = time.GetTimestamp();
        while (IsAlive())
        {
            if (time.GetElapsedTime(start) > patience)
                Signal(SignalKill);
            await Task.Delay(TimeSpan.FromMilliseconds(20), time);
        }
    }

    /// <summary>Kills the process at once, as a crash would.</summary>
    public void Kill()
    {
        if (IsAlive())
            Signal(SignalKill);
    }

    private void Signal(int signal)
    {
        if (OperatingSystem.IsWindows())
        {
            using var process = Process.GetProcessById(Id);
            process.Kill();
            return;
        }

        _ = kill(Id, signal); // Fails only when the process has ended meanwhile.
    }

    [LibraryImport("libc")]
    private static partial int kill(int pid, int signal);
}
