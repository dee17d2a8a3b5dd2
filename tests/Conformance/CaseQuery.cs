using System.Text.Json;
using Tidemark.Domain.Columns;
using Tidemark.Domain.KeyedState;
using Tidemark.Domain.Queries;
using Tidemark.Domain.Streams;

namespace Tidemark.Conformance;

/// <summary>A case uses something that this project does not have.</summary>
internal sealed class NotSupportedCase(string what) : Exception(what);

/// <summary>The query of a case as a stream definition.</summary>
internal sealed class CaseQuery
{
    public CaseQuery(JsonElement query, IEnumerable<JsonElement> inputSteps)
    {
        var times = TimeColumns(query);
        var steps = inputSteps.ToArray();
        var inputs = new List<StreamInput>();
        foreach (var input in query.GetProperty("inputs").EnumerateObject())
        {
            var rows = steps.Where(s => s.TryGetProperty(input.Name, out _)).SelectMany(s => s.GetProperty(input.Name).EnumerateArray());
            inputs.Add(new StreamInput(input.Name, CaseTypes.Schema(Strings(input.Value.GetProperty("columns")), rows, times),
                Text(input.Value, "eventTime"), input.Value.TryGetProperty("watermark", out var delay) ? Seconds(delay) : null));
        }
        var tables = new Dictionary<string, RowBatch>();
        if (query.TryGetProperty("static", out var tablesJson))
            foreach (var table in tablesJson.EnumerateObject())
            {
                var rows = table.Value.GetProperty("rows").EnumerateArray().ToArray();
                tables[table.Name] = CaseTypes.Rows(CaseTypes.Schema(Strings(table.Value.GetProperty("columns")), rows, times), rows);
            }
        var mode = query.GetProperty("mode").GetString();
        Definition = new StreamDefinition(inputs, [.. query.GetProperty("stages").EnumerateArray().Select(s => StageOf(s))],
            mode switch { "update" => StreamMode.Update, "complete" => StreamMode.Complete, _ => StreamMode.Append })
        {
            Tables = tables,
            Policy = Text(query, "watermarkPolicy") == "max" ? WatermarkPolicy.Max : WatermarkPolicy.Min,
            Bounded = mode == "batch",
        };
        Output = Strings(query.GetProperty("output"));
        FollowUp = !query.TryGetProperty("noDataBatches", out var follow) || follow.GetBoolean();
        if (query.TryGetProperty("initialState", out var initial))
            Definition = Definition with { Stages = [.. Definition.Stages.Select(s => Seeded(s, initial, inputs))] };
    }

    /// <summary>A stage with the states known before the start: rows of the key and the number that is the state.</summary>
    private static Stage Seeded(Stage stage, JsonElement initial, List<StreamInput> inputs)
    {
        if (stage is not KeyedStateStage state || !initial.TryGetProperty(stage.Id, out var rows))
            return stage;
        var source = inputs.FirstOrDefault(i => i.Name == state.Source)?.Schema ?? throw new NotSupportedCase("initial state behind another stage");
        var keys = new RowSchema([.. state.Keys.Select(k => source.Fields[source.IndexOf(k)])]);
        return state with
        {
            Initial = [.. rows.EnumerateArray().Select(row => (CaseTypes.Rows(keys, [row]),
                JsonSerializer.SerializeToUtf8Bytes(new Dictionary<string, long> { ["Value"] = row[keys.Fields.Count].GetInt64() })))],
        };
    }

    public StreamDefinition Definition { get; }

    public IReadOnlyList<string> Output { get; }

    /// <summary>Whether the watermark moves with the batch that made it.</summary>
    public bool FollowUp { get; }

    /// <summary>Output columns that identify a row in update mode.</summary>
    public IEnumerable<string> KeyColumns =>
        Definition.Stages.SelectMany(s => s switch { WindowStage w => w.Keys, GroupStage g => g.Keys, KeyedStateStage k => k.Keys, _ => [] })
            .Concat(["windowStart", "windowEnd"]).Where(Output.Contains);

    private static Stage StageOf(JsonElement stage)
    {
        string id = Text(stage, "id")!, from = Text(stage, "from") ?? "";
        var window = new WindowDefinition(Seconds(stage, "size"), Seconds(stage, "slide"), Seconds(stage, "offset"));
        var on = CaseTypes.Name(Text(stage, "on") ?? "");
        TimeSpan? gap = stage.TryGetProperty("gap", out var fixedGap) ? Seconds(fixedGap) : null;
        IReadOnlyList<string> keys = stage.TryGetProperty("keys", out var list) ? [.. Strings(list).Select(CaseTypes.Name)] : [];
        return Text(stage, "op") switch
        {
            "window" => new WindowStage(id, from, on, window, keys, Aggregates(stage)),
            "session" => new SessionStage(id, from, on, gap, Text(stage, "gapColumn"), keys, Aggregates(stage)),
            "groupBy" => new GroupStage(id, from, keys, Aggregates(stage), Text(stage, "eventTimeKey") is { } time ? CaseTypes.Name(time) : null),
            "assignWindow" => new AssignWindowStage(id, from, on, window),
            "assignSession" => new AssignSessionStage(id, from, on, gap, Text(stage, "gapColumn")),
            "dedup" => new DeduplicateStage(id, from, keys, Text(stage, "eventTimeKey") is { } time ? CaseTypes.Name(time) : null),
            "dedupWithinWatermark" => new DeduplicateStage(id, from, keys, WithinWatermark: true),
            "join" => Join(stage, id),
            "joinStatic" => new TableJoinStage(id, from, Text(stage, "static")!, TypeOf(stage), Pairs(stage, "equals"), Text(stage, "streamSide") != "right"),
            "union" => new UnionStage(id, Strings(stage.GetProperty("of"))),
            "orderBy" => new OrderStage(id, from, [.. stage.GetProperty("by").EnumerateArray().Select(Order)]),
            "groupState" => new KeyedStateStage(id, from, keys, TimeoutOf(stage), CaseFunctions.Create(Text(stage, "fn")!, TimeoutOf(stage))),
            "watermark" => new WatermarkStage(id, from, on, TimeSpan.Zero),
            var other => throw new NotSupportedCase($"operator {other}"),
        };
    }

    private static JoinStage Join(JsonElement stage, string id) => new(id, TypeOf(stage), Text(stage, "left")!, Text(stage, "right")!)
    {
        Equal = Pairs(stage, "equals"),
        NullSafeEqual = Pairs(stage, "nullSafeEquals"),
        Window = stage.TryGetProperty("sameWindow", out var same)
            ? new SameWindow(CaseTypes.Name(Text(same, "left")!), CaseTypes.Name(Text(same, "right")!), Seconds(same, "size"))
            : null,
        TimeBounds = Bounds(stage, "timeBounds"),
        Conditions = Bounds(stage, "where"),
        LeftFilter = stage.TryGetProperty("leftFilter", out var left) ? FilterOf(left) : Filter.All,
        RightFilter = stage.TryGetProperty("rightFilter", out var right) ? FilterOf(right) : Filter.All,
    };

    private static Filter FilterOf(JsonElement filter)
    {
        if (filter.ValueKind == JsonValueKind.Array)
            return new AllOf([.. filter.EnumerateArray().Select(FilterOf)]);
        if (filter.TryGetProperty("anyOf", out var any))
            return new AnyOf([.. any.EnumerateArray().Select(FilterOf)]);
        if (filter.TryGetProperty("allOf", out var all))
            return new AllOf([.. all.EnumerateArray().Select(FilterOf)]);
        var (field, value) = (CaseTypes.Name(Text(filter, "column")!), filter.GetProperty("value"));
        if (value.ValueKind == JsonValueKind.String)
            return Text(filter, "op") is "!=" or "<>" ? !new TextIn(field, [value.GetString()!]) : new TextIn(field, [value.GetString()!]);
        return value.ValueKind == JsonValueKind.Null ? new IsMissing(field) : new NumberIs(field, ComparisonOf(Text(filter, "op")!), value.GetDecimal());
    }

    private static AggregateDefinition[] Aggregates(JsonElement stage) =>
        [.. stage.GetProperty("aggs").EnumerateArray().Select(a =>
        {
            var column = Text(a, "column") is { } name ? CaseTypes.Name(name) : null;
            return new AggregateDefinition(Text(a, "as")!, Text(a, "fn") switch
            {
                "count" => AggregateFunction.Count,
                "sum" => AggregateFunction.Sum,
                "avg" => AggregateFunction.Average,
                "min" => AggregateFunction.Min,
                "max" => AggregateFunction.Max,
                "countDistinct" or "approxCountDistinct" => AggregateFunction.CountDistinct,
                "collectList" => AggregateFunction.CollectList,
                "collectSet" => AggregateFunction.CollectSet,
                "first" => AggregateFunction.First,
                "last" => AggregateFunction.Last,
                "median" => AggregateFunction.Quantile,
                "stddevSamp" => AggregateFunction.DeviationSample,
                "stddevPop" => AggregateFunction.DeviationPopulation,
                "varSamp" => AggregateFunction.VarianceSample,
                "varPop" => AggregateFunction.VariancePopulation,
                var other => throw new NotSupportedCase($"aggregate {other}"),
            }, column);
        })];

    /// <summary>Columns of inputs that stand for times.</summary>
    private static HashSet<string> TimeColumns(JsonElement query)
    {
        var times = new HashSet<string>();
        foreach (var input in query.GetProperty("inputs").EnumerateObject())
            Add(input.Value, "eventTime");
        foreach (var stage in query.GetProperty("stages").EnumerateArray())
        {
            Add(stage, "on");
            Add(stage, "eventTimeKey");
            Add(stage, "gapColumn");
            if (stage.TryGetProperty("of", out var united))
                AddUnited(query, united, times);
            if (stage.TryGetProperty("sameWindow", out var same))
                (Add(same, "left"), Add(same, "right")).ToString();
            if (stage.TryGetProperty("timeBounds", out var bounds))
                foreach (var bound in bounds.EnumerateArray())
                    (Add(bound, "left"), Add(bound, "right")).ToString();
        }
        return times;

        bool Add(JsonElement from, string name) => Text(from, name) is { } column && times.Add(column);
    }

    /// <summary>Columns that a union puts into the place of a time are times.</summary>
    private static void AddUnited(JsonElement query, JsonElement united, HashSet<string> times)
    {
        var columns = Strings(united).Where(u => query.GetProperty("inputs").TryGetProperty(u, out _))
            .Select(u => Strings(query.GetProperty("inputs").GetProperty(u).GetProperty("columns"))).ToArray();
        for (var i = 0; columns.Length > 0 && i < columns[0].Length; i++)
            if (columns.Any(c => i < c.Length && times.Contains(c[i])))
                times.UnionWith(columns.Where(c => i < c.Length).Select(c => c[i]));
    }

    private static JoinBound[] Bounds(JsonElement stage, string name) => !stage.TryGetProperty(name, out var list) ? [] :
        [.. list.EnumerateArray().Select(b => new JoinBound(CaseTypes.Name(Text(b, "left")!), ComparisonOf(Text(b, "op")!), CaseTypes.Name(Text(b, "right")!),
            b.TryGetProperty("plus", out var plus) ? (long)(plus.GetDecimal() * 1_000_000m) : 0))];

    private static (string, string)[] Pairs(JsonElement stage, string name) => !stage.TryGetProperty(name, out var pairs) ? [] :
        [.. pairs.EnumerateArray().Select(p => (CaseTypes.Name(p[0].GetString()!), CaseTypes.Name(p[1].GetString()!)))];

    private static (string, bool) Order(JsonElement by) => by.ValueKind == JsonValueKind.Object
        ? (CaseTypes.Name(Text(by, "column") ?? Text(by, "by")!), by.ToString().Contains("desc", StringComparison.OrdinalIgnoreCase) && !by.ToString().Contains("false"))
        : by.ValueKind == JsonValueKind.Array
        ? (CaseTypes.Name(by[0].GetString()!), by.GetArrayLength() > 1 && by[1].GetString() == "desc")
        : (CaseTypes.Name(by.GetString()!), false);

    private static JoinType TypeOf(JsonElement stage) => Text(stage, "type") switch
    {
        "inner" => JoinType.Inner,
        "leftOuter" => JoinType.LeftOuter,
        "rightOuter" => JoinType.RightOuter,
        "fullOuter" => JoinType.FullOuter,
        "leftSemi" => JoinType.LeftSemi,
        var other => throw new NotSupportedCase($"join type {other}"),
    };

    private static StateTimeout TimeoutOf(JsonElement stage) => Text(stage, "timeout") switch
    {
        "processingTime" => StateTimeout.ProcessingTime,
        "eventTime" => StateTimeout.EventTime,
        _ => StateTimeout.None,
    };

    /// <summary>A comparison sign.</summary>
    public static Comparison ComparisonOf(string sign) => sign switch
    {
        "<" => Comparison.Less,
        "<=" => Comparison.LessOrEqual,
        ">" => Comparison.Greater,
        ">=" => Comparison.GreaterOrEqual,
        "!=" or "<>" => Comparison.NotEqual,
        _ => Comparison.Equal,
    };

    private static TimeSpan Seconds(JsonElement value) => TimeSpan.FromTicks((long)(value.GetDecimal() * TimeSpan.TicksPerSecond));

    private static TimeSpan Seconds(JsonElement from, string name) => from.TryGetProperty(name, out var value) ? Seconds(value) : TimeSpan.Zero;

    private static string[] Strings(JsonElement list) => [.. list.EnumerateArray().Select(v => v.GetString()!)];

    private static string? Text(JsonElement from, string name) =>
        from.TryGetProperty(name, out var value) && value.ValueKind == JsonValueKind.String ? value.GetString() : null;
}
