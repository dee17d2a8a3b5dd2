using System.Diagnostics;
using System.Text;

namespace Tidemark.EndToEnd.Running;

/// <summary>One process of the program under test. What it prints is kept and shown when a test fails.</summary>
internal sealed class Run : IAsyncDisposable
{
    private readonly Process _process;
    private readonly StringBuilder _output = new(), _errors = new();
    private readonly TaskCompletionSource _ended = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly TaskCompletionSource _outputRead = new(), _errorsRead = new();
    private readonly string _commandLine;

    public Run(string program, IEnumerable<string> arguments, IReadOnlyDictionary<string, string> environment, string workingFolder)
    {
        var start = new ProcessStartInfo(program)
        {
            RedirectStandardOutput = true, RedirectStandardError = true, RedirectStandardInput = true, WorkingDirectory = workingFolder,
        };
        foreach (var argument in arguments)
            start.ArgumentList.Add(argument);
        foreach (var (name, value) in environment)
            start.Environment[name] = value;
        _commandLine = string.Join(' ', start.ArgumentList.Prepend(Path.GetFileName(program)));
        if (!File.Exists(program) && Path.IsPathRooted(program))
            throw new InvalidOperationException($"{program} is not built; run eng/setup.sh or build src/LocalHost first.");
        _process = new Process { StartInfo = start, EnableRaisingEvents = true };
        _process.OutputDataReceived += (_, line) => Keep(_output, line.Data, _outputRead);
        _process.ErrorDataReceived += (_, line) => Keep(_errors, line.Data, _errorsRead);
        _process.Exited += (_, _) => _ended.TrySetResult();
        _process.Start();
        _process.StandardInput.Close();
        _process.BeginOutputReadLine();
        _process.BeginErrorReadLine();
    }

    public int Id => _process.Id;

    public bool HasEnded => _process.HasExited;

    public string Output { get { lock (_output) return _output.ToString(); } }

    public string Errors { get { lock (_errors) return _errors.ToString(); } }

    /// <summary>Waits for the end; after the time limit the process is killed and the test fails with what it printed.</summary>
    public async Task<int> EndAsync(TimeSpan limit)
    {
        if (await Task.WhenAny(_ended.Task, Task.Delay(limit)) != _ended.Task)
        {
            Send(Signals.Kill);
            Assert.Fail($"It did not end within {limit}.\n{Transcript()}");
        }
        // What the process started may hold its output open and live on; its own words are here by then.
        await Task.WhenAny(Task.WhenAll(_outputRead.Task, _errorsRead.Task), Task.Delay(TimeSpan.FromSeconds(2)));
        return _process.ExitCode;
    }

    /// <summary>Waits until the port answers or the process ends; false when it ended.</summary>
    public async Task<bool> AnswersAsync(int port, TimeSpan limit)
    {
        var deadline = Stopwatch.GetTimestamp() + (long)(limit.TotalSeconds * Stopwatch.Frequency);
        while (!_process.HasExited)
        {
            if (Places.Answers(port))
                return true;
            if (Stopwatch.GetTimestamp() > deadline)
                Assert.Fail($"Port {port} did not answer within {limit}.\n{Transcript()}");
            await Task.Delay(50);
        }
        return false;
    }

    public void Send(int signal)
    {
        if (!_process.HasExited)
            Signals.Send(Id, signal);
    }

    /// <summary>The command and the last it printed.</summary>
    public string Transcript() => $"$ {_commandLine}\n{Tail(Output)}\n--- errors\n{Tail(Errors)}";

    public async ValueTask DisposeAsync()
    {
        Send(Signals.Kill);
        await _ended.Task;
        _process.Dispose();
    }

    private static void Keep(StringBuilder text, string? line, TaskCompletionSource end)
    {
        if (line is null)
        {
            end.TrySetResult();
            return;
        }
        lock (text)
            text.AppendLine(line);
    }

    private static string Tail(string text) => text.Length <= 6_000 ? text : "…" + text[^6_000..];
}
