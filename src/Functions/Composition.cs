using Azure.Core;
using Azure.Core.Pipeline;
using Azure.Data.Tables;
using Azure.Storage.Blobs;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.DependencyInjection.Extensions;
using Microsoft.Extensions.Logging;
using Tidemark.Delta;
using Tidemark.Domain.Clickstream;
using Tidemark.Domain.Clickstream.Streams;
using Tidemark.Domain.Enrichment;
using Tidemark.Domain.Ledger;
using Tidemark.Domain.Pipelines;
using Tidemark.Domain.Schemas;
using Tidemark.Domain.Sensors;
using Tidemark.Domain.Streams;
using Tidemark.Domain.Scoring;
using Tidemark.Functions.Configuration;
using Tidemark.Functions.Costs;
using Tidemark.Functions.Entities;
using Tidemark.Functions.Http;
using Tidemark.Functions.Kafka;
using Tidemark.Functions.Lake;
using Tidemark.Functions.ReferenceData;
using Tidemark.Functions.Replay;
using Tidemark.Functions.Results;
using Tidemark.Functions.Schemas;
using Tidemark.Functions.Sources;
using Tidemark.Functions.Scoring;
using Tidemark.Functions.Sinks;
using Tidemark.Functions.Status;
using Tidemark.Functions.Tables;
using Tidemark.Functions.Telemetry;
using Tidemark.Functions.Triggers;

namespace Tidemark.Functions;

/// <summary>Wires the pipelines: the program and the embedded host both call this, and nothing else.</summary>
public static class Composition
{
    /// <summary>
    /// Reads and checks all settings, then registers everything. Throws <see cref="InvalidSettingException"/> for a setting that is wrong. Reaches
    /// no service yet: what is missing in storage is made when the first function runs. A <see cref="TimeProvider"/> or <see cref="IPipeline"/> (of the
    /// main topic) registered before is kept.
    /// </summary>
    public static IServiceCollection AddTidemark(this IServiceCollection services, IConfiguration configuration)
    {
        var options = TidemarkOptions.Read(configuration);
        services.AddSingleton(options);
        services.AddSingleton(options.Id);
        services.TryAddSingleton(TimeProvider.System);
        var enrichment = options.ToEnrichment();
        var schemas = new EventSchemas { HasRegistry = options.SchemaRegistry is not null };
        services.TryAddSingleton<IPipeline>(ClickstreamPipeline.Create(options.ToEvents() with { Schemas = schemas }, enrichment: enrichment, scorer: services.Scorer()));
        // Tried here where it can be, so that what is wrong with them ends the start; made later, as a pipeline may yet be put in place of this one.
        if (services.Last(s => s.ServiceType == typeof(IPipeline)).ImplementationInstance is IPipeline pipeline)
            _ = Pipelines(options, pipeline, schemas);
        services.AddSingleton(sp => Pipelines(options, sp.GetRequiredService<IPipeline>(), schemas));
        AddStorage(services, options);
        AddLake(services, options);
        AddSources(services, options);
        if (enrichment is not null)
            AddReferenceData(services, options, enrichment);
        if (options.SchemaRegistry is { } registry)
            services.AddSingleton(sp => new SchemaRegistry(SchemaRegistry.Client(registry.Address, registry.User, registry.Password), schemas, sp.GetRequiredService<TimeProvider>()));
        AddView(services, options, configuration);
        return services;
    }

    /// <summary>The main topic's pipeline, and one for each further topic that is named.</summary>
    internal static HostedPipelines Pipelines(TidemarkOptions options, IPipeline main, EventSchemas schemas)
    {
        var all = new List<HostedPipeline> { new(HostedPipelines.Main, options.Id, main, options.Kafka) };
        if (options.Sensors is { } sensors)
            all.Add(new(HostedPipelines.Sensors, sensors, SensorPipeline.Create(options.ToEvents() with { Topic = sensors.Topic }), options.Kafka.Of(HostedPipelines.Sensors, sensors.Topic)));
        if (options.Purchases is { } purchases)
            all.Add(new(HostedPipelines.Purchases, purchases, PurchasePipeline.Create(options.ToEvents() with { Topic = purchases.Topic, Schemas = schemas }), options.Kafka.Of(HostedPipelines.Purchases, purchases.Topic)));
        // Its id holds those of both topics, so it begins anew when either does.
        if (options.Purchases is { } right)
            all.Add(new(HostedPipelines.Joined, right with { Topic = $"{options.Id.Topic}.{options.Id.Generation}+{right.Topic}" }, new TopicJoinPipeline([ViewToPurchase.Join(options.Id, right)])));
        options.QueryTriggers.Check([.. all.Select(hosted => hosted.Pipeline)]);
        return new HostedPipelines(all);
    }

    private static void AddStorage(IServiceCollection services, TidemarkOptions options)
    {
        // Made here and not at first use, so that a wrong connection string is a wrong setting at the start.
        var counters = new CostCounters();
        services.AddSingleton(counters);
        var tables = options.Tables.Tables(Counted(new TableClientOptions(), counters, CountingPolicy.TableKind));
        var blobs = options.Lake.Blobs(Counted(new BlobClientOptions(), counters, CountingPolicy.BlobKind));
        services.AddSingleton(tables);
        services.AddSingleton(new ResultTables(options.Results.Tables(Counted(new TableClientOptions(), counters, CountingPolicy.TableKind))));
        services.AddSingleton(blobs);
        services.AddSingleton(blobs.GetBlobContainerClient(options.LakeContainer));
    }

    /// <summary>The tables of all topics, which have names of their own each.</summary>
    private static void AddLake(IServiceCollection services, TidemarkOptions options)
    {
        services.AddSingleton<IObjectStore>(sp => new RecentObjects(new BlobObjectStore(sp.GetRequiredService<BlobContainerClient>()), RecentObjects.DefaultCapacity));
        services.AddSingleton(sp => new LakeTables(
            sp.GetRequiredService<IObjectStore>(), [.. sp.GetRequiredService<HostedPipelines>().All.Select(h => h.Pipeline)], sp.GetRequiredService<TimeProvider>()));
        services.AddSingleton<ILake>(sp => new DeltaLake(sp.GetRequiredService<LakeTables>(), sp.GetRequiredService<CostCounters>(), sp.GetRequiredService<TimeProvider>()));
        services.AddSingleton(sp => new LakeMaintenance(
            sp.GetRequiredService<LakeTables>(), [.. sp.GetRequiredService<HostedSources>().All.Select(s => s.Ledger)], sp.GetRequiredService<IAlerts>(), sp.GetRequiredService<ILogger<LakeMaintenance>>()));
    }

    private static void AddReferenceData(IServiceCollection services, TidemarkOptions options, EnrichmentOptions enrichment)
    {
        foreach (var (place, reference) in new[] { (options.Catalog, enrichment.Catalog), (options.Customers, enrichment.Customers), (options.Countries, enrichment.Countries) })
            if (place is not null)
                services.AddSingleton(sp => new ReferenceRefresher(
                    Source(sp, options, place, reference.Schema), reference, place, sp.GetRequiredService<IAlerts>(), sp.GetRequiredService<TimeProvider>(), sp.GetRequiredService<ILogger<ReferenceRefresher>>()));
    }

    private static IReferenceSource Source(IServiceProvider services, TidemarkOptions options, ReferenceOptions from, ReferenceSchema schema) => from.Kind switch
    {
        ReferenceKind.File => new FileReferenceSource(from.Place, schema),
        ReferenceKind.Blob => new BlobReferenceSource(services.GetRequiredService<IObjectStore>(), from.Place, schema),
        ReferenceKind.Delta => new DeltaReferenceSource(services.GetRequiredService<IObjectStore>(), from.Place, schema),
        ReferenceKind.Kafka => new KafkaReferenceSource(
            from.Place, schema, new KafkaTopicLog(options.Kafka with { Topic = from.Place }, services.GetRequiredService<ILogger<KafkaTopicLog>>()), services.GetRequiredService<ILogger<KafkaReferenceSource>>()),
        _ => new TableReferenceSource(services.GetRequiredService<TableServiceClient>().GetTableClient(from.Place), schema),
    };

    private static void AddSources(IServiceCollection services, TidemarkOptions options)
    {
        services.AddSingleton(sp => new Preparation(
            options, sp.GetRequiredService<HostedPipelines>(), sp.GetRequiredService<TableServiceClient>(), sp.GetRequiredService<ResultTables>(), sp.GetRequiredService<BlobServiceClient>(),
            sp.GetRequiredService<LakeTables>(), sp.GetRequiredService<ILogger<Preparation>>()));
        services.AddSingleton(sp => new MaintenanceStore(options.Id, Ledger(sp, options)));
        services.AddSingleton<ITopicLog>(sp => new KafkaTopicLog(options.Kafka, sp.GetRequiredService<ILogger<KafkaTopicLog>>()));
        // The catalog raises alerts and is asked by ingest, so the main topic's alerts are there before its source.
        services.AddSingleton(sp => new TableAlerts(options.Id, Ledger(sp, options), sp.GetRequiredService<TimeProvider>(), sp.GetRequiredService<ILogger<TableAlerts>>()));
        services.AddSingleton<IAlerts>(sp => sp.GetRequiredService<TableAlerts>());
        services.AddSingleton(sp => new Lazy<HostedSources>(() => new SourceFactory(sp, options).Make(sp.GetRequiredService<HostedPipelines>())));
        services.AddSingleton(sp => sp.GetRequiredService<Lazy<HostedSources>>().Value);
        services.AddHostedService(sp => new LeaseReturn(sp.GetRequiredService<Lazy<HostedSources>>(), sp.GetRequiredService<ILogger<LeaseReturn>>()));
        services.AddSingleton(sp => sp.GetRequiredService<HostedSources>().Main.Ledger);
        services.AddSingleton(sp => sp.GetRequiredService<HostedSources>().Main.Status);
        services.AddSingleton<IResults>(sp => sp.GetRequiredService<HostedSources>().Main.Results);
        services.AddSingleton(sp => sp.GetRequiredService<HostedSources>().Main.Segments);
        services.AddSingleton(sp => sp.GetRequiredService<HostedSources>().Main.Ingest);
        services.AddSingleton(sp => sp.GetRequiredService<HostedSources>().Main.Runner);
    }

    /// <summary>What people and machines look at: status, progress, alerts, metrics, and the page's sources.</summary>
    private static void AddView(IServiceCollection services, TidemarkOptions options, IConfiguration configuration)
    {
        services.AddSingleton(sp => new PipelineMetrics(sp.GetRequiredService<CostCounters>()));
        services.AddHostedService(sp => new TelemetryExport(configuration, options, sp.GetRequiredService<PipelineMetrics>(), sp.GetRequiredService<ILogger<TelemetryExport>>()));
        services.AddSingleton<IReadOnlyList<ResultRetention>>(sp => [.. sp.GetRequiredService<HostedSources>().All.Select(s => new ResultRetention(s.Hosted.Pipeline, s.Hosted.Id, s.Ledger, sp.GetRequiredService<ILake>(), s.Results, options.Kept))]);
        services.AddSingleton(sp => new MaintenanceRound(
            sp.GetRequiredService<LakeMaintenance>(), sp.GetRequiredService<LakeTables>(),
            sp.GetRequiredService<IReadOnlyList<ResultRetention>>(), sp.GetRequiredService<MaintenanceStore>(), sp.GetRequiredService<PipelineMetrics>(), sp.GetRequiredService<TimeProvider>(), sp.GetRequiredService<ILogger<MaintenanceRound>>()));
        services.AddSingleton(sp => new StatusSource(sp.GetRequiredService<HostedSources>(), sp.GetRequiredService<TimeProvider>()));
        services.AddSingleton(sp => new NewestRows(sp.GetRequiredService<HostedSources>(), sp.GetRequiredService<TimeProvider>()));
        services.AddSingleton(sp => new OverviewSource(
            sp.GetRequiredService<StatusSource>(), sp.GetRequiredService<HostedPipelines>(), sp.GetRequiredService<NewestRows>(), sp.GetRequiredService<TimeProvider>()));
        services.AddSingleton(sp => new LakeSource(sp.GetRequiredService<LakeTables>(), sp.GetRequiredService<TimeProvider>()));
        services.AddSingleton(sp => new OutputBook([.. sp.GetRequiredService<HostedPipelines>().All.Select(h => (h.Pipeline, h.Id))]));
        services.AddSingleton(sp => new OutputRows(sp.GetRequiredService<OutputBook>(), sp.GetRequiredService<ResultTables>()));
        services.AddSingleton(sp => new RowsSource(sp.GetRequiredService<OutputRows>(), sp.GetRequiredService<LakeSource>(), sp.GetRequiredService<StatusSource>(), options.Kept, sp.GetRequiredService<HostedPipelines>()));
        services.AddSingleton(sp => new FraudSource(
            sp.GetRequiredService<OutputBook>(), sp.GetRequiredService<OutputRows>(), sp.GetRequiredService<StatusSource>(), sp.GetService<IScorer>(), sp.GetRequiredService<TimeProvider>()));
        services.AddSingleton(sp => new RecommendationSource(sp.GetRequiredService<OutputBook>(), sp.GetRequiredService<OutputRows>()));
        services.AddSingleton(sp => new OpenSessions(sp.GetRequiredService<LakeSource>(), sp.GetRequiredService<StatusSource>()));
        services.AddSingleton(sp => new OpenApiSource(sp.GetRequiredService<OutputBook>()));
        services.AddSingleton(sp => new QuarantineReader(sp.GetRequiredService<LakeTables>()));
        services.AddSingleton(sp => new Quarantines([.. sp.GetRequiredService<HostedSources>().All.Select(source => QuarantineOf(sp, options, source)).OfType<Quarantine>()]));
    }

    private static Quarantine? QuarantineOf(IServiceProvider services, TidemarkOptions options, HostedSource source)
    {
        if (Quarantine.TableOf(source.Hosted.Pipeline) is not { } table)
            return null;
        var (lake, time, kafka) = (services.GetRequiredService<LakeSource>(), services.GetRequiredService<TimeProvider>(), source.Hosted.Kafka ?? options.Kafka);
        var replays = new ReplayStore(source.Hosted.Id, Ledger(services, options));
        var producer = new ReplayProducer(kafka, services.GetRequiredService<ILogger<ReplayProducer>>());
        return new Quarantine(
            source.Name, table, replays,
            new QuarantineReplay(replays, producer, source.Log, lake, table, services.GetRequiredService<PipelineMetrics>(), kafka, time, services.GetRequiredService<ILogger<QuarantineReplay>>()),
            new QuarantineSource(lake, source.Name, table, replays, time), producer);
    }

    private static TableClient Ledger(IServiceProvider services, TidemarkOptions options) =>
        services.GetRequiredService<TableServiceClient>().GetTableClient(options.LedgerTable);

    private static T Counted<T>(T client, CostCounters counters, Func<Request, string> kindOf)
        where T : ClientOptions
    {
        client.AddPolicy(new CountingPolicy(counters, kindOf), HttpPipelinePosition.PerRetry);
        return client;
    }
}
