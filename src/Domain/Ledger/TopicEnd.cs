using Tidemark.Domain.Pipelines;

namespace Tidemark.Domain.Ledger;

/// <summary>The topic that one is joined with.</summary>
/// <param name="Pipeline">Its pipeline.</param>
/// <param name="HorizonMs">How far beyond the newest event of both the join needs the frontier.</param>
/// <param name="EndAsync">Whether it is read to its end, and its newest event.</param>
/// <param name="StandAsync">How far it is.</param>
public sealed record TopicPartner(IPipeline Pipeline, long HorizonMs, Func<CancellationToken, Task<TopicEnd>> EndAsync, Func<CancellationToken, Task<TopicStand>> StandAsync);

/// <summary>How far a topic is that a join follows.</summary>
/// <param name="FrontierMs">Its frontier; null = none.</param>
/// <param name="SaidMs">The time that its table says; null = none.</param>
/// <param name="Rows">Sum of the offsets that its table has rows up to: it grows with every commit of rows.</param>
public readonly record struct TopicStand(long? FrontierMs, long? SaidMs, long Rows)
{
    /// <summary>As ledger and table are now.</summary>
    public static async Task<TopicStand> ReadAsync(ILedger ledger, ILake lake, PipelineId id, string table, CancellationToken cancel)
    {
        var meta = await ledger.ReadMetaAsync(cancel);
        var head = await lake.ReadHeadAsync(table, cancel);
        return new TopicStand(
            meta?.Value.FrontierMs,
            head.Positions.TryGetValue(id.TableTimeAppId(table), out var said) ? said : null,
            meta?.Value.Starts.Keys.Sum(partition => head.Positions.GetValueOrDefault(id.TableAppId(table, partition), 0)) ?? 0);
    }

    /// <summary>
    /// The time that an idle topic's table says, so that it does not hold back what is joined with it: the greatest frontier of both, and where the other's table has got rows
    /// since, more than that says itself, so that these are taken whether its frontier moves or not.
    /// </summary>
    /// <param name="said">What the table of the idle topic says; null = nothing.</param>
    /// <param name="seen">The rows of the other's table that this took into account; null = none.</param>
    /// <param name="frontier">The idle topic's own frontier.</param>
    /// <param name="off">Rules that are switched off.</param>
    internal long? TimeOfIdle(long? said, long? seen, long? frontier, ProtocolRule off)
    {
        var time = new[] { said, frontier, FrontierMs }.Max();
        // Where neither has a frontier yet, time begins in 1970, before every event.
        return Rows > (seen ?? 0) && !(time > (SaidMs ?? Frontier.None)) && !off.HasFlag(ProtocolRule.IdleTopicGoesBeyond) ? (SaidMs ?? -1) + 1 : time;
    }
}

/// <summary>Whether a topic is read to its end, and its greatest event time (ms; null = it has no event).</summary>
public readonly record struct TopicEnd(bool IsThrough, long? NewestMs)
{
    /// <summary>As heads and log are now.</summary>
    public static async Task<TopicEnd> ReadAsync(ILedger ledger, ITopicLog log, CancellationToken cancel)
    {
        if (await ledger.ReadMetaAsync(cancel) is not { } meta)
            return new TopicEnd(false, null);
        var (isThrough, newest) = (true, (long?)null);
        foreach (var partition in await log.PartitionsAsync(cancel))
        {
            if (!meta.Value.Starts.TryGetValue(partition, out var start))
                return new TopicEnd(false, null);
            var head = await ledger.ReadHeadAsync(partition, cancel);
            isThrough &= head?.Value.Loss is null && (head?.Value.Next ?? start) >= (await log.BoundsAsync(partition, cancel)).End;
            newest = head?.Value.MaxEventTimeMs is { } time ? Math.Max(newest ?? time, time) : newest;
        }

        return new TopicEnd(isThrough, newest);
    }
}
