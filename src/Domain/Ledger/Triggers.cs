using Tidemark.Domain.Pipelines;

namespace Tidemark.Domain.Ledger;

/// <summary>
/// Which queries let rows out in a tick. A query with a trigger interval of its own does so in the first tick of each interval, counted from 1970 as Spark
/// counts them, so that a process which starts anew does not begin the interval anew; the others whenever the tick emits. At the end of a bounded input all do.
/// </summary>
internal sealed class Triggers
{
    private readonly Dictionary<string, long> _intervalsMs;
    private readonly Dictionary<string, long> _done;
    private readonly HashSet<string> _due = [];
    private long _now;
    private bool _all;

    public Triggers(IPipeline pipeline, TickOptions options, TimeProvider time)
    {
        _intervalsMs = pipeline.Queries.Select(query => (query.Name, Ms: options.IntervalOf(query))).Where(query => query.Ms is not null).ToDictionary(query => query.Name, query => query.Ms!.Value);
        _now = time.GetUtcNow().ToUnixTimeMilliseconds();
        _done = _intervalsMs.ToDictionary(query => query.Key, query => _now / query.Value);
    }

    /// <summary>Begins a tick. Whether a query is due by an interval of its own.</summary>
    public bool Begin(long nowMs)
    {
        (_now, _all) = (nowMs, false);
        _due.Clear();
        _due.UnionWith(_intervalsMs.Where(query => nowMs / query.Value > _done[query.Key]).Select(query => query.Key));
        return _due.Count > 0;
    }

    /// <summary>Lets out whatever there is: the input ends.</summary>
    public void All() => _all = true;

    /// <summary>Another instance is at it, which keeps the intervals.</summary>
    public void Skip(long nowMs)
    {
        foreach (var (query, interval) in _intervalsMs)
            _done[query] = nowMs / interval;
    }

    /// <summary>Whether the query has an interval of its own.</summary>
    public bool Has(QuerySpec query) => _intervalsMs.ContainsKey(query.Name);

    /// <summary>Whether rows of the query have to wait for a later tick, where it has an interval of its own.</summary>
    public bool Waits(QuerySpec query) => Has(query) && !_all && !_due.Contains(query.Name);

    /// <summary>The query's rows are in Delta; what else belongs to this tick follows.</summary>
    public void Emitted(QuerySpec query)
    {
        if (_intervalsMs.TryGetValue(query.Name, out var interval))
            _done[query.Name] = _now / interval;
    }
}
