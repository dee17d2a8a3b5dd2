namespace Tidemark.Domain.Tests.Streams;

/// <summary>Aggregates of <see cref="NaiveStream"/>, from all values at once.</summary>
internal static class NaiveAggregates
{
    public static object? Of(string function, string? column, List<NaiveCells> rows)
    {
        if (function == "count")
            return (decimal)rows.Count(r => column is null || r[column] is not null);
        var values = rows.Select(r => r[column!]).Where(v => v is not null).ToArray();
        decimal[] numbers = [.. values.OfType<decimal>()];
        return function switch
        {
            "countDistinct" => (decimal)values.Distinct().Count(),
            "collectList" => values,
            "collectSet" => values.Distinct().ToArray(),
            _ when values.Length == 0 => null,
            "sum" => numbers.Sum(),
            "sumDistinct" => numbers.Distinct().Sum(),
            "avg" => numbers.Average(),
            "min" => values.Min(Comparer<object?>.Default),
            "max" => values.Max(Comparer<object?>.Default),
            "first" => values[0],
            "last" => values[^1],
            "median" => Median([.. numbers.Order()]),
            "varPop" => Variance(numbers, 0),
            "varSamp" => Variance(numbers, 1),
            "stddevPop" => Root(Variance(numbers, 0)),
            "stddevSamp" => Root(Variance(numbers, 1)),
            _ => throw new NotSupportedException(function),
        };
    }

    private static decimal Median(decimal[] sorted) => (sorted[(sorted.Length - 1) / 2] + sorted[sorted.Length / 2]) / 2;

    private static decimal? Variance(decimal[] numbers, int less)
    {
        var mean = numbers.Average();
        return numbers.Length <= less ? null : numbers.Sum(n => (n - mean) * (n - mean)) / (numbers.Length - less);
    }

    private static decimal? Root(decimal? number) => number is { } n ? (decimal)Math.Sqrt((double)n) : null;
}
