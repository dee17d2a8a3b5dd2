using System.Diagnostics;

namespace Tidemark.LocalHost.Processes;

/// <summary>
/// Starts a program in a session of its own with its output in a file, so that neither the end of this process nor Ctrl-C in its terminal reaches it.
/// </summary>
internal static class DetachedProcess
{
    private const string Redirect = "exec \"$@\" </dev/null >>\"$TIDEMARK_LOG\" 2>&1";

    /// <param name="command">Program and arguments.</param>
    /// <param name="logPath">Where its output is appended.</param>
    /// <exception cref="InvalidOperationException">It did not start.</exception>
    public static ProcessIdentity Start(IReadOnlyList<string> command, string logPath)
    {
        // setsid and exec keep the process id, so the child is the program itself.
        var start = new ProcessStartInfo("setsid") { UseShellExecute = false };
        foreach (var argument in (string[])["sh", "-c", Redirect, "sh", .. command])
            start.ArgumentList.Add(argument);
        start.Environment["TIDEMARK_LOG"] = logPath;
        using var process = Process.Start(start) ?? throw new InvalidOperationException($"{command[0]} did not start.");
        return ProcessIdentity.Of(process.Id)
            ?? throw new InvalidOperationException($"{command[0]} ended as soon as it was started; see {logPath}.");
    }
}
