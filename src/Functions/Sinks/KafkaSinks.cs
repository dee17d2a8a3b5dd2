using Microsoft.Extensions.Logging;
using Tidemark.Domain.Clickstream;
using Tidemark.Domain.Ledger;
using Tidemark.Domain.Pipelines;
using Tidemark.Functions.Configuration;
using Tidemark.Functions.Kafka;
using Tidemark.Functions.Replay;
using Tidemark.Functions.Telemetry;

namespace Tidemark.Functions.Sinks;

/// <summary>The topics that results and dead letters go to, as the settings name them, over one producer.</summary>
internal sealed class KafkaSinks : IDisposable
{
    private readonly KafkaProducer _producer;

    /// <param name="topics">Names; empty = no such sink.</param>
    /// <param name="kafka">Brokers, and the topic that is read.</param>
    /// <param name="id">The pipeline.</param>
    /// <param name="pipeline">What it computes; a sink of what it does not compute is left out.</param>
    /// <param name="metrics">Counts.</param>
    /// <param name="logger">Trouble of the client.</param>
    public KafkaSinks(ResultTopics topics, KafkaOptions kafka, PipelineId id, IPipeline pipeline, PipelineMetrics metrics, ILogger<KafkaSinks> logger)
    {
        _producer = new KafkaProducer(KafkaClients.Connection(kafka), new KafkaProducerOptions { Compression = topics.Compression }, logger);
        var sinks = new List<IRowSink>();
        if (topics.EventCounts is { } counts && pipeline.Queries.FirstOrDefault(q => q.Name == ClickstreamQueries.EventCounts.Name) is { } query)
            sinks.Add(new ResultTopic(Writer(counts), id, query, query.Keys, provisional: true));
        if (topics.Alerts is { } alerts)
            foreach (var (stream, key) in Alerting)
                if (pipeline.Streams.FirstOrDefault(s => s.Name == stream) is { } output)
                    sinks.Add(new ResultTopic(Writer(alerts), id, output, [key], provisional: false));
        if (topics.DeadLetterSuffix is { } suffix)
            if (Quarantine.TableOf(pipeline) is { } table)
                sinks.Add(new DeadLetterTopic(Writer(kafka.Topic + suffix), id, table));
        All = sinks;

        TopicWriter Writer(string topic) => new(_producer, topic, kafka.Timeout, metrics);
    }

    /// <summary>The streams whose rows are alerts, each with the column that is the key: the user, the group whose metric is unusual, or the device.</summary>
    public static IReadOnlyList<(string Stream, string Key)> Alerting { get; } = [("fraud_alerts", "user_id"), ("traffic_anomalies", "group"), ("revenue_anomalies", "group"), ("sensor_alerts", "device_id")];

    /// <summary>The sinks.</summary>
    public IReadOnlyList<IRowSink> All { get; }

    public void Dispose() => _producer.Dispose();
}
