namespace Tidemark.Domain.Sensors;

/// <summary>Between which values the readings of a metric are as they should be.</summary>
/// <param name="Metric">Name of the metric.</param>
/// <param name="Least">Least value within bounds; null = there is none.</param>
/// <param name="Most">Greatest value within bounds; null = there is none.</param>
public sealed record MetricBounds(string Metric, decimal? Least, decimal? Most)
{
    /// <summary>The bound that a value is beyond, and the rule's name; null when it is within.</summary>
    internal (string Rule, decimal Bound)? Broken(decimal value) =>
        value > Most ? ("above", Most.Value) : value < Least ? ("below", Least.Value) : null;
}
