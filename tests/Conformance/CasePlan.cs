using System.Text.Json;
using Tidemark.Domain.Joins;
using Tidemark.Domain.Queries;
using Tidemark.Domain.Streams;

namespace Tidemark.Conformance;

/// <summary>Cases that run no stream: which queries are allowed, and how long a join has to keep rows.</summary>
internal static class CasePlan
{
    public static void Allowed(JsonElement step)
    {
        CaseFields.Only(step, "a step", "query", "accept", "reject");
        if (CaseFields.IsTrue(step, "accept") == CaseFields.IsTrue(step, "reject"))
            throw new NotSupportedCase($"step {step}, which neither accepts nor rejects");
        var refused = "";
        try
        {
            _ = new StreamExecution(new CaseQuery(step.GetProperty("query"), []).Definition);
        }
        catch (Exception fault) when (fault is StreamException or QueryException)
        {
            refused = fault.Message;
        }
        if (CaseFields.IsTrue(step, "reject") == (refused.Length == 0))
            throw new CaseFailure(refused.Length == 0 ? $"accepted, but expected to be refused: {CaseFields.Text(step, "reason")}" : $"refused: {refused}");
    }

    /// <summary>Bounds of the state of a join, in milliseconds.</summary>
    public static void StateBounds(JsonElement query, JsonElement step)
    {
        var watermark = query.EnumerateObject().Where(p => p.Name.EndsWith("WatermarkMs", StringComparison.Ordinal) || p.Name == "watermarkMs")
            .Select(p => (long?)p.Value.GetInt64()).FirstOrDefault() ?? (step.TryGetProperty("watermarkMs", out var own) ? own.GetInt64() : 0);
        var conditions = step.TryGetProperty("conditions", out var list) ? [.. list.EnumerateArray().Select(Condition)]
            : step.TryGetProperty("timeBounds", out var bounds) ? bounds.EnumerateArray().Select(b => Bound(b, bounds)).ToArray()
            : throw new NotSupportedCase($"step {step}");
        var checkedAny = false;
        foreach (var part in step.EnumerateObject())
        {
            if (part.Name is "conditions" or "timeBounds" or "watermarkMs")
                continue;
            var isExpected = part.Name.StartsWith("expect", StringComparison.Ordinal) && part.Name.EndsWith("Ms", StringComparison.Ordinal);
            if (!isExpected)
            {
                CaseFields.Only(step, "a step", "conditions", "timeBounds", "watermarkMs");
                continue;
            }
            var find = CaseFields.Text(query, "find") ?? "left";
            var actual = part.Name switch
            {
                _ when part.Name.Contains("Output", StringComparison.Ordinal) => Output(conditions, watermark),
                _ when part.Name.Contains("Left", StringComparison.Ordinal) => Of(conditions, "left", watermark),
                _ when part.Name.Contains("Right", StringComparison.Ordinal) => Of(conditions, "right", watermark),
                "expectStateWatermarkMs" or "expectMs" => Of(conditions, find, watermark),
                _ => throw new NotSupportedCase($"expectation {part.Name}"),
            };
            if ((part.Value.ValueKind == JsonValueKind.Null ? null : part.Value.GetDecimal() * 1000) != actual)
                throw new CaseFailure($"{part.Name} of {list}: expected {part.Value} ms, got {(actual is null ? "none" : actual / 1000)}");
            checkedAny = true;
        }
        if (!checkedAny)
            throw new NotSupportedCase($"step {step}, which expects nothing");
    }

    /// <summary>One condition: the side of its left term, its right one, and the difference; a side is null for a constant, "" for a column that is no event time.</summary>
    private sealed record Term(string? Left, Comparison Comparison, string? Right, long Plus);

    private static Term Condition(JsonElement condition)
    {
        CaseFields.Only(condition, "a condition", "l", "op", "r");
        var (l, r) = (condition.GetProperty("l"), condition.GetProperty("r"));
        var isFixed = Micros(l) is not null && Micros(r) is not null;
        return new Term(isFixed ? Side(l) : "", CaseFilters.Comparison(CaseFields.Text(condition, "op")!), isFixed ? Side(r) : "", (Micros(r) ?? 0) - (Micros(l) ?? 0));
    }

    private static Term Bound(JsonElement bound, JsonElement all)
    {
        CaseFields.Only(bound, "a time bound", "left", "op", "right", "plus", "plusMs");
        // Seconds, as in a join, unless the name or the size says milliseconds, the unit of this kind of case.
        var inSeconds = !all.EnumerateArray().Any(b => b.TryGetProperty("plusMs", out _) || b.TryGetProperty("plus", out var p) && Math.Abs(p.GetDecimal()) >= 1000);
        var plus = bound.TryGetProperty("plusMs", out var ms) ? ms.GetDecimal() : bound.TryGetProperty("plus", out var some) ? some.GetDecimal() : 0;
        return new Term(SideOf(CaseFields.Text(bound, "left")!, anyTime: true), CaseFilters.Comparison(CaseFields.Text(bound, "op")!), SideOf(CaseFields.Text(bound, "right")!, anyTime: true),
            CaseTypes.Unscaled(plus, inSeconds ? 6 : 3));
    }

    private static string? Side(JsonElement term) => CaseFields.Text(term, "column") is { } column ? SideOf(column, anyTime: false) : null;

    private static string SideOf(string column, bool anyTime) =>
        !anyTime && !column.EndsWith("Time", StringComparison.OrdinalIgnoreCase) ? ""
        : column.StartsWith('l') ? "left" : column.StartsWith('r') ? "right" : "";

    /// <summary>What a term adds, µs; null when that is no fixed span, as months are none, or when the term is compared as text.</summary>
    private static long? Micros(JsonElement term)
    {
        long sum = 0;
        foreach (var part in term.EnumerateObject())
            if (part.Name.EndsWith("Ms", StringComparison.Ordinal) && part.Value.ValueKind == JsonValueKind.Number)
                sum += CaseTypes.Unscaled(part.Value.GetDecimal(), 3);
            else if (part.Name.Contains("onth", StringComparison.Ordinal) || part.Name is "cast" or "as" && part.Value.GetString() is "string" or "text")
                return null;
            else if (part.Name is not ("column" or "cast" or "as"))
                throw new NotSupportedCase($"term {term}");
        return sum;
    }

    private static long? Of(IEnumerable<Term> conditions, string find, long watermarkMs)
    {
        long? least = null;
        foreach (var term in conditions)
        {
            var (comparison, plus, other) = term.Left == find ? (term.Comparison, term.Plus, term.Right)
                : term.Right == find ? (StateBound.Mirror(term.Comparison, term.Plus).Comparison, -term.Plus, term.Left)
                : (term.Comparison, 0, "");
            if (other == "" || other == find)
                continue;
            // A constant bounds like a watermark that stands at 0.
            if (StateBound.Of([(comparison, plus)], other is null ? 0 : watermarkMs * 1000) is { } bound)
                least = Math.Min(least ?? long.MaxValue, bound);
        }
        return least;
    }

    private static long Output(Term[] conditions, long watermarkMs) =>
        new[] { watermarkMs * 1000, Of(conditions, "left", watermarkMs), Of(conditions, "right", watermarkMs) }.OfType<long>().Min();
}
