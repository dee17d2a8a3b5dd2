using Tidemark.Domain.Events;
using Tidemark.Domain.Pipelines;
using Tidemark.Domain.Queries;

namespace Tidemark.Bench.Engine;

/// <summary>Every aggregate alone, in one-minute windows by user.</summary>
internal static class AggregateCases
{
    public static IReadOnlyList<(string Name, QueryDefinition Query)> All { get; } =
    [
        Of("count", q => q.Count("a")),
        Of("sum", q => q.Sum("a", "price")),
        Of("average", q => q.Average("a", "price")),
        Of("min", q => q.Min("a", "price")),
        Of("variance", q => q.Variance("a", "price")),
        Of("exact distinct", q => q.CountDistinct("a", "product_id")),
        Of("approximate distinct", q => q.ApproximateDistinct("a", "product_id")),
        Of("sum distinct", q => q.SumDistinct("a", "price")),
        Of("most frequent 3", q => q.MostFrequent("a", "product_id", 3)),
        Of("mode", q => q.Mode("a", "product_id")),
        Of("first by time", q => q.First("a", "product_id")),
        Of("collect list of 5", q => q.CollectList("a", "product_id", 5)),
        Of("collect set of 5", q => q.CollectSet("a", "product_id", 5)),
        Of("greatest 5", q => q.Greatest("a", "price", 5)),
        Of("median", q => q.Quantile("a", "price", 0.5)),
    ];

    /// <summary>Bytes of saved state for each window and user, once all batches are merged.</summary>
    public static double StateBytes(EventPipeline pipeline, IEnumerable<IDecodedRecords> batches)
    {
        var states = new Dictionary<EntityKey, IFoldState>();
        foreach (var batch in batches)
            foreach (var (key, partial) in pipeline.Build(batch, long.MinValue).Partials)
                (states.TryGetValue(key, out var state) ? state : states[key] = pipeline.Load(key, [])).Merge(partial.Span);
        return states.Values.Sum(s => (long)s.Save().Length) / (double)pipeline.Emit(pipeline.Queries[0].Name, states, null, long.MaxValue).Count;
    }

    private static (string, QueryDefinition) Of(string name, Func<Query, Query> aggregate) =>
        (name, aggregate(Query.Named("a").Tumbling(TimeSpan.FromMinutes(1)).Watermark(TimeSpan.FromMinutes(1)).By("user_id")).Update());
}
