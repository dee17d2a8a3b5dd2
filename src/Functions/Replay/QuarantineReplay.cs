using System.Globalization;
using System.Text;
using Confluent.Kafka;
using Microsoft.Extensions.Logging;
using Tidemark.Delta;
using Tidemark.Domain.Columns;
using Tidemark.Domain.Events;
using Tidemark.Domain.Ledger;
using Tidemark.Domain.Pipelines;
using Tidemark.Functions.Configuration;
using Tidemark.Functions.Http;
using Tidemark.Functions.Kafka;
using Tidemark.Functions.Telemetry;

namespace Tidemark.Functions.Replay;

/// <summary>How the replay of a record ended: <c>sent</c>, <c>already</c>, <c>busy</c>, <c>unknown</c>, <c>missing</c> or <c>failed</c>.</summary>
internal sealed record ReplayOutcome(int Partition, long Offset, string Outcome, long? SentAs, string Text);

/// <summary>
/// Sends quarantined records to the topic again, byte for byte, into the same partition, once for each record whoever asks and how often.
/// <para><b>Exactly once.</b> A row in the ledger's table is claimed first (insert, or replace by ETag), with the end of the partition's log as it was
/// before the first attempt. The record is sent with a header that names its origin. If the process dies or the answer is lost in between, the row stays
/// claimed; the next attempt waits until the first client has surely given up and then looks for that header from the noted log end on: found means
/// sent, not found means that it may be sent again. Where retention has removed a part of that stretch nobody can tell any more, and nothing is sent.
/// </para>
/// <para>A replayed record is judged anew: it may become an event (after a change of settings, or once its time is no longer in the future), or go to
/// quarantine again under its new offset.</para>
/// </summary>
public sealed class QuarantineReplay
{
    /// <summary>Header of a replayed record: <c>{partition}/{offset}</c> of the original.</summary>
    public const string Header = "tidemark-replay";

    private const int ScanChunk = 2_000;
    private static readonly TimeSpan ClaimLasts = ReplayProducer.GivesUpAfter * 3;
    private readonly ReplayStore _store;
    private readonly ReplayProducer _producer;
    private readonly ITopicLog _log;
    private readonly LakeSource _lake;
    private readonly string _table;
    private readonly PipelineMetrics _metrics;
    private readonly KafkaOptions _kafka;
    private readonly TimeProvider _time;
    private readonly ILogger<QuarantineReplay> _logger;

    internal QuarantineReplay(ReplayStore store, ReplayProducer producer, ITopicLog log, LakeSource lake, string table, PipelineMetrics metrics, KafkaOptions kafka, TimeProvider time, ILogger<QuarantineReplay> logger) =>
        (_store, _producer, _log, _lake, _table, _metrics, _kafka, _time, _logger) = (store, producer, log, lake, table, metrics, kafka, time, logger);

    internal Task<ReplayOutcome> ReplayAsync(int partition, long offset, CancellationToken cancel) => ReplayAsync(partition, offset, () => FindAsync(partition, offset, cancel), cancel);

    /// <summary>The same for a record that the caller has read from quarantine.</summary>
    internal Task<ReplayOutcome> ReplayAsync(QuarantinedRecord record, CancellationToken cancel) =>
        ReplayAsync(record.Partition, record.Offset, () => Task.FromResult<QuarantinedRecord?>(record), cancel);

    private async Task<ReplayOutcome> ReplayAsync(int partition, long offset, Func<Task<QuarantinedRecord?>> find, CancellationToken cancel)
    {
        var known = await _store.ReadAsync(partition, offset, cancel);
        if (known is { Row.SentAs: { } sent })
            return new ReplayOutcome(partition, offset, "already", sent, Text($"It was sent before, as offset {sent}."));
        if (known is { } claimed && _time.GetUtcNow() - claimed.Row.ClaimedAt < ClaimLasts)
            return new ReplayOutcome(partition, offset, "busy", null, Text($"Another attempt began at {claimed.Row.ClaimedAt:u}; ask again a minute later."));
        if (await find() is not { } record)
            return new ReplayOutcome(partition, offset, "missing", null, "No such record is in quarantine.");
        var bounds = await _log.BoundsAsync(partition, cancel);
        var claim = new ReplayRow(partition, offset, _time.GetUtcNow(), known?.Row.LogEnd ?? bounds.End, null);
        if (await _store.TryWriteAsync(claim, known?.ETag, cancel) is not { } etag)
            return new ReplayOutcome(partition, offset, "busy", null, "Another attempt was faster; ask again a minute later.");
        if (known is not null)
        {
            if (bounds.Start > claim.LogEnd)
                return new ReplayOutcome(partition, offset, "unknown", null, Text($"An attempt was broken off, and offsets from {claim.LogEnd} on, where it would lie, are gone: whether it was sent cannot be told, so nothing is sent."));
            if (await SentAsync(claim, bounds.End, cancel) is { } before)
                return await DoneAsync(claim, etag, before, "already", cancel);
        }

        return await SendAsync(claim, etag, record, cancel);
    }

    private async Task<ReplayOutcome> SendAsync(ReplayRow claim, Azure.ETag etag, QuarantinedRecord record, CancellationToken cancel)
    {
        using var span = TidemarkTrace.Source.StartActivity("send " + _kafka.Topic, System.Diagnostics.ActivityKind.Producer);
        span?.SetTag(Metrics.System, "kafka").SetTag(Metrics.Destination, _kafka.Topic).SetTag(Metrics.Operation, "send").SetTag(Metrics.PartitionId, claim.Partition);
        try
        {
            var sent = await _producer.SendAsync(claim.Partition, record.Key, record.Value, HeadersOf(record, claim), cancel);
            _metrics.Sent(_kafka.Topic, 1);
            return await DoneAsync(claim, etag, sent, "sent", cancel);
        }
        catch (KafkaException e)
        {
            _logger.LogWarning("The record at partition {Partition}, offset {Offset} could not be sent again: {Reason}", claim.Partition, claim.Offset, e.Error.Reason);
            return new ReplayOutcome(claim.Partition, claim.Offset, "failed", null, $"Kafka did not confirm it ({e.Error.Reason}); ask again a minute later, and it is looked for before it is sent.");
        }
    }

    private async Task<ReplayOutcome> DoneAsync(ReplayRow claim, Azure.ETag etag, long sent, string outcome, CancellationToken cancel)
    {
        // Should this fail, the next attempt finds the record by its header.
        await _store.TryWriteAsync(claim with { SentAs = sent }, etag, cancel);
        _logger.LogInformation("The quarantined record at partition {Partition}, offset {Offset} was sent again as offset {SentAs}.", claim.Partition, claim.Offset, sent);
        return new ReplayOutcome(claim.Partition, claim.Offset, outcome, sent, Text($"Sent as offset {sent}."));
    }

    /// <summary>Offset at which an earlier attempt landed; null when none did.</summary>
    private async Task<long?> SentAsync(ReplayRow claim, long end, CancellationToken cancel)
    {
        var origin = Encoding.ASCII.GetBytes(Origin(claim));
        for (var from = claim.LogEnd; from < end;)
        {
            var records = await _log.FetchAsync(claim.Partition, from, end, ScanChunk, cancel);
            foreach (var record in records)
                if (record.Headers.Any(h => h.Key == Header && h.Value.AsSpan().SequenceEqual(origin)))
                    return record.Offset;
            if (records.Count < ScanChunk)
                return null;
            from = records[^1].Offset + 1;
        }

        return null;
    }

    private async Task<QuarantinedRecord?> FindAsync(int partition, long offset, CancellationToken cancel)
    {
        // The quarantine of every topic has the same columns.
        var schema = EventTables.Quarantine.Schema;
        var (p, o) = (schema.IndexOf("kafka_partition"), schema.IndexOf("kafka_offset"));
        var filter = new ScanFilter().EqualTo("kafka_offset", offset);
        var scan = await _lake.ScanAsync(
            _table, filter,
            (rows, row) => ((Domain.Columns.Int32Column)rows.Columns[p]).Values[row] == partition && ((Domain.Columns.Int64Column)rows.Columns[o]).Values[row] == offset, 1, cancel);
        return scan.Found.Count == 0 ? null : QuarantinedRecord.Of(scan.Found[0].Rows, scan.Found[0].Row);
    }

    private static Headers HeadersOf(QuarantinedRecord record, ReplayRow claim)
    {
        var headers = new Headers();
        foreach (var (name, value) in record.Headers.Where(h => h.Name != Header))
            headers.Add(name, value);
        headers.Add(Header, Encoding.ASCII.GetBytes(Origin(claim)));
        return headers;
    }

    private static string Origin(ReplayRow claim) => Text($"{claim.Partition}/{claim.Offset}");

    private static string Text(FormattableString text) => text.ToString(CultureInfo.InvariantCulture);
}
