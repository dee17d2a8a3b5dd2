using System.Globalization;
using System.Text.Json;
using Tidemark.Domain.Columns;
using Tidemark.Domain.Streams;

namespace Tidemark.Conformance;

/// <summary>Compares result rows with those of a case.</summary>
internal sealed class CaseRows(CaseQuery query)
{
    public void Expect(JsonElement expected, RowBatch rows, bool ordered)
    {
        var actual = Enumerable.Range(0, rows.Count).Select(row => query.Output.Select(c => CaseTypes.Cell(rows, row, c)).ToArray()).ToList();
        var wanted = expected.EnumerateArray().ToList();
        var same = ordered
            ? wanted.Count == actual.Count && wanted.Zip(actual).All(p => SameRow(p.First, p.Second, query.IsMixed))
            : SameRows(wanted, actual, query.IsMixed) || query.Definition is { Mode: StreamMode.Update, Bounded: false } && SameRows(Last(wanted, Key), Last(actual, Key), query.IsMixed);
        if (!same)
            throw new CaseFailure($"expected {expected}, got [{string.Join(",", actual.Select(r => $"[{string.Join(",", r.Select(Show))}]"))}]");
    }

    /// <summary>Whether two lists have the same rows, in any order.</summary>
    public static bool SameRows(List<JsonElement> wanted, List<object?[]> actual, bool isMixed)
    {
        var left = actual.ToList();
        return wanted.Count == actual.Count && wanted.All(w => left.FindIndex(a => SameRow(w, a, isMixed)) is var at and >= 0 && Removed(left, at));
    }

    private static bool Removed(List<object?[]> rows, int at)
    {
        rows.RemoveAt(at);
        return true;
    }

    private static bool SameRow(JsonElement wanted, object?[] actual, bool isMixed) =>
        wanted.GetArrayLength() == actual.Length && wanted.EnumerateArray().Zip(actual).All(p => CaseTypes.Same(p.First, p.Second, isMixed));

    /// <summary>The last row of each key: what is left of several updates.</summary>
    private static List<T> Last<T>(List<T> rows, Func<T, string> key) => [.. rows.GroupBy(key).Select(g => g.Last())];

    private string Key(JsonElement row) => string.Join("|", query.KeyColumns.Select(i => row[i].ValueKind == JsonValueKind.Number ? Show(row[i].GetDecimal()) : row[i].GetRawText()));

    private string Key(object?[] row) => string.Join("|", query.KeyColumns.Select(i => Show(row[i])));

    private static string Show(object? cell) => cell switch
    {
        null => "null",
        string text => JsonSerializer.Serialize(text),
        decimal number => number.ToString("0.#########", CultureInfo.InvariantCulture),
        var other => other.ToString()!.ToLowerInvariant(),
    };
}
