using System.Text.Json;
using Tidemark.Domain.Streams;

namespace Tidemark.Conformance;

/// <summary>Compares what stages hold, dropped and forgot with what a case expects.</summary>
/// <param name="query">The query of the case.</param>
/// <param name="compare">False when the case says that an engine without batches may differ here.</param>
internal sealed class CaseState(CaseQuery query, bool compare)
{
    public void Metrics(StreamExecution execution, JsonProperty stage, JsonElement step)
    {
        if (query.Definition.Stages.All(s => s.Id != stage.Name))
            throw new NotSupportedCase($"metrics of {stage.Name}, which is no stage");
        var counts = execution.TakeCounts(stage.Name);
        foreach (var metric in stage.Value.EnumerateObject())
        {
            long? actual = metric.Name switch
            {
                "stateRows" => execution.StateRows(stage.Name),
                "droppedLate" => counts.DroppedLate,
                "droppedLateRows" => counts.DroppedLateRows,
                "droppedDuplicates" => counts.DroppedDuplicates,
                "removed" => counts.Removed,
                "updated" or "sparkOnly" => null,   // rows written depend on how rows are cut into batches
                _ => throw new NotSupportedCase($"metric {metric.Name}"),
            };
            if (compare && actual is { } value && !IsSparkOnly(stage.Value, metric.Name) && !IsSparkOnly(step, metric.Name) && value != metric.Value.GetInt64())
                throw new CaseFailure($"{stage.Name}.{metric.Name}: expected {metric.Value}, got {value}");
        }
    }

    /// <summary>Rows held on each side of a join, by stage or of the only join: numbers, or the rows.</summary>
    public void Held(StreamExecution execution, JsonElement expected)
    {
        var joins = query.Definition.Stages.OfType<JoinStage>().Select(j => j.Id).ToArray();
        if (expected.ValueKind != JsonValueKind.Object)
            throw new NotSupportedCase($"joinState {expected}");
        foreach (var part in expected.EnumerateObject())
            if (joins.Contains(part.Name))
                foreach (var side in part.Value.EnumerateObject())
                    Side(execution, part.Name, side);
            else if (joins.Length == 1)
                Side(execution, joins[0], part);
            else
                throw new NotSupportedCase($"joinState {expected}");
    }

    private void Side(StreamExecution execution, string join, JsonProperty side)
    {
        var port = side.Name switch { "left" => 0, "right" => 1, _ => throw new NotSupportedCase($"side {side.Name} of a join") };
        var held = execution.RowsHeld(join, port);
        switch (side.Value.ValueKind)
        {
            case JsonValueKind.Number:
                if (compare && held.Count != side.Value.GetInt64())
                    throw new CaseFailure($"{join}: expected {side.Value} {side.Name} rows, holds {held.Count}");
                break;
            case JsonValueKind.Array:
                var wanted = side.Value.EnumerateArray().ToList();
                var rows = Enumerable.Range(0, held.Count).Select(row => held.Schema.Fields.Take(wanted.Count == 0 ? 0 : wanted[0].GetArrayLength()).Select(f => CaseTypes.Cell(held, row, f.Name)).ToArray()).ToList();
                if (compare && !CaseRows.SameRows(wanted, rows, query.IsMixed))
                    throw new CaseFailure($"{join}: expected {side.Name} rows {side.Value}, holds {held.Count} others");
                break;
            default:
                throw new NotSupportedCase($"joinState {side.Value}");
        }
    }

    /// <summary>Compares a time; one that is not there yet counts as 0, Spark's start.</summary>
    public static void Time(string what, JsonElement expected, long? micros)
    {
        if ((expected.ValueKind == JsonValueKind.Null ? 0 : expected.GetDecimal()) != (micros ?? 0) / 1_000_000m)
            throw new CaseFailure($"{what}: expected {expected}, got {(micros ?? 0) / 1_000_000m}");
    }

    /// <summary>Whether a figure is marked as one that only Spark has: by its name, in a list or by stage, or all of the step.</summary>
    private static bool IsSparkOnly(JsonElement at, string metric) => at.TryGetProperty("sparkOnly", out var only)
        && (only.ValueKind == JsonValueKind.True || only.GetRawText().Contains(metric, StringComparison.Ordinal));
}
