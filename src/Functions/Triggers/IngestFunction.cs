using System.Diagnostics;
using Microsoft.Azure.Functions.Worker;
using Tidemark.Domain.Ledger;
using Tidemark.Domain.Pipelines;
using Tidemark.Functions.Configuration;
using Tidemark.Functions.Status;
using Tidemark.Functions.Telemetry;

namespace Tidemark.Functions.Triggers;

/// <summary>
/// Commits what Kafka delivers. A delivery mixes partitions and may repeat or skip offsets; <see cref="Ingest"/> sorts that out. It is retried
/// for ever: passing a batch over would make the host commit its offsets.
/// </summary>
public sealed class IngestFunction
{
    private static readonly IReadOnlyList<RecordHeader> NoHeaders = [];
    private readonly Ingest _ingest;
    private readonly Preparation _preparation;
    private readonly StatusBoard _board;
    private readonly PipelineMetrics _metrics;
    private readonly TidemarkOptions _options;

    /// <summary>Made by the host.</summary>
    public IngestFunction(Ingest ingest, Preparation preparation, StatusBoard board, PipelineMetrics metrics, TidemarkOptions options) =>
        (_ingest, _preparation, _board, _metrics, _options) = (ingest, preparation, board, metrics, options);

    /// <summary>One delivery.</summary>
    [Function("Ingest")]
    [ExponentialBackoffRetry(-1, "00:00:01", "00:00:30")]
    public async Task RunAsync(
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
        FunctionContext context)
    {
        var (topic, group) = (_options.Kafka.Topic, _options.Kafka.Group);
        var began = Stopwatch.GetTimestamp();
        var delivery = ByPartition(records, topic);
        using var span = TidemarkTrace.Process(topic, group, delivery);
        try
        {
            await _preparation.EnsureAsync(context.CancellationToken);
            await _ingest.ProcessAsync(delivery, context.CancellationToken);
            _board.Succeeded("Ingest");
            _metrics.Batch(topic, group, records.Length, Stopwatch.GetElapsedTime(began), null);
        }
        catch (Exception e) when (e is not OperationCanceledException || !context.CancellationToken.IsCancellationRequested)
        {
            span?.SetStatus(ActivityStatusCode.Error, e.Message);
            _metrics.Batch(topic, group, records.Length, Stopwatch.GetElapsedTime(began), e);
            _metrics.Failed("Ingest");
            _board.Failed("Ingest", e);
            throw;
        }
    }

    internal static Dictionary<int, IReadOnlyList<SourceRecord>> ByPartition(KafkaRecord[] records, string topic)
    {
        var partitions = new Dictionary<int, IReadOnlyList<SourceRecord>>();
        foreach (var record in records)
        {
            if (record.Topic is { Length: > 0 } other && other != topic)
                throw new InvalidOperationException($"The trigger delivered a record of topic {other} while {Settings.Names.KafkaTopic} is {topic}; let both name the same topic.");
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
