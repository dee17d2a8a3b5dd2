namespace Tidemark.Domain.Queries;

/// <summary>
/// Writes a <see cref="QueryDefinition"/> the way it is spoken:
/// <code>
/// Query.Named("revenue_by_category")
///     .Where(Field.Named("event_type").Is("purchase"))
///     .Sliding(size: TimeSpan.FromMinutes(1), slide: TimeSpan.FromSeconds(30))
///     .Watermark(TimeSpan.FromMinutes(1))
///     .By("category")
///     .Sum("total_revenue", "revenue")
///     .Update();
/// </code>
/// </summary>
public sealed class Query
{
    private readonly string name;
    private readonly List<AggregateDefinition> aggregates = [];
    private readonly List<RatioDefinition> ratios = [];
    private readonly List<string> columns = [];
    private Filter where = Filter.All, having = Filter.All;
    private TopDefinition? top;
    private WindowDefinition? window;
    private TimeSpan? delay, trigger;
    private IReadOnlyList<string> keys = [];

    private Query(string name) => this.name = name;

    /// <summary>Starts a query; the name is its Delta table below <c>gold/</c>, in snake_case.</summary>
    public static Query Named(string name) => new(name);

    /// <summary>Only rows that pass.</summary>
    public Query Where(Filter filter)
    {
        where = filter;
        return this;
    }

    /// <summary>Windows side by side.</summary>
    public Query Tumbling(TimeSpan size, TimeSpan offset = default) => Sliding(size, size, offset);

    /// <summary>Windows of one size, a new one every slide.</summary>
    public Query Sliding(TimeSpan size, TimeSpan slide, TimeSpan offset = default)
    {
        window = new WindowDefinition(size, slide, offset);
        return this;
    }

    /// <summary>How long after the frontier has passed its end a window stays open for late rows.</summary>
    public Query Watermark(TimeSpan allowedDelay)
    {
        delay = allowedDelay;
        return this;
    }

    /// <summary>
    /// Rows come out no more often than this: to Delta, Table storage and Kafka, provisional ones too. What does not come out meanwhile comes with the next. Without it
    /// they come as often as the pipeline emits: final ones every Delta interval, provisional ones every tick.
    /// </summary>
    public Query Trigger(TimeSpan every)
    {
        trigger = every;
        return this;
    }

    /// <summary>Group keys.</summary>
    public Query By(params string[] fields)
    {
        keys = fields;
        return this;
    }

    /// <summary>Number of rows, or of rows where <paramref name="field"/> has a value.</summary>
    public Query Count(string name, string? field = null, Filter? where = null) => Add(new(name, AggregateFunction.Count, field, where));

    /// <summary>Exact sum.</summary>
    public Query Sum(string name, string field, Filter? where = null) => Add(new(name, AggregateFunction.Sum, field, where));

    /// <summary>Mean.</summary>
    public Query Average(string name, string field, Filter? where = null) => Add(new(name, AggregateFunction.Average, field, where));

    /// <summary>Least value.</summary>
    public Query Min(string name, string field, Filter? where = null) => Add(new(name, AggregateFunction.Min, field, where));

    /// <summary>Greatest value.</summary>
    public Query Max(string name, string field, Filter? where = null) => Add(new(name, AggregateFunction.Max, field, where));

    /// <summary>Number of different values.</summary>
    public Query CountDistinct(string name, string field, Filter? where = null, int exactUpTo = AggregateDefinition.DefaultExactUpTo) =>
        Add(new(name, AggregateFunction.CountDistinct, field, where) { ExactUpTo = exactUpTo });

    /// <summary>
    /// Number of different values, estimated with a standard error of 0.81 % beyond 1,024: never more than 12 KB of saved state a group. Below that
    /// the exact set is the smaller form.
    /// </summary>
    public Query ApproximateDistinct(string name, string field, Filter? where = null) => CountDistinct(name, field, where, exactUpTo: 1024);

    /// <summary>Exact sum of the different values.</summary>
    public Query SumDistinct(string name, string field, Filter? where = null, int exactUpTo = AggregateDefinition.DefaultExactUpTo) =>
        Add(new(name, AggregateFunction.SumDistinct, field, where) { ExactUpTo = exactUpTo });

    /// <summary>The most frequent values with their counts.</summary>
    public Query MostFrequent(string name, string field, int limit, Filter? where = null, int exactUpTo = 1024) =>
        Add(new(name, AggregateFunction.MostFrequent, field, where) { Limit = limit, ExactUpTo = exactUpTo });

    /// <summary>The most frequent value.</summary>
    public Query Mode(string name, string field, Filter? where = null, int exactUpTo = 1024) =>
        Add(new(name, AggregateFunction.Mode, field, where) { ExactUpTo = exactUpTo });

    /// <summary>Variance, of a sample or of the population.</summary>
    public Query Variance(string name, string field, bool sample = true, Filter? where = null) =>
        Add(new(name, sample ? AggregateFunction.VarianceSample : AggregateFunction.VariancePopulation, field, where));

    /// <summary>Standard deviation, of a sample or of the population.</summary>
    public Query Deviation(string name, string field, bool sample = true, Filter? where = null) =>
        Add(new(name, sample ? AggregateFunction.DeviationSample : AggregateFunction.DeviationPopulation, field, where));

    /// <summary>Value at the least event time.</summary>
    public Query First(string name, string field, Filter? where = null) => Add(new(name, AggregateFunction.First, field, where));

    /// <summary>Value at the greatest event time.</summary>
    public Query Last(string name, string field, Filter? where = null) => Add(new(name, AggregateFunction.Last, field, where));

    /// <summary>Values in the order of event time.</summary>
    public Query CollectList(string name, string field, int limit, Filter? where = null) =>
        Add(new(name, AggregateFunction.CollectList, field, where) { Limit = limit });

    /// <summary>Different values.</summary>
    public Query CollectSet(string name, string field, int limit, Filter? where = null) =>
        Add(new(name, AggregateFunction.CollectSet, field, where) { Limit = limit });

    /// <summary>The few greatest values.</summary>
    public Query Greatest(string name, string field, int limit, Filter? where = null) =>
        Add(new(name, AggregateFunction.Greatest, field, where) { Limit = limit });

    /// <summary>A quantile; 0.5 is the median.</summary>
    public Query Quantile(string name, string field, double quantile, Filter? where = null, int exactUpTo = 1024) =>
        Add(new(name, AggregateFunction.Quantile, field, where) { Quantile = quantile, ExactUpTo = exactUpTo });

    /// <summary>The aggregate before this one gives a number instead of null where it has no values.</summary>
    public Query OrElse(decimal number) => Change(a => a with { WhenEmpty = number });

    /// <summary>The aggregate before this one takes only rows of a part of the window, given from its start.</summary>
    public Query InPart(TimeSpan from, TimeSpan to) => Change(a => a with { Part = new WindowPart(from, to) });

    /// <summary>Only result rows that pass.</summary>
    public Query Having(Filter filter)
    {
        having = filter;
        return this;
    }

    /// <summary>Only the first <paramref name="count"/> result rows of each window by a result column, numbered in a column <c>rank</c>.</summary>
    public Query Top(int count, string by, bool descending = true)
    {
        top = new TopDefinition(count, by, descending);
        return this;
    }

    /// <summary>One aggregate over another, times a factor.</summary>
    public Query Ratio(string name, string numerator, string denominator, double factor = 1)
    {
        ratios.Add(new RatioDefinition(name, numerator, denominator, factor));
        columns.Add(name);
        return this;
    }

    /// <summary>Ends the query: rows come out once, when their window is closed.</summary>
    public QueryDefinition Append() => End(OutputMode.Append);

    /// <summary>As <see cref="Append"/>, and rows go to Delta only: for what others follow or analyse and nobody looks up as it is now.</summary>
    public QueryDefinition AppendToDelta() => End(OutputMode.Append) with { InTableStorage = false };

    /// <summary>Ends the query: provisional rows come out while the window is open.</summary>
    public QueryDefinition Update() => End(OutputMode.Update);

    /// <summary>
    /// Ends the query: as update, with every window open for <paramref name="retention"/> beyond its delay, so that Table storage holds the whole result
    /// and nothing is late within that time. Delta gets a window when it ends.
    /// </summary>
    public QueryDefinition Complete(TimeSpan retention) => End(OutputMode.Complete) with { Retention = retention };

    private Query Add(AggregateDefinition aggregate)
    {
        aggregates.Add(aggregate);
        columns.Add(aggregate.Name);
        return this;
    }

    private Query Change(Func<AggregateDefinition, AggregateDefinition> change)
    {
        if (aggregates.Count == 0)
            throw new QueryException(name, "there is no aggregate before OrElse or InPart; call them after the aggregate that they are for");
        aggregates[^1] = change(aggregates[^1]);
        return this;
    }

    private QueryDefinition End(OutputMode mode)
    {
        if (window is null)
            throw new QueryException(name, "it has no window; call Tumbling or Sliding");
        if (delay is null)
            throw new QueryException(name, "it has no watermark; call Watermark with the delay for late rows, zero for none");
        return new QueryDefinition(name, where, window, delay.Value, mode, keys, [.. aggregates], [.. ratios]) { Columns = [.. columns], Having = having, Top = top, Trigger = trigger };
    }
}
