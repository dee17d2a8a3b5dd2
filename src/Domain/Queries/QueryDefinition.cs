namespace Tidemark.Domain.Queries;

/// <summary>When rows of a window come out.</summary>
public enum OutputMode
{
    /// <summary>Once, when the window is closed.</summary>
    Append,

    /// <summary>Provisional values while it is open, then the final ones.</summary>
    Update,

    /// <summary>
    /// As update, with every window held for <see cref="QueryDefinition.Retention"/> beyond its delay: nothing is late within it, and Table storage holds
    /// the whole result table.
    /// </summary>
    Complete,
}

/// <summary>Windows of one length: [offset + k · slide, + size) for every whole k. Tumbling windows slide by their size.</summary>
public sealed record WindowDefinition(TimeSpan Size, TimeSpan Slide, TimeSpan Offset)
{
    /// <inheritdoc/>
    public override string ToString() => $"{Size:c} every {Slide:c}{(Offset == TimeSpan.Zero ? "" : $" from {Offset:c}")}";
}

/// <summary>What an aggregate does with the rows of a group.</summary>
public enum AggregateFunction
{
    /// <summary>Rows, or rows where the field has a value.</summary>
    Count,

    /// <summary>Exact sum; null when no row has a value. Of decimals decimal(38, scale), of integers int64 (null when it does not fit).</summary>
    Sum,

    /// <summary>Mean as a double, from the exact sum and count; null when no row has a value.</summary>
    Average,

    /// <summary>Least value, null when there is none.</summary>
    Min,

    /// <summary>Greatest value, null when there is none.</summary>
    Max,

    /// <summary>Number of different values: exact up to a bound, then HyperLogLog with a standard error of 0.81 %.</summary>
    CountDistinct,

    /// <summary>Sample variance (n − 1) as a double from exact sums; null below two values.</summary>
    VarianceSample,

    /// <summary>Population variance (n); null without values.</summary>
    VariancePopulation,

    /// <summary>Root of the sample variance.</summary>
    DeviationSample,

    /// <summary>Root of the population variance.</summary>
    DeviationPopulation,

    /// <summary>Value with the least event time; of several the least value; null when there is none.</summary>
    First,

    /// <summary>Value with the greatest event time; of several the greatest value; null when there is none.</summary>
    Last,

    /// <summary>JSON array of the values in the order of event time (then value), the first <see cref="AggregateDefinition.Limit"/> of them.</summary>
    CollectList,

    /// <summary>JSON array of the different values in ascending order, the first <see cref="AggregateDefinition.Limit"/> of them.</summary>
    CollectSet,

    /// <summary>JSON array of the <see cref="AggregateDefinition.Limit"/> greatest values in descending order, repeats included.</summary>
    Greatest,

    /// <summary>
    /// The value at <see cref="AggregateDefinition.Quantile"/> as a double: exact with interpolation up to <see cref="AggregateDefinition.ExactUpTo"/>
    /// values, beyond within 0.4 % of a value of that rank; null when there is none.
    /// </summary>
    Quantile,

    /// <summary>
    /// Exact sum of the different values; null when there is none. Beyond <see cref="AggregateDefinition.ExactUpTo"/> of them an estimate from as many
    /// sampled values, with a relative standard error of √((1 + v²) / ExactUpTo), v being deviation over mean of the values.
    /// </summary>
    SumDistinct,

    /// <summary>
    /// JSON array of the <see cref="AggregateDefinition.Limit"/> most frequent values with their counts, most frequent first, equal counts by value. Exact up to
    /// <see cref="AggregateDefinition.ExactUpTo"/> different values; beyond, counts may be too low by what <c>short_by_at_most</c> says, which
    /// is at most rows / (ExactUpTo + 1).
    /// </summary>
    MostFrequent,

    /// <summary>The most frequent value, of several the least; null when there is none. Exact as <see cref="MostFrequent"/> is.</summary>
    Mode,
}

/// <summary>A part of a window: rows at window start + <paramref name="From"/> or later and before window start + <paramref name="To"/>.</summary>
public sealed record WindowPart(TimeSpan From, TimeSpan To)
{
    /// <inheritdoc/>
    public override string ToString() => $"{From:c} to {To:c}";
}

/// <summary>One aggregate of a query.</summary>
/// <param name="Name">Column of the result.</param>
/// <param name="Function">What it computes.</param>
/// <param name="Field">Over which field; null only for a count of rows.</param>
/// <param name="Where">Only over rows that pass; null = all rows of the query.</param>
public sealed record AggregateDefinition(string Name, AggregateFunction Function, string? Field, Filter? Where = null)
{
    /// <summary>Up to how many (different) values a distinct count or a quantile is exact, for each group and window.</summary>
    public int ExactUpTo { get; init; } = DefaultExactUpTo;

    /// <summary>How many values a collection holds.</summary>
    public int Limit { get; init; } = 100;

    /// <summary>Which quantile, 0 to 1.</summary>
    public double Quantile { get; init; } = 0.5;

    /// <summary>The result where it would be null for want of values; null = null. Numbers only.</summary>
    public decimal? WhenEmpty { get; init; }

    /// <summary>Only over rows in this part of the window; null = all of it. Windows are cut in slices short enough for it.</summary>
    public WindowPart? Part { get; init; }

    /// <summary>Unless said otherwise. Such a set takes 20 KB in saved state, an estimate beyond it 12 KB.</summary>
    public const int DefaultExactUpTo = 4096;

    /// <inheritdoc/>
    public override string ToString() => FormattableString.Invariant(
        $"{Name} = {Function}({Field ?? "*"}{Bounds}){(Where is null ? "" : $" where {Where}")}{(Part is null ? "" : $" from {Part}")}{(WhenEmpty is null ? "" : $", else {WhenEmpty}")}");

    private string Bounds => Function switch
    {
        AggregateFunction.CountDistinct or AggregateFunction.SumDistinct or AggregateFunction.Mode => FormattableString.Invariant($", exact to {ExactUpTo}"),
        AggregateFunction.MostFrequent => FormattableString.Invariant($", at most {Limit}, exact to {ExactUpTo}"),
        AggregateFunction.Quantile => FormattableString.Invariant($", {Quantile}, exact to {ExactUpTo}"),
        AggregateFunction.CollectList or AggregateFunction.CollectSet or AggregateFunction.Greatest => FormattableString.Invariant($", at most {Limit}"),
        _ => "",
    };
}

/// <summary>A column computed from two aggregates: numerator / denominator × factor as a double; null when either is null or the denominator is 0.</summary>
public sealed record RatioDefinition(string Name, string Numerator, string Denominator, double Factor = 1)
{
    /// <inheritdoc/>
    public override string ToString() => FormattableString.Invariant($"{Name} = {Numerator} / {Denominator} * {Factor}");
}

/// <summary>
/// Only the first <paramref name="Count"/> result rows of each window by a result column, those that having lets pass. Null comes last, equal values are in the
/// order of the group keys. The result has a column <c>rank</c> (from 1) after window_end.
/// </summary>
public sealed record TopDefinition(int Count, string By, bool Descending = true)
{
    /// <inheritdoc/>
    public override string ToString() => FormattableString.Invariant($"top {Count} by {By} {(Descending ? "descending" : "ascending")}");
}

/// <summary>
/// A window query as data. Result columns are window_start, window_end, the keys, then aggregates and ratios in the order given. A group key may be
/// null: null is a group of its own. Write one with <see cref="Query"/>; it is checked when a pipeline is built.
/// </summary>
public sealed record QueryDefinition(string Name, Filter Where, WindowDefinition Window, TimeSpan Delay, OutputMode Mode,
    IReadOnlyList<string> Keys, IReadOnlyList<AggregateDefinition> Aggregates, IReadOnlyList<RatioDefinition> Ratios)
{
    /// <summary>Result columns after the keys, in order.</summary>
    public IReadOnlyList<string> Columns { get; init; } = [.. Aggregates.Select(a => a.Name), .. Ratios.Select(r => r.Name)];

    /// <summary>
    /// Only result rows that pass come out; reads result columns. In update mode a row that passed once and does not pass any more is taken out of Table
    /// storage again.
    /// </summary>
    public Filter Having { get; init; } = Filter.All;

    /// <summary>Only the first rows of each window; null = all.</summary>
    public TopDefinition? Top { get; init; }

    /// <summary>Rows come out no more often than this; null = as often as the pipeline emits. Not part of the text: state does not depend on it, so it may be changed at any time.</summary>
    public TimeSpan? Trigger { get; init; }

    /// <summary>How long complete mode holds a window beyond its delay.</summary>
    public TimeSpan Retention { get; init; }

    /// <summary>Whether Table storage holds its rows beside Delta.</summary>
    public bool InTableStorage { get; init; } = true;

    /// <summary>A window [start, end) is closed when end + this ≤ frontier.</summary>
    public TimeSpan ClosingDelay => Delay + Retention;

    /// <inheritdoc/>
    public override string ToString() =>
        $"{Name}: from events where {Where}; window {Window}, delay {Delay:c}, {Mode}; by ({string.Join(", ", Keys)}); "
        + string.Join("; ", Aggregates.Select(a => a.ToString()).Concat(Ratios.Select(r => r.ToString())))
        + (Having is AllOf { Parts.Count: 0 } ? "" : $"; having {Having}")
        + (Top is null ? "" : $"; {Top}")
        + (Mode == OutputMode.Complete ? $"; held {Retention:c}" : "")
        + (InTableStorage ? "" : "; in Delta only");
}
