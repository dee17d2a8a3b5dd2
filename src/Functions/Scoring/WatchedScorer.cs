using System.Diagnostics;
using Tidemark.Domain.Columns;
using Tidemark.Domain.Scoring;

namespace Tidemark.Functions.Scoring;

/// <summary>The installed model, with what it does watched: failures and slow calls become alerts. It changes no score. Thread-safe.</summary>
internal sealed class WatchedScorer(IScorer model) : IScorer
{
    /// <summary>A call longer than this is slow.</summary>
    public static readonly TimeSpan Slow = TimeSpan.FromSeconds(1);

    private readonly Lock _lock = new();
    private string? _failure;
    private long _failures;
    private TimeSpan _slowest;

    public string Name => model.Name;

    public string Version => model.Version;

    public double Threshold => model.Threshold;

    public double CriticalThreshold => model.CriticalThreshold;

    public DoubleColumn Score(RowBatch rows)
    {
        var started = Stopwatch.GetTimestamp();
        try
        {
            return model.Score(rows);
        }
        catch (Exception e)
        {
            lock (_lock)
            {
                _failures++;
                _failure = $"{e.GetType().Name}: {e.Message.Split('\n')[0]}";
            }

            throw;
        }
        finally
        {
            var took = Stopwatch.GetElapsedTime(started);
            if (took > Slow)
                lock (_lock)
                    _slowest = took > _slowest ? took : _slowest;
        }
    }

    /// <summary>What is to be told since the last time: names of alerts and their texts.</summary>
    public IReadOnlyList<(string Name, string Text)> Take()
    {
        lock (_lock)
        {
            var told = new List<(string, string)>();
            if (_failures > 0)
                told.Add(("scorer-failed", $"The model {Name}/{Version} failed {_failures} times, last with {_failure} Its purchases are there without a score, the reason in model_error of gold/purchases."));
            if (_slowest > TimeSpan.Zero)
                told.Add(("scorer-slow", FormattableString.Invariant($"A call of the model {Name}/{Version} took {_slowest.TotalSeconds:0.0} s; ticks wait for it.")));
            (_failures, _failure, _slowest) = (0, null, default);
            return told;
        }
    }
}
