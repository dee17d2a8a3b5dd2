using System.Globalization;
using System.Text;

namespace Tidemark.Domain.Queries;

/// <summary>A query in words, for the people who look at its results.</summary>
internal static class QueryWords
{
    public static string Of(QueryDefinition query)
    {
        var text = new StringBuilder();
        text.Append(CultureInfo.InvariantCulture, $"{(query.Where is AllOf { Parts.Count: 0 } ? "Over all events" : $"Over events where {query.Where}")}, {Window(query.Window)}");
        text.Append(CultureInfo.InvariantCulture, $"{(query.Keys.Count == 0 ? "" : $", for each {string.Join(" and ", query.Keys)}")}: ");
        text.AppendJoin("; ", query.Aggregates.Select(Aggregate).Concat(query.Ratios.Select(Ratio)));
        text.Append(CultureInfo.InvariantCulture, $". {(query.Having is AllOf { Parts.Count: 0 } ? "" : $"Only rows where {query.Having} come out. ")}");
        text.Append(CultureInfo.InvariantCulture, $"A window closes when event time is {Span(query.Delay)} past its end; {(query.Mode == OutputMode.Update ? "until then its rows are shown and still change." : "its rows come out then.")}");
        return text.ToString();
    }

    private static string Window(WindowDefinition window) => window.Size == window.Slide
        ? $"in windows of {Span(window.Size)}"
        : $"in windows of {Span(window.Size)} that begin every {Span(window.Slide)}";

    private static string Aggregate(AggregateDefinition aggregate)
    {
        var of = aggregate.Field is null ? "" : $" of {aggregate.Field}";
        var what = aggregate.Function switch
        {
            AggregateFunction.Count => aggregate.Field is null ? "number of events" : $"number of events with {aggregate.Field}",
            AggregateFunction.Sum => "sum" + of,
            AggregateFunction.Average => "mean" + of,
            AggregateFunction.Min => "least value" + of,
            AggregateFunction.Max => "greatest value" + of,
            AggregateFunction.CountDistinct => "number of different values" + of,
            AggregateFunction.Quantile => string.Create(CultureInfo.InvariantCulture, $"{aggregate.Quantile * 100:0.##} % quantile{of}"),
            AggregateFunction.First => "earliest value" + of,
            AggregateFunction.Last => "latest value" + of,
            var other => $"{other}{of}",
        };
        return $"{aggregate.Name} is the {what}{(aggregate.Where is null ? "" : $" where {aggregate.Where}")}";
    }

    private static string Ratio(RatioDefinition ratio) =>
        string.Create(CultureInfo.InvariantCulture, $"{ratio.Name} is {ratio.Numerator} / {ratio.Denominator}{(ratio.Factor == 1 ? "" : $" × {ratio.Factor}")}");

    private static string Span(TimeSpan span) => span switch
    {
        _ when span == TimeSpan.Zero => "0 seconds",
        { Ticks: var ticks } when ticks % TimeSpan.TicksPerDay == 0 => Count(span.TotalDays, "day"),
        { Ticks: var ticks } when ticks % TimeSpan.TicksPerHour == 0 => Count(span.TotalHours, "hour"),
        { Ticks: var ticks } when ticks % TimeSpan.TicksPerMinute == 0 => Count(span.TotalMinutes, "minute"),
        _ => Count(span.TotalSeconds, "second"),
    };

    private static string Count(double number, string unit) => string.Create(CultureInfo.InvariantCulture, $"{number:0.###} {unit}{(number == 1 ? "" : "s")}");
}
