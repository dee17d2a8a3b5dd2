using System.Globalization;
using Tidemark.Domain.Columns;
using Tidemark.Domain.Deduplication;
using Tidemark.Domain.Ledger;
using Tidemark.Domain.Pipelines;

namespace Tidemark.Domain.Corrections;

/// <summary>Windows of a query that lie in [from, to), ms.</summary>
internal readonly record struct WindowSpan(string Query, long FromMs, long ToMs);

/// <summary>What events of closed windows come to when every one of them is taken, whenever it came.</summary>
/// <param name="Rows">Rows of the windows.</param>
/// <param name="UpTo">Per partition the offset up to which every event is in them.</param>
/// <param name="Repeats">Undeduplicated events that an earlier event of the same id makes duplicates, by partition and offset: they count nowhere.</param>
internal sealed record WindowTruth(RowBatch Rows, IReadOnlyDictionary<int, long> UpTo, IReadOnlySet<(int, long)> Repeats)
{
    /// <summary>
    /// Reads the events with time in each of the spans once and computes each query over its own. A function of the table of events (and, for undeduplicated ones, of
    /// the frontier that the table of late events keeps): whoever computes it again gets the same.
    /// </summary>
    /// <returns>One for each span, in their order.</returns>
    public static async Task<IReadOnlyList<WindowTruth>> ReadAsync(IPipeline pipeline, PipelineId id, ILake lake, IReadOnlyList<WindowSpan> spans, CancellationToken cancel)
    {
        var recounting = (IRecounting)pipeline;
        var recounts = spans.Select(span => recounting.Recount(span.Query)).ToList();
        // Positions before rows: what is committed in between is in the rows and will be counted again, to the same effect.
        var prefix = $"{id}/{recounting.EventTable}/";
        var upTo = new Dictionary<int, long>();
        foreach (var (appId, offset) in (await lake.ReadHeadAsync(recounting.EventTable, cancel)).Positions)
            // Not what else a table says that a join follows.
            if (appId.StartsWith(prefix, StringComparison.Ordinal) && int.TryParse(appId.AsSpan(prefix.Length), NumberStyles.None, CultureInfo.InvariantCulture, out var partition))
                upTo[partition] = offset;
        var repeats = await RepeatsAsync(pipeline, lake, spans, recounts, cancel);
        string[] columns = [.. recounts.SelectMany(recount => recount.Columns).Distinct()];
        await foreach (var rows in lake.ReadRowsAsync(recounting.EventTable, columns, EventRows.Bounds(spans.Min(span => span.FromMs), spans.Max(span => span.ToMs)), cancel))
        {
            var byTime = new RowsByTime(rows);
            for (var i = 0; i < spans.Count; i++)
                if (byTime.Within(spans[i].FromMs, spans[i].ToMs, repeats[i]) is { Length: > 0 } own)
                    recounts[i].Add(RowBatches.Take(EventRows.Only(rows, recounts[i].Columns), own), missedUpTo: null);
        }

        return [.. spans.Select((span, i) => new WindowTruth(recounts[i].Emit(null, span.ToMs), upTo, repeats[i]))];
    }

    /// <summary>
    /// Events too old to be told from duplicates when they came, and told now: another event of the same id and partition came before, no more than the
    /// horizon apart in event time.
    /// </summary>
    private static async Task<IReadOnlyList<HashSet<(int, long)>>> RepeatsAsync(
        IPipeline pipeline, ILake lake, IReadOnlyList<WindowSpan> spans, IReadOnlyList<IRecount> recounts, CancellationToken cancel)
    {
        List<HashSet<(int, long)>> repeats = [.. spans.Select(_ => new HashSet<(int, long)>())];
        if ((pipeline as IDeduplicating)?.HorizonMs is not { } horizon)
            return repeats;
        var old = new Dictionary<(int Span, int Partition, long Offset), LateEvent>();
        await foreach (var late in LateEvent.ReadAsync(lake, pipeline, spans.Min(span => span.FromMs), spans.Max(span => span.ToMs), cancel))
            for (var i = 0; i < spans.Count; i++)
                if (late.EventTimeMs >= spans[i].FromMs && late.EventTimeMs < spans[i].ToMs && recounts[i].IsTooOld(late.EventTimeMs, late.FrontierMs))
                    old.TryAdd((i, late.Partition, late.Offset), late);
        if (old.Count == 0)
            return repeats;
        var byId = old.ToLookup(late => (late.Key.Partition, late.Value.EventId));
        var (from, to) = (old.Values.Min(late => late.EventTimeMs) - horizon, old.Values.Max(late => late.EventTimeMs) + horizon + 1);
        await foreach (var rows in lake.ReadRowsAsync(((IRecounting)pipeline).EventTable, ["event_id", "event_time", "kafka_partition", "kafka_offset"], EventRows.Bounds(from, to), cancel))
            for (var row = 0; row < rows.Count; row++)
            {
                var (partition, offset, time) = EventRows.Origin(rows, row);
                foreach (var (key, late) in byId[(partition, (string)rows.Value(row, "event_id")!)])
                    if (offset < key.Offset && Math.Abs(time - late.EventTimeMs) <= horizon)
                        repeats[key.Span].Add((key.Partition, key.Offset));
            }

        return repeats;
    }
}
