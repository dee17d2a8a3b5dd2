using System.Text.Json;
using Tidemark.Domain.Clickstream.Streams;

namespace Tidemark.Domain.Tests.Clickstream;

public class RecentAmountsTests
{
    [Theory]
    [MemberData(nameof(Seeds))]
    public void Scores_are_those_of_sorting_the_last_amounts_again_each_time(int seed)
    {
        var random = new Random(seed);
        var (most, from) = (random.Next(1, 60), random.Next(2) == 0 ? 3.5 : 0.5);
        var (amounts, naive) = (new RecentAmounts(), new List<decimal>());
        for (var i = 0; i < 400; i++)
        {
            var amount = random.Next(6) switch
            {
                0 => random.NextInt64(-1_000_000_000_000_000_000, 1_000_000_000_000_000_000),
                1 => random.Next(-200, 200) * 100L,
                _ => random.Next(100_000, 130_000),
            };
            Assert.Equal(Naive(naive, amount / 10_000m) is { } score && score >= from ? score : null, amounts.Score(amount, from));
            amounts.Add(amount, most);
            naive.Add(amount / 10_000m);
            if (naive.Count > most)
                naive.RemoveAt(0);
            Assert.Equal(Median(naive), amounts.Median);
            if (random.Next(10) == 0)
                amounts = JsonSerializer.Deserialize<RecentAmounts>(JsonSerializer.Serialize(amounts))!;
        }

        Assert.Equal(naive, JsonSerializer.Deserialize<List<decimal>>(JsonSerializer.Serialize(amounts)));
    }

    public static TheoryData<int> Seeds => [.. Enumerable.Range(0, 20)];

    private static double? Naive(List<decimal> before, decimal amount)
    {
        if (before.Count < 8)
            return null;
        var median = Median(before);
        var deviation = Math.Max(Median([.. before.Select(a => Math.Abs(a - median))]), Math.Max(Math.Abs(median) / 20, 0.01m));
        return 0.6745 * (double)((amount - median) / deviation);
    }

    private static decimal Median(List<decimal> amounts)
    {
        var sorted = amounts.Order().ToList();
        return (sorted[(sorted.Count - 1) / 2] + sorted[sorted.Count / 2]) / 2;
    }
}
