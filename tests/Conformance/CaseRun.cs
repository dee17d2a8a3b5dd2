using System.Text.Json;
using Tidemark.Domain.Columns;
using Tidemark.Domain.Streams;

namespace Tidemark.Conformance;

/// <summary>What was not as a case expects.</summary>
internal sealed class CaseFailure(string what) : Exception(what);

/// <summary>Runs one case; a step that is not as expected throws <see cref="CaseFailure"/>, one that is not understood <see cref="NotSupportedCase"/>.</summary>
internal sealed class CaseRun
{
    private static readonly string[] Ignored = ["at", "failOnce", "ordered", "origin", "sparkOnly", "notes", "note", "comment", "reason"];
    private static readonly string[] RestartWith = ["parallelism", "partitions", "replayLastBatch", "watermarkPolicy"];
    private readonly CaseQuery query;
    private readonly CaseState state;
    private readonly List<JsonElement> failed = [];
    private StreamExecution execution;
    private long? before;

    private CaseRun(JsonElement test)
    {
        var steps = test.GetProperty("steps").EnumerateArray().ToArray();
        query = new CaseQuery(test.GetProperty("query"), [.. steps.Where(s => s.TryGetProperty("input", out _)).Select(s => s.GetProperty("input"))]);
        execution = new StreamExecution(query.Definition);
        state = new CaseState(query, !test.TryGetProperty("continuous", out var continuous) || CaseFields.Text(continuous, "state") is null or "same");
    }

    public static void Run(JsonElement test)
    {
        CaseFields.Check(test);
        var run = CaseFields.Text(test, "kind") is "plan" or "stateWatermark" ? null : new CaseRun(test);
        var number = 0;
        foreach (var step in test.GetProperty("steps").EnumerateArray())
        {
            number++;
            try
            {
                if (run is null && CaseFields.Text(test, "kind") == "plan")
                    CasePlan.Allowed(step);
                else if (run is null)
                    CasePlan.StateBounds(test.GetProperty("query"), step);
                else
                    run.Step(step);
            }
            catch (CaseFailure fault)
            {
                throw new CaseFailure($"step {number} {step.EnumerateObject().First().Name}: {fault.Message}");
            }
        }
    }

    private void Step(JsonElement step)
    {
        foreach (var part in step.EnumerateObject().Where(p => !Ignored.Contains(p.Name)))
            Part(part, step);
    }

    private void Part(JsonProperty part, JsonElement step)
    {
        switch (part.Name)
        {
            case "input":
                if (CaseFields.IsTrue(step, "failOnce"))
                    failed.Add(step);
                else
                    Input(step);
                break;
            case "tick":
                execution.Add(new Dictionary<string, RowBatch>(), CaseTypes.Unscaled(part.Value.GetDecimal(), 3), query.MovesWithBatch);
                break;
            case "endOfInput":
                execution.End();
                break;
            case "expect" when query.Definition is { Mode: StreamMode.Complete, Bounded: false }:   // what a batch gives there is the table
            case "expectTable":
                execution.TakeResults();
                new CaseRows(query).Expect(part.Value, execution.Table(), CaseFields.IsTrue(step, "ordered"));
                break;
            case "expect":
                new CaseRows(query).Expect(part.Value, execution.TakeResults(), CaseFields.IsTrue(step, "ordered"));
                break;
            case "watermark":
                CaseState.Time("watermark", part.Value, execution.Watermark);
                break;
            case "batchWatermark":
                CaseState.Time("watermark of the batch", part.Value, before);
                break;
            case "inputWatermark":
                foreach (var stage in part.Value.EnumerateObject())
                    CaseState.Time($"watermark of {stage.Name}", stage.Value, execution.StageWatermark(stage.Name) is var mark and not long.MinValue ? mark : null);
                break;
            case "metrics":
                foreach (var stage in part.Value.EnumerateObject())
                    state.Metrics(execution, stage, step);
                break;
            case "joinState":
                state.Held(execution, part.Value);
                break;
            case "restart":
                Restart(part.Value);
                break;
            default:
                throw new NotSupportedCase($"step {part.Name}");
        }
    }

    private void Input(JsonElement step)
    {
        before = execution.Watermark;
        var inputs = step.GetProperty("input").EnumerateObject().ToDictionary(i => i.Name, i => query.Rows(i.Name, i.Value));
        execution.Add(inputs, step.TryGetProperty("at", out var at) ? CaseTypes.Unscaled(at.GetDecimal(), 3) : 0, query.MovesWithBatch);
    }

    /// <summary>Starts again from what was saved; a batch that had failed half-way comes first. What a restart is asked to change is what the stored state overrules.</summary>
    private void Restart(JsonElement how)
    {
        if (how.ValueKind == JsonValueKind.Object)
            CaseFields.Only(how, "a restart", RestartWith);
        execution = StreamExecution.Load(query.Definition, execution.Save());
        foreach (var again in failed)
            Input(again);
        failed.Clear();
    }
}
