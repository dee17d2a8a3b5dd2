using System.Globalization;
using System.Text;
using Tidemark.Domain.Columns;
using Tidemark.Domain.Events;
using Tidemark.Domain.Pipelines;

namespace Tidemark.Domain.Streams;

/// <summary>A stream as text. Equal streams have equal text; functions of the program are named only.</summary>
internal static class StreamText
{
    public static string Describe(EventStream stream, StreamSpec spec)
    {
        var text = new StringBuilder();
        text.Append(CultureInfo.InvariantCulture, $"stream {stream.Name}\n");
        text.Append(CultureInfo.InvariantCulture, $"  from {stream.Source}, time {stream.EventTime}, watermark delay {stream.Delay:c}\n");
        foreach (var view in stream.Views)
            text.Append(CultureInfo.InvariantCulture, $"  view {view.Name} where {view.Where}: {string.Join(", ", view.Columns)}\n");
        foreach (var stage in stream.Stages)
            text.Append(CultureInfo.InvariantCulture, $"  {stage.Id} = {Describe(stage)}\n");
        Into(text, spec);
        return text.ToString();
    }

    /// <summary>A join of two topics, with the columns of its rows and of those that came too late.</summary>
    public static string Describe(TopicJoinPlan plan)
    {
        var join = plan.Join;
        var text = new StringBuilder();
        text.Append(CultureInfo.InvariantCulture, $"stream {join.Name}\n");
        text.Append(CultureInfo.InvariantCulture, $"  from {join.Left.Table.Name} and {join.Right.Table.Name}, time event_time, watermark delay {join.Delay:c} behind the lesser frontier\n");
        foreach (var (view, _) in plan.Sides)
            text.Append(CultureInfo.InvariantCulture, $"  view {view.Name} where {view.Where}: {List(view.Columns)}\n");
        foreach (var stage in join.Stages)
            text.Append(CultureInfo.InvariantCulture, $"  {stage.Id} = {Describe(stage)}\n");
        Into(text, plan.Rows);
        text.Append(CultureInfo.InvariantCulture, $"stream {plan.Late.Name}\n  rows of either side that came too late for {join.Name}\n");
        Into(text, plan.Late);
        return text.ToString();
    }

    private static void Into(StringBuilder text, StreamSpec spec)
    {
        var name = List((spec.TimeColumn is { } time ? [time] : Array.Empty<string>()).Concat(spec.Keys));
        text.Append(CultureInfo.InvariantCulture, $"  into gold/{spec.Name}{(spec.Results == StreamResults.None ? "" : $", {spec.Results.ToString().ToLowerInvariant()} by ({name}) in Table storage")}\n");
        PipelineText.Fields(text, spec.Schema);
    }

    public static string Describe(Stage stage) => stage switch
    {
        WindowStage w => $"window {w.Window} on {w.On} of {w.Source} by ({List(w.Keys)}): {string.Join("; ", w.Aggregates)}",
        SessionStage s => $"sessions of {s.Source} on {s.On}, gap {s.GapField ?? s.Gap?.ToString("c")}, by ({List(s.Keys)}): {string.Join("; ", s.Aggregates)}",
        GroupStage g => $"groups of {g.Source} by ({List(g.Keys)}): {string.Join("; ", g.Aggregates)}",
        AssignWindowStage a => $"windows {a.Window} of each row of {a.Source} on {a.On}",
        AssignSessionStage a => $"session of each row of {a.Source} on {a.On}, gap {a.GapField ?? a.Gap?.ToString("c")}",
        DeduplicateStage d => $"first row of {d.Source} by ({List(d.Keys)}){(d.WithinWatermark ? " within the watermark" : "")}",
        JoinStage j => $"{j.Type} join of {j.Left} and {j.Right} where {Join(j)}",
        TableJoinStage t => $"{t.Type} join of {t.Source} with table {t.Table} where {string.Join(" and ", t.Equal.Select(e => $"{e.Stream} = {e.Table}"))}",
        UnionStage u => $"union of {List(u.Of)}",
        OrderStage o => $"{o.Source} ordered by {string.Join(", ", o.By.Select(b => b.Field + (b.Descending ? " descending" : "")))}",
        KeyedStateStage k => $"{k.Function.GetType().Name} of {k.Source} by ({List(k.Keys)}), timeouts {k.Timeout}: {Fields(k.Function.Output)}",
        MapStage m => $"rows of {m.Source}: {Fields(m.Output)}",
        _ => stage.GetType().Name,
    };

    private static string Join(JoinStage j) => string.Join(" and ",
        j.Equal.Select(e => $"{e.Left} = {e.Right}")
            .Concat(j.NullSafeEqual.Select(e => $"{e.Left} is {e.Right}"))
            .Concat(j.TimeBounds.Concat(j.Conditions).Select(b => string.Create(CultureInfo.InvariantCulture, $"{b.Left} {b.Comparison} {b.Right} + {b.Plus}")))
            .Concat(j.Window is { } window ? [$"{window}"] : [])
            .Append($"left {j.LeftFilter}").Append($"right {j.RightFilter}"));

    private static string Fields(RowSchema schema) => string.Join(", ", schema.Fields.Select(f => $"{f.Name} {f.Type.ToString().ToLowerInvariant()}"));

    private static string List(IEnumerable<string> names) => string.Join(", ", names);
}
