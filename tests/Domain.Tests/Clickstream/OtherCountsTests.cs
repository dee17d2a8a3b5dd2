using System.Text;
using System.Text.Json;
using Tidemark.Domain.Clickstream.Streams;

namespace Tidemark.Domain.Tests.Clickstream;

public class OtherCountsTests
{
    [Theory]
    [InlineData(10, 1)]
    [InlineData(200, 2)]
    [InlineData(1000, 3)]
    public void Counts_are_exact_up_to_the_bound_and_too_high_by_no_more_than_is_said_beyond(int names, int seed)
    {
        const int Most = 200;
        var random = new Random(seed);
        var (counts, naive) = (new OtherCounts(), new Dictionary<string, long>());
        for (var i = 0; i < 20_000; i++)
        {
            var name = $"{(random.Next(5) == 0 ? "Ä" : "p")}{Math.Min(random.Next(names), random.Next(names)) % names}";
            counts.Add(Encoding.UTF8.GetBytes(name), Most);
            naive[name] = naive.GetValueOrDefault(name) + 1;
            if (random.Next(2_000) == 0)
                counts = JsonSerializer.Deserialize<OtherCounts>(JsonSerializer.Serialize(counts))!;
        }

        var top = JsonDocument.Parse(counts.Top(20)).RootElement.EnumerateArray().Select(e => (Name: e.GetProperty("product_id").GetString()!, Count: e.GetProperty("sessions").GetInt64())).ToList();
        Assert.DoesNotContain("\\u", Encoding.UTF8.GetString(counts.Top(20)));
        Assert.All(top, t => Assert.InRange(t.Count, naive[t.Name], naive[t.Name] + (20_000 / Most)));
        if (naive.Count <= Most)
            Assert.Equal(naive.OrderByDescending(n => n.Value).ThenBy(n => n.Key, StringComparer.Ordinal).Take(20).Select(n => (n.Key, n.Value)), top);
        var saved = JsonSerializer.Deserialize<Dictionary<string, long>>(JsonSerializer.Serialize(counts))!;
        Assert.Equal(saved.Keys.Order(StringComparer.Ordinal), saved.Keys);
        Assert.Equal((Math.Min(Most, naive.Count), 20_000), (saved.Count, saved.Values.Sum()));
    }
}
