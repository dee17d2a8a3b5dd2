using Tidemark.Domain.Pipelines;

namespace Tidemark.Domain.Ledger;

/// <summary>How far back Table storage goes: what is needed now. Older rows are in Delta only.</summary>
/// <param name="Time">Event time behind the frontier, or behind the newest event where the frontier is beyond it, as after the end of an input.</param>
/// <param name="LeastWindows">At least so many of the newest windows of a query, however long they are.</param>
public sealed record ResultsKept(TimeSpan Time, int LeastWindows = 60)
{
    /// <summary>Time, ms, at or before which a row of this output is old; null before there is a frontier. Never goes back, as neither argument does.</summary>
    public long? OldUpTo(IOutput output, long? frontierMs, long? newestMs)
    {
        var kept = Math.Max((long)Time.TotalMilliseconds, output is QuerySpec query ? LeastWindows * query.SlideMs : 0);
        return frontierMs is { } frontier && newestMs is { } newest ? Math.Min(frontier, newest) - kept : null;
    }
}

/// <summary>
/// Removes from Table storage the rows that grew old there; those that are old when they become final are never written. What it removes no tick needs: a
/// tick that still knew such a row fails on its ETag and looks again; one that has fallen behind may put an old row back, which the next round removes.
/// </summary>
public sealed class ResultRetention(IPipeline pipeline, PipelineId id, ILedger ledger, ILake lake, IResults results, ResultsKept kept)
{
    /// <summary>Removes old rows of every query and stream, at most so many of each. Returns how many went, by name, where any did.</summary>
    public async Task<IReadOnlyDictionary<string, int>> RemoveAsync(int most, CancellationToken cancel)
    {
        var removed = new Dictionary<string, int>();
        if (await ledger.ReadMetaAsync(cancel) is not { } meta)
            return removed;
        var heads = await Task.WhenAll(meta.Value.Starts.Keys.Order().Select(partition => ledger.ReadHeadAsync(partition, cancel)));
        var newest = heads.Max(head => head?.Value.MaxEventTimeMs);
        foreach (var output in pipeline.Queries.Concat<IOutput>(pipeline.Streams).Where(o => o is { InTableStorage: true, AgeColumn: not null }))
            if (await OldUpToAsync(output, meta.Value.FrontierMs, newest, cancel) is { } upTo && await results.RemoveAsync(output, upTo, most, cancel) is > 0 and var count)
                removed[output.Name] = count;
        return removed;
    }

    private async Task<long?> OldUpToAsync(IOutput output, long? frontierMs, long? newestMs, CancellationToken cancel)
    {
        if (output is not StreamSpec { Joined: not null })
            return kept.OldUpTo(output, frontierMs, newestMs);
        // The join of two topics has no partitions; its table says how far its time was.
        var table = await lake.ReadHeadAsync(TableNames.Gold(output.Name), cancel);
        long? time = table.Positions.TryGetValue(id.ChainTimeAppId(output.Name), out var at) ? at : null;
        return kept.OldUpTo(output, time, time);
    }
}
