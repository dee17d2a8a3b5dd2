using System.Globalization;
using Microsoft.Extensions.Logging;
using Tidemark.Domain.Enrichment;
using Tidemark.Domain.Ledger;

namespace Tidemark.Functions.ReferenceData;

/// <summary>
/// A compacted topic (see <see cref="ReferenceTopic"/>): each look reads every partition up to the end that it then has, the first from the beginning. Where the log no longer has
/// the place that was reached (retention, the topic made anew), all of it is read again. Looks must not overlap.
/// </summary>
internal sealed class KafkaReferenceSource(string topic, ReferenceSchema schema, ITopicLog log, ILogger<KafkaReferenceSource> logger) : IReferenceSource, IDisposable
{
    private const int AtOnce = 10_000;
    private Dictionary<int, long> _next = [];
    private ReferenceTopic _rows = new(schema);
    private long _applied;

    public string Name => $"kafka:{topic}";

    public string? Complaint => _rows.Complaint;

    public async Task<LoadedReference?> ReadAsync(string? knownMark, CancellationToken cancel)
    {
        var bounds = new Dictionary<int, LogBounds>();
        foreach (var partition in await log.PartitionsAsync(cancel))
            bounds[partition] = await log.BoundsAsync(partition, cancel);
        if (_next.Any(n => !bounds.TryGetValue(n.Key, out var there) || n.Value < there.Start || n.Value > there.End))
            (_next, _rows, _applied) = ([], new ReferenceTopic(schema), _applied + 1);
        foreach (var (partition, there) in bounds)
            await ReadAsync(partition, _next.GetValueOrDefault(partition, there.Start), there.End, cancel);
        // Counts what was applied, whatever became of the look that applied it.
        var mark = _applied.ToString(CultureInfo.InvariantCulture);
        return mark == knownMark ? null : new LoadedReference(_rows.Build(), mark);
    }

    public void Dispose() => (log as IDisposable)?.Dispose();

    private async Task ReadAsync(int partition, long from, long to, CancellationToken cancel)
    {
        while (from < to)
        {
            var records = await log.FetchAsync(partition, from, to, AtOnce, cancel);
            foreach (var record in records)
            {
                if (_rows.Apply(partition, record) is { } fault)
                    logger.LogWarning("Topic {Topic}: {Fault}. The record is left out.", topic, fault);
                _next[partition] = record.Offset + 1;
                _applied++;
            }
            // Fewer than asked for: what is left of the range holds no records.
            from = records.Count < AtOnce ? to : records[^1].Offset + 1;
        }
        _next[partition] = to;
    }
}
