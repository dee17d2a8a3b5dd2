using Tidemark.Domain.Columns;
using Tidemark.Domain.Queries;

namespace Tidemark.Domain.Streams;

/// <summary>
/// Refuses streams whose result would be wrong or would need state without bound, as Spark does, and says what to do. Throws <see cref="StreamException"/>
/// for the first fault.
/// </summary>
internal static class StreamCheck
{
    public static void Check(StreamDefinition stream)
    {
        foreach (var input in stream.Inputs.Where(i => i.Delay < TimeSpan.Zero))
            throw new StreamException(input.Name, $"its watermark delay {input.Delay} is negative; give zero or more");
        foreach (var input in stream.Inputs.Where(i => i.EventTime is not null && !i.Schema.Fields.Any(f => f.Name == i.EventTime && f.Type == FieldType.Timestamp)))
            throw new StreamException(input.Name, $"its event time '{input.EventTime}' is no column of type timestamp; name one that is");
        var names = new HashSet<string>(stream.Inputs.Select(i => i.Name));
        foreach (var stage in stream.Stages)
        {
            foreach (var from in stage.From.Where(f => !names.Contains(f)))
                throw new StreamException(stage.Id, stream.Tables.ContainsKey(from)
                    ? $"it reads the table '{from}' as if it were a stream; look rows up in it with a table join instead"
                    : $"it reads '{from}', which is neither an input nor a stage before it; correct the name");
            if (!names.Add(stage.Id))
                throw new StreamException(stage.Id, "another input or stage has the same name; rename one");
            CheckShape(stage);
            if (!stream.Bounded)
                Check(stream, stage);
            else if (stage is DeduplicateStage { WithinWatermark: true })
                throw new StreamException(stage.Id, "a bounded input has no watermark for duplicates to be within; drop duplicates by key");
        }
        if (stream is { Mode: StreamMode.Complete, Bounded: false } && !stream.Stages.Any(IsAggregation))
            throw new StreamException(stream.Stages[^1].Id, "complete mode needs an aggregation, or the result would be every row ever seen; use append mode");
    }

    /// <summary>What no input and no mode makes right.</summary>
    private static void CheckShape(Stage stage)
    {
        var (window, gap) = stage switch
        {
            WindowStage w => (w.Window, null),
            AssignWindowStage a => (a.Window, null),
            SessionStage s => ((WindowDefinition?)null, s.GapField is null ? s.Gap ?? TimeSpan.Zero : (TimeSpan?)null),
            AssignSessionStage a => (null, a.GapField is null ? a.Gap ?? TimeSpan.Zero : null),
            _ => (null, null),
        };
        if (window is not null)
            QueryCheck.CheckWindow(stage.Id, window);
        if (gap <= TimeSpan.Zero)
            throw new StreamException(stage.Id, $"its gap is {gap:c}, so no row would be in a session; give a positive gap or a column");
    }

    private static void Check(StreamDefinition stream, Stage stage)
    {
        if (IsStateful(stage) && stream.Mode != StreamMode.Append && Before(stream, stage).Any(IsAggregation))
            throw new StreamException(stage.Id, "it follows an aggregation outside append mode, where a changed row would count again; use append mode");
        switch (stage)
        {
            case WindowStage window:
                NeedsWatermark(stream, stage, Carries(stream, window.Source, window.On), "window");
                break;
            case GroupStage group:
                NeedsWatermark(stream, stage, group.EventTimeKey is { } key && Carries(stream, group.Source, key), "grouping time");
                break;
            case SessionStage session:
                if (session.Keys.Count == 0)
                    throw new StreamException(stage.Id, "sessions without a key would make one for the whole stream; add a key");
                if (stream.Mode == StreamMode.Update)
                    throw new StreamException(stage.Id, "sessions cannot be updated in place, since merging takes some back; use append mode");
                NeedsWatermark(stream, stage, Carries(stream, session.Source, session.On), "session time");
                break;
            case DeduplicateStage { WithinWatermark: true } within when WatermarkTime(stream, within.Source) is null:
                throw new StreamException(stage.Id, "duplicates within the watermark need a watermark on its input; give the input a delay");
            case WatermarkStage:
                throw new StreamException(stage.Id, "a stream has one watermark and it is given with the input; set the input's delay");
            case OrderStage order:
                if (stream.Mode != StreamMode.Complete || !Before(stream, order).Any(IsAggregation))
                    throw new StreamException(stage.Id, "an endless stream cannot be sorted; sort only after an aggregation in complete mode");
                break;
            case TableJoinStage table:
                CheckTableJoin(table);
                break;
            case JoinStage join:
                CheckJoin(stream, join);
                break;
            case KeyedStateStage { Timeout: KeyedState.StateTimeout.EventTime } state when WatermarkTime(stream, state.Source) is null:
                throw new StreamException(stage.Id, "timeouts by event time need a watermark on its input; give the input a delay");
        }
    }

    private static void CheckTableJoin(TableJoinStage join)
    {
        var kept = join.Type switch { JoinType.LeftOuter => (true, false), JoinType.RightOuter => (false, true), JoinType.FullOuter => (true, true), _ => (false, false) };
        if (join.Type == JoinType.LeftSemi && !join.StreamIsLeft)
            throw new StreamException(join.Id, "rows of the table would have to wait for ever for a partner; keep the stream's rows that have one");
        if (join.StreamIsLeft ? kept.Item2 : kept.Item1)
            throw new StreamException(join.Id, "rows of the table without a partner would have to wait for ever; keep only the stream's rows without partner");
    }

    private static void CheckJoin(StreamDefinition stream, JoinStage join)
    {
        if (stream.Mode != StreamMode.Append)
            throw new StreamException(join.Id, "joins of two streams give final rows only; use append mode");
        if (join.Equal.Count + join.NullSafeEqual.Count == 0 && join.Window is null)
            throw new StreamException(join.Id, "it has no equality, so every row would meet every other; add a key that must be equal");
        var (left, right) = (WatermarkTime(stream, join.Left), WatermarkTime(stream, join.Right));
        if (join.Window is not null && (left is not null || right is not null)
            || join.Equal.Concat(join.NullSafeEqual).Any(e => left is not null && e.Left == left || right is not null && e.Right == right))
            return;
        var isBounded = join.Type switch
        {
            JoinType.LeftOuter or JoinType.LeftSemi => IsBounded(join, right),
            JoinType.RightOuter => IsBounded(join, left),
            JoinType.FullOuter => IsBounded(join, left) || IsBounded(join, right),
            _ => true,
        };
        if (!isBounded)
            throw new StreamException(join.Id, "a row of its outer side could wait for ever: there is no watermark in the keys and no time range; add one of them");
    }

    /// <summary>Whether a condition bounds how long rows of a side wait: it must compare with the other side's watermarked time from below.</summary>
    private static bool IsBounded(JoinStage join, string? otherTime) => otherTime is not null && join.TimeBounds.Any(b =>
        (b.Right == otherTime && b.Comparison is Comparison.Greater or Comparison.GreaterOrEqual)
        || (b.Left == otherTime && b.Comparison is Comparison.Less or Comparison.LessOrEqual));

    private static void NeedsWatermark(StreamDefinition stream, Stage stage, bool has, string what)
    {
        if (stream.Mode == StreamMode.Append && !has)
            throw new StreamException(stage.Id, $"append mode needs a watermark on its {what}, or no row would ever be final; give the input an event time and a delay, or use update mode");
    }

    private static bool IsAggregation(Stage stage) => stage is WindowStage or GroupStage or SessionStage;

    private static bool IsStateful(Stage stage) => IsAggregation(stage) || stage is JoinStage or KeyedStateStage or DeduplicateStage;

    private static IEnumerable<Stage> Before(StreamDefinition stream, Stage stage) =>
        stage.From.Select(f => stream.Stages.FirstOrDefault(s => s.Id == f)).OfType<Stage>().SelectMany(s => Before(stream, s).Append(s));

    /// <summary>Whether a column of a stream carries its watermark.</summary>
    private static bool Carries(StreamDefinition stream, string from, string column)
    {
        if (stream.Inputs.FirstOrDefault(i => i.Name == from) is { } input)
            return input.Delay is not null && input.EventTime == column;
        return stream.Stages.First(s => s.Id == from) switch
        {
            WindowStage or AssignWindowStage when column is "window_time" or "window_end" or "window_start" => true,
            SessionStage or AssignSessionStage when column is "session_time" or "session_end" => true,
            MapStage map => map.EventTime == column && WatermarkTime(stream, map.Source) is not null,
            JoinStage { Window: not null } when column is "window_time" or "window_end" => true,
            var stage => stage.From.Any(f => Carries(stream, f, column)),
        };
    }

    /// <summary>The column of a stream that carries its watermark; null when it has none.</summary>
    private static string? WatermarkTime(StreamDefinition stream, string from)
    {
        if (stream.Inputs.FirstOrDefault(i => i.Name == from) is { } input)
            return input.Delay is null ? null : input.EventTime;
        var stage = stream.Stages.First(s => s.Id == from);
        var above = stage.From.Select(f => WatermarkTime(stream, f)).FirstOrDefault(t => t is not null);
        return above is null ? null : stage switch
        {
            WindowStage or AssignWindowStage => "window_time",
            SessionStage or AssignSessionStage => "session_time",
            MapStage map => map.EventTime,
            GroupStage group => group.EventTimeKey,
            KeyedStateStage => null,
            _ => above,
        };
    }
}
