using System.Globalization;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Tidemark.Functions;
using Tidemark.Functions.Configuration;
using Tidemark.Functions.Lake;
using Tidemark.LocalHost.Emulator;
using Tidemark.LocalHost.Processes;
using Tidemark.LocalHost.Settings;
using Names = Tidemark.Functions.Configuration.Settings.Names;

namespace Tidemark.LocalHost.Cli;

/// <summary>The services of a data directory for commands that run beside a pipeline or without one.</summary>
internal static class DataServices
{
    /// <summary>
    /// Calls back with settings whose connections work: those named by the user, else of the directory's Azurite, the running one or one that is
    /// started and ended here. Work beside a run that keeps the storage busy is watched, see <see cref="StorageWatch"/>; its token says when it is given up.
    /// </summary>
    /// <param name="folder">The data directory; not looked at when real services are named.</param>
    /// <param name="needsTables">Whether the ledger is needed too, or only the lake.</param>
    /// <param name="errors">Where the user is told why it takes long.</param>
    /// <param name="use">The work.</param>
    /// <param name="cancel">Ends waiting.</param>
    public static async Task UseAsync(string folder, bool needsTables, TextWriter errors, Func<IConfigurationRoot, CancellationToken, Task> use, CancellationToken cancel)
    {
        var settings = RunTopics.WithStarts(RunSettings.Read(new RunOptions { Data = folder }));
        var isNamed = StorageConnection.IsNamed(settings, Names.LakeConnection, "blob") && (!needsTables || StorageConnection.IsNamed(settings, Names.TablesConnection, "table"));
        if (isNamed || RunSettings.GivenStorage() is not null)
            await use(settings, cancel);
        else
            await WithAzuriteAsync(DataDirectory.Existing(folder), errors, use, cancel);
    }

    /// <summary>As the other overload, with everything that the functions are made of. Kafka is asked only by what asks it.</summary>
    public static async Task<int> UseAsync(string folder, TextWriter errors, Func<IServiceProvider, CancellationToken, Task<int>> use, CancellationToken cancel)
    {
        var code = ExitCodes.Success;
        await UseAsync(folder, needsTables: true, errors, async (settings, limited) =>
        {
            // The pipeline's settings are read as a whole.
            if (settings[RunSettings.Brokers] is not { Length: > 0 })
                settings[RunSettings.Brokers] = "localhost:9092";
            await using var services = new ServiceCollection().AddLogging().AddTidemark(settings).BuildServiceProvider();
            services.GetRequiredService<LakeTables>().KeepsFiles = true;
            code = await use(services, limited);
        }, cancel);
        return code;
    }

    /// <summary>As the other overload, for what has nothing to look at before a record was read.</summary>
    /// <exception cref="SettingException">Nothing was ever read.</exception>
    public static Task<int> UseReadAsync(string folder, TextWriter errors, Func<IServiceProvider, CancellationToken, Task<int>> use, CancellationToken cancel) => UseAsync(folder, errors, async (services, limited) =>
    {
        await EverRead.RequireAsync(services, limited);
        return await use(services, limited);
    }, cancel);

    /// <summary>
    /// The same with Kafka: brokers named by the user, else the directory's emulator, the running one or one that is started from what it saved and ended here.
    /// </summary>
    /// <param name="folder">The data directory; not looked at when real services are named.</param>
    /// <param name="options">The command line's brokers.</param>
    /// <param name="errors">Where the user is told why it takes long.</param>
    /// <param name="use">The work.</param>
    /// <param name="cancel">Ends waiting.</param>
    public static async Task UseWithKafkaAsync(string folder, RunOptions options, TextWriter errors, Func<IConfigurationRoot, CancellationToken, Task> use, CancellationToken cancel)
    {
        var given = RunSettings.GivenBrokers(options);
        folder = given is null ? DataDirectory.Existing(folder) : Path.GetFullPath(folder);
        if (given is not null || EmulatorInfo.Find(folder) is not null)
        {
            await UseAsync(folder, needsTables: true, errors, (settings, limited) => use(WithBrokers(settings, options, given ?? EmulatorInfo.Find(folder)!.Brokers), limited), cancel);
            return;
        }

        using var data = DataDirectory.Open(folder);
        var services = new LocalServices(data, ServicePrograms.Locate(), TimeProvider.System);
        if (services.HasLostKafka() || !File.Exists(data["partitions"]))
            throw new SettingException($"The Kafka emulator of {folder} has no topic any more to send to; name brokers with --kafka HOST:PORT.");
        var settings = RunTopics.WithStarts(RunSettings.Read(options));
        try
        {
            var partitions = int.Parse(await File.ReadAllTextAsync(data["partitions"], cancel), CultureInfo.InvariantCulture);
            var kafka = await services.EnsureKafkaAsync(RunTopics.OfEmulator(settings), partitions, cancel);
            var storage = RunSettings.GivenStorage() is null ? (await services.EnsureAzuriteAsync(cancel)).ConnectionString() : null;
            if (storage is not null)
                settings[RunSettings.Storage] = storage;
            await use(WithBrokers(settings, options, kafka.Brokers), cancel);
        }
        finally
        {
            await services.EndAsync();
        }
    }

    private static IConfigurationRoot WithBrokers(IConfigurationRoot settings, RunOptions options, string brokers)
    {
        settings[RunSettings.Brokers] = brokers;
        foreach (var (name, value) in new[] { ("KafkaUser", options.KafkaUser), ("KafkaPassword", options.KafkaPassword), ("KafkaProtocol", options.KafkaProtocol?.Replace("_", "", StringComparison.Ordinal)) })
            if (value is not null)
                settings[name] = value;
        return settings;
    }

    private static async Task WithAzuriteAsync(string folder, TextWriter errors, Func<IConfigurationRoot, CancellationToken, Task> use, CancellationToken cancel)
    {
        if (AzuriteInfo.Find(folder) is { } running)
        {
            if (DataDirectory.Owner(folder) is { } owner)
                await errors.WriteLineAsync($"A run is at work on {folder} (process {owner.Process.Id}); both share its storage, so this may take longer.");
            await new StorageWatch([running.BlobPort, running.TablePort], TimeProvider.System, errors).RunAsync(limited => use(Settings(folder, running), limited), cancel);
            return;
        }

        using var data = DataDirectory.Open(folder);
        var services = new LocalServices(data, ServicePrograms.Locate(), TimeProvider.System);
        try
        {
            await use(Settings(folder, await services.EnsureAzuriteAsync(cancel)), cancel);
        }
        finally
        {
            await services.EndAzuriteAsync();
        }
    }

    private static IConfigurationRoot Settings(string folder, AzuriteInfo azurite) =>
        RunTopics.WithStarts(RunSettings.Build(new RunOptions { Data = folder }, usesEmulator: false, [new(RunSettings.Storage, azurite.ConnectionString())]));
}
