using System.Globalization;
using System.Text.Json;
using Tidemark.Domain.Columns;
using Tidemark.Domain.Joins;
using Tidemark.Domain.Queries;
using Tidemark.Domain.Streams;

namespace Tidemark.Conformance;

/// <summary>Runs one case; a step that is not as expected throws <see cref="CaseFailure"/>.</summary>
internal sealed class CaseRun
{
    private readonly CaseQuery query;
    private readonly bool compareState;
    private readonly List<JsonElement> failed = [];
    private StreamExecution execution;
    private long? before;

    private CaseRun(JsonElement test)
    {
        var steps = test.GetProperty("steps").EnumerateArray().ToArray();
        query = new CaseQuery(test.GetProperty("query"), steps.Where(s => s.TryGetProperty("input", out _)).Select(s => s.GetProperty("input")));
        execution = new StreamExecution(query.Definition);
        compareState = !test.TryGetProperty("continuous", out var continuous) || !continuous.TryGetProperty("state", out var state) || state.GetString() == "same";
    }

    public static void Run(JsonElement test)
    {
        switch (test.GetProperty("kind").GetString())
        {
            case "plan":
                foreach (var step in test.GetProperty("steps").EnumerateArray())
                    Plan(step);
                break;
            case "stateWatermark":
                foreach (var step in test.GetProperty("steps").EnumerateArray())
                    Bound(test.GetProperty("query"), step);
                break;
            default:
                var run = new CaseRun(test);
                var number = 0;
                foreach (var step in test.GetProperty("steps").EnumerateArray())
                    run.Step(step, ++number);
                break;
        }
    }

    private static void Plan(JsonElement step)
    {
        var refused = "";
        try
        {
            _ = new StreamExecution(new CaseQuery(step.GetProperty("query"), []).Definition);
        }
        catch (Exception fault) when (fault is StreamException or QueryException)
        {
            refused = fault.Message;
        }
        if (step.TryGetProperty("reject", out _) == (refused.Length == 0))
            throw new CaseFailure(refused.Length == 0 ? $"accepted, but expected to be refused: {step.GetProperty("reason")}" : $"refused: {refused}");
    }

    private static void Bound(JsonElement query, JsonElement step)
    {
        var (find, other) = (query.GetProperty("find").GetString()!, query.GetProperty("watermarkOf").GetString()!);
        var conditions = new List<(Comparison, long)>();
        foreach (var condition in step.GetProperty("conditions").EnumerateArray())
        {
            var (l, r) = (condition.GetProperty("l"), condition.GetProperty("r"));
            if (Side(l) is not { } leftSide || Side(r) is not { } rightSide || leftSide == rightSide)
                continue;
            var comparison = CaseQuery.ComparisonOf(condition.GetProperty("op").GetString()!);
            var plus = (Plus(r) - Plus(l)) * 1000;
            conditions.Add(leftSide == find ? (comparison, plus) : StateBound.Mirror(comparison, plus));
        }
        var bound = StateBound.Of(conditions, query.GetProperty("otherSideWatermarkMs").GetInt64() * 1000);
        var expected = step.GetProperty("expectStateWatermarkMs");
        if ((expected.ValueKind == JsonValueKind.Null ? null : (long?)expected.GetInt64() * 1000) != bound)
            throw new CaseFailure($"conditions {step.GetProperty("conditions")}: expected {expected} ms, got {bound / 1000}");

        string? Side(JsonElement term) => term.TryGetProperty("column", out var column)
            ? column.GetString()!.StartsWith(find, StringComparison.Ordinal) ? find : column.GetString()!.StartsWith(other, StringComparison.Ordinal) ? other : null
            : null;
        static long Plus(JsonElement term) => term.TryGetProperty("plusMs", out var plus) ? plus.GetInt64() : 0;
    }

    private void Step(JsonElement step, int number)
    {
        foreach (var part in step.EnumerateObject())
        {
            try
            {
                Part(part, step);
            }
            catch (CaseFailure fault)
            {
                throw new CaseFailure($"step {number} {part.Name}: {fault.Message}");
            }
        }
    }

    private void Part(JsonProperty part, JsonElement step)
    {
        switch (part.Name)
        {
            case "input":
                if (step.TryGetProperty("failOnce", out var fails) && fails.ValueKind != JsonValueKind.False)
                    failed.Add(step);
                else
                    Input(step);
                break;
            case "tick":
                execution.Add(new Dictionary<string, RowBatch>(), (long)(part.Value.GetDecimal() * 1000));
                break;
            case "endOfInput":
                execution.End();
                break;
            case "expect":
                Expect(part.Value, execution.TakeResults(), step);
                break;
            case "expectTable":
                execution.TakeResults();
                Expect(part.Value, execution.Table(), step);
                break;
            case "watermark":
                Number("watermark", part.Value, execution.Watermark);
                break;
            case "batchWatermark":
                Number("watermark of the batch", part.Value, before);
                break;
            case "inputWatermark":
                foreach (var stage in part.Value.EnumerateObject())
                    Number($"watermark of {stage.Name}", stage.Value, execution.StageWatermark(stage.Name) is var mark and not long.MinValue ? mark : null);
                break;
            case "metrics":
                foreach (var stage in part.Value.EnumerateObject())
                    Metrics(stage);
                break;
            case "joinState":
                foreach (var stage in part.Value.EnumerateObject())
                    JoinState(stage.Name, stage.Value);
                break;
            case "restart":
                execution = StreamExecution.Load(query.Definition, execution.Save());
                foreach (var again in failed)
                    Input(again);
                failed.Clear();
                break;
        }
    }

    private void Input(JsonElement step)
    {
        before = execution.Watermark;
        var inputs = new Dictionary<string, RowBatch>();
        foreach (var input in step.GetProperty("input").EnumerateObject())
            inputs[input.Name] = CaseTypes.Rows(query.Definition.Inputs.First(i => i.Name == input.Name).Schema, input.Value.EnumerateArray());
        var now = step.TryGetProperty("at", out var at) ? (long)(at.GetDecimal() * 1000) : 0;
        execution.Add(inputs, now, query.FollowUp);
    }

    private void Expect(JsonElement expected, RowBatch rows, JsonElement step)
    {
        var actual = Enumerable.Range(0, rows.Count).Select(row => query.Output.Select(c => CaseTypes.Cell(rows, row, c)).ToArray()).ToList();
        var wanted = expected.EnumerateArray().ToList();
        var ordered = step.TryGetProperty("ordered", out var order) && order.GetBoolean();
        var same = ordered
            ? wanted.Count == actual.Count && wanted.Zip(actual).All(p => SameRow(p.First, p.Second))
            : SameRows(wanted, actual) || query.Definition.Mode == StreamMode.Update && SameRows(Last(wanted, Key), Last(actual, Key));
        if (!same)
            throw new CaseFailure($"expected {expected}, got [{string.Join(",", actual.Select(r => $"[{string.Join(",", r.Select(Show))}]"))}]");
    }

    private static bool SameRows(List<JsonElement> wanted, List<object?[]> actual)
    {
        var left = actual.ToList();
        return wanted.Count == actual.Count && wanted.All(w => left.FindIndex(a => SameRow(w, a)) is var at and >= 0 && Removed(left, at));
    }

    private static bool Removed(List<object?[]> rows, int at)
    {
        rows.RemoveAt(at);
        return true;
    }

    private static bool SameRow(JsonElement wanted, object?[] actual) =>
        wanted.GetArrayLength() == actual.Length && wanted.EnumerateArray().Zip(actual).All(p => CaseTypes.Same(p.First, p.Second));

    /// <summary>The last row of each key: what is left of several updates.</summary>
    private static List<T> Last<T>(List<T> rows, Func<T, string> key) => [.. rows.GroupBy(key).Select(g => g.Last())];

    private string Key(JsonElement row) => string.Join("|", Keys().Select(i => row[i].ToString()));

    private string Key(object?[] row) => string.Join("|", Keys().Select(i => Show(row[i]).Trim('"')));

    private IEnumerable<int> Keys() => query.KeyColumns.Select(c => query.Output.ToList().IndexOf(c));

    private static string Show(object? cell) => cell switch
    {
        null => "null",
        string text => $"\"{text}\"",
        decimal number => number.ToString("0.#########", CultureInfo.InvariantCulture),
        var other => other.ToString()!.ToLowerInvariant(),
    };

    private void Metrics(JsonProperty stage)
    {
        var counts = execution.TakeCounts(stage.Name);
        if (!compareState)
            return;
        foreach (var metric in stage.Value.EnumerateObject())
        {
            long? actual = metric.Name switch
            {
                "stateRows" => execution.StateRows(stage.Name),
                "droppedLate" => counts.DroppedLate,
                "droppedLateRows" => counts.DroppedLateRows,
                "droppedDuplicates" => counts.DroppedDuplicates,
                "removed" => counts.Removed,
                _ => null,
            };
            if (actual is { } value && !IsSparkOnly(stage.Value, metric.Name) && value != metric.Value.GetInt64())
                throw new CaseFailure($"{stage.Name}.{metric.Name}: expected {metric.Value}, got {value}");
        }
    }

    private static bool IsSparkOnly(JsonElement stage, string metric) =>
        stage.TryGetProperty("sparkOnly", out var only) && (only.ValueKind == JsonValueKind.Array ? only.EnumerateArray().Any(o => o.GetString() == metric) : only.ToString().Contains(metric));

    private void JoinState(string stage, JsonElement expected)
    {
        if (expected.ValueKind != JsonValueKind.Object || !compareState)
            return;
        var (left, right) = execution.HeldBy(stage);
        foreach (var side in expected.EnumerateObject())
            if (side.Value.ValueKind == JsonValueKind.Number && side.Value.GetInt64() != (side.Name == "left" ? left : right))
                throw new CaseFailure($"{stage}: expected {expected}, holds {left} left and {right} right rows");
    }

    private static void Number(string what, JsonElement expected, long? micros)
    {
        if (expected.GetDecimal() != (micros ?? 0) / 1_000_000m)
            throw new CaseFailure($"{what}: expected {expected}, got {(micros ?? 0) / 1_000_000m}");
    }
}

/// <summary>What was not as a case expects.</summary>
internal sealed class CaseFailure(string what) : Exception(what);
