using System.Text.Json;
using Tidemark.Domain.Columns;
using Tidemark.Domain.Queries;
using Tidemark.Domain.Streams;

namespace Tidemark.Conformance;

/// <summary>The joins of a case.</summary>
internal static class CaseJoins
{
    /// <summary>A join of two streams, behind the stage that puts rows of one side into windows when only the other side's rows carry them.</summary>
    public static List<Stage> Build(JsonElement stage, string id, StreamDefinition before, CaseColumns columns)
    {
        string left = CaseFields.Text(stage, "left")!, right = CaseFields.Text(stage, "right")!;
        var stages = new List<Stage>();
        SameWindow? window = null;
        if (stage.TryGetProperty("sameWindow", out var same))
        {
            var (leftTime, rightTime) = same.ValueKind == JsonValueKind.String ? (same.GetString()!, same.GetString()!) : (CaseFields.Text(same, "left")!, CaseFields.Text(same, "right")!);
            var size = same.ValueKind == JsonValueKind.Object ? CaseFields.Seconds(same, "size") ?? TimeSpan.Zero : TimeSpan.Zero;
            if (same.ValueKind == JsonValueKind.Object)
                CaseFields.Only(same, $"sameWindow of stage {id}", "left", "right", "size");
            if (leftTime == "window" != (rightTime == "window"))
            {
                var (side, time) = leftTime == "window" ? (right, rightTime) : (left, leftTime);
                stages.Add(new AssignWindowStage($"{id}_{side}", side, time, new WindowDefinition(size, size, TimeSpan.Zero)));
                (left, right) = leftTime == "window" ? (left, $"{id}_{side}") : ($"{id}_{side}", right);
                (leftTime, rightTime) = ("window", "window");
            }
            window = leftTime == "window" ? new SameWindow("window_end", "window_end", size)
                : new SameWindow(leftTime, rightTime, size);
        }
        var with = before with { Stages = [.. before.Stages, .. stages] };
        var (a, b) = (CaseStages.SchemaOf(with, left), CaseStages.SchemaOf(with, right));
        stages.Add(new JoinStage(id, TypeOf(stage), left, right)
        {
            Equal = Pairs(stage, "equals", a, b),
            NullSafeEqual = Pairs(stage, "nullSafeEquals", a, b),
            Window = window,
            TimeBounds = Bounds(stage, "timeBounds", a, b),
            Conditions = Bounds(stage, "where", a, b),
            LeftFilter = CaseFilters.Of(stage, "leftFilter", columns, a),
            RightFilter = CaseFilters.Of(stage, "rightFilter", columns, b),
        });
        return stages;
    }

    /// <summary>A join with a table.</summary>
    public static TableJoinStage WithTable(JsonElement stage, string id, string from, StreamDefinition before)
    {
        var table = CaseFields.Text(stage, "static")!;
        return new TableJoinStage(id, from, table, TypeOf(stage), Pairs(stage, "equals", CaseStages.SchemaOf(before, from), CaseStages.SchemaOf(before, table)),
            CaseFields.Text(stage, "streamSide") switch { null or "left" => true, "right" => false, var other => throw new NotSupportedCase($"stream side {other}") });
    }

    private static (string, string)[] Pairs(JsonElement stage, string name, RowSchema left, RowSchema right) => !stage.TryGetProperty(name, out var pairs) ? [] :
        [.. pairs.EnumerateArray().Select(p => (CaseTypes.NameIn(left, p[0].GetString()!), CaseTypes.NameIn(right, p[1].GetString()!)))];

    private static JoinBound[] Bounds(JsonElement stage, string name, RowSchema left, RowSchema right) => !stage.TryGetProperty(name, out var list) ? [] :
        [.. list.EnumerateArray().Select(b =>
        {
            CaseFields.Only(b, name, "left", "op", "right", "plus");
            string l = CaseFields.Text(b, "left")!, r = CaseFields.Text(b, "right")!;
            // Either side of the join may be named first.
            var (first, second) = left.Fields.Any(f => f.Name == CaseTypes.NameIn(left, l)) ? (left, right) : (right, left);
            var field = first.Fields.FirstOrDefault(f => f.Name == CaseTypes.NameIn(first, l));
            var plus = b.TryGetProperty("plus", out var number) ? CaseTypes.Unscaled(number.GetDecimal(), field?.Type == FieldType.Timestamp ? 6 : field?.Scale ?? 0) : 0;
            return new JoinBound(CaseTypes.NameIn(first, l), CaseFilters.Comparison(CaseFields.Text(b, "op")!), CaseTypes.NameIn(second, r), plus);
        })];

    private static JoinType TypeOf(JsonElement stage) => CaseFields.Text(stage, "type") switch
    {
        null or "inner" => JoinType.Inner,
        "leftOuter" => JoinType.LeftOuter,
        "rightOuter" => JoinType.RightOuter,
        "fullOuter" => JoinType.FullOuter,
        "leftSemi" => JoinType.LeftSemi,
        var other => throw new NotSupportedCase($"join type {other}"),
    };
}
