using System.Diagnostics;

namespace Tidemark.Domain.Ledger;

/// <summary>
/// How long the phases of a tick took, under the names that Spark's progress has for them, each also a span of <see cref="LedgerTrace"/>. A phase
/// that is begun twice adds up. Not thread-safe.
/// </summary>
internal sealed class Phases(TimeProvider time)
{
    /// <summary>Reading the ledger: new ranges, heads, frontier.</summary>
    public const string GetBatch = "getBatch";

    /// <summary>Publishing results and committing to Delta.</summary>
    public const string AddBatch = "addBatch";

    /// <summary>The checkpoint: what was merged goes to the entities, what is settled leaves the ledger.</summary>
    public const string WalCommit = "walCommit";

    /// <summary>Asking Kafka for partitions and log ends.</summary>
    public const string LatestOffset = "latestOffset";

    private Dictionary<string, double> _ms = [];

    /// <summary>Begins a phase; disposing ends it.</summary>
    public IDisposable Begin(string phase) => new Phase(this, phase, time.GetTimestamp());

    /// <summary>Milliseconds by phase since the last call.</summary>
    public IReadOnlyDictionary<string, double> Take()
    {
        var taken = _ms;
        _ms = [];
        return taken;
    }

    private sealed class Phase(Phases phases, string name, long began) : IDisposable
    {
        private readonly Activity? _span = LedgerTrace.Source.StartActivity(name);
        private bool _ended;

        public void Dispose()
        {
            if (_ended)
                return;
            _ended = true;
            _span?.Dispose();
            phases._ms[name] = phases._ms.GetValueOrDefault(name) + phases.Time.GetElapsedTime(began).TotalMilliseconds;
        }
    }

    private TimeProvider Time => time;
}

/// <summary>Spans of the ledger's own work. Nobody listening costs nothing.</summary>
public static class LedgerTrace
{
    /// <summary>Name of the source.</summary>
    public const string Name = "Tidemark.Ledger";

    internal static readonly ActivitySource Source = new(Name);

    /// <summary>W3C trace context of what runs now, to be stored with a range; null when nothing is traced.</summary>
    internal static string? Current => Activity.Current is { IdFormat: ActivityIdFormat.W3C, Recorded: true } span ? span.Id : null;

    /// <summary>Links a span to the spans that committed these ranges, at most 128 of them.</summary>
    internal static void Link(Activity? span, IEnumerable<RangeRow> ranges)
    {
        if (span is null)
            return;
        foreach (var trace in ranges.Select(r => r.TraceParent).OfType<string>().Distinct().Take(MostLinks))
            if (ActivityContext.TryParse(trace, null, isRemote: true, out var context))
                span.AddLink(new ActivityLink(context));
    }

    private const int MostLinks = 128;
}
