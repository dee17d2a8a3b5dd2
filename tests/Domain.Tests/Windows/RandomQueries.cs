using Tidemark.Domain.Queries;

namespace Tidemark.Domain.Tests.Windows;

/// <summary>Random window queries over events, from a seed.</summary>
internal sealed class RandomQueries(Random random)
{
    private static readonly string[] TextFields = ["category", "country", "event_type", "user_id", "session_id"];
    private static readonly string[] NumberFields = ["price", "quantity", "revenue"];

    public QueryDefinition Next(string name)
    {
        var slide = Pick([500L, 1000, 1500, 7000, 30_000, 60_000, 90_000]);
        var size = random.Next(3) switch { 0 => slide, 1 => slide * random.Next(1, 6), _ => slide + random.Next(1, 40) * 500L };
        string[] keys = [.. new[] { "category", "country", "user_id", "quantity", "event_date" }.Where(_ => random.Next(4) == 0)];
        var query = Query.Named(name)
            .Where(Filter(2))
            .Sliding(Ms(size), Ms(slide), Ms(random.Next(2) == 0 ? 0 : random.NextInt64(1 - slide, slide)))
            .Watermark(Ms(Pick([0, 1, 1000, 45_000])))
            .By(keys);
        query.Count("rows");
        var count = random.Next(1, 7);
        for (var i = 0; i < count; i++)
        {
            Aggregate(query, $"a{i}", i == 0 ? 3 : 17);
            if (random.Next(5) == 0 && Start(size) is { } from)
                query.InPart(Ms(from), Ms(Math.Min(size, from + 500 * random.Next(1, 20))));
        }
        query.Ratio("ratio", "a0", "rows", 100).Ratio("inverse", "rows", "a0");
        if (random.Next(3) == 0)
            query.Having(Number(Field.Named(Pick(["rows", "ratio", "inverse"])), Pick([1m, 2m, 0.5m, 100m])) | (random.Next(2) == 0 ? Field.Named("inverse").IsNull() : Domain.Queries.Filter.All & Field.Named("rows").Is(2m)));
        if (random.Next(4) == 0 && keys.Length > 0)
            query.Top(random.Next(1, 6), Pick(["rows", "a0", "ratio", "inverse", keys[0]]), random.Next(2) == 0);
        return random.Next(3) switch { 0 => query.Append(), 1 => query.Update(), _ => query.Complete(Ms(random.Next(0, 60_000))) };
    }

    /// <summary>Where a part of a window may begin; null where the window is shorter than any.</summary>
    private long? Start(long size) => size < 1000 ? null : random.NextInt64(size / 500) * 500;

    private void Aggregate(Query query, string name, int kinds)
    {
        var where = random.Next(3) == 0 ? Filter(1) : null;
        var any = Pick([.. TextFields, .. NumberFields, "event_time", "event_date"]);
        switch (random.Next(kinds))
        {
            case 0: query.Count(name, random.Next(2) == 0 ? null : Pick([.. TextFields, .. NumberFields]), where); break;
            case 1: OrElse(query.Sum(name, Pick(NumberFields), where)); break;
            case 2: OrElse(query.Average(name, Pick(NumberFields), where)); break;
            case 3: query.Min(name, any, where); break;
            case 4: query.Max(name, Pick([any, "kafka_partition"]), where); break;
            case 5: query.Variance(name, Pick(NumberFields), random.Next(2) == 0, where); break;
            case 6: query.Deviation(name, Pick(NumberFields), random.Next(2) == 0, where); break;
            case 7: query.First(name, any, where); break;
            case 8: query.Last(name, any, where); break;
            case 9: query.CollectList(name, any, random.Next(1, 5), where); break;
            case 10: query.CollectSet(name, any, random.Next(1, 5), where); break;
            case 11: query.Greatest(name, any, random.Next(1, 5), where); break;
            case 12: query.Quantile(name, Pick(NumberFields), Pick([0, 0.25, 0.5, 0.9, 1]), where); break;
            case 13: OrElse(query.SumDistinct(name, Pick(NumberFields), where)); break;
            case 14: query.MostFrequent(name, any, random.Next(1, 5), where); break;
            case 15: query.Mode(name, any, where); break;
            default: query.CountDistinct(name, Pick([.. TextFields, .. NumberFields, "event_time"]), where); break;
        }
    }

    private void OrElse(Query query)
    {
        if (random.Next(3) == 0)
            query.OrElse(Pick([0m, 7m]));
    }

    private Filter Filter(int depth) => random.Next(depth == 0 ? 4 : 8) switch
    {
        0 => Domain.Queries.Filter.All,
        1 => Field.Named(Pick(TextFields)).In(Pick(["view", "a", "u1", "DE", ""]), Pick(["purchase", "b", "u2", "s3"])),
        2 => Number(Field.Named(Pick(NumberFields)), Pick([0m, 5m, 9.99m, -1.5m, 2.00005m])),
        3 => Field.Named(Pick([.. TextFields, .. NumberFields])).IsNull(),
        4 => !Filter(depth - 1),
        5 => Filter(depth - 1) & Filter(depth - 1),
        6 => Filter(depth - 1) | Filter(depth - 1),
        _ => Field.Named("event_type").In("view", "page_view"),
    };

    private Filter Number(Field field, decimal number) => random.Next(6) switch
    {
        0 => field.Is(number),
        1 => field.IsNot(number),
        2 => field.Below(number),
        3 => field.AtMost(number),
        4 => field.Above(number),
        _ => field.AtLeast(number),
    };

    private T Pick<T>(T[] from) => from[random.Next(from.Length)];

    private static TimeSpan Ms(long ms) => TimeSpan.FromMilliseconds(ms);
}
