using Microsoft.Extensions.Logging;

namespace Tidemark.LocalHost.Cli;

/// <summary>
/// Warnings and worse go to standard error, a line each (all that host.json lets through when verbose), what repeats itself once a minute; everything with its
/// exceptions goes to <c>logs/host.log</c> of the data directory. The log of the run before is kept as <c>host.old.log</c>.
/// </summary>
internal sealed class HostLogging : IDisposable
{
    private readonly StreamWriter file;
    private readonly LineLog toFile;
    private readonly LineLog toErrors;

    /// <param name="folder">Folder of the log.</param>
    /// <param name="errors">Standard error.</param>
    /// <param name="verbose">Whether all of it goes there, too.</param>
    /// <param name="time">Clock.</param>
    /// <param name="isToldElsewhere">Failures that are in the log only.</param>
    public HostLogging(string folder, TextWriter errors, bool verbose, TimeProvider time, Predicate<Exception>? isToldElsewhere = null)
    {
        var path = Path.Combine(folder, "host.log");
        if (File.Exists(path))
            File.Move(path, Path.Combine(folder, "host.old.log"), overwrite: true);
        file = new StreamWriter(new FileStream(path, FileMode.Create, FileAccess.Write, FileShare.Read));
        toFile = new LineLog(file, LogLevel.Trace, withExceptions: true, time);
        toErrors = new LineLog(errors, verbose ? LogLevel.Trace : LogLevel.Warning, withExceptions: false, time, verbose ? null : new RecentLines(time, isToldElsewhere));
    }

    public void AddTo(ILoggingBuilder builder) => builder.AddProvider(toFile).AddProvider(toErrors);

    public ILogger CreateLogger(string category) => LoggerFactory.Create(AddTo).CreateLogger(category);

    public void Dispose() => file.Dispose();
}
