using Microsoft.Extensions.Logging;

namespace Tidemark.LocalHost.Cli;

/// <summary>
/// Warnings and worse go to standard error, a line each (all that host.json lets through when verbose); everything with its exceptions goes to
/// <c>logs/host.log</c> of the data directory. The log of the run before is kept as <c>host.old.log</c>.
/// </summary>
internal sealed class HostLogging : IDisposable
{
    private readonly StreamWriter file;
    private readonly LineLog toFile;
    private readonly LineLog toErrors;

    public HostLogging(string folder, TextWriter errors, bool verbose, TimeProvider time)
    {
        var path = Path.Combine(folder, "host.log");
        if (File.Exists(path))
            File.Move(path, Path.Combine(folder, "host.old.log"), overwrite: true);
        file = new StreamWriter(new FileStream(path, FileMode.Create, FileAccess.Write, FileShare.Read));
        toFile = new LineLog(file, LogLevel.Trace, withExceptions: true, time);
        toErrors = new LineLog(errors, verbose ? LogLevel.Trace : LogLevel.Warning, withExceptions: false, time);
    }

    public void AddTo(ILoggingBuilder builder) => builder.AddProvider(toFile).AddProvider(toErrors);

    public ILogger CreateLogger(string category) => LoggerFactory.Create(AddTo).CreateLogger(category);

    public void Dispose() => file.Dispose();
}
