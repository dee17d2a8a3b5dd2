using Tidemark.Domain.Columns;

namespace Tidemark.Domain.Queries;

/// <summary>Checks a definition against the schema it reads; throws <see cref="QueryException"/> for the first fault.</summary>
internal static class QueryCheck
{
    private static readonly TimeSpan ShortestTrigger = TimeSpan.FromSeconds(1);
    private static readonly TimeSpan LongestTrigger = TimeSpan.FromHours(1);

    public static void Check(QueryDefinition query, RowSchema source)
    {
        if (query.Name.Length == 0 || !query.Name.All(c => c is >= 'a' and <= 'z' or >= '0' and <= '9' or '_') || query.Name[0] is '_' or (>= '0' and <= '9'))
            throw new QueryException(query.Name, "its name must be snake_case, a letter first, because tables are named after it");
        CheckWindow(query);
        foreach (var key in query.Keys)
            if (FieldOf(query.Name, source, key, "group key").Type is FieldType.Double)
                throw new QueryException(query.Name, $"group key '{key}' is a double, whose equality means little; round it to a decimal or use a text");
        foreach (var aggregate in query.Aggregates)
        {
            CheckAggregate(query.Name, source, aggregate);
            CheckPart(query, aggregate);
        }
        CheckFilter(query.Name, source, query.Where);
        foreach (var ratio in query.Ratios)
            foreach (var part in (string[])[ratio.Numerator, ratio.Denominator])
                CheckPart(query, source, ratio, part);
        var names = new HashSet<string>(query.Top is null ? ["window_start", "window_end"] : ["window_start", "window_end", "rank"]);
        foreach (var name in query.Keys.Concat(query.Columns))
            if (!names.Add(name))
                throw new QueryException(query.Name, $"two of its result columns are called '{name}'; rename one");
        if (query.Columns.Count == 0)
            throw new QueryException(query.Name, "it computes nothing; add an aggregate");
        CheckTop(query);
        if (query.Trigger is { } trigger && (trigger < ShortestTrigger || trigger > LongestTrigger || trigger.Ticks % TimeSpan.TicksPerMillisecond != 0))
            throw new QueryException(query.Name, $"its trigger is every {trigger:c}; choose 00:00:01 to 01:00:00 in whole milliseconds, or leave it out to let rows out as often as the pipeline emits");
    }

    private static void CheckTop(QueryDefinition query)
    {
        if (query.Top is not { } top)
            return;
        if (top.Count is < 1 or > 10_000)
            throw new QueryException(query.Name, $"it keeps the top {top.Count} rows; choose 1 to 10,000");
        if (!query.Keys.Concat(query.Columns).Contains(top.By))
            throw new QueryException(query.Name, $"its top is by '{top.By}', which is no result column; use one of {string.Join(", ", query.Keys.Concat(query.Columns))}");
        if (query.Aggregates.FirstOrDefault(a => a.Name == top.By) is { } by && IsList(by.Function))
            throw new QueryException(query.Name, $"its top is by '{top.By}', which is a list; order by a number, a time or a text");
        if (query.Keys.Count == 0)
            throw new QueryException(query.Name, "it has no group key, so every window has one row and a top of it means nothing; add a key or leave Top out");
    }

    private static void CheckPart(QueryDefinition query, AggregateDefinition aggregate)
    {
        if (aggregate.Part is not { } part)
            return;
        if (part.From < TimeSpan.Zero || part.To > query.Window.Size || part.From >= part.To)
            throw new QueryException(query.Name, $"aggregate '{aggregate.Name}' is over the part {part} of a window of {query.Window.Size:c}; choose a part inside it");
        if (part.From.Ticks % TimeSpan.TicksPerMillisecond != 0 || part.To.Ticks % TimeSpan.TicksPerMillisecond != 0)
            throw new QueryException(query.Name, $"aggregate '{aggregate.Name}' is over the part {part}, not whole milliseconds; round it");
    }

    private static bool IsList(AggregateFunction function) => function is AggregateFunction.CollectList or AggregateFunction.CollectSet
        or AggregateFunction.Greatest or AggregateFunction.MostFrequent;

    private static void CheckPart(QueryDefinition query, RowSchema source, RatioDefinition ratio, string part)
    {
        var aggregate = query.Aggregates.FirstOrDefault(a => a.Name == part)
            ?? throw new QueryException(query.Name, $"ratio '{ratio.Name}' uses '{part}', which is no aggregate of the query; add it or correct the name");
        var isValue = IsList(aggregate.Function) || aggregate.Function is AggregateFunction.First or AggregateFunction.Last or AggregateFunction.Mode;
        var isExtreme = aggregate.Function is AggregateFunction.Min or AggregateFunction.Max;
        if (isValue || isExtreme && source.Fields[source.IndexOf(aggregate.Field!)].Type is not (FieldType.Int32 or FieldType.Int64 or FieldType.Decimal))
            throw new QueryException(query.Name, $"ratio '{ratio.Name}' uses '{part}', which is {aggregate.Function} of '{aggregate.Field}' and no number to divide; use a count, sum or mean");
    }

    private static void CheckWindow(QueryDefinition query)
    {
        CheckWindow(query.Name, query.Window);
        CheckWhole(query.Name, "delay", query.Delay);
        CheckWhole(query.Name, "retention", query.Retention);
        if (query.Delay < TimeSpan.Zero)
            throw new QueryException(query.Name, $"its watermark delay {query.Delay} is negative; give zero or more");
        if (query.Retention < TimeSpan.Zero)
            throw new QueryException(query.Name, $"complete mode is to hold its windows for {query.Retention}; give zero or more");
    }

    /// <summary>Checks the windows of a query or stage.</summary>
    public static void CheckWindow(string query, WindowDefinition window)
    {
        var (size, slide, offset) = window;
        if (size <= TimeSpan.Zero || slide <= TimeSpan.Zero)
            throw new QueryException(query, $"its window of {size} every {slide} is not positive; give both a length");
        if (slide > size)
            throw new QueryException(query, $"its slide {slide} is longer than its size {size}, so rows in between would be in no window; shorten the slide");
        if (offset.Duration() >= slide)
            throw new QueryException(query, $"its offset {offset} is not shorter than its slide {slide}; take off whole slides");
        CheckWhole(query, "size", size);
        CheckWhole(query, "slide", slide);
        CheckWhole(query, "offset", offset);
    }

    private static void CheckWhole(string query, string name, TimeSpan span)
    {
        if (span.Ticks % TimeSpan.TicksPerMillisecond != 0)
            throw new QueryException(query, $"its {name} {span} is not a whole number of milliseconds; round it");
    }

    /// <summary>Checks one aggregate of a stage without windows.</summary>
    public static void CheckStageAggregate(string stage, RowSchema source, AggregateDefinition aggregate)
    {
        CheckAggregate(stage, source, aggregate);
        if (aggregate.Part is not null)
            throw new QueryException(stage, $"aggregate '{aggregate.Name}' is over a part of a window, and there is no window; leave the part out");
    }

    private static void CheckAggregate(string query, RowSchema source, AggregateDefinition aggregate)
    {
        if (aggregate.Field is null)
        {
            if (aggregate.Function != AggregateFunction.Count)
                throw new QueryException(query, $"aggregate '{aggregate.Name}' has no field; name the field that it is to compute {aggregate.Function} of");
        }
        else
        {
            var type = FieldOf(query, source, aggregate.Field, $"aggregate '{aggregate.Name}'").Type;
            var numeric = type is FieldType.Int32 or FieldType.Int64 or FieldType.Decimal;
            var ordered = numeric || type is FieldType.Timestamp or FieldType.Date;
            if (NeedsNumber(aggregate.Function) && !numeric || aggregate.Function == AggregateFunction.Quantile && !ordered
                || aggregate.Function is not (AggregateFunction.Count or AggregateFunction.CountDistinct) && type is FieldType.Double or FieldType.Binary)
                throw new QueryException(query, $"aggregate '{aggregate.Name}' computes {aggregate.Function} of '{aggregate.Field}', which is {type}; use a numeric field");
        }
        if (aggregate.ExactUpTo is < 0 or > 1_000_000)
            throw new QueryException(query, $"aggregate '{aggregate.Name}' is exact up to {aggregate.ExactUpTo}; choose 0 to 1,000,000");
        if (aggregate.Function is AggregateFunction.SumDistinct or AggregateFunction.MostFrequent or AggregateFunction.Mode && aggregate.ExactUpTo < 16)
            throw new QueryException(query, $"aggregate '{aggregate.Name}' is exact up to {aggregate.ExactUpTo}, which leaves nothing to estimate from; choose 16 or more");
        if (aggregate.Limit is < 1 or > 10_000)
            throw new QueryException(query, $"aggregate '{aggregate.Name}' keeps {aggregate.Limit} values; choose 1 to 10,000");
        if (aggregate.Quantile is not (>= 0 and <= 1))
            throw new QueryException(query, $"aggregate '{aggregate.Name}' asks for quantile {aggregate.Quantile}; choose 0 to 1");
        if (aggregate.WhenEmpty is not null)
            CheckWhenEmpty(query, source, aggregate);
        if (aggregate.Where is not null)
            CheckFilter(query, source, aggregate.Where);
    }

    private static void CheckWhenEmpty(string query, RowSchema source, AggregateDefinition aggregate)
    {
        var result = Aggregates.AggregatePlan.ResultField(aggregate, aggregate.Field is null ? null : source.Fields[source.IndexOf(aggregate.Field)]);
        if (aggregate.Function is AggregateFunction.First or AggregateFunction.Last or AggregateFunction.Mode || !result.Nullable || result.Type is not (FieldType.Int32 or FieldType.Int64 or FieldType.Decimal or FieldType.Double))
            throw new QueryException(query, $"aggregate '{aggregate.Name}' has a number for want of values, but {aggregate.Function} gives {result.Type}{(result.Nullable ? "" : ", never null")}; leave it out or take a sum, mean, extreme or quantile");
        if (result.Type != FieldType.Double && decimal.Round(aggregate.WhenEmpty!.Value, result.Type == FieldType.Decimal ? result.Scale : 0) != aggregate.WhenEmpty)
            throw new QueryException(query, $"aggregate '{aggregate.Name}' is {aggregate.WhenEmpty} for want of values, which its result cannot hold; round it");
    }

    /// <summary>Checks the condition on result rows.</summary>
    public static void CheckHaving(QueryDefinition query, RowSchema result) => CheckFilter(query.Name, result, query.Having);

    private static bool NeedsNumber(AggregateFunction function) => function is AggregateFunction.Sum or AggregateFunction.SumDistinct or AggregateFunction.Average
        or AggregateFunction.VarianceSample or AggregateFunction.VariancePopulation or AggregateFunction.DeviationSample or AggregateFunction.DeviationPopulation;

    private static void CheckFilter(string query, RowSchema source, Filter filter)
    {
        switch (filter)
        {
            case AllOf all:
                foreach (var part in all.Parts)
                    CheckFilter(query, source, part);
                break;
            case AnyOf any:
                foreach (var part in any.Parts)
                    CheckFilter(query, source, part);
                break;
            case Opposite not:
                CheckFilter(query, source, not.Part);
                break;
            case TextIn text:
                if (FieldOf(query, source, text.Field, "filter").Type is var type and not FieldType.String)
                    throw new QueryException(query, $"its filter compares '{text.Field}', which is {type}, with text; compare with a number");
                break;
            case NumberIs number:
                if (FieldOf(query, source, number.Field, "filter").Type is var kind and not (FieldType.Int32 or FieldType.Int64 or FieldType.Decimal or FieldType.Double))
                    throw new QueryException(query, $"its filter compares '{number.Field}', which is {kind}, with a number; compare a numeric field");
                break;
            case IsMissing missing:
                FieldOf(query, source, missing.Field, "filter");
                break;
        }
    }

    private static RowField FieldOf(string query, RowSchema source, string name, string where) =>
        source.Fields.FirstOrDefault(f => f.Name == name)
        ?? throw new QueryException(query, $"its {where} reads '{name}', which is not there; use one of {string.Join(", ", source.Fields.Select(f => f.Name))}");
}
