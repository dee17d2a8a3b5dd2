using System.Globalization;
using System.Runtime.InteropServices;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using Tidemark.Domain.Ledger;
using Tidemark.Functions;
using Tidemark.Functions.Sources;
using Tidemark.Functions.Status;
using Tidemark.LocalHost.Demo;
using Tidemark.LocalHost.Emulator;
using Tidemark.LocalHost.Hosting;
using Tidemark.LocalHost.Kafka;
using Tidemark.LocalHost.Lake;
using Tidemark.LocalHost.Processes;
using Tidemark.LocalHost.Producing;
using Tidemark.LocalHost.Reporting;
using Tidemark.LocalHost.Settings;

namespace Tidemark.LocalHost.Cli;

/// <summary>One run: services, host, producer, progress, and their end.</summary>
internal sealed class RunSession : IAsyncDisposable
{
    private const int DefaultPartitions = 6;

    // A batch or tick that is cut off has no effect, or is recognised by the next run, so nobody who pressed Ctrl-C need wait for it.
    private static readonly TimeSpan GraceWhenStopped = TimeSpan.FromSeconds(3);
    private readonly RunOptions options;
    private readonly TextWriter output;
    private readonly TextWriter errors;
    private const double DemoRate = 20;
    private readonly TimeProvider time = TimeProvider.System;
    private readonly StopSignal stop;
    private readonly long began = TimeProvider.System.GetTimestamp();
    private DataDirectory? data;
    private LocalServices? services;
    private HostLogging? logging;
    private Screen? screen;

    public RunSession(RunOptions options, TextWriter output, TextWriter errors)
    {
        (this.options, this.output, this.errors) = (options, output, errors);
        stop = new StopSignal(Tell);
    }

    /// <summary>Runs to the end, or until a signal; the exit code.</summary>
    public async Task<int> RunAsync()
    {
        RunSettings.Read(options); // A damaged settings file is told before anything is started.
        data = DataDirectory.Open(options.Data);
        EmbeddedHost.CheckPort(options.Port); // Before services are started, and before the web server would log its own words.
        data.Announce(new HostOwner(ProcessIdentity.Current, 0));
        services = new LocalServices(data, ServicePrograms.Locate(), time);
        try
        {
            await PrepareAsync();
            var (settings, kafka, storage) = await StartServicesAsync(stop.Token);
            return await RunHostAsync(settings, kafka, storage);
        }
        catch (OperationCanceledException) when (stop.Token.IsCancellationRequested)
        {
            return Stopped();
        }
        finally
        {
            await services.EndAsync();
        }
    }

    public ValueTask DisposeAsync()
    {
        logging?.Dispose();
        data?.Dispose();
        stop.Dispose();
        return default;
    }

    private async Task PrepareAsync()
    {
        if (options.Fresh)
        {
            await services!.EndAsync();
            data!.Clear();
        }

        if (RunSettings.GivenBrokers(options) is null && services!.HasLostKafka())
        {
            throw new SettingException(
                $"The Kafka emulator of {data!.Path} was killed, and the records that it held in memory are gone while the pipeline has read a part of them; begin anew with --fresh, or keep this folder for 'show' and 'export' and run on another --data.");
        }
    }

    /// <summary>Kafka is there then; storage, which takes longer to start, when its task has ended.</summary>
    private async Task<(IConfigurationRoot Settings, EmulatorInfo? Kafka, Task Storage)> StartServicesAsync(CancellationToken cancel)
    {
        var given = RunSettings.GivenBrokers(options);
        if (given is null && options.Inputs.Count == 0 && !options.Once)
            DemoCatalog.Ensure(data![DemoCatalog.FileName]);
        var early = RunSettings.Read(options);
        Dictionary<string, string?> addresses = [];
        var storage = Task.CompletedTask;
        if (RunSettings.GivenStorage() is null)
        {
            (var azurite, storage) = await services!.StartAzuriteAsync(cancel);
            addresses[RunSettings.Storage] = azurite.ConnectionString();
        }

        var kafka = given is null ? await services!.EnsureKafkaAsync(RunTopics.OfEmulator(early), Partitions(), cancel) : null;
        // One that was left by a killed run has the topics that it was started with.
        if (kafka is not null && RunTopics.Of(early).FirstOrDefault(t => !kafka.Topics.Contains(t.Topic)) is { } missing)
            throw new SettingException($"The Kafka emulator of {data!.Path}, left by a run that was killed, has no topic {missing.Topic}; run once with the settings of that run, or begin anew with --fresh.");
        if (kafka is not null)
            addresses[RunSettings.Brokers] = kafka.Brokers;
        return (RunSettings.Build(options, kafka is not null, addresses), kafka, storage);
    }

    /// <summary>The number of partitions that the folder's topic began with: keys would move to other partitions under another.</summary>
    private int Partitions()
    {
        var file = data!["partitions"];
        if (!File.Exists(file))
        {
            File.WriteAllText(file, string.Create(CultureInfo.InvariantCulture, $"{options.Partitions ?? DefaultPartitions}"));
            return options.Partitions ?? DefaultPartitions;
        }

        var began = int.Parse(File.ReadAllText(file), CultureInfo.InvariantCulture);
        return options.Partitions is not { } wanted || wanted == began ? began : throw new SettingException(
            $"The topic of {data.Path} has {began} partitions since the folder began; leave --partitions {wanted} out, or begin anew with --fresh.");
    }

    private async Task<int> RunHostAsync(IConfigurationRoot settings, EmulatorInfo? kafka, Task storage)
    {
        screen = Screen.Of(output);
        logging = new HostLogging(data!["logs"], screen.IsTerminal && !Console.IsErrorRedirected ? screen.Lines() : errors, options.Verbose, time, e => options.Once && e is StartException);
        var connection = KafkaConnection.FromSettings(settings[RunSettings.Brokers] ?? "", settings);
        var topics = new List<(RunTopic Topic, int Partitions)>();
        foreach (var topic in RunTopics.Of(settings))
            topics.Add((topic, kafka?.Partitions ?? await TopicCreation.EnsureAsync(connection, topic.Topic, options.Partitions ?? DefaultPartitions, time, errors, stop.Token)));
        await using var host = EmbeddedHost.Create(new HostPlan
        {
            FunctionTypes = typeof(Composition).Assembly.GetTypes(),
            Settings = settings,
            Host = HostJson.Load(RunSettings.HostJsonPath(), settings),
            DataFolder = data.Path,
            EntityFile = Generation.EntitiesOf(Generation.Read(data.Path)),
            Port = options.Port,
            Compose = Compose,
            Logging = logging.AddTo,
            Time = time,
        });
        host.Join();
        await storage;
        var check = options.Once ? new StartCheck(host.Services, [.. options.Inputs.Select(i => i.Name)], time) : null;
        if (check is not null)
            await check.BeginAsync(stop.Token);
        await host.StartAsync(stop.Token);
        data.Announce(new HostOwner(ProcessIdentity.Current, host.Address.Port));
        using var client = new PipelineClient(host.Address, host.Keys.Master);
        var progress = new RunProgress(screen, client, host, time);
        output.WriteLine($"Tidemark is at http://localhost:{host.Address.Port}/#key={host.Keys.Function}");
        output.WriteLine($"data {data.Path}, Kafka {connection}, stop with Ctrl-C");
        try
        {
            await StartCheck.TellAsync(settings, output.WriteLine, time, stop.Token);
            return await ProduceAndWatchAsync(host, settings, connection, kafka, topics, client, progress, check);
        }
        finally
        {
            screen.Keep();
            await host.StopAsync(stop.Signal is null ? null : GraceWhenStopped);
        }
    }

    private void Compose(IServiceCollection services, IConfiguration settings)
    {
        services.AddTidemark(settings);
        if (options.Once)
            services.AddSingleton(new BoundedInput());
    }

    private async Task<int> ProduceAndWatchAsync(
        EmbeddedHost host, IConfigurationRoot settings, KafkaConnection connection, EmulatorInfo? kafka, IReadOnlyList<(RunTopic Topic, int Partitions)> topics, PipelineClient client, RunProgress progress, StartCheck? check)
    {
        var ready = time.GetTimestamp();
        var logger = logging!.CreateLogger("Host.Producer");
        using var ending = CancellationTokenSource.CreateLinkedTokenSource(stop.Token);
        var producing = options.Inputs.Count > 0 ? ProduceInputs(connection, kafka, topics, progress, check, logger, ending.Token)
            : !options.Once && kafka is not null ? ProduceDemo(connection, topics, progress, logger, ending.Token)
            : Task.CompletedTask;
        var watching = progress.RunAsync(ending.Token);
        try
        {
            await producing;
            progress.Lines = null;
            if (!options.Once)
            {
                await Task.Delay(Timeout.Infinite, stop.Token);
                return Stopped();
            }

            var status = await DrainAsync(client, progress, connection, topics, check!, stop.Token);
            await ending.CancelAsync();
            await watching;
            foreach (var sentence in await check!.PassedOverAsync(stop.Token))
                Tell(sentence);
            await ReportAsync(host, settings, status, ready);
            return ExitCodes.Success;
        }
        catch (OperationCanceledException) when (stop.Token.IsCancellationRequested)
        {
            await Task.WhenAll(watching, producing.ContinueWith(_ => { }, TaskScheduler.Default));
            if (options.Report is not null)
                await ReportAsync(host, settings, await FinalStatusAsync(client), ready);
            return Stopped();
        }
        catch (SettingException)
        {
            await ending.CancelAsync();
            await watching;
            throw;
        }
    }

    private Task ProduceInputs(
        KafkaConnection connection, EmulatorInfo? kafka, IReadOnlyList<(RunTopic Topic, int Partitions)> topics, RunProgress progress, StartCheck? check, ILogger logger, CancellationToken cancel)
    {
        var window = kafka is null ? long.MaxValue : PacedProducer.EmulatorWindow;
        var inputs = topics.Select(t => t.Topic).Where(t => options.Inputs.Any(i => i.Name == t.Name)).Select(t => (t.Name, Producer: new InputProducer(
            new InputPlan(data![t == topics[0].Topic ? "input.json" : $"input-{t.Name}.json"], t.Topic, t.Group, t.Key,
                [.. options.Inputs.Where(i => i.Name == t.Name).Select(i => InputFile.Of(i.File))], window, options.Rate, options.Again),
            connection, time, Tell, logger))).ToList();
        progress.Lines = () => inputs.Sum(i => i.Producer.Lines);
        Task RunAsync(CancellationToken stopped) => Together(inputs.Select(i => (Func<CancellationToken, Task>)i.Producer.RunAsync), stopped);
        return check is null ? RunAsync(cancel) : check.WatchAsync(RunAsync, () => [.. inputs.Where(i => i.Producer.IsHeldBack).Select(i => i.Name)], cancel);
    }

    private Task ProduceDemo(KafkaConnection connection, IReadOnlyList<(RunTopic Topic, int Partitions)> topics, RunProgress progress, ILogger logger, CancellationToken cancel)
    {
        // The shop's purchases also come on their own topic, where there is one: as an order service would send them.
        var shop = topics.Where(t => t.Topic.Name is HostedPipelines.Main or HostedPipelines.Purchases)
            .Select(t => (t.Topic, t.Partitions, (Predicate<DemoEvent>)(item => t.Topic.Name == HostedPipelines.Main || item.IsPurchase))).ToList();
        List<DemoProducer> demos = [new DemoProducer(DemoStream.Shop(options.Rate ?? DemoRate), data!["demo.json"], connection, shop, time, logger)];
        if (topics.Where(t => t.Topic.Name == HostedPipelines.Sensors).Select(t => (t.Topic, t.Partitions, (Predicate<DemoEvent>)(_ => true))).ToList() is { Count: > 0 } sensors)
            demos.Add(new DemoProducer(DemoStream.Devices(), data!["demo-sensors.json"], connection, sensors, time, logger));
        progress.IsBackfilling = () => demos.Any(d => d.IsBackfilling);
        return Together(demos.Select<DemoProducer, Func<CancellationToken, Task>>(d => d.RunAsync), cancel);
    }

    /// <summary>All of them; when one fails the others are cancelled and its failure is told.</summary>
    private static async Task Together(IEnumerable<Func<CancellationToken, Task>> runs, CancellationToken cancel)
    {
        using var stopAll = CancellationTokenSource.CreateLinkedTokenSource(cancel);
        var running = runs.Select(run => run(stopAll.Token)).ToList();
        while (running.Count > 0)
        {
            var ended = await Task.WhenAny(running);
            running.Remove(ended);
            if (ended.IsCompletedSuccessfully)
                continue;
            await stopAll.CancelAsync();
            await Task.WhenAll(running).ContinueWith(_ => { }, TaskScheduler.Default);
            await ended;
        }
    }

    /// <summary>
    /// Says that the input has ended and waits until all of it is committed. Only a status that was made after that and knows the partitions' ends
    /// counts: an earlier input of this folder has ended before, and a tick may have begun before the last lines came.
    /// </summary>
    private async Task<StatusReport> DrainAsync(
        PipelineClient client, RunProgress progress, KafkaConnection connection, IReadOnlyList<(RunTopic Topic, int Partitions)> topics, StartCheck check, CancellationToken cancel)
    {
        progress.Say(options.KeepOpen ? "the input has ended; committing" : "the input has ended; closing all windows");
        var ends = new Dictionary<string, long[]>();
        foreach (var (topic, partitions) in topics)
        {
            using var tail = new TopicTail(connection, topic.Topic);
            ends[topic.Name] = [.. tail.Bounds(partitions).Select(b => b.End)];
        }

        var asked = time.GetUtcNow();
        var isAskedAgain = topics.All(t => t.Topic.Name != HostedPipelines.Purchases);
        while (!await client.TryDrainAsync(options.KeepOpen, cancel))
        {
            await check.EndAsync(cancel);
            await Task.Delay(TimeSpan.FromMilliseconds(200), time, cancel);
        }

        while (true)
        {
            var status = await client.StatusAsync(cancel);
            if (status is null)
                continue; // Busy with what is to be waited for.
            var isThrough = status.LastError is null && topics.All(t => (t == topics[0] ? status : status.Sources.GetValueOrDefault(t.Topic.Name)) is { } source
                && source.DrainedAt > asked && ends[t.Topic.Name].Select((end, p) => end == 0 || source.Partitions.Any(s => s.Partition == p && s.Next >= end)).All(read => read));
            // What follows the tables of several topics can be at its end only when these are, so it is asked again then.
            if (isThrough && isAskedAgain && status.Sources.Values.All(s => s.DrainedAt > asked))
                return status;
            if (isThrough && !isAskedAgain)
            {
                isAskedAgain = true;
                asked = time.GetUtcNow();
                while (!await client.TryDrainAsync(options.KeepOpen, cancel))
                    await Task.Delay(TimeSpan.FromMilliseconds(200), time, cancel);
            }

            await Task.Delay(TimeSpan.FromMilliseconds(100), time, cancel);
        }
    }

    private async Task ReportAsync(EmbeddedHost host, IConfigurationRoot settings, StatusReport status, long ready)
    {
        var run = new RunFigures(
            host.KafkaListeners.Sum(k => k.Processed), time.GetElapsedTime(began, ready), time.GetElapsedTime(ready), host.EntityOperations - host.EntityOperationsAtStart);
        var lake = LakeReader.Of(settings);
        var report = await RunReport.MakeAsync(status, run, host.Services.GetRequiredService<HostedPipelines>(), lake, CancellationToken.None);
        screen?.Keep();
        output.WriteLine($"{run.Events:N0} events in {run.Elapsed.TotalSeconds:0.0} s ({report.EventsPerSecond:N0}/s), {report.PeakMemoryMb:0} MB at most");
        foreach (var (table, rows) in report.Rows)
            output.WriteLine($"  {table,-28} {rows,12:N0} rows");
        if (options.Report is not null)
            await report.WriteAsync(options.Report, CancellationToken.None);
    }

    private static async Task<StatusReport> FinalStatusAsync(PipelineClient client)
    {
        while (true)
        {
            if (await client.StatusAsync(CancellationToken.None) is { } status)
                return status;
        }
    }

    /// <summary>A line to whoever watches; the block on a terminal stays whole.</summary>
    private void Tell(string line)
    {
        if (screen is null)
            output.WriteLine(line);
        else
            screen.WriteLine(line);
    }

    private int Stopped() => stop.Signal == PosixSignal.SIGINT ? ExitCodes.Interrupted : options.Once ? ExitCodes.Terminated : ExitCodes.Success;
}
