namespace Tidemark.Domain.Ledger;

/// <summary>Rules of the frontier F: the event time (ms) up to which a topic is taken to be complete.</summary>
public static class Frontier
{
    /// <summary>Stands for "no frontier yet" where a number is needed: below every event time, and safe to subtract delays from.</summary>
    public const long None = long.MinValue / 4;

    /// <summary>
    /// The frontier that the partitions allow: the least of the active partitions' greatest event times, never below the published one. A partition
    /// that is idle (caught up with its log and silent for the time-out) does not hold it back; one that is active and has no event time yet does.
    /// With no active partition it stays.
    /// </summary>
    internal static long? Advance(long? published, IReadOnlyCollection<PartitionState> partitions, long nowMs, long idleTimeoutMs, ProtocolRule off = ProtocolRule.None)
    {
        long? least = null;
        var active = 0;
        foreach (var partition in partitions)
        {
            if (IsIdle(partition, nowMs, idleTimeoutMs, off))
                continue;
            if (partition.MaxEventTimeMs is not { } time)
                return published;
            active++;
            least = least is { } l ? Math.Min(l, time) : time;
        }

        if (active == 0 || least is not { } candidate)
            return published;
        return off.HasFlag(ProtocolRule.FrontierNeverLowered) ? candidate : Math.Max(candidate, published ?? candidate);
    }

    /// <summary>Whether a partition is caught up with its log and silent for the time-out: what it sends all along does not count, such as records that are refused or repeats.</summary>
    internal static bool IsIdle(PartitionState partition, long nowMs, long idleTimeoutMs, ProtocolRule off)
    {
        var silent = nowMs - partition.LastActivityMs >= idleTimeoutMs;
        return silent && (off.HasFlag(ProtocolRule.LagIsNeverIdle) || partition.IsCaughtUp);
    }
}

/// <summary>What the frontier depends on.</summary>
/// <param name="Next">Offset ingest goes on at; null when the partition has no head yet.</param>
/// <param name="LogEnd">Offset after the last record in Kafka.</param>
/// <param name="MaxEventTimeMs">Greatest event time committed; null when none.</param>
/// <param name="LastActivityMs">When it last had events that count, wall time.</param>
/// <param name="IsCaughtUp">Whether it is read to the end of its log, as <see cref="LogEnds"/> sees it.</param>
public readonly record struct PartitionState(long? Next, long LogEnd, long? MaxEventTimeMs, long LastActivityMs, bool IsCaughtUp)
{
    /// <summary>Whether it is read to the end of its log, as that is now.</summary>
    public bool IsThrough => Next >= LogEnd;
}
