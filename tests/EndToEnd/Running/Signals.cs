using System.Runtime.InteropServices;

namespace Tidemark.EndToEnd.Running;

/// <summary>Signals to a process by its id, and the processes that work in a folder.</summary>
internal static partial class Signals
{
    public const int Kill = 9, Terminate = 15, Continue = 18, Stop = 19;

    public static void Send(int process, int signal)
    {
        if (SendSignal(process, signal) != 0)
            throw new InvalidOperationException($"Signal {signal} could not be sent to process {process} (error {Marshal.GetLastPInvokeError()}).");
    }

    /// <summary>Running processes that name the folder in their command line: what a killed host leaves behind.</summary>
    public static IReadOnlyList<(int Id, string Command)> WorkingIn(string folder)
    {
        var found = new List<(int, string)>();
        foreach (var process in Directory.EnumerateDirectories("/proc").Select(Path.GetFileName))
        {
            if (!int.TryParse(process, out var id) || id == Environment.ProcessId)
                continue;
            try
            {
                var command = File.ReadAllText($"/proc/{id}/cmdline").Replace('\0', ' ');
                if (command.Contains(folder, StringComparison.Ordinal))
                    found.Add((id, command.Trim()));
            }
            catch (Exception e) when (e is IOException or UnauthorizedAccessException)
            {
                // It ended while we looked.
            }
        }
        return found;
    }

    [LibraryImport("libc", EntryPoint = "kill", SetLastError = true)]
    private static partial int SendSignal(int process, int signal);
}
