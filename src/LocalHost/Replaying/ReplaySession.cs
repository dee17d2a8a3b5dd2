using System.Globalization;
using Microsoft.DurableTask.Client;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using Tidemark.Domain.Ledger;
using Tidemark.Domain.Replays;
using Tidemark.Functions;
using Tidemark.Functions.Entities;
using Tidemark.Functions.Lake;
using Tidemark.Functions.Sources;
using Tidemark.Functions.Triggers;
using Tidemark.LocalHost.Cli;
using Tidemark.LocalHost.Emulator;
using Tidemark.LocalHost.Hosting;
using Tidemark.LocalHost.Lake;
using Tidemark.LocalHost.Processes;
using Tidemark.LocalHost.Settings;
using Names = Tidemark.Functions.Configuration.Settings.Names;

namespace Tidemark.LocalHost.Replaying;

/// <summary>
/// One replay: the pipelines of the new version in a host with entities and no triggers, driven by a <see cref="TopicsReplayer"/>, beside the services of the present version, of which it
/// only reads.
/// </summary>
internal sealed class ReplaySession : IAsyncDisposable
{
    private readonly ServiceProvider _old;
    private readonly EmbeddedHost _host;
    private readonly FileStream _guard;
    private readonly ReplayedTopics _topics;
    private readonly IConfigurationRoot _present;
    private readonly IConfigurationRoot _next;
    private readonly TextWriter _output;

    private ReplaySession(ServiceProvider old, EmbeddedHost host, FileStream guard, ReplayedTopics topics, IConfigurationRoot present, IConfigurationRoot next, TextWriter output) =>
        (_old, _host, _guard, _topics, _present, _next, _output) = (old, host, guard, topics, present, next, output);

    /// <summary>Everything that the functions are made of, by these settings.</summary>
    public static ServiceProvider Services(IConfiguration settings) => new ServiceCollection().AddLogging().AddTidemark(settings).BuildServiceProvider();

    // Their readers had the results of the present version; those of the new one follow from the first run after the swap.
    private static IEnumerable<KeyValuePair<string, string?>> NoResultTopics =>
        [new(Names.EventCountsTopic, ""), new(Names.AlertsTopic, ""), new(Names.DeadLetterSuffix, "")];

    public static async Task<ReplaySession> StartAsync(
        string folder, IConfigurationRoot present, IConfigurationRoot next, string source, TextWriter output, TextWriter errors, CancellationToken cancel)
    {
        var generation = new Generation(ReplayCommands.Version(next), ReplayCommands.Container(next));
        var guard = Guard(folder, generation.Version);
        if (source == "kafka" && RunSettings.GivenBrokers(new RunOptions()) is null)
            next[RunSettings.Brokers] = present[RunSettings.Brokers] = StateFile.Read<EmulatorInfo>(Path.Combine(folder, EmulatorProcess.InfoFile)) is { } kafka && kafka.Process.IsAlive()
                ? kafka.Brokers : throw new SettingException("--from kafka needs a broker: set BrokerList, or let a pipeline run on this folder.");
        var old = Services(present);
        var lake = old.GetRequiredService<ILake>();
        var topics = await ReplayedTopics.ReadAsync(
            old.GetRequiredService<HostedSources>(), old.GetRequiredService<HostedPipelines>(), lake,
            from => source == "kafka" ? from.Log : new RecordedLog(from.Hosted.Pipeline, from.Ledger, lake, from.Segments), cancel);
        next = new ConfigurationBuilder().AddConfiguration(next)
            .AddInMemoryCollection(RunTopics.Without([.. topics.All.Select(topic => topic.Name)])).AddInMemoryCollection(NoResultTopics).Build();
        var host = EmbeddedHost.Create(new HostPlan
        {
            FunctionTypes = [typeof(SliceEntity)],
            Settings = next,
            Host = HostJson.Load(RunSettings.HostJsonPath(), next),
            DataFolder = Path.GetFullPath(folder),
            EntityFile = Generation.EntitiesOf(generation),
            Port = 0,
            Compose = (services, settings) => services.AddTidemark(settings).AddSingleton(topics),
            Logging = logging => logging.AddProvider(new LineLog(errors, LogLevel.Warning, withExceptions: false, TimeProvider.System)),
        });
        await host.StartAsync(cancel);
        return new ReplaySession(old, host, guard, topics, present, next, output);
    }

    /// <summary>Tables of the present version that the new one will not have.</summary>
    public Task<LostTables> LostAsync(CancellationToken cancel) => LostTables.FindAsync(_present, _next, _host.Services.GetRequiredService<LakeTables>().Names, cancel);

    public async Task RunAsync(IReadOnlyList<string> given, CancellationToken cancel)
    {
        await _host.Services.GetRequiredService<Preparation>().EnsureAsync(cancel);
        var sources = _host.Services.GetRequiredService<HostedSources>();
        var starts = await StartsAsync(ReplayStart.Parse(given, [.. _topics.All.Select(topic => topic.Name)]), sources, cancel);
        var client = _host.Services.GetRequiredService<DurableTaskClient>();
        var replayer = new TopicsReplayer(
            _topics, sources, _host.Services.GetRequiredService<HostedPipelines>(), _host.Services.GetRequiredService<ILake>(), (source, stop) => source.Runner.RunAsync(client, stop), TimeProvider.System);
        var last = ("", -1L);
        await replayer.RunAsync(starts, (topic, progress) =>
        {
            var left = progress.Ends.Sum(end => Math.Max(0, end.Value - progress.Next[end.Key]));
            if ((topic, left) != last)
                _output.WriteLine(string.Create(CultureInfo.InvariantCulture, $"{topic}: {progress.Next.Values.Sum()} offsets read, {left} to go"));
            last = (topic, left);
        }, cancel);
        await CompareAsync(cancel);
    }

    private async Task<Dictionary<string, IReadOnlyDictionary<int, long>>> StartsAsync(ReplayStart given, HostedSources sources, CancellationToken cancel)
    {
        var (starts, isResumed) = (new Dictionary<string, IReadOnlyDictionary<int, long>>(), false);
        foreach (var topic in _topics.All)
            if (await sources[topic.Name].Ledger.ReadMetaAsync(cancel) is not null)
                isResumed = true;
            else if (await given.OfAsync(topic, cancel) is { } start)
                starts[topic.Name] = start;
        if (given.Any && isResumed)
            _output.WriteLine("the replay goes on where it was; --start counts for topics that are new to it only");
        return starts;
    }

    /// <summary>Rows of both versions, side by side.</summary>
    private async Task CompareAsync(CancellationToken cancel)
    {
        var (before, after) = (LakeReader.Of(_present), LakeReader.Of(_next));
        var there = (await before.TablesAsync(cancel)).ToHashSet();
        foreach (var table in await after.TablesAsync(cancel))
        {
            var (now, earlier) = (await after.CountAsync(table, cancel), there.Contains(table) ? await before.CountAsync(table, cancel) : 0);
            _output.WriteLine(string.Create(CultureInfo.InvariantCulture, $"  {table,-28} {now,12} rows, {earlier,12} in version {ReplayCommands.Version(_present)}"));
        }

        foreach (var sentence in (await LostAsync(cancel)).Sentences())
            _output.WriteLine(sentence);
        _output.WriteLine($"version {_next[Names.PipelineVersion]} is in container {_next[Names.LakeContainer]}; ./run swap --version {_next[Names.PipelineVersion]} shows it");
    }

    private static FileStream Guard(string folder, string version)
    {
        try
        {
            return new FileStream(Path.Combine(folder, $"replay-{version}.lock"), FileMode.OpenOrCreate, FileAccess.ReadWrite, FileShare.None);
        }
        catch (IOException)
        {
            throw new DirectoryInUseException(Path.GetFullPath(folder), null);
        }
    }

    public async ValueTask DisposeAsync()
    {
        await _host.StopAsync();
        await _host.DisposeAsync();
        await _old.DisposeAsync();
        await _guard.DisposeAsync();
    }
}
