using System.Globalization;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.Logging;

namespace Tidemark.LocalHost.Settings;

/// <summary>
/// host.json. As in the real host, an app setting <c>AzureFunctionsJobHost__a__b</c> replaces the value at <c>a.b</c>.
/// </summary>
internal sealed class HostJson
{
    private const string Overrides = "AzureFunctionsJobHost";

    private readonly IConfiguration values;

    private HostJson(IConfiguration values) => this.values = values;

    /// <summary>Prefix of HTTP routes, without slashes at its ends.</summary>
    public string RoutePrefix => (values["extensions:http:routePrefix"] ?? "api").Trim('/');

    /// <summary>Operations that one entity runs between two commits.</summary>
    public int MaxEntityOperationBatchSize => Positive("extensions:durableTask:maxEntityOperationBatchSize", 5000);

    /// <summary>Entities that run at the same time.</summary>
    public int MaxConcurrentEntityFunctions =>
        Positive("extensions:durableTask:maxConcurrentEntityFunctions", 10 * Environment.ProcessorCount);

    /// <exception cref="SettingException">The file is missing or no JSON.</exception>
    public static HostJson Load(string path, IConfiguration settings)
    {
        if (!File.Exists(path))
            throw new SettingException($"{path} is missing; it lies beside Functions.sln and is copied by the build.");
        var builder = new ConfigurationBuilder();
        try
        {
            builder.AddJsonFile(Path.GetFullPath(path));
            var overrides = settings.GetSection(Overrides).AsEnumerable(makePathsRelative: true).Where(p => p.Value is not null);
            return new HostJson(builder.AddInMemoryCollection(overrides).Build());
        }
        catch (InvalidDataException e)
        {
            throw new SettingException($"{path} cannot be read: {e.InnerException?.Message ?? e.Message}");
        }
    }

    /// <summary>The value at a path, such as <c>extensions:kafka:maxBatchSize</c>.</summary>
    public string? Text(string path) => values[path];

    public int Positive(string path, int otherwise)
    {
        var value = Integer(path) ?? otherwise;
        return value > 0 ? value : throw new SettingException($"host.json: {Dotted(path)} is {value}; it must be 1 or more.");
    }

    public int? Integer(string path) => values[path] switch
    {
        null or "" => null,
        var text when int.TryParse(text, CultureInfo.InvariantCulture, out var value) => value,
        var text => throw new SettingException($"host.json: {Dotted(path)} is '{text}'; it must be a whole number."),
    };

    public bool Flag(string path, bool otherwise) => values[path] switch
    {
        null or "" => otherwise,
        var text when bool.TryParse(text, out var value) => value,
        var text => throw new SettingException($"host.json: {Dotted(path)} is '{text}'; it must be true or false."),
    };

    /// <summary>Log levels by category from <c>logging.logLevel</c>; <c>default</c> is the rest.</summary>
    public IEnumerable<(string Category, LogLevel Level)> LogLevels()
    {
        foreach (var entry in values.GetSection("logging:logLevel").GetChildren())
        {
            if (!Enum.TryParse<LogLevel>(entry.Value, ignoreCase: true, out var level))
                throw new SettingException($"host.json: logging.logLevel.{entry.Key} is '{entry.Value}'; use Debug, Information, Warning, Error or None.");
            yield return (entry.Key, level);
        }
    }

    private static string Dotted(string path) => path.Replace(':', '.');
}
