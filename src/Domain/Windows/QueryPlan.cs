using System.Text;
using Tidemark.Domain.Aggregates;
using Tidemark.Domain.Columns;
using Tidemark.Domain.Pipelines;
using Tidemark.Domain.Queries;

namespace Tidemark.Domain.Windows;

/// <summary>A checked query bound to the schema that it reads: everything that map side, fold and emission need to know of it.</summary>
internal sealed class QueryPlan
{
    private readonly (int Aggregate, RatioDefinition? Ratio)[] columns;

    public QueryPlan(QueryDefinition query, RowSchema source, string timeField, TimeSpan commonSpan)
    {
        QueryCheck.Check(query, source);
        Definition = query;
        Grid = new SliceGrid(Ms(query.Window.Size), Ms(query.Window.Slide), Ms(query.Window.Offset));
        Span = SpanOf(Grid.Slice, Ms(commonSpan));
        TimeColumn = source.IndexOf(timeField);
        KeyColumns = [.. query.Keys.Select(source.IndexOf)];
        Aggregates = [.. query.Aggregates.Select(a => AggregatePlan.Bind(a, source, TimeColumn))];
        WhereText = query.Where.ToString()!;
        Fingerprint = Hash64.Of(Encoding.UTF8.GetBytes(query.ToString()));
        columns = [.. query.Columns.Select(name => (query.Aggregates.ToList().FindIndex(a => a.Name == name), query.Ratios.FirstOrDefault(r => r.Name == name)))];
        Spec = new QuerySpec(query.Name, Ms(query.Delay), Grid.Size, Grid.Slide, BundleName(Span), query.Mode == OutputMode.Update,
            ResultSchema(query, source), query.Keys);
        QueryCheck.CheckHaving(query, Spec.Schema);
    }

    public QueryDefinition Definition { get; }

    public SliceGrid Grid { get; }

    /// <summary>Length of the span of slices that share an entity, ms: a multiple of the slice.</summary>
    public long Span { get; }

    public int TimeColumn { get; }

    public int[] KeyColumns { get; }

    public AggregatePlan[] Aggregates { get; }

    public string WhereText { get; }

    /// <summary>Stands for the whole definition in saved state, so that state of another definition is never taken for this one's.</summary>
    public ulong Fingerprint { get; }

    public QuerySpec Spec { get; }

    public string Name => Definition.Name;

    public EntityKey EntityOf(long slice) => new(Spec.Bundle, SliceGrid.FloorDivide(slice, Span) * Span);

    public long Watermark(long frontierMs) => frontierMs < long.MinValue + Spec.DelayMs ? long.MinValue : frontierMs - Spec.DelayMs;

    public Accumulator[] NewAccumulators() => [.. Aggregates.Select(a => a.Create())];

    /// <summary>Appends the result columns after the keys for one group.</summary>
    public void Emit(Accumulator[] accumulators, int slot, ColumnBuilder[] builders, int first)
    {
        for (var i = 0; i < columns.Length; i++)
        {
            var (aggregate, ratio) = columns[i];
            if (ratio is null)
                accumulators[aggregate].Emit(slot, builders[first + i]);
            else if (Value(ratio.Denominator) is { } divisor and not 0 && Value(ratio.Numerator) is { } dividend)
                ((DoubleColumnBuilder)builders[first + i]).Append(dividend / divisor * ratio.Factor);
            else
                builders[first + i].AppendNull();
        }

        double? Value(string name) => accumulators[Definition.Aggregates.ToList().FindIndex(a => a.Name == name)].Number(slot);
    }

    private static RowSchema ResultSchema(QueryDefinition query, RowSchema source)
    {
        var fields = new List<RowField> { new("window_start", FieldType.Timestamp, false), new("window_end", FieldType.Timestamp, false) };
        fields.AddRange(query.Keys.Select(k => source.Fields[source.IndexOf(k)] with { Nullable = true }));
        foreach (var name in query.Columns)
            fields.Add(query.Aggregates.FirstOrDefault(a => a.Name == name) is { } aggregate
                ? AggregatePlan.ResultField(aggregate, aggregate.Field is null ? null : source.Fields[source.IndexOf(aggregate.Field)])
                : new RowField(name, FieldType.Double));
        return new RowSchema(fields);
    }

    // The common span, or the longest multiple of the slice below it; a longer slice is a span of its own.
    private static long SpanOf(long slice, long common) => slice >= common ? slice : common / slice * slice;

    private static string BundleName(long span) => span switch
    {
        _ when span % 86_400_000 == 0 => FormattableString.Invariant($"{span / 86_400_000}d"),
        _ when span % 3_600_000 == 0 => FormattableString.Invariant($"{span / 3_600_000}h"),
        _ when span % 60_000 == 0 => FormattableString.Invariant($"{span / 60_000}m"),
        _ when span % 1000 == 0 => FormattableString.Invariant($"{span / 1000}s"),
        _ => FormattableString.Invariant($"{span}ms"),
    };

    private static long Ms(TimeSpan span) => span.Ticks / TimeSpan.TicksPerMillisecond;
}
