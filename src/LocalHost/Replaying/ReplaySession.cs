using System.Globalization;
using Microsoft.DurableTask.Client;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using Tidemark.Domain.Ledger;
using Tidemark.Domain.Pipelines;
using Tidemark.Domain.Replays;
using Tidemark.Functions;
using Tidemark.Functions.Entities;
using Tidemark.Functions.Kafka;
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
/// One replay: the pipeline of the new version in a host with entities and no triggers, driven by a <see cref="Replayer"/>, beside the services of the present
/// version, of which it only reads.
/// </summary>
internal sealed class ReplaySession : IAsyncDisposable
{
    private readonly ServiceProvider _old;
    private readonly EmbeddedHost _host;
    private readonly FileStream _guard;
    private readonly ITopicLog _log;
    private readonly IConfigurationRoot _present;
    private readonly IConfigurationRoot _next;
    private readonly TextWriter _output;

    private ReplaySession(ServiceProvider old, EmbeddedHost host, FileStream guard, ITopicLog log, IConfigurationRoot present, IConfigurationRoot next, TextWriter output) =>
        (_old, _host, _guard, _log, _present, _next, _output) = (old, host, guard, log, present, next, output);

    /// <summary>Everything that the functions are made of, by these settings.</summary>
    public static ServiceProvider Services(IConfiguration settings) => new ServiceCollection().AddLogging().AddTidemark(settings).BuildServiceProvider();

    public static async Task<ReplaySession> StartAsync(
        string folder, IConfigurationRoot present, IConfigurationRoot next, string source, TextWriter output, TextWriter errors, CancellationToken cancel)
    {
        var generation = new Generation(ReplayCommands.Version(next), ReplayCommands.Container(next));
        var guard = Guard(folder, generation.Version);
        if (source == "kafka" && RunSettings.GivenBrokers(new RunOptions()) is null)
            next[RunSettings.Brokers] = present[RunSettings.Brokers] = StateFile.Read<EmulatorInfo>(Path.Combine(folder, EmulatorProcess.InfoFile)) is { } kafka && kafka.Process.IsAlive()
                ? kafka.Brokers : throw new SettingException("--from kafka needs a broker: set BrokerList, or let a pipeline run on this folder.");
        var old = Services(present);
        ITopicLog log = source == "kafka"
            ? old.GetRequiredService<ITopicLog>()
            : new RecordedLog(old.GetRequiredService<IPipeline>(), old.GetRequiredService<ILedger>(), old.GetRequiredService<ILake>(), old.GetRequiredService<ISegmentStore>());
        var host = EmbeddedHost.Create(new HostPlan
        {
            FunctionTypes = [typeof(SliceEntity)],
            Settings = next,
            Host = HostJson.Load(RunSettings.HostJsonPath(), next),
            DataFolder = Path.GetFullPath(folder),
            EntityFile = Generation.EntitiesOf(generation),
            Port = 0,
            Compose = (services, settings) => services.AddTidemark(settings).AddSingleton(log),
            Logging = logging => logging.AddProvider(new LineLog(errors, LogLevel.Warning, withExceptions: false, TimeProvider.System)),
        });
        await host.StartAsync(cancel);
        return new ReplaySession(old, host, guard, log, present, next, output);
    }

    public async Task RunAsync(string? start, CancellationToken cancel)
    {
        var (from, to) = (_old.GetRequiredService<ILedger>(), _host.Services.GetRequiredService<ILedger>());
        await _host.Services.GetRequiredService<Preparation>().EnsureAsync(cancel);
        // Time before offsets: what is committed in between was judged by this time or a later one.
        var frontier = (await from.ReadMetaAsync(cancel) ?? throw new SettingException("Nothing has run on this folder yet, so there is nothing to replay.")).Value.FrontierMs;
        var ends = new Dictionary<int, long>();
        foreach (var partition in await _log.PartitionsAsync(cancel))
            ends[partition] = (await _log.BoundsAsync(partition, cancel)).End;
        var isNew = await to.ReadMetaAsync(cancel) is null;
        if (start is not null && !isNew)
            _output.WriteLine("the replay goes on where it was; --start counts for a new one only");
        var starts = isNew && start is not null ? await StartsAsync(start, ends, cancel) : null;
        var client = _host.Services.GetRequiredService<DurableTaskClient>();
        var runner = _host.Services.GetRequiredService<TickRunner>();
        var replayer = new Replayer(_host.Services.GetRequiredService<Ingest>(), stop => runner.RunAsync(client, stop), to, _log, TimeProvider.System);
        var last = -1L;
        await replayer.RunAsync(ends, starts, frontier, progress =>
        {
            var left = progress.Ends.Sum(end => Math.Max(0, end.Value - progress.Next[end.Key]));
            if (left != last)
                _output.WriteLine(string.Create(CultureInfo.InvariantCulture, $"{progress.Next.Values.Sum()} offsets read, {left} to go"));
            last = left;
        }, cancel);
        await CompareAsync(cancel);
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

        _output.WriteLine($"version {_next[Names.PipelineVersion]} is in container {_next[Names.LakeContainer]}; ./run swap --version {_next[Names.PipelineVersion]} shows it");
    }

    private async Task<Dictionary<int, long>> StartsAsync(string start, IReadOnlyDictionary<int, long> ends, CancellationToken cancel)
    {
        var starts = new Dictionary<int, long>();
        if (start.Contains(':', StringComparison.Ordinal) && !start.Contains('-', StringComparison.Ordinal))
        {
            foreach (var part in start.Split(','))
                if (part.Split(':') is [var p, var o] && int.TryParse(p, NumberStyles.None, CultureInfo.InvariantCulture, out var partition)
                    && long.TryParse(o, NumberStyles.None, CultureInfo.InvariantCulture, out var offset) && ends.ContainsKey(partition))
                    starts[partition] = Math.Clamp(offset, (await _log.BoundsAsync(partition, cancel)).Start, ends[partition]);
                else
                    throw new SettingException($"--start {start}: '{part}' is no partition and offset of this topic; write 0:1200,1:900 with partitions {string.Join(", ", ends.Keys.Order())}.");
            foreach (var partition in ends.Keys.Except(starts.Keys).ToList())
                starts[partition] = (await _log.BoundsAsync(partition, cancel)).Start;
            return starts;
        }

        var time = CliValues.Time("--start", start)!.Value;
        foreach (var partition in ends.Keys)
            starts[partition] = await _log.OffsetAtAsync(partition, time, cancel);
        return starts;
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
