using System.Globalization;
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
        long size = Ms(query.Window.Size), slide = Ms(query.Window.Slide), offset = Ms(query.Window.Offset), delay = Ms(query.Delay);
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
        return [.. groups.Values.Select(g => (g.Start, g.Start + Ms(query.Window.Size), g.Key, query.Columns.Select(c => Value(query, c, g.Rows)).ToArray()))];
    }

    private static object? Value(QueryDefinition query, string column, List<Dictionary<string, string?>> rows)
    {
        if (query.Ratios.FirstOrDefault(r => r.Name == column) is { } ratio)
        {
            var (dividend, divisor) = (Value(query, ratio.Numerator, rows), Value(query, ratio.Denominator, rows));
            return dividend is null || divisor is null || Convert.ToDouble(divisor, CultureInfo.InvariantCulture) == 0
                ? null
                : Convert.ToDouble(dividend, CultureInfo.InvariantCulture) / Convert.ToDouble(divisor, CultureInfo.InvariantCulture) * ratio.Factor;
        }
        var aggregate = query.Aggregates.Single(a => a.Name == column);
        var passed = rows.Where(r => aggregate.Where is null || Passes(aggregate.Where, r)).ToArray();
        if (aggregate.Field is null)
            return (decimal)passed.Length;
        var values = passed.Select(r => r[aggregate.Field]).Where(v => v is not null).ToArray();
        return aggregate.Function switch
        {
            AggregateFunction.Count => (decimal)values.Length,
            AggregateFunction.CountDistinct => (decimal)values.Distinct().Count(),
            _ when values.Length == 0 => null,
            AggregateFunction.Sum => values.Sum(v => Number(v!)),
            AggregateFunction.Average => (double)(values.Sum(v => Number(v!)) / values.Length),
            AggregateFunction.Min => values.Min(v => Number(v!)),
            _ => values.Max(v => Number(v!)),
        };
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
