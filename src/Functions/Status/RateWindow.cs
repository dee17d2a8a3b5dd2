namespace Tidemark.Functions.Status;

/// <summary>Named totals over time, and what they grew by over a span. Not thread-safe.</summary>
internal sealed class RateWindow(TimeSpan span)
{
    private readonly Queue<(DateTimeOffset At, IReadOnlyDictionary<string, double> Totals)> _samples = new();
    private (DateTimeOffset At, IReadOnlyDictionary<string, double> Totals) _last;

    /// <summary>Adds the totals as of now.</summary>
    public void Add(DateTimeOffset now, IReadOnlyDictionary<string, double> totals)
    {
        _last = (now, totals);
        _samples.Enqueue(_last);
        // One sample older than the span stays, so that the whole span is covered.
        while (_samples.Count > 2 && now - _samples.ElementAt(1).At >= span)
            _samples.Dequeue();
    }

    /// <summary>Time between the first and the last sample.</summary>
    public TimeSpan Covered => _samples.TryPeek(out var first) ? _last.At - first.At : TimeSpan.Zero;

    /// <summary>Growth of a total over the span; one that was not there at its beginning grew from 0.</summary>
    public double Growth(string total) =>
        _samples.TryPeek(out var first) ? _last.Totals.GetValueOrDefault(total) - first.Totals.GetValueOrDefault(total) : 0;

    /// <summary>Growth a second; null while less than <paramref name="least"/> is covered.</summary>
    public double? PerSecond(string total, TimeSpan least) =>
        Covered >= least && Covered > TimeSpan.Zero ? Math.Round(Growth(total) / Covered.TotalSeconds, 2) : null;
}
