namespace Tidemark.Domain.Ledger;

/// <summary>
/// Whether partitions are caught up with logs that grow while they are looked at. A log end is asked for after the head was read, so that behind a steady flow of records there is
/// always something unread: a partition is caught up also if it has read on since an earlier look, beyond the log end of then. One that stands
/// still with anything unread is not.
/// </summary>
internal sealed class LogEnds
{
    private readonly Dictionary<int, (long Next, long End)> _seen = [];

    /// <summary>Looks at a partition. A look is remembered until the log end that it saw is reached.</summary>
    /// <param name="partition">Partition.</param>
    /// <param name="next">Offset that ingest goes on at; null = it has no head.</param>
    /// <param name="end">Log end, asked for after that was read; null = the partition stands before a loss, wherever its log ends.</param>
    public bool IsCaughtUp(int partition, long? next, long? end)
    {
        if (next is not { } at || end is not { } to)
        {
            _seen.Remove(partition);
            return false;
        }

        var known = _seen.TryGetValue(partition, out var seen);
        if (!known || at >= seen.End)
            _seen[partition] = (at, to);
        return at >= to || (known && at >= seen.End && at > seen.Next);
    }
}
