using System.Globalization;
using Tidemark.Domain.Columns;
using Tidemark.Domain.Deduplication;
using Tidemark.Domain.Ledger;
using Tidemark.Domain.Pipelines;

namespace Tidemark.Domain.Corrections;

/// <summary>What events of closed windows come to when every one of them is taken, whenever it came.</summary>
/// <param name="Rows">Rows of the windows.</param>
/// <param name="UpTo">Per partition the offset up to which every event is in them.</param>
/// <param name="Repeats">Undeduplicated events that an earlier event of the same id makes duplicates, by partition and offset: they count nowhere.</param>
internal sealed record WindowTruth(RowBatch Rows, IReadOnlyDictionary<int, long> UpTo, IReadOnlySet<(int, long)> Repeats)
{
    /// <summary>
    /// Reads the events with time in [from, to) and computes the query over them. A function of the table of events (and, for undeduplicated ones, of
    /// the frontier that the table of late events keeps): whoever computes it again gets the same.
    /// </summary>
    public static async Task<WindowTruth> ReadAsync(IPipeline pipeline, PipelineId id, ILake lake, string query, long fromMs, long toMs, CancellationToken cancel)
    {
        var (recounting, recount) = ((IRecounting)pipeline, ((IRecounting)pipeline).Recount(query));
        // Positions before rows: what is committed in between is in the rows and will be counted again, to the same effect.
        var prefix = $"{id}/{recounting.EventTable}/";
        var upTo = new Dictionary<int, long>();
        foreach (var (appId, offset) in (await lake.ReadHeadAsync(recounting.EventTable, cancel)).Positions)
            // Not what else a table says that a join follows.
            if (appId.StartsWith(prefix, StringComparison.Ordinal) && int.TryParse(appId.AsSpan(prefix.Length), NumberStyles.None, CultureInfo.InvariantCulture, out var partition))
                upTo[partition] = offset;
        var repeats = await RepeatsAsync(pipeline, lake, recount, fromMs, toMs, cancel);
        await foreach (var rows in lake.ReadRowsAsync(recounting.EventTable, recount.Columns, EventRows.Bounds(fromMs, toMs), cancel))
            recount.Add(EventRows.Within(rows, fromMs, toMs, (partition, offset) => !repeats.Contains((partition, offset))), missedUpTo: null);
        return new WindowTruth(recount.Emit(null, toMs), upTo, repeats);
    }

    /// <summary>
    /// Events too old to be told from duplicates when they came, and told now: another event of the same id and partition came before, no more than the
    /// horizon apart in event time.
    /// </summary>
    private static async Task<IReadOnlySet<(int, long)>> RepeatsAsync(IPipeline pipeline, ILake lake, IRecount recount, long fromMs, long toMs, CancellationToken cancel)
    {
        var repeats = new HashSet<(int, long)>();
        if ((pipeline as IDeduplicating)?.HorizonMs is not { } horizon)
            return repeats;
        var old = new Dictionary<(int, long), LateEvent>();
        await foreach (var late in LateEvent.ReadAsync(lake, pipeline, fromMs, toMs, cancel))
            if (recount.IsTooOld(late.EventTimeMs, late.FrontierMs))
                old.TryAdd((late.Partition, late.Offset), late);
        if (old.Count == 0)
            return repeats;
        var byId = old.Values.ToLookup(late => (late.Partition, late.EventId));
        await foreach (var rows in lake.ReadRowsAsync(((IRecounting)pipeline).EventTable, ["event_id", "event_time", "kafka_partition", "kafka_offset"], EventRows.Bounds(fromMs - horizon, toMs + horizon), cancel))
            for (var row = 0; row < rows.Count; row++)
            {
                var (partition, offset, time) = EventRows.Origin(rows, row);
                foreach (var late in byId[(partition, (string)rows.Value(row, "event_id")!)])
                    if (offset < late.Offset && Math.Abs(time - late.EventTimeMs) <= horizon)
                        repeats.Add((late.Partition, late.Offset));
            }

        return repeats;
    }
}
