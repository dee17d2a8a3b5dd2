using System.Diagnostics;

namespace Tidemark.Bench.Engine;

/// <summary>How fast one case ran on one thread, per second of processor time, and what it allocated.</summary>
/// <param name="Name">What was measured.</param>
/// <param name="EventsPerSecond">Of the fastest round.</param>
/// <param name="BytesPerEvent">Allocated in the fastest round; null where it is not ours to count.</param>
internal readonly record struct Measured(string Name, double EventsPerSecond, double? BytesPerEvent)
{
    /// <summary>Runs rounds for about <paramref name="seconds"/> after a warm-up and keeps the fastest: other load makes rounds slower, never faster.</summary>
    /// <param name="name">What is measured.</param>
    /// <param name="events">Events in a round.</param>
    /// <param name="seconds">How long.</param>
    /// <param name="setUp">What comes before each round and is not measured.</param>
    /// <param name="round">What is measured.</param>
    public static Measured Run<T>(string name, int events, double seconds, Func<T> setUp, Action<T> round)
    {
        var warmUp = Stopwatch.StartNew();
        do
            round(setUp());
        while (warmUp.Elapsed.TotalSeconds < seconds / 2);
        double best = 0, bytes = 0;
        var total = Stopwatch.StartNew();
        do
        {
            var with = setUp();
            var before = GC.GetAllocatedBytesForCurrentThread();
            var used = Environment.CpuUsage.TotalTime;
            round(with);
            var rate = events / (Environment.CpuUsage.TotalTime - used).TotalSeconds;
            if (rate <= best)
                continue;
            (best, bytes) = (rate, (GC.GetAllocatedBytesForCurrentThread() - before) / (double)events);
        }
        while (total.Elapsed.TotalSeconds < seconds);
        return new Measured(name, best, bytes);
    }
}
