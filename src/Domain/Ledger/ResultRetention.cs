using Tidemark.Domain.Pipelines;

namespace Tidemark.Domain.Ledger;

/// <summary>
/// Table storage is what is needed now: rows older than a retention of event time behind the frontier are in Delta only. Those that are older when they
/// become final are never written; this removes the ones that grew old there. What it removes no tick needs: a tick that still knew such a row fails on its
/// ETag and looks again; one that has fallen behind may put an old row back, which the next round removes.
/// </summary>
public sealed class ResultRetention(IPipeline pipeline, ILedger ledger, IResults results, TimeSpan? retention)
{
    /// <summary>Removes old rows of every query and stream, at most so many of each. Returns how many went, by name, where any did.</summary>
    public async Task<IReadOnlyDictionary<string, int>> RemoveAsync(int most, CancellationToken cancel)
    {
        var removed = new Dictionary<string, int>();
        if (await ledger.ReadMetaAsync(cancel) is not { } meta || BoundMs(meta.Value.FrontierMs, retention) is not { } upTo)
            return removed;
        foreach (var output in pipeline.Queries.Concat<IOutput>(pipeline.Streams).Where(o => o is { InTableStorage: true, AgeColumn: not null }))
            if (await results.RemoveAsync(output, upTo, most, cancel) is > 0 and var count)
                removed[output.Name] = count;
        return removed;
    }

    /// <summary>Time, ms, at or before which a row is old; null = none is.</summary>
    public static long? BoundMs(long? frontierMs, TimeSpan? retention) => frontierMs - (long?)retention?.TotalMilliseconds;
}
