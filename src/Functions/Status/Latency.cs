namespace Tidemark.Functions.Status;

/// <summary>Latencies of the last five to ten minutes, and of the whole run. Not thread-safe.</summary>
internal sealed class Latency
{
    private static readonly TimeSpan Span = TimeSpan.FromMinutes(5);
    private readonly LatencyHistogram _all = new();
    private LatencyHistogram _current = new();
    private LatencyHistogram _previous = new();
    private DateTimeOffset _since;

    public void Add(IEnumerable<long> milliseconds, DateTimeOffset now)
    {
        if (now - _since >= Span)
        {
            (_previous, _current) = (_current, _previous);
            _current.Clear();
            _since = now;
        }

        foreach (var sample in milliseconds)
        {
            _current.Add(sample);
            _all.Add(sample);
        }
    }

    public LatencyFigures Recent()
    {
        var recent = new LatencyHistogram();
        recent.Add(_previous);
        recent.Add(_current);
        return Figures(recent);
    }

    public LatencyFigures Whole() => Figures(_all);

    private static LatencyFigures Figures(LatencyHistogram of) => new(of.Quantile(0.5), of.Quantile(0.99), of.Samples);
}
