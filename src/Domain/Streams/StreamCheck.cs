using Tidemark.Domain.Columns;

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
        var names = new HashSet<string>(stream.Inputs.Select(i => i.Name));
        foreach (var stage in stream.Stages)
        {
            foreach (var from in stage.From.Where(f => !names.Contains(f)))
                throw new StreamException(stage.Id, stream.Tables.ContainsKey(from)
                    ? $"it reads the table '{from}' as if it were a stream; look rows up in it with a table join instead"
                    : $"it reads '{from}', which is neither an input nor a stage before it; correct the name");
            if (!names.Add(stage.Id))
                throw new StreamException(stage.Id, "another input or stage has the same name; rename one");
            if (!stream.Bounded)
                Check(stream, stage);
        }
        if (stream is { Mode: StreamMode.Complete, Bounded: false } && !stream.Stages.Any(IsAggregation))
            throw new StreamException(stream.Stages[^1].Id, "complete mode needs an aggregation, or the result would be every row ever seen; use append mode");
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
        if (join.Type is JoinType.LeftOuter or JoinType.FullOuter or JoinType.LeftSemi && !IsBounded(join, right, join.Type == JoinType.LeftSemi, leftSide: true)
            || join.Type is JoinType.RightOuter or JoinType.FullOuter && !IsBounded(join, left, false, leftSide: false))
            throw new StreamException(join.Id, "a row of its outer side could wait for ever: there is no watermark in the keys and no time range; add one of them");
    }

    /// <summary>Whether a condition bounds how long rows of a side wait: it must compare with the other side's watermarked time from below.</summary>
    private static bool IsBounded(JoinStage join, string? otherTime, bool isSemi, bool leftSide) =>
        isSemi || otherTime is not null && join.TimeBounds.Any(b =>
            (b.Right == otherTime && b.Comparison is Queries.Comparison.Greater or Queries.Comparison.GreaterOrEqual)
            || (b.Left == otherTime && b.Comparison is Queries.Comparison.Less or Queries.Comparison.LessOrEqual));

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
