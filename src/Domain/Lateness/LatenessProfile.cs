namespace Tidemark.Domain.Lateness;

/// <summary>
/// How far events lie behind the newest one when they come. The lag of an event is the greatest event time among those before it in its
/// partition, less its own; 0 for a new greatest one. Only the order of offsets counts, so how quickly Kafka was read makes no difference. The
/// first event of each partition has nothing to be measured by and is left out.
/// <para>The frontier of a topic is not beyond the newest event of any partition that is active. So an event with lag L is late for nothing that
/// waits at least L. (A partition that was idle is the exception: others may have moved the frontier past it.)</para>
/// </summary>
public sealed class LatenessProfile
{
    // By lag, the greatest first.
    private readonly (long LagMs, long EventTimeMs)[] behind;
    private readonly long events;

    private LatenessProfile((long LagMs, long EventTimeMs)[] behind, long events) => (this.behind, this.events) = (behind, events);

    /// <summary>Events that were measured.</summary>
    public long Events => events;

    /// <summary>The greatest lag, ms; 0 without events.</summary>
    public long GreatestMs => behind.Length == 0 ? 0 : behind[0].LagMs;

    /// <summary>Measures events, which may come in any order; each offset once.</summary>
    public static LatenessProfile Of(IEnumerable<Arrival> arrivals)
    {
        var ordered = arrivals.ToArray();
        Array.Sort(ordered, static (a, b) => a.Partition != b.Partition ? a.Partition.CompareTo(b.Partition) : a.Offset.CompareTo(b.Offset));
        var behind = new List<(long, long)>();
        long events = 0, newest = 0;
        for (var i = 0; i < ordered.Length; i++)
        {
            var time = ordered[i].EventTimeMs;
            if (i == 0 || ordered[i].Partition != ordered[i - 1].Partition)
            {
                newest = time;
                continue;
            }

            events++;
            if (time < newest)
                behind.Add((newest - time, time));
            else
                newest = time;
        }

        var sorted = behind.ToArray();
        Array.Sort(sorted, static (a, b) => b.CompareTo(a));
        return new LatenessProfile(sorted, events);
    }

    /// <summary>The least lag (ms) that at least this share of the events do not exceed: the nearest rank. 0 without events.</summary>
    /// <param name="share">0 to 1.</param>
    public long QuantileMs(double share)
    {
        if (share is not (>= 0 and <= 1))
            throw new ArgumentOutOfRangeException(nameof(share), share, "A share is 0 to 1.");
        var beyond = events - (long)Math.Ceiling(share * events);
        return beyond < behind.Length ? behind[beyond].LagMs : 0;
    }

    /// <summary>Share of the events that would be late for an output.</summary>
    /// <param name="output">The output.</param>
    /// <param name="delayMs">Its watermark delay, ms.</param>
    public double LateShare(LateOutput output, long delayMs)
    {
        if (events == 0)
            return 0;
        long late = 0;
        foreach (var (lag, time) in behind)
        {
            if (lag < delayMs)
                break;
            // Late when what it belongs to first was closed: end ≤ newest − delay.
            if (output.OpenForMs(time) <= lag - delayMs)
                late++;
        }

        return (double)late / events;
    }
}
