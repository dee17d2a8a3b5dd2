using Azure.Data.Tables;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using Tidemark.Delta;
using Tidemark.Domain.Corrections;
using Tidemark.Domain.Ledger;
using Tidemark.Domain.Pipelines;
using Tidemark.Domain.Scoring;
using Tidemark.Domain.Streams;
using Tidemark.Functions.Configuration;
using Tidemark.Functions.Corrections;
using Tidemark.Functions.Costs;
using Tidemark.Functions.Kafka;
using Tidemark.Functions.Lake;
using Tidemark.Functions.ReferenceData;
using Tidemark.Functions.Results;
using Tidemark.Functions.Schemas;
using Tidemark.Functions.Scoring;
using Tidemark.Functions.Sinks;
using Tidemark.Functions.Status;
using Tidemark.Functions.Tables;
using Tidemark.Functions.Telemetry;
using Tidemark.Functions.Triggers;

namespace Tidemark.Functions.Sources;

/// <summary>Makes the source of each hosted pipeline, on the storage that all of them share.</summary>
internal sealed class SourceFactory(IServiceProvider services, TidemarkOptions options)
{
    private readonly string _instance = $"{Environment.MachineName}-{Guid.NewGuid().ToString("N")[..8]}";
    private readonly TimeProvider _time = services.GetRequiredService<TimeProvider>();
    private readonly CostCounters _costs = services.GetRequiredService<CostCounters>();

    private readonly TableClient _table = services.GetRequiredService<TableServiceClient>().GetTableClient(options.LedgerTable);
    private readonly ReplayedTopics? _replayed = services.GetService<ReplayedTopics>();
    private readonly Dictionary<HostedPipeline, (ILedger Ledger, ITopicLog Log)> _topics = [];

    public HostedSources Make(HostedPipelines pipelines)
    {
        foreach (var hosted in pipelines.All)
            _topics[hosted] = (new TableLedger(hosted.Id, _table), hosted.Kafka is not { } kafka ? new NoTopicLog()
                : _replayed is not null ? _replayed.LogOf(hosted)
                : hosted == pipelines.First ? services.GetRequiredService<ITopicLog>() : new KafkaTopicLog(kafka, Logger<KafkaTopicLog>()));
        return new HostedSources([.. pipelines.All.Select(hosted => Make(hosted, pipelines))]);
    }

    private HostedSource Make(HostedPipeline hosted, HostedPipelines pipelines)
    {
        var (id, pipeline, table, isMain) = (hosted.Id, hosted.Pipeline, _table, hosted == pipelines.First);
        var (ledger, log) = _topics[hosted];
        var store = services.GetRequiredService<IObjectStore>();
        var lake = services.GetRequiredService<ILake>();
        var segments = new SegmentStore(id, options.InlineSegmentLimit, store, services.GetRequiredService<LakeTables>());
        var results = new TableResults(id, services.GetRequiredService<ResultTables>().Service.GetTableClient, _time, _costs);
        var alerts = isMain ? services.GetRequiredService<TableAlerts>() : new TableAlerts(id, table, _time, Logger<TableAlerts>());
        var entities = new InvocationEntities(id, store, _costs);
        var sinks = new KafkaSinks(options.ResultTopics, hosted.Kafka ?? options.Kafka, id, pipeline, services.GetRequiredService<PipelineMetrics>(), Logger<KafkaSinks>());
        var ingest = new Ingest(pipeline, ledger, log, segments, ToIngest(hosted), _time, lake, alerts);
        var tick = new Tick(pipeline, id, Stores(ledger, log, segments, entities, lake, results, alerts, sinks, isMain), ingest, ToTick(hosted, pipelines), _time, _instance);
        var corrections = new CorrectionStore(id, table);
        var reopener = pipeline is IRecounting ? new Reopener(pipeline, id, ledger, lake, new LakeCorrections(services.GetRequiredService<LakeTables>(), _costs), results, corrections, options.Kept, _time) : null;
        var board = new StatusBoard(id, _costs, _time, _instance);
        var operators = new OperatorBoard(id, pipeline, _costs, options.Kafka.BrokerList, _instance);
        var status = new StatusStore(id, table);
        var aftermath = new TickAftermath(
            ledger, board, operators, status, services.GetRequiredService<MaintenanceStore>(), alerts, new AlertWatch(options.ToAlerts() with { IsBounded = services.GetService<BoundedInput>() is not null }),
            services.GetRequiredService<PipelineMetrics>(), hosted.Name, _time, Logger<TickAftermath>(), isMain ? services.GetService<IScorer>() as WatchedScorer : null);
        return new HostedSource
        {
            Hosted = hosted, Ledger = ledger, Log = log, StartFrom = Start(hosted), Results = results, Alerts = alerts, Sinks = sinks, Segments = segments, Ingest = ingest, Corrections = corrections, Reopener = reopener, Board = board, Operators = operators, Status = status,
            Runner = new TickRunner(tick, entities, services.GetRequiredService<Preparation>(), board, status, aftermath, _time, Logger<TickRunner>()),
        };
    }

    /// <summary>Events of the shop may wait for reference data, and for a schema that their frame names.</summary>
    private IngestOptions ToIngest(HostedPipeline hosted) => options.ToIngest() with
    {
        StartFrom = Start(hosted),
        IsReady = hosted.Name == HostedPipelines.Main && services.GetServices<ReferenceRefresher>().ToList() is { Count: > 0 } tables ? cancel => AreReadyAsync(tables, cancel) : null,
        Prepare = hosted.Name != HostedPipelines.Sensors && services.GetService<SchemaRegistry>() is { } registry ? registry.PrepareAsync : null,
    };

    private TickOptions ToTick(HostedPipeline hosted, HostedPipelines pipelines)
    {
        if (pipelines.FollowedBy(hosted) is not var (followed, horizonMs, partner) || pipelines.FollowedBy(partner) is not var (table, _, _))
            return options.ToTick() with { StartFrom = Start(hosted) };
        var ((ledger, log), lake) = (_topics[partner], services.GetRequiredService<ILake>());
        return options.ToTick() with
        {
            StartFrom = Start(hosted),
            FollowedTable = followed,
            Partner = new TopicPartner(
                partner.Pipeline, horizonMs, cancel => TopicEnd.ReadAsync(ledger, log, cancel),
                cancel => _replayed is not null ? Task.FromResult(_replayed.StandOf(hosted)) : TopicStand.ReadAsync(ledger, lake, partner.Id, table, cancel)),
        };
    }

    /// <summary>Every table is asked, so that each says what it lacks.</summary>
    private static async ValueTask<bool> AreReadyAsync(IReadOnlyList<ReferenceRefresher> tables, CancellationToken cancel)
    {
        var all = true;
        foreach (var table in tables)
            all &= await table.IsReadyAsync(cancel);
        return all;
    }

    private StartFrom Start(HostedPipeline hosted) => hosted.Name switch
    {
        HostedPipelines.Sensors => options.SensorsStartFrom,
        HostedPipelines.Purchases => options.PurchasesStartFrom,
        HostedPipelines.Joined => StartFrom.Earliest,
        _ => options.StartFrom,
    };

    /// <summary>Rows also go to Kafka, where topics are named for them; those of the main topic's pipeline to sinks of one's own, too.</summary>
    private TickStores Stores(ILedger ledger, ITopicLog log, ISegmentStore segments, IEntities entities, ILake lake, IResults results, IAlerts alerts, KafkaSinks sinks, bool isMain) =>
        new(ledger, log, segments, entities, lake, results, alerts) { Sinks = isMain ? [.. sinks.All, .. services.GetServices<IRowSink>()] : sinks.All };

    private ILogger<T> Logger<T>() => services.GetRequiredService<ILogger<T>>();
}
