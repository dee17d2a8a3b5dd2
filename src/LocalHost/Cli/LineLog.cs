using System.Globalization;
using Microsoft.Extensions.Logging;

namespace Tidemark.LocalHost.Cli;

/// <summary>Log lines on a writer: time (UTC), level, category, text; with the whole exception where asked for, and without those that <paramref name="recent"/> leaves out.</summary>
internal sealed class LineLog(TextWriter writer, LogLevel least, bool withExceptions, TimeProvider time, RecentLines? recent = null) : ILoggerProvider
{
    private readonly LogLevel least = least;
    private readonly Lock gate = new();

    public ILogger CreateLogger(string categoryName) => new Category(this, categoryName);

    public void Dispose()
    {
        lock (gate)
            writer.Flush();
    }

    private void Write(LogLevel level, string category, string text, Exception? exception)
    {
        var line = string.Create(CultureInfo.InvariantCulture, $"{time.GetUtcNow():HH:mm:ss.fff} {Name(level)} {category}: {text}");
        lock (gate)
        {
            if (recent?.IsNew(text, exception) == false)
                return;
            writer.WriteLine(line);
            if (withExceptions && exception is not null)
                writer.WriteLine(exception);
            if (level >= LogLevel.Warning)
                writer.Flush();
        }
    }

    private static string Name(LogLevel level) => level switch
    {
        LogLevel.Critical or LogLevel.Error => "error",
        LogLevel.Warning => "warn",
        LogLevel.Information => "info",
        _ => "debug",
    };

    private sealed class Category(LineLog log, string name) : ILogger
    {
        public IDisposable? BeginScope<TState>(TState state)
            where TState : notnull => null;

        public bool IsEnabled(LogLevel logLevel) => logLevel >= log.least && logLevel != LogLevel.None;

        public void Log<TState>(LogLevel logLevel, EventId eventId, TState state, Exception? exception, Func<TState, Exception?, string> formatter)
        {
            if (IsEnabled(logLevel))
                log.Write(logLevel, name, formatter(state, exception), exception);
        }
    }
}
