using System.Text.Json;
using Tidemark.Domain.Columns;
using Tidemark.Domain.Queries;

namespace Tidemark.Conformance;

/// <summary>Conditions on one side of a join: a list means all of them, <c>anyOf</c> one of them.</summary>
internal static class CaseFilters
{
    public static Filter Of(JsonElement stage, string name, CaseColumns columns, RowSchema source) =>
        stage.TryGetProperty(name, out var filter) ? Of(filter, columns, source) : Filter.All;

    /// <summary>A comparison sign.</summary>
    public static Comparison Comparison(string sign) => sign switch
    {
        "<" => Domain.Queries.Comparison.Less,
        "<=" => Domain.Queries.Comparison.LessOrEqual,
        ">" => Domain.Queries.Comparison.Greater,
        ">=" => Domain.Queries.Comparison.GreaterOrEqual,
        "=" or "==" => Domain.Queries.Comparison.Equal,
        "!=" or "<>" => Domain.Queries.Comparison.NotEqual,
        _ => throw new NotSupportedCase($"comparison {sign}"),
    };

    private static Filter Of(JsonElement filter, CaseColumns columns, RowSchema source)
    {
        if (filter.ValueKind == JsonValueKind.Array)
            return new AllOf([.. filter.EnumerateArray().Select(f => Of(f, columns, source))]);
        if (filter.TryGetProperty("anyOf", out var any))
        {
            CaseFields.Only(filter, "a filter", "anyOf");
            return new AnyOf([.. any.EnumerateArray().Select(f => Of(f, columns, source))]);
        }
        if (filter.TryGetProperty("allOf", out var all))
        {
            CaseFields.Only(filter, "a filter", "allOf");
            return new AllOf([.. all.EnumerateArray().Select(f => Of(f, columns, source))]);
        }
        CaseFields.Only(filter, "a filter", "column", "op", "value");
        var field = CaseTypes.NameIn(source, CaseFields.Text(filter, "column")!);
        var op = CaseFields.Text(filter, "op")!;
        if (op is "isNull" or "isNotNull")
            return op == "isNull" ? new IsMissing(field) : !new IsMissing(field);
        var value = filter.GetProperty("value");
        if (value.ValueKind == JsonValueKind.String)
            return Comparison(op) switch
            {
                Domain.Queries.Comparison.Equal => new TextIn(field, [value.GetString()!]),
                Domain.Queries.Comparison.NotEqual => !new TextIn(field, [value.GetString()!]),
                _ => throw new NotSupportedCase($"filter {filter}"),
            };
        if (value.ValueKind != JsonValueKind.Number)
            throw new NotSupportedCase($"filter {filter}");
        return new NumberIs(field, Comparison(op), columns.IsTime(field) ? value.GetDecimal() * 1_000_000 : value.GetDecimal());
    }
}
