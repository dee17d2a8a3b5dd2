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
using Tidemark.Domain.Corrections;
using Tidemark.Domain.Enrichment;
using Tidemark.Domain.Ledger;
using Tidemark.Domain.Pipelines;
using Tidemark.Domain.Schemas;
using Tidemark.Domain.Scoring;
using Tidemark.Functions.Catalogs;
using Tidemark.Functions.Configuration;
using Tidemark.Functions.Corrections;
using Tidemark.Functions.Costs;
using Tidemark.Functions.Entities;
using Tidemark.Functions.Http;
using Tidemark.Functions.Kafka;
using Tidemark.Functions.Lake;
using Tidemark.Functions.Replay;
using Tidemark.Functions.Results;
using Tidemark.Functions.Schemas;
using Tidemark.Functions.Scoring;
using Tidemark.Functions.Sinks;
using Tidemark.Functions.Status;
using Tidemark.Functions.Tables;
using Tidemark.Functions.Telemetry;
using Tidemark.Functions.Triggers;

namespace Tidemark.Functions;

/// <summary>Wires the pipeline: the program and the embedded host both call this, and nothing else.</summary>
public static class Composition
{
    /// <summary>
    /// Reads and checks all settings, then registers everything. Throws <see cref="InvalidSettingException"/> for a setting that is wrong. Reaches
    /// no service yet: what is missing in storage is made when the first function runs. A <see cref="TimeProvider"/> or <see cref="IPipeline"/>
    /// registered before is kept.
    /// </summary>
    public static IServiceCollection AddTidemark(this IServiceCollection services, IConfiguration configuration)
    {
        var options = TidemarkOptions.Read(configuration);
        var instance = $"{Environment.MachineName}-{Guid.NewGuid().ToString("N")[..8]}";
        services.AddSingleton(options);
        services.AddSingleton(options.Id);
        services.TryAddSingleton(TimeProvider.System);
        var enrichment = options.Catalog is { } catalog ? new EnrichmentOptions { Join = catalog.Join } : null;
        var schemas = new EventSchemas { HasRegistry = options.SchemaRegistry is not null };
        services.TryAddSingleton<IPipeline>(ClickstreamPipeline.Create(options.ToEvents() with { Schemas = schemas }, enrichment: enrichment, scorer: services.Scorer()));
        if (services.Last(s => s.ServiceType == typeof(IPipeline)).ImplementationInstance is IPipeline pipeline)
            EntityNames.Check(options.Id, pipeline);
        AddStorage(services, options);
        AddStores(services, options);
        if (enrichment is not null)
            AddCatalog(services, options.Catalog!, enrichment);
        if (options.SchemaRegistry is { } registry)
            services.AddSingleton(sp => new SchemaRegistry(SchemaRegistry.Client(registry.Address, registry.User, registry.Password), schemas, sp.GetRequiredService<TimeProvider>()));
        AddProtocol(services, options, instance);
        AddView(services, options, configuration, instance);
        return services;
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

    private static void AddStores(IServiceCollection services, TidemarkOptions options)
    {
        services.AddSingleton<ILedger>(sp => new TableLedger(options.Id, Ledger(sp, options)));
        services.AddSingleton(sp => new TableResults(options.Id, sp.GetRequiredService<ResultTables>().Service.GetTableClient, sp.GetRequiredService<TimeProvider>(), sp.GetRequiredService<CostCounters>()));
        services.AddSingleton<IResults>(sp => sp.GetRequiredService<TableResults>());
        services.AddSingleton<IObjectStore>(sp => new BlobObjectStore(sp.GetRequiredService<BlobContainerClient>()));
        services.AddSingleton(sp => new LakeTables(sp.GetRequiredService<IObjectStore>(), sp.GetRequiredService<IPipeline>(), sp.GetRequiredService<TimeProvider>()));
        services.AddSingleton<ILake>(sp => new DeltaLake(sp.GetRequiredService<LakeTables>(), sp.GetRequiredService<CostCounters>()));
        services.AddSingleton<ISegmentStore>(sp => new SegmentStore(options.Id, options.InlineSegmentLimit, sp.GetRequiredService<IObjectStore>(), sp.GetRequiredService<LakeTables>()));
        services.AddSingleton<ITopicLog>(sp => new KafkaTopicLog(options.Kafka, sp.GetRequiredService<ILogger<KafkaTopicLog>>()));
        services.AddSingleton(sp => new TableAlerts(options.Id, Ledger(sp, options), sp.GetRequiredService<TimeProvider>(), sp.GetRequiredService<ILogger<TableAlerts>>()));
        services.AddSingleton<IAlerts>(sp => sp.GetRequiredService<TableAlerts>());
        services.AddSingleton(sp => new LakeMaintenance(
            sp.GetRequiredService<LakeTables>(), sp.GetRequiredService<ILedger>(), sp.GetRequiredService<IAlerts>(), sp.GetRequiredService<ILogger<LakeMaintenance>>()));
        services.AddSingleton(sp => new InvocationEntities(options.Id, sp.GetRequiredService<IObjectStore>(), sp.GetRequiredService<CostCounters>()));
        services.AddSingleton(sp => new StatusStore(options.Id, Ledger(sp, options)));
        services.AddSingleton<ICorrectionLog>(sp => new CorrectionStore(options.Id, Ledger(sp, options)));
        services.AddSingleton(sp => new Reopener(
            sp.GetRequiredService<IPipeline>(), options.Id, sp.GetRequiredService<ILedger>(), sp.GetRequiredService<ILake>(),
            new LakeCorrections(sp.GetRequiredService<LakeTables>(), sp.GetRequiredService<CostCounters>()), sp.GetRequiredService<IResults>(),
            sp.GetRequiredService<ICorrectionLog>(), options.Kept, sp.GetRequiredService<TimeProvider>()));
    }

    private static void AddCatalog(IServiceCollection services, CatalogOptions catalog, EnrichmentOptions enrichment)
    {
        services.AddSingleton<ICatalogSource>(sp => catalog.Kind switch
        {
            CatalogKind.File => new FileCatalogSource(catalog.Place),
            CatalogKind.Blob => new BlobCatalogSource(sp.GetRequiredService<IObjectStore>(), catalog.Place),
            CatalogKind.Delta => new DeltaCatalogSource(sp.GetRequiredService<IObjectStore>(), catalog.Place),
            _ => new TableCatalogSource(sp.GetRequiredService<TableServiceClient>().GetTableClient(catalog.Place)),
        });
        services.AddSingleton(sp => new CatalogRefresher(
            sp.GetRequiredService<ICatalogSource>(), enrichment, catalog, sp.GetRequiredService<IAlerts>(), sp.GetRequiredService<TimeProvider>(),
            sp.GetRequiredService<ILogger<CatalogRefresher>>()));
    }

    private static void AddProtocol(IServiceCollection services, TidemarkOptions options, string instance)
    {
        services.AddSingleton(sp => new Ingest(
            sp.GetRequiredService<IPipeline>(), sp.GetRequiredService<ILedger>(), sp.GetRequiredService<ITopicLog>(),
            sp.GetRequiredService<ISegmentStore>(),
            options.ToIngest() with { IsReady = sp.GetService<CatalogRefresher>() is { } catalog ? catalog.IsReadyAsync : null, Prepare = sp.GetService<SchemaRegistry>() is { } registry ? registry.PrepareAsync : null },
            sp.GetRequiredService<TimeProvider>(),
            sp.GetRequiredService<ILake>(), sp.GetRequiredService<IAlerts>()));
        services.AddSingleton(sp => new TickStores(
            sp.GetRequiredService<ILedger>(), sp.GetRequiredService<ITopicLog>(), sp.GetRequiredService<ISegmentStore>(),
            sp.GetRequiredService<InvocationEntities>(), sp.GetRequiredService<ILake>(), sp.GetRequiredService<IResults>(), sp.GetRequiredService<IAlerts>())
        {
            Sinks = [.. sp.GetRequiredService<KafkaSinks>().All, .. sp.GetServices<IRowSink>()],
        });
        services.AddSingleton(sp => new KafkaSinks(
            options.ResultTopics, options.Kafka, options.Id, sp.GetRequiredService<IPipeline>(), sp.GetRequiredService<PipelineMetrics>(), sp.GetRequiredService<ILogger<KafkaSinks>>()));
        services.AddSingleton(sp => new Tick(
            sp.GetRequiredService<IPipeline>(), options.Id, sp.GetRequiredService<TickStores>(), sp.GetRequiredService<Ingest>(),
            options.ToTick(), sp.GetRequiredService<TimeProvider>(), instance));
        services.AddSingleton(sp => new Preparation(
            options, sp.GetRequiredService<IPipeline>(), sp.GetRequiredService<TableServiceClient>(), sp.GetRequiredService<ResultTables>(), sp.GetRequiredService<BlobServiceClient>(),
            sp.GetRequiredService<LakeTables>(), sp.GetRequiredService<ILogger<Preparation>>()));
        services.AddSingleton(sp => new StatusBoard(options.Id, sp.GetRequiredService<CostCounters>(), sp.GetRequiredService<TimeProvider>(), instance));
        services.AddSingleton(sp => new TickRunner(
            sp.GetRequiredService<Tick>(), sp.GetRequiredService<InvocationEntities>(), sp.GetRequiredService<Preparation>(),
            sp.GetRequiredService<StatusBoard>(), sp.GetRequiredService<StatusStore>(), sp.GetRequiredService<TickAftermath>(),
            sp.GetRequiredService<TimeProvider>(), sp.GetRequiredService<ILogger<TickRunner>>()));
    }

    /// <summary>What people and machines look at: status, progress, alerts, metrics, and the page's sources.</summary>
    private static void AddView(IServiceCollection services, TidemarkOptions options, IConfiguration configuration, string instance)
    {
        services.AddSingleton(sp => new PipelineMetrics(sp.GetRequiredService<CostCounters>()));
        services.AddHostedService(sp => new TelemetryExport(configuration, options, sp.GetRequiredService<PipelineMetrics>(), sp.GetRequiredService<ILogger<TelemetryExport>>()));
        services.AddSingleton(sp => new OperatorBoard(options.Id, sp.GetRequiredService<IPipeline>(), sp.GetRequiredService<CostCounters>(), options.Kafka.BrokerList, instance));
        services.AddSingleton(_ => new AlertWatch(options.ToAlerts()));
        services.AddSingleton(sp => new MaintenanceStore(options.Id, Ledger(sp, options)));
        services.AddSingleton(sp => new TickAftermath(
            sp.GetRequiredService<ILedger>(), sp.GetRequiredService<StatusBoard>(), sp.GetRequiredService<OperatorBoard>(), sp.GetRequiredService<StatusStore>(),
            sp.GetRequiredService<MaintenanceStore>(), sp.GetRequiredService<TableAlerts>(), sp.GetRequiredService<AlertWatch>(), sp.GetRequiredService<PipelineMetrics>(),
            sp.GetRequiredService<TimeProvider>(), sp.GetRequiredService<ILogger<TickAftermath>>(), sp.GetService<IScorer>() as WatchedScorer));
        services.AddSingleton(sp => new ResultRetention(
            sp.GetRequiredService<IPipeline>(), sp.GetRequiredService<ILedger>(), sp.GetRequiredService<IResults>(), options.Kept));
        services.AddSingleton(sp => new MaintenanceRound(
            sp.GetRequiredService<LakeMaintenance>(), sp.GetRequiredService<LakeTables>(),
            sp.GetRequiredService<ResultRetention>(), sp.GetRequiredService<MaintenanceStore>(), sp.GetRequiredService<PipelineMetrics>(), sp.GetRequiredService<TimeProvider>(), sp.GetRequiredService<ILogger<MaintenanceRound>>()));
        services.AddSingleton(sp => new StatusSource(
            sp.GetRequiredService<StatusBoard>(), sp.GetRequiredService<OperatorBoard>(), sp.GetRequiredService<StatusStore>(), sp.GetRequiredService<TimeProvider>()));
        services.AddSingleton(sp => new NewestRows(
            sp.GetRequiredService<TableResults>(), sp.GetRequiredService<IPipeline>(), sp.GetRequiredService<StatusBoard>(), sp.GetRequiredService<TimeProvider>()));
        services.AddSingleton(sp => new OverviewSource(
            sp.GetRequiredService<StatusSource>(), sp.GetRequiredService<IPipeline>(), sp.GetRequiredService<NewestRows>(), sp.GetRequiredService<TimeProvider>()));
        services.AddSingleton(sp => new LakeSource(sp.GetRequiredService<LakeTables>(), sp.GetRequiredService<TimeProvider>()));
        services.AddSingleton(sp => new OutputBook([(sp.GetRequiredService<IPipeline>(), options.Id)]));
        services.AddSingleton(sp => new OutputRows(sp.GetRequiredService<OutputBook>(), sp.GetRequiredService<ResultTables>()));
        services.AddSingleton(sp => new RowsSource(sp.GetRequiredService<OutputRows>(), sp.GetRequiredService<LakeSource>(), sp.GetRequiredService<StatusSource>(), options.Kept));
        services.AddSingleton(sp => new FraudSource(
            sp.GetRequiredService<OutputBook>(), sp.GetRequiredService<OutputRows>(), sp.GetRequiredService<StatusSource>(), sp.GetService<IScorer>(), sp.GetRequiredService<TimeProvider>()));
        services.AddSingleton(sp => new RecommendationSource(sp.GetRequiredService<OutputBook>(), sp.GetRequiredService<OutputRows>()));
        services.AddSingleton(sp => new OpenSessions(sp.GetRequiredService<LakeSource>(), sp.GetRequiredService<StatusSource>()));
        services.AddSingleton(sp => new OpenApiSource(sp.GetRequiredService<OutputBook>()));
        services.AddSingleton(sp => new ReplayStore(options.Id, Ledger(sp, options)));
        services.AddSingleton(sp => new ReplayProducer(options.Kafka, sp.GetRequiredService<ILogger<ReplayProducer>>()));
        services.AddSingleton(sp => new QuarantineReader(sp.GetRequiredService<LakeTables>()));
        services.AddSingleton(sp => new QuarantineSource(sp.GetRequiredService<LakeSource>(), sp.GetRequiredService<ReplayStore>(), sp.GetRequiredService<TimeProvider>()));
        services.AddSingleton(sp => new QuarantineReplay(
            sp.GetRequiredService<ReplayStore>(), sp.GetRequiredService<ReplayProducer>(), sp.GetRequiredService<ITopicLog>(), sp.GetRequiredService<LakeSource>(),
            sp.GetRequiredService<PipelineMetrics>(), options.Kafka, sp.GetRequiredService<TimeProvider>(), sp.GetRequiredService<ILogger<QuarantineReplay>>()));
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
