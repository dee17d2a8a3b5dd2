using System.Text;
using Tidemark.Domain.Aggregates;
using Tidemark.Domain.Columns;
using Tidemark.Domain.Groups;
using Tidemark.Domain.Pipelines;
using Tidemark.Domain.Queries;

namespace Tidemark.Domain.Windows;

/// <summary>A checked query bound to the schema that it reads: everything that map side, fold and emission need to know of it.</summary>
internal sealed class QueryPlan
{
    private readonly (int Aggregate, BoundRatio? Ratio)[] columns;

    private sealed record BoundRatio(int Numerator, int Denominator, double Factor);

    public QueryPlan(QueryDefinition query, RowSchema source, string timeField, TimeSpan commonSpan)
    {
        QueryCheck.Check(query, source);
        Definition = query;
        Grid = new SliceGrid(Ms(query.Window.Size), Ms(query.Window.Slide), Ms(query.Window.Offset),
            [.. query.Aggregates.Select(a => a.Part).OfType<WindowPart>().SelectMany(p => new[] { Ms(p.From), Ms(p.To) })]);
        Span = SpanOf(Grid, Ms(commonSpan));
        TimeColumn = source.IndexOf(timeField);
        KeyColumns = [.. query.Keys.Select(source.IndexOf)];
        HasParts = query.Aggregates.Any(a => a.Part is not null);
        Aggregates = [.. query.Aggregates.Select(a => AggregatePlan.Bind(a, source, TimeColumn))];
        Layout = new GroupLayout(query.Name, Hash64.Of(Encoding.UTF8.GetBytes(query.ToString())), Aggregates);
        WhereText = query.Where.ToString()!;
        var names = query.Aggregates.Select(a => a.Name).ToList();
        columns = [.. query.Columns.Select(name => (names.IndexOf(name), query.Ratios.FirstOrDefault(r => r.Name == name) is { } ratio
            ? new BoundRatio(names.IndexOf(ratio.Numerator), names.IndexOf(ratio.Denominator), ratio.Factor)
            : null))];
        GroupSchema = ResultSchema(query, source);
        QueryCheck.CheckHaving(query, GroupSchema);
        var updates = query.Mode != OutputMode.Append;
        Spec = new QuerySpec(query.Name, Ms(query.ClosingDelay), Grid.Size, Grid.Slide, BundleName(Span), updates,
            query.Top is null ? GroupSchema : TopRows.Ranked(GroupSchema), query.Top is null ? query.Keys : [TopRows.Rank])
        {
            Withdraws = updates && query.Having is not AllOf { Parts.Count: 0 },
            Top = query.Top?.Count,
            OffsetMs = Grid.Offset,
            TriggerMs = query.Trigger is { } trigger ? Ms(trigger) : null,
            InTableStorage = query.InTableStorage,
        };
    }

    public QueryDefinition Definition { get; }

    public SliceGrid Grid { get; }

    /// <summary>Length of the span of slices that share an entity, ms: a multiple of the slice.</summary>
    public long Span { get; }

    public int TimeColumn { get; }

    public int[] KeyColumns { get; }

    public AggregatePlan[] Aggregates { get; }

    public string WhereText { get; }

    /// <summary>Whether an aggregate is over a part of the window only.</summary>
    public bool HasParts { get; }

    /// <summary>Result columns before a top ranks the rows.</summary>
    public RowSchema GroupSchema { get; }

    /// <summary>Name, aggregates, and a fingerprint of the whole definition, so that state of another definition is never taken for this one's.</summary>
    public GroupLayout Layout { get; }

    public QuerySpec Spec { get; }

    public string Name => Definition.Name;

    public EntityKey EntityOf(long slice) => new(Spec.Bundle, SliceGrid.FloorDivide(slice, Span) * Span);

    public long Watermark(long frontierMs) => frontierMs < long.MinValue + Spec.DelayMs ? long.MinValue : frontierMs - Spec.DelayMs;

    /// <summary>Appends the result columns after the keys for one group.</summary>
    public void Emit(Accumulator[] accumulators, int slot, ColumnBuilder[] builders, int first)
    {
        for (var i = 0; i < columns.Length; i++)
        {
            var (aggregate, ratio) = columns[i];
            if (ratio is null)
                Aggregates[aggregate].Emit(accumulators[aggregate], slot, builders[first + i]);
            else if (Value(ratio.Denominator) is { } divisor and not 0 && Value(ratio.Numerator) is { } dividend)
                ((DoubleColumnBuilder)builders[first + i]).Append(dividend / divisor * ratio.Factor);
            else
                builders[first + i].AppendNull();
        }

        double? Value(int index) => Aggregates[index].Number(accumulators[index], slot);
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

    // The common span or half a window, whichever is longer (so that a window is in few entities), or the longest multiple of the slice below it; a
    // longer slice is a span of its own.
    private static long SpanOf(SliceGrid grid, long common)
    {
        var span = Math.Max(common, grid.Size / 2);
        return grid.Slice >= span ? grid.Slice : span / grid.Slice * grid.Slice;
    }

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
