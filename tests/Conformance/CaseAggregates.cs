using System.Text.Json;
using Tidemark.Domain.Queries;

namespace Tidemark.Conformance;

/// <summary>The aggregates of a stage.</summary>
internal static class CaseAggregates
{
    private static readonly Dictionary<string, AggregateFunction> Functions = new()
    {
        ["count"] = AggregateFunction.Count,
        ["sum"] = AggregateFunction.Sum,
        ["avg"] = AggregateFunction.Average,
        ["mean"] = AggregateFunction.Average,
        ["min"] = AggregateFunction.Min,
        ["max"] = AggregateFunction.Max,
        ["countDistinct"] = AggregateFunction.CountDistinct,
        ["approxCountDistinct"] = AggregateFunction.CountDistinct,
        ["sumDistinct"] = AggregateFunction.SumDistinct,
        ["collectList"] = AggregateFunction.CollectList,
        ["collectSet"] = AggregateFunction.CollectSet,
        ["first"] = AggregateFunction.First,
        ["last"] = AggregateFunction.Last,
        ["median"] = AggregateFunction.Quantile,
        ["stddevSamp"] = AggregateFunction.DeviationSample,
        ["stddevPop"] = AggregateFunction.DeviationPopulation,
        ["varSamp"] = AggregateFunction.VarianceSample,
        ["varPop"] = AggregateFunction.VariancePopulation,
    };

    public static AggregateDefinition[] Of(JsonElement stage, CaseColumns columns, Func<string, string> name) =>
        !stage.TryGetProperty("aggs", out var list) ? [] :
        [.. list.EnumerateArray().Select(a =>
        {
            var (fn, column) = (CaseFields.Text(a, "fn") ?? "", CaseFields.Text(a, "column"));
            if (!Functions.TryGetValue(fn, out var function))
                throw new NotSupportedCase($"aggregate {fn}");
            return new AggregateDefinition(CaseFields.Text(a, "as")!, function, column is null ? null : columns.AggregateColumn(fn, name(column)));
        })];
}
