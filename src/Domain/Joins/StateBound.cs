using Tidemark.Domain.Queries;

namespace Tidemark.Domain.Joins;

/// <summary>
/// How long a row of one side can still find a partner, from conditions between event times. A row of the other side that is not late has a time beyond
/// that side's watermark W; so under mine &gt; theirs + p a row of mine with time ≤ W + p has none to come, and under mine ≥ theirs + p one with
/// time &lt; W + p, which is taken as ≤ W + p − 1 ms (as Spark takes it). Conditions that bound mine from above say nothing.
/// </summary>
public static class StateBound
{
    private const long Millisecond = 1000;

    /// <summary>
    /// Rows of mine with this time or less can go, µs; null when the conditions do not bound them. Of several conditions the smallest counts, since a
    /// row has to be out of reach only once, but the bound may be read by stages behind.
    /// </summary>
    /// <param name="conditions">mine op theirs + plus (µs), with mine on the left.</param>
    /// <param name="theirWatermark">Watermark of the other side, µs.</param>
    public static long? Of(IEnumerable<(Comparison Comparison, long Plus)> conditions, long theirWatermark)
    {
        long? least = null;
        foreach (var (comparison, plus) in conditions)
        {
            long? bound = comparison switch
            {
                Comparison.Greater => theirWatermark + plus,
                Comparison.GreaterOrEqual => theirWatermark + plus - Millisecond,
                _ => null,
            };
            if (bound < (least ?? long.MaxValue))
                least = bound;
        }
        return least;
    }

    /// <summary>The same condition seen from the other side: a op b + p is b op' a − p.</summary>
    public static (Comparison Comparison, long Plus) Mirror(Comparison comparison, long plus) => (comparison switch
    {
        Comparison.Less => Comparison.Greater,
        Comparison.LessOrEqual => Comparison.GreaterOrEqual,
        Comparison.Greater => Comparison.Less,
        Comparison.GreaterOrEqual => Comparison.LessOrEqual,
        _ => comparison,
    }, -plus);
}
