using System.Text.Json;
using Tidemark.Domain.Columns;
using Tidemark.Domain.KeyedState;
using Tidemark.Domain.Streams;

namespace Tidemark.Conformance;

/// <summary>The query of a case as a stream definition.</summary>
internal sealed class CaseQuery
{
    private readonly CaseColumns columns;
    private long arrived;

    public CaseQuery(JsonElement query, IReadOnlyList<JsonElement> inputSteps)
    {
        CaseFields.CheckQuery(query);
        columns = new CaseColumns(query, inputSteps);
        var mode = CaseFields.Text(query, "mode");
        var isBounded = mode == "batch" || CaseFields.IsTrue(query, "batch");
        Definition = new StreamDefinition([.. query.GetProperty("inputs").EnumerateObject().Select(Input)], [], mode switch
        {
            "append" or "batch" => StreamMode.Append,
            "update" => StreamMode.Update,
            "complete" => StreamMode.Complete,
            _ => throw new NotSupportedCase($"mode {mode}"),
        })
        {
            Tables = query.TryGetProperty("static", out var tables) ? tables.EnumerateObject().ToDictionary(t => t.Name, t => Table(t.Name, t.Value)) : [],
            Policy = CaseFields.Text(query, "watermarkPolicy") switch
            {
                null or "min" => WatermarkPolicy.Min,
                "max" => WatermarkPolicy.Max,
                var other => throw new NotSupportedCase($"watermark policy {other}"),
            },
            Bounded = isBounded,
        };
        if (!isBounded && Definition.Inputs.Any(i => i.Delay is not null))
            Definition = Definition with { Start = 0 };
        foreach (var stage in query.GetProperty("stages").EnumerateArray())
            foreach (var built in new CaseStages(Definition, columns).Build(stage))
                Definition = Definition with { Stages = [.. Definition.Stages, built] };
        if (query.TryGetProperty("initialState", out var initial))
            foreach (var state in initial.EnumerateObject())
                Definition = Definition with { Stages = [.. Definition.Stages.Select(s => s.Id == state.Name ? Seeded(s, state.Value) : s)] };
        Output = CaseFields.Strings(query, "output");
        MovesWithBatch = !query.TryGetProperty("noDataBatches", out var follow) || follow.GetBoolean();
    }

    public StreamDefinition Definition { get; }

    public IReadOnlyList<string> Output { get; }

    /// <summary>Whether a column holds texts and numbers.</summary>
    public bool IsMixed => columns.IsMixed;

    /// <summary>Whether the watermark moves with the batch that made it.</summary>
    public bool MovesWithBatch { get; }

    /// <summary>Output columns that identify a row in update mode.</summary>
    public IEnumerable<int> KeyColumns =>
        Definition.Stages.SelectMany(s => s switch { WindowStage w => w.Keys, GroupStage g => g.Keys, KeyedStateStage => ["key"], _ => [] })
            .Concat(["windowStart", "windowEnd"]).Select(c => Output.ToList().IndexOf(c)).Where(i => i >= 0).Distinct();

    /// <summary>Rows of an input.</summary>
    public RowBatch Rows(string input, JsonElement rows) => columns.Rows(
        Definition.Inputs.FirstOrDefault(i => i.Name == input)?.Schema ?? throw new NotSupportedCase($"input {input}, which the query does not have"), input, rows.EnumerateArray(), ref arrived);

    private StreamInput Input(JsonProperty input)
    {
        var (time, delay, schema) = (CaseFields.Text(input.Value, "eventTime"), CaseFields.Seconds(input.Value, "watermark"), columns.Schema(input.Name));
        // Spark's first and last go by arrival, those here by event time: rows that have none get the order of their arrival.
        return time is null && columns.HasOrder
            ? new StreamInput(input.Name, new RowSchema([.. schema.Fields, new(CaseColumns.Arrival, FieldType.Timestamp)]), CaseColumns.Arrival, delay)
            : new StreamInput(input.Name, schema, time, delay);
    }

    private RowBatch Table(string name, JsonElement table) => columns.Rows(columns.Schema(name), name, table.GetProperty("rows").EnumerateArray(), ref arrived);

    /// <summary>A stage with the states known before the start: rows of the key's columns and what the function makes a state of.</summary>
    private Stage Seeded(Stage stage, JsonElement rows)
    {
        if (stage is not KeyedStateStage state)
            throw new NotSupportedCase($"first states of stage {stage.Id}, which keeps none by key");
        var source = CaseStages.SchemaOf(Definition, state.Source);
        var keys = new RowSchema([.. state.Keys.Select(k => source.Fields[source.IndexOf(k)])]);
        return state with { Initial = [.. rows.EnumerateArray().Select(row => (KeyOf(keys, row), ((ICaseFunction)state.Function).FirstState([.. row.EnumerateArray().Skip(keys.Fields.Count)])))] };
    }

    private static RowBatch KeyOf(RowSchema keys, JsonElement row)
    {
        var builders = keys.Fields.Select(f => ColumnBuilder.For(f)).ToArray();
        for (var i = 0; i < builders.Length; i++)
            CaseTypes.Append(builders[i], keys.Fields[i], row[i]);
        return new RowBatch(keys, [.. builders.Select(b => b.Build())], 1);
    }
}
