using System.Diagnostics;
using Microsoft.Azure.Functions.Worker;
using Tidemark.Domain.Ledger;
using Tidemark.Domain.Pipelines;
using Tidemark.Functions.Configuration;
using Tidemark.Functions.Sources;
using Tidemark.Functions.Telemetry;

namespace Tidemark.Functions.Triggers;

/// <summary>
/// Commits what Kafka delivers, a function for each topic. A delivery mixes partitions and may repeat or skip offsets; <see cref="Ingest"/> sorts that out. It is retried
/// for ever: passing a batch over would make the host commit its offsets.
/// </summary>
public sealed class IngestFunction
{
    private static readonly IReadOnlyList<RecordHeader> NoHeaders = [];
    private readonly HostedSources _sources;
    private readonly Preparation _preparation;
    private readonly PipelineMetrics _metrics;

    /// <summary>Made by the host.</summary>
    public IngestFunction(HostedSources sources, Preparation preparation, PipelineMetrics metrics) => (_sources, _preparation, _metrics) = (sources, preparation, metrics);

    /// <summary>One delivery of the main topic.</summary>
    [Function("Ingest")]
    [ExponentialBackoffRetry(-1, "00:00:01", "00:00:30")]
    public Task RunAsync(
        [KafkaTrigger(Settings.Names.BrokerList, "%" + Settings.Names.KafkaTopic + "%",
            ConsumerGroup = "%" + Settings.Names.KafkaGroup + "%",
            IsBatched = true,
            KeyDataType = KafkaMessageKeyType.Binary,
            Protocol = BrokerSecurity.Protocol,
            AuthenticationMode = BrokerSecurity.Mode,
            Username = BrokerSecurity.User,
            Password = BrokerSecurity.Password,
            LagThreshold = 10_000)]
        KafkaRecord[] records,
        FunctionContext context) => RunAsync(_sources.Main, "Ingest", records, context.CancellationToken);

    /// <summary>One delivery of readings.</summary>
    [Function("IngestSensors")]
    [ExponentialBackoffRetry(-1, "00:00:01", "00:00:30")]
    public Task SensorsAsync(
        [KafkaTrigger(Settings.Names.BrokerList, "%" + Settings.Names.SensorsTopic + "%",
            ConsumerGroup = "%" + Settings.Names.KafkaGroup + "%-" + HostedPipelines.Sensors,
            IsBatched = true,
            KeyDataType = KafkaMessageKeyType.Binary,
            Protocol = BrokerSecurity.Protocol,
            AuthenticationMode = BrokerSecurity.Mode,
            Username = BrokerSecurity.User,
            Password = BrokerSecurity.Password,
            LagThreshold = 10_000)]
        KafkaRecord[] records,
        FunctionContext context) => RunAsync(_sources[HostedPipelines.Sensors], "IngestSensors", records, context.CancellationToken);

    /// <summary>One delivery of purchases.</summary>
    [Function("IngestPurchases")]
    [ExponentialBackoffRetry(-1, "00:00:01", "00:00:30")]
    public Task PurchasesAsync(
        [KafkaTrigger(Settings.Names.BrokerList, "%" + Settings.Names.PurchasesTopic + "%",
            ConsumerGroup = "%" + Settings.Names.KafkaGroup + "%-" + HostedPipelines.Purchases,
            IsBatched = true,
            KeyDataType = KafkaMessageKeyType.Binary,
            Protocol = BrokerSecurity.Protocol,
            AuthenticationMode = BrokerSecurity.Mode,
            Username = BrokerSecurity.User,
            Password = BrokerSecurity.Password,
            LagThreshold = 10_000)]
        KafkaRecord[] records,
        FunctionContext context) => RunAsync(_sources[HostedPipelines.Purchases], "IngestPurchases", records, context.CancellationToken);

    private async Task RunAsync(HostedSource source, string function, KafkaRecord[] records, CancellationToken cancel)
    {
        var (topic, group) = (source.Hosted.Kafka!.Topic, source.Hosted.Kafka.Group);
        var began = Stopwatch.GetTimestamp();
        var delivery = ByPartition(records, topic);
        using var span = TidemarkTrace.Process(topic, group, delivery);
        try
        {
            await _preparation.EnsureAsync(cancel);
            await source.Ingest.ProcessAsync(delivery, cancel);
            source.Board.Succeeded(function);
            _metrics.Batch(topic, group, records.Length, Stopwatch.GetElapsedTime(began), null);
        }
        catch (Exception e) when (e is not OperationCanceledException || !cancel.IsCancellationRequested)
        {
            span?.SetStatus(ActivityStatusCode.Error, e.Message);
            _metrics.Batch(topic, group, records.Length, Stopwatch.GetElapsedTime(began), e);
            _metrics.Failed(function);
            source.Board.Failed(function, e);
            throw;
        }
    }

    internal static Dictionary<int, IReadOnlyList<SourceRecord>> ByPartition(KafkaRecord[] records, string topic)
    {
        var partitions = new Dictionary<int, IReadOnlyList<SourceRecord>>();
        foreach (var record in records)
        {
            if (record.Topic is { Length: > 0 } other && other != topic)
                throw new InvalidOperationException($"The trigger delivered a record of topic {other} while its settings name {topic}; let both name the same topic.");
            if (!partitions.TryGetValue(record.Partition, out var list))
                partitions[record.Partition] = list = new List<SourceRecord>();
            ((List<SourceRecord>)list).Add(ToSource(record));
        }

        return partitions;
    }

    private static SourceRecord ToSource(KafkaRecord record) => new(
        record.Offset,
        record.Timestamp?.UnixTimestampMs ?? 0,
        record.Key,
        record.Value,
        record.Headers is { Length: > 0 } headers ? Array.ConvertAll(headers, h => new RecordHeader(h.Key, h.Value)) : NoHeaders);
}
