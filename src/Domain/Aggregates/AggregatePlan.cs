using Tidemark.Domain.Columns;
using Tidemark.Domain.Queries;

namespace Tidemark.Domain.Aggregates;

/// <summary>An aggregate bound to the columns that it reads.</summary>
/// <param name="Where">Its condition; null for none.</param>
/// <param name="WhereText">The condition as text, by which masks are shared.</param>
/// <param name="Create">Makes an empty accumulator.</param>
internal sealed record AggregatePlan(Filter? Where, string WhereText, Func<Accumulator> Create)
{
    /// <summary>First millisecond of the window that counts, from its start.</summary>
    public long PartFrom { get; private init; }

    /// <summary>First millisecond that does not count any more.</summary>
    public long PartTo { get; private init; } = long.MaxValue;

    /// <summary>What stands for null where there are no values, unscaled for decimals; null = null.</summary>
    public Int128? WhenEmpty { get; private init; }

    /// <summary>The same as a double.</summary>
    public double? NumberWhenEmpty { get; private init; }

    /// <summary>The result of a slot as the next row of a column.</summary>
    public void Emit(Accumulator accumulator, int slot, ColumnBuilder to)
    {
        if (WhenEmpty is not { } number || accumulator.Number(slot) is not null)
            accumulator.Emit(slot, to);
        else if (to is DoubleColumnBuilder real)
            real.Append(NumberWhenEmpty!.Value);
        else if (to is Int128ColumnBuilder big)
            big.Append(number);
        else if (to is Int64ColumnBuilder wide)
            wide.Append((long)number);
        else
            ((Int32ColumnBuilder)to).Append((int)number);
    }

    /// <summary>The result as a number, for ratios.</summary>
    public double? Number(Accumulator accumulator, int slot) => accumulator.Number(slot) ?? NumberWhenEmpty;

    /// <summary>
    /// Binds a checked definition; <paramref name="timeColumn"/> is the event time. Without one there is no first and last, and lists are in the order of
    /// their values.
    /// </summary>
    public static AggregatePlan Bind(AggregateDefinition aggregate, RowSchema source, int? timeColumn)
    {
        int? index = aggregate.Field is null ? null : source.IndexOf(aggregate.Field);
        var field = index is null ? null : source.Fields[index.Value];
        return new AggregatePlan(aggregate.Where, aggregate.Where?.ToString() ?? "", index is { } column
            ? () => New(aggregate, column, field!, timeColumn)
            : () => new CountAccumulator(null))
        {
            PartFrom = aggregate.Part is { } part ? part.From.Ticks / TimeSpan.TicksPerMillisecond : 0,
            PartTo = aggregate.Part is { } end ? end.To.Ticks / TimeSpan.TicksPerMillisecond : long.MaxValue,
            WhenEmpty = aggregate.WhenEmpty is { } number ? Unscaled(number, ResultField(aggregate, field).Scale) : null,
            NumberWhenEmpty = (double?)aggregate.WhenEmpty,
        };
    }

    private static Int128 Unscaled(decimal number, int scale)
    {
        for (; scale > 0; scale--)
            number *= 10;
        return (Int128)number;
    }

    /// <summary>The result column of an aggregate over a field.</summary>
    public static RowField ResultField(AggregateDefinition aggregate, RowField? field) => aggregate.Function switch
    {
        AggregateFunction.Count or AggregateFunction.CountDistinct => new(aggregate.Name, FieldType.Int64, false),
        AggregateFunction.Sum or AggregateFunction.SumDistinct when field!.Type == FieldType.Decimal => new(aggregate.Name, FieldType.Decimal, true, 38, field.Scale),
        AggregateFunction.Sum or AggregateFunction.SumDistinct => new(aggregate.Name, FieldType.Int64),
        AggregateFunction.Min or AggregateFunction.Max or AggregateFunction.First or AggregateFunction.Last or AggregateFunction.Mode => field! with { Name = aggregate.Name, Nullable = true },
        AggregateFunction.CollectList or AggregateFunction.CollectSet or AggregateFunction.Greatest or AggregateFunction.MostFrequent => new(aggregate.Name, FieldType.String, false),
        _ => new(aggregate.Name, FieldType.Double),
    };

    private static Accumulator New(AggregateDefinition aggregate, int column, RowField field, int? timeColumn)
    {
        var divisor = Math.Pow(10, field.Scale);
        return aggregate.Function switch
        {
            AggregateFunction.Count => new CountAccumulator(column),
            AggregateFunction.Sum => new SumAccumulator(column, mean: false, divisor),
            AggregateFunction.Average => new SumAccumulator(column, mean: true, divisor),
            AggregateFunction.Min or AggregateFunction.Max when field.Type is FieldType.String or FieldType.Boolean =>
                new RankedAccumulator(column, field, new Ranking(null, aggregate.Function == AggregateFunction.Max, false, 1, false)),
            AggregateFunction.Min => new ExtremeAccumulator(column, greatest: false, divisor),
            AggregateFunction.Max => new ExtremeAccumulator(column, greatest: true, divisor),
            AggregateFunction.CountDistinct => new DistinctAccumulator(column, aggregate.ExactUpTo),
            AggregateFunction.VarianceSample => new MomentsAccumulator(column, new MomentsResult(Sample: true, Root: false), divisor),
            AggregateFunction.VariancePopulation => new MomentsAccumulator(column, new MomentsResult(Sample: false, Root: false), divisor),
            AggregateFunction.DeviationSample => new MomentsAccumulator(column, new MomentsResult(Sample: true, Root: true), divisor),
            AggregateFunction.DeviationPopulation => new MomentsAccumulator(column, new MomentsResult(Sample: false, Root: true), divisor),
            AggregateFunction.First or AggregateFunction.Last when timeColumn is null =>
                throw new QueryException(aggregate.Name, $"{aggregate.Function} means by event time, and its source has none; give the input an event time"),
            AggregateFunction.First => new RankedAccumulator(column, field, new Ranking(timeColumn, false, false, 1, false)),
            AggregateFunction.Last => new RankedAccumulator(column, field, new Ranking(timeColumn, true, false, 1, false)),
            AggregateFunction.CollectList => new RankedAccumulator(column, field, new Ranking(timeColumn, false, false, aggregate.Limit, true)),
            AggregateFunction.CollectSet => new RankedAccumulator(column, field, new Ranking(null, false, true, aggregate.Limit, true)),
            AggregateFunction.Greatest => new RankedAccumulator(column, field, new Ranking(null, true, false, aggregate.Limit, true)),
            AggregateFunction.SumDistinct => new SumDistinctAccumulator(column, aggregate.ExactUpTo, divisor),
            AggregateFunction.MostFrequent => new FrequencyAccumulator(column, field, new Frequency(aggregate.ExactUpTo, aggregate.Limit, List: true)),
            AggregateFunction.Mode => new FrequencyAccumulator(column, field, new Frequency(aggregate.ExactUpTo, 1, List: false)),
            AggregateFunction.Quantile => new QuantileAccumulator(column, aggregate.Quantile, aggregate.ExactUpTo, divisor),
            _ => throw new ArgumentOutOfRangeException(nameof(aggregate), aggregate.Function, "This aggregate function is not known."),
        };
    }
}
