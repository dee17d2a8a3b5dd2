using System.Net;
using System.Net.Sockets;
using System.Text.Json;
using Azure.Core.Serialization;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Hosting.Server.Features;
using Microsoft.Azure.Functions.Worker;
using Microsoft.DurableTask.Client;
using Microsoft.DurableTask.Client.Entities;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;
using Tidemark.LocalHost.Discovery;
using Tidemark.LocalHost.Entities;
using Tidemark.LocalHost.Invocation;
using Tidemark.LocalHost.Kafka;
using Tidemark.LocalHost.Settings;
using Tidemark.LocalHost.Timers;
using Tidemark.LocalHost.Web;

namespace Tidemark.LocalHost.Hosting;

/// <summary>Runs functions: web server, entities, timers, Kafka triggers, started in this order and stopped in the reverse one.</summary>
internal sealed class EmbeddedHost : IAsyncDisposable
{
    private readonly HostPlan plan;
    private readonly WebApplication app;
    private readonly List<KafkaListener> kafka = [];
    private readonly List<TimerListener> timers = [];

    private EmbeddedHost(HostPlan plan, WebApplication app, AccessKeys keys)
    {
        this.plan = plan;
        this.app = app;
        Keys = keys;
    }

    public AccessKeys Keys { get; }

    /// <summary>Where the web server listens, e.g. <c>http://127.0.0.1:7071</c>; known after the start.</summary>
    public Uri Address { get; private set; } = new("http://127.0.0.1");

    public IServiceProvider Services => app.Services;

    public IReadOnlyList<KafkaListener> KafkaListeners => kafka;

    /// <summary>Entity operations run since the data directory was made.</summary>
    public long EntityOperations => app.Services.GetRequiredService<EntityStore>().Operations();

    /// <summary>Those of them that were run before this host started.</summary>
    public long EntityOperationsAtStart { get; private set; }

    /// <exception cref="SettingException">A function or setting is wrong.</exception>
    public static EmbeddedHost Create(HostPlan plan)
    {
        var functions = FunctionCatalog.Find(plan.FunctionTypes);
        var builder = WebApplication.CreateBuilder(new WebApplicationOptions { ContentRootPath = AppContext.BaseDirectory });
        builder.Configuration.Sources.Clear();
        builder.Configuration.AddConfiguration(plan.Settings);
        builder.Logging.ClearProviders();
        foreach (var (category, level) in plan.Host.LogLevels())
        {
            if (category.Equals("default", StringComparison.OrdinalIgnoreCase))
                builder.Logging.SetMinimumLevel(level);
            else
                builder.Logging.AddFilter(category, level);
        }

        builder.Logging.AddFilter("Microsoft.AspNetCore", LogLevel.Warning);
        plan.Logging(builder.Logging);
        builder.WebHost.ConfigureKestrel(kestrel => kestrel.Listen(IPAddress.Loopback, plan.Port));
        AddServices(builder.Services, plan, EntityKinds.From(functions));
        plan.Compose(builder.Services, plan.Settings);
        var app = builder.Build();
        var host = new EmbeddedHost(plan, app, AccessKeys.Load(Path.Combine(plan.DataFolder, "keys.json")));
        host.MakeTriggers(functions);
        return host;
    }

    /// <summary>Looks whether the web server may listen on a port; 0 is any.</summary>
    /// <exception cref="SettingException">It is taken, or not for this user.</exception>
    public static void CheckPort(int port)
    {
        try
        {
            using var listener = new TcpListener(IPAddress.Loopback, port);
            listener.Start();
        }
        catch (SocketException e)
        {
            throw e.SocketErrorCode == SocketError.AddressAlreadyInUse ? Taken(port) : new SettingException($"Port {port} cannot be used ({e.Message}); choose another with --port.");
        }
    }

    /// <summary>
    /// Has the Kafka triggers join their groups, which takes seconds and needs no other service: records wait until the start. Without it, the start does.
    /// </summary>
    public void Join() => kafka.ForEach(k => k.Join());

    /// <exception cref="SettingException">The port is taken.</exception>
    public async Task StartAsync(CancellationToken cancel)
    {
        try
        {
            await app.StartAsync(cancel);
        }
        catch (IOException e) when (e.InnerException is Microsoft.AspNetCore.Connections.AddressInUseException)
        {
            throw Taken(plan.Port);
        }

        Address = new Uri(app.Services.GetRequiredService<IServer>().Features.Get<IServerAddressesFeature>()!.Addresses.First());
        EntityOperationsAtStart = EntityOperations;
        app.Services.GetRequiredService<EntityScheduler>(); // Signals left by an earlier run are delivered from here on.
        timers.ForEach(t => t.Start());
        kafka.ForEach(k => k.Start());
    }

    /// <summary>Stops the triggers, lets what runs finish, then stops the rest. Afterwards everything is on disk.</summary>
    /// <param name="grace">How long what runs may go on; null = the plan's.</param>
    public async Task StopAsync(TimeSpan? grace = null)
    {
        var limit = grace ?? plan.Grace;
        await Task.WhenAll([.. kafka.Select(k => k.StopAsync(limit)), .. timers.Select(t => t.StopAsync(limit))]);
        await app.StopAsync();
    }

    public async ValueTask DisposeAsync()
    {
        foreach (var listener in kafka)
            await listener.DisposeAsync();
        foreach (var timer in timers)
            await timer.DisposeAsync();
        await app.DisposeAsync();
    }

    private static SettingException Taken(int port) => new($"Port {port} is taken by another program; choose another with --port.");

    private static void AddServices(IServiceCollection services, HostPlan plan, IReadOnlyDictionary<string, Type> kinds)
    {
        services.AddSingleton<IHostLifetime, NoLifetime>();
        services.AddMvcCore();
        services.AddSingleton(plan.Settings);
        services.AddSingleton(plan.Time);
        services.Configure<JsonSerializerOptions>(json => json.PropertyNameCaseInsensitive = true);
        services.AddOptions<WorkerOptions>().PostConfigure<IOptions<JsonSerializerOptions>>(
            (worker, json) => worker.Serializer ??= new JsonObjectSerializer(json.Value));
        services.AddSingleton(p => p.GetRequiredService<IOptions<WorkerOptions>>().Value.Serializer!);
        services.AddSingleton(_ => new EntityStore(Path.Combine(plan.DataFolder, plan.EntityFile)));
        services.AddSingleton(p => new EntityBatchRunner(
            kinds, p, p.GetRequiredService<ObjectSerializer>(), p.GetRequiredService<ILoggerFactory>().CreateLogger("Host.Entities")));
        services.AddSingleton(p => new EntityScheduler(
            p.GetRequiredService<EntityStore>(), p.GetRequiredService<EntityBatchRunner>(), p.GetRequiredService<ObjectSerializer>(),
            plan.Host.MaxConcurrentEntityFunctions, plan.Host.MaxEntityOperationBatchSize, Disorder(plan.Settings), plan.Time,
            p.GetRequiredService<ILoggerFactory>().CreateLogger("Host.Entities")));
        services.AddSingleton<DurableEntityClient>(p => new LocalEntityClient(
            "local", p.GetRequiredService<EntityStore>(), p.GetRequiredService<EntityScheduler>(), p.GetRequiredService<ObjectSerializer>()));
        services.AddSingleton<DurableTaskClient>(p => new LocalDurableClient(p.GetRequiredService<DurableEntityClient>()));
    }

    private static SignalDisorder? Disorder(IConfiguration settings) => settings["LocalHost:SignalDisorderSeed"] switch
    {
        null or "" => null,
        var text when int.TryParse(text, out var seed) => new SignalDisorder(seed),
        var text => throw new SettingException($"The setting LocalHost__SignalDisorderSeed is '{text}'; it must be a whole number."),
    };

    private void MakeTriggers(IReadOnlyList<FunctionMethod> functions)
    {
        var loggers = app.Services.GetRequiredService<ILoggerFactory>();
        foreach (var function in functions.Where(f => !plan.Settings.IsDisabled(f.Name)))
        {
            switch (function.Trigger)
            {
                case KafkaTriggerAttribute trigger:
                    kafka.Add(MakeKafka(function, trigger, loggers.CreateLogger("Host.Kafka")));
                    break;
                case TimerTriggerAttribute trigger:
                    var schedule = TimerSchedule.Parse(plan.Settings.Expand(trigger.Schedule, function.Name), function.Name);
                    timers.Add(new TimerListener(
                        new FunctionRunner(function, app.Services, plan.Time), schedule, trigger,
                        new TimerStatusStore(Path.Combine(plan.DataFolder, "timers")), plan.Time, loggers.CreateLogger("Host.Timer")));
                    break;
                case HttpTriggerAttribute:
                    HttpFunctions.Map(app, function, plan.Host.RoutePrefix, Keys, plan.Time, loggers.CreateLogger("Host.Http"));
                    break;
            }
        }
    }

    private KafkaListener MakeKafka(FunctionMethod function, KafkaTriggerAttribute trigger, ILogger logger)
    {
        var connection = KafkaConnection.FromSettings(plan.Settings.NameOrValue(trigger.BrokerList, function.Name), plan.Settings);
        var topic = plan.Settings.Expand(trigger.Topic, function.Name);
        var group = plan.Settings.Expand(trigger.ConsumerGroup ?? "$Default", function.Name);
        return new KafkaListener(
            new FunctionRunner(function, app.Services, plan.Time), connection, topic, group,
            KafkaTriggerOptions.Read(plan.Host, plan.Settings), plan.Time, logger);
    }

    /// <summary>The command line handles signals, not the web server.</summary>
    private sealed class NoLifetime : IHostLifetime
    {
        public Task WaitForStartAsync(CancellationToken cancellationToken) => Task.CompletedTask;

        public Task StopAsync(CancellationToken cancellationToken) => Task.CompletedTask;
    }
}
