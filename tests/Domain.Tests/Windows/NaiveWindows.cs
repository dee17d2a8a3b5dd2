using System.Globalization;
using System.Numerics;
using System.Text;
using System.Text.Json;
using Tidemark.Domain.Queries;

namespace Tidemark.Domain.Tests.Windows;

/// <summary>An event as the naive side knows it: silver's columns as text, where it came from and the frontier that its batch was judged by.</summary>
internal sealed record JudgedEvent(Dictionary<string, string?> Row, long Micros, long Frontier);

/// <summary>The windows that one event is in, for one query, by their start.</summary>
internal sealed record Placement(JudgedEvent Event, List<long> Open, List<long> Closed);

/// <summary>Window queries computed once more row by row over dictionaries of text, one window at a time.</summary>
internal static class NaiveWindows
{
    public static List<Placement> Place(QueryDefinition query, IEnumerable<JudgedEvent> events)
    {
        long size = Ms(query.Window.Size), slide = Ms(query.Window.Slide), offset = Ms(query.Window.Offset), delay = Ms(query.ClosingDelay);
        var placements = new List<Placement>();
        foreach (var item in events.Where(e => Passes(query.Where, e.Row)))
        {
            var placement = new Placement(item, [], []);
            var near = (long)Math.Floor((item.Micros / 1000.0 - offset) / slide);
            for (var k = near - size / slide - 2; k <= near + 2; k++)
            {
                var start = offset + k * slide;
                if (item.Micros >= start * 1000 && item.Micros < (start + size) * 1000)
                    (start + size <= item.Frontier - delay ? placement.Closed : placement.Open).Add(start);
            }
            placements.Add(placement);
        }
        return placements;
    }

    /// <summary>Result rows: window start and end in ms, group key, values in the order of the query's columns.</summary>
    public static List<(long Start, long End, string?[] Key, object?[] Values)> Rows(QueryDefinition query, List<Placement> placements)
    {
        var groups = new Dictionary<string, (long Start, string?[] Key, List<Dictionary<string, string?>> Rows)>();
        foreach (var placement in placements)
            foreach (var start in placement.Open)
            {
                var key = query.Keys.Select(k => placement.Event.Row[k]).ToArray();
                var name = $"{start}|{string.Join('|', key.Select(k => k is null ? "null" : "=" + k))}";
                if (!groups.TryGetValue(name, out var group))
                    groups[name] = group = (start, key, []);
                group.Rows.Add(placement.Event.Row);
            }
        return [.. groups.Values.Select(g => (g.Start, g.Start + Ms(query.Window.Size), g.Key, query.Columns.Select(c => Value(query, c, g.Start, g.Rows)).ToArray()))
            .Where(r => Having(query, r.Item4))];
    }

    private static bool Having(QueryDefinition query, object?[] values)
    {
        var row = new Dictionary<string, string?>();
        for (var i = 0; i < values.Length; i++)
            row[query.Columns[i]] = values[i] is double real ? ((decimal)Math.Clamp(real, -1e20, 1e20)).ToString(CultureInfo.InvariantCulture) : Convert.ToString(values[i], CultureInfo.InvariantCulture) is { Length: > 0 } text ? text : null;
        return Passes(query.Having, row);
    }

    private static object? Value(QueryDefinition query, string column, long start, List<Dictionary<string, string?>> rows)
    {
        if (query.Ratios.FirstOrDefault(r => r.Name == column) is { } ratio)
        {
            var (dividend, divisor) = (Value(query, ratio.Numerator, start, rows), Value(query, ratio.Denominator, start, rows));
            return dividend is null || divisor is null || Convert.ToDouble(divisor, CultureInfo.InvariantCulture) == 0
                ? null
                : Convert.ToDouble(dividend, CultureInfo.InvariantCulture) / Convert.ToDouble(divisor, CultureInfo.InvariantCulture) * ratio.Factor;
        }
        var aggregate = query.Aggregates.Single(a => a.Name == column);
        return Value(aggregate, [.. rows.Where(r => aggregate.Part is not { } part || IsIn(part, Number(r["event_time"]!) / 1000 - start))]) ?? aggregate.WhenEmpty;
    }

    private static bool IsIn(WindowPart part, decimal ms) => ms >= (decimal)part.From.TotalMilliseconds && ms < (decimal)part.To.TotalMilliseconds;

    /// <summary>An aggregate over rows that have an <c>event_time</c>.</summary>
    public static object? Value(AggregateDefinition aggregate, List<Dictionary<string, string?>> rows)
    {
        var passed = rows.Where(r => aggregate.Where is null || Passes(aggregate.Where, r)).ToArray();
        if (aggregate.Field is null)
            return (decimal)passed.Length;
        passed = [.. passed.Where(r => r[aggregate.Field] is not null)];
        var values = passed.Select(r => r[aggregate.Field]).ToArray();
        var byTime = passed.OrderBy(r => r["event_time"], StringComparer.Ordinal).ThenBy(r => r[aggregate.Field]!, ByValue).Select(r => r[aggregate.Field]).ToArray();
        return aggregate.Function switch
        {
            AggregateFunction.CollectList => Json(byTime.Take(aggregate.Limit)),
            AggregateFunction.CollectSet => Json(values.Distinct().OrderBy(v => v!, ByValue).Take(aggregate.Limit)),
            AggregateFunction.Greatest => Json(values.OrderByDescending(v => v!, ByValue).Take(aggregate.Limit)),
            AggregateFunction.MostFrequent => $"[{string.Join(',', ByFrequency(values).Take(aggregate.Limit).Select(g => $"{{\"value\":{Json([g.Value])[1..^1]},\"count\":{g.Count}}}"))}]",
            AggregateFunction.Count => (decimal)values.Length,
            AggregateFunction.CountDistinct => (decimal)values.Distinct().Count(),
            _ when values.Length == 0 => null,
            AggregateFunction.Mode => ByFrequency(values)[0].Value,
            AggregateFunction.SumDistinct => values.Distinct().Sum(v => Number(v!)),
            AggregateFunction.Sum => values.Sum(v => Number(v!)),
            AggregateFunction.Average => (double)(values.Sum(v => Number(v!)) / values.Length),
            AggregateFunction.Min => values.Min(ByValue!),
            AggregateFunction.Max => values.Max(ByValue!),
            AggregateFunction.First => byTime[0],
            AggregateFunction.Last => byTime[^1],
            AggregateFunction.Quantile => Quantile([.. values.Select(v => Number(v!)).Order()], aggregate.Quantile),
            AggregateFunction.VarianceSample or AggregateFunction.DeviationSample when values.Length == 1 => null,
            _ => Spread([.. values.Select(v => Number(v!))], aggregate.Function),
        };
    }

    private static (string? Value, int Count)[] ByFrequency(string?[] values) =>
        [.. values.GroupBy(v => v).Select(g => (g.Key, g.Count())).OrderByDescending(g => g.Item2).ThenBy(g => g.Key!, ByValue)];

    private static readonly Comparer<string> ByValue = Comparer<string>.Create((a, b) =>
        IsNumber(a) && IsNumber(b) ? Number(a).CompareTo(Number(b)) : Encoding.UTF8.GetBytes(a).AsSpan().SequenceCompareTo(Encoding.UTF8.GetBytes(b)));

    private static bool IsNumber(string text) => text.Length > 0 && (char.IsAsciiDigit(text[0]) || text[0] == '-');

    private static readonly JsonSerializerOptions Plain = new() { Encoder = System.Text.Encodings.Web.JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    private static string Json(IEnumerable<string?> values) =>
        $"[{string.Join(',', values.Select(v => v!.EndsWith('Z') || v.Length == 10 && v[4] == '-' || !IsNumber(v) ? JsonSerializer.Serialize(v, Plain) : v))}]";

    private static double Quantile(decimal[] sorted, double quantile)
    {
        var rank = quantile * (sorted.Length - 1);
        var (low, high) = (sorted[(int)Math.Floor(rank)], sorted[(int)Math.Ceiling(rank)]);
        return (double)low + (double)(high - low) * (rank - Math.Floor(rank));
    }

    private static double Spread(decimal[] values, AggregateFunction function)
    {
        var unscaled = values.Select(v => new BigInteger(v * 10_000)).ToArray();
        BigInteger n = unscaled.Length, sum = unscaled.Aggregate(BigInteger.Add), squares = unscaled.Aggregate(BigInteger.Zero, (s, v) => s + v * v);
        var by = function is AggregateFunction.VarianceSample or AggregateFunction.DeviationSample ? n * (n - 1) : n * n;
        var variance = Math.Exp(BigInteger.Log(n * squares - sum * sum) - BigInteger.Log(by)) / 1e8;
        return function is AggregateFunction.DeviationSample or AggregateFunction.DeviationPopulation ? Math.Sqrt(variance) : variance;
    }

    /// <summary>A number, or a time in microseconds, or a date in days.</summary>
    public static decimal Number(string text) =>
        text.Length == 10 && text[4] == '-' ? (decimal)(DateTime.Parse(text, CultureInfo.InvariantCulture) - DateTime.UnixEpoch).TotalDays
        : text.EndsWith('Z') ? (DateTime.Parse(text, CultureInfo.InvariantCulture, DateTimeStyles.RoundtripKind) - DateTime.UnixEpoch).Ticks / 10
        : decimal.Parse(text, CultureInfo.InvariantCulture);

    public static bool Passes(Filter filter, Dictionary<string, string?> row) => Truth(filter, row) == true;

    private static bool? Truth(Filter filter, Dictionary<string, string?> row) => filter switch
    {
        AllOf all => all.Parts.Select(p => Truth(p, row)).Aggregate((bool?)true, (a, b) => a & b),
        AnyOf any => any.Parts.Select(p => Truth(p, row)).Aggregate((bool?)false, (a, b) => a | b),
        Opposite not => !Truth(not.Part, row),
        TextIn text => row[text.Field] is { } value ? text.Words.Contains(value) : null,
        NumberIs number => row[number.Field] is { } value ? Holds(number.Comparison, Number(value).CompareTo(number.Number)) : null,
        IsMissing missing => row[missing.Field] is null,
        _ => throw new InvalidOperationException(),
    };

    private static bool Holds(Comparison comparison, int order) => comparison switch
    {
        Comparison.Equal => order == 0,
        Comparison.NotEqual => order != 0,
        Comparison.Less => order < 0,
        Comparison.LessOrEqual => order <= 0,
        Comparison.Greater => order > 0,
        _ => order >= 0,
    };

    private static long Ms(TimeSpan span) => (long)span.TotalMilliseconds;
}
