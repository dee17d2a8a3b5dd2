using Tidemark.Domain.Queries;
using Tidemark.Domain.Streams;

namespace Tidemark.Domain.Lateness;

/// <summary>A query or stream, as far as it decides which events are late for it.</summary>
/// <param name="Name">Its name.</param>
/// <param name="Delay">Its watermark delay, what complete mode holds included.</param>
/// <param name="OpenForMs">For an event time (ms): how far the watermark may be beyond it (exclusive) before the event misses something.</param>
public sealed record LateOutput(string Name, TimeSpan Delay, Func<long, long> OpenForMs)
{
    /// <summary>A window query: an event is late for it when the first window that the event falls in has ended.</summary>
    public static LateOutput Of(QueryDefinition query)
    {
        var (size, slide, offset) = (Ms(query.Window.Size), Ms(query.Window.Slide), Ms(query.Window.Offset));
        return new LateOutput(query.Name, query.ClosingDelay, time => slide - Modulo(time - offset - size, slide));
    }

    /// <summary>A stream over events; null for one that nothing is late for.</summary>
    public static LateOutput? Of(EventStream stream) =>
        stream.InTimeFor is { } open && !stream.Source.StartsWith("gold/", StringComparison.Ordinal) ? new LateOutput(stream.Name, stream.Delay, _ => Math.Max(Ms(open), 1)) : null;

    private static long Modulo(long a, long b) => (a % b + b) % b;

    private static long Ms(TimeSpan span) => span.Ticks / TimeSpan.TicksPerMillisecond;
}
