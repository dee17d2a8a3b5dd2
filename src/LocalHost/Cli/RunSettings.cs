using Microsoft.Extensions.Configuration;
using Tidemark.LocalHost.Demo;
using Tidemark.LocalHost.Processes;
using Tidemark.LocalHost.Settings;

namespace Tidemark.LocalHost.Cli;

/// <summary>Where the settings of a run come from and what this host adds to them.</summary>
internal static class RunSettings
{
    public const string Storage = "AzureWebJobsStorage";
    public const string Brokers = "BrokerList";

    /// <summary>
    /// Defaults that make this host quick and what it shows lively: large batches, a short flush window, frequent commits, short waits at the emulator, few rows in
    /// emulated Table storage, which is slow. Each is a setting of host.json or
    /// of the pipeline and may be set otherwise.
    /// </summary>
    private static readonly Dictionary<string, string?> Defaults = new()
    {
        ["KafkaTopic"] = "events",
        ["KafkaGroup"] = "tidemark",
        ["TickSchedule"] = "* * * * * *",
        ["MaintainSchedule"] = "0 0 * * * *",
        ["DeltaInterval"] = "5s",
        ["ResultsRetention"] = "1h",
        ["CheckpointInterval"] = "10s",
        ["AzureFunctionsJobHost:extensions:kafka:maxBatchSize"] = "60000",
        ["AzureFunctionsJobHost:extensions:kafka:autoCommitIntervalMs"] = "100",
        ["AzureFunctionsJobHost:extensions:kafka:queuedMaxMessagesKbytes"] = "16384",
        ["LocalHost:SubscriberIntervalMs"] = "100",
    };

    // The emulator answers an empty fetch only after the whole wait, and lets a group wait for a session to end before it shares partitions anew. It is
    // ours, so results and dead letters are written to it; to brokers of others only when the settings say so.
    private static readonly Dictionary<string, string?> EmulatorDefaults = new()
    {
        ["AzureFunctionsJobHost:extensions:kafka:sessionTimeoutMs"] = "4000",
        ["LocalHost:FetchWaitMs"] = "20",
        ["DeadLetterSuffix"] = ".dlq",
    };

    // What the demo shows; an input is computed without it.
    private static readonly Dictionary<string, string?> DemoDefaults = new() { ["EventCountsTopic"] = "event-counts", ["AlertsTopic"] = "alerts" };

    /// <summary>The settings before any service is started: what names real services is in them.</summary>
    public static IConfigurationRoot Read(RunOptions options) => Build(options, usesEmulator: false, []);

    /// <summary>The settings of the run.</summary>
    /// <param name="options">The command line.</param>
    /// <param name="usesEmulator">Whether the brokers are the emulator.</param>
    /// <param name="services">Addresses of services that were started.</param>
    public static IConfigurationRoot Build(RunOptions options, bool usesEmulator, IEnumerable<KeyValuePair<string, string?>> services)
    {
        var imposed = new Dictionary<string, string?>();
        if (options.Kafka is not null)
            imposed[Brokers] = options.Kafka;
        if (options.KafkaUser is not null)
            imposed["KafkaUser"] = options.KafkaUser;
        if (options.KafkaPassword is not null)
            imposed["KafkaPassword"] = options.KafkaPassword;
        if (options.KafkaProtocol is not null)
            imposed["KafkaProtocol"] = options.KafkaProtocol.Replace("_", "", StringComparison.Ordinal);
        foreach (var (name, value) in services)
            imposed[name] = value;
        // What a swap has put in place of the version that the folder began with; the environment wins, and on storage that is named, settings say it all.
        foreach (var (name, value) in GivenStorage() is null ? Generation.Read(options.Data)?.Settings ?? [] : [])
            if (Environment.GetEnvironmentVariable(name) is not { Length: > 0 })
                imposed[name] = value;
        var isDemo = options.Inputs.Count == 0 && GivenBrokers(options) is null;
        List<KeyValuePair<string, string?>> defaults =
        [
            .. Defaults, .. usesEmulator ? EmulatorDefaults : [], .. usesEmulator && options.Inputs.Count == 0 ? DemoDefaults : [], .. isDemo ? CatalogOfDemo(options.Data) : [],
            .. RunTopics.Defaults(name => isDemo || options.Inputs.Any(i => i.Name == name)),
        ];
        var named = AppSettings.Build(defaults, LocalSettingsPath(), imposed);
        return AppSettings.Build([.. defaults, .. RunTopics.Disabled(named)], LocalSettingsPath(), imposed);
    }

    /// <summary>host.json beside the program, where the build put it.</summary>
    public static string HostJsonPath() => Path.Combine(AppContext.BaseDirectory, "host.json");

    /// <summary>Storage named by the environment; null when Azurite is to be used. local.settings.json is for other hosts' emulators here.</summary>
    public static string? GivenStorage() =>
        Environment.GetEnvironmentVariable(Storage) is { Length: > 0 } value && !value.Contains("UseDevelopmentStorage=true", StringComparison.OrdinalIgnoreCase) ? value : null;

    /// <summary>Brokers named by the command line or the environment; null when the emulator is to be used.</summary>
    public static string? GivenBrokers(RunOptions options) =>
        options.Kafka ?? (Environment.GetEnvironmentVariable(Brokers) is { Length: > 0 } value ? value : null);

    /// <summary>The products of the demo, where one has run.</summary>
    private static IEnumerable<KeyValuePair<string, string?>> CatalogOfDemo(string data) =>
        Path.GetFullPath(Path.Combine(data, DemoCatalog.FileName)) is var path && File.Exists(path) ? [KeyValuePair.Create("Catalog", (string?)$"file:{path}")] : [];

    private static string LocalSettingsPath()
    {
        for (var folder = new DirectoryInfo(AppContext.BaseDirectory); folder is not null; folder = folder.Parent)
        {
            if (File.Exists(Path.Combine(folder.FullName, "Functions.sln")))
                return Path.Combine(folder.FullName, "local.settings.json");
        }

        return Path.Combine(AppContext.BaseDirectory, "local.settings.json");
    }
}
