using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Console;

namespace Tidemark.LocalHost.Cli;

/// <summary>Log lines go to standard error, one line each; only warnings and worse unless the run is verbose.</summary>
internal static class HostLogging
{
    public static void Add(ILoggingBuilder builder, bool verbose)
    {
        builder.AddSimpleConsole(console =>
        {
            console.SingleLine = true;
            console.TimestampFormat = "HH:mm:ss.fff ";
            console.UseUtcTimestamp = true;
            console.ColorBehavior = LoggerColorBehavior.Disabled;
        });
        builder.Services.Configure<ConsoleLoggerOptions>(console => console.LogToStandardErrorThreshold = LogLevel.Trace);
        if (!verbose)
            builder.AddFilter<ConsoleLoggerProvider>(null, LogLevel.Warning);
    }

    public static ILoggerFactory Create(bool verbose) => LoggerFactory.Create(builder => Add(builder, verbose));
}
