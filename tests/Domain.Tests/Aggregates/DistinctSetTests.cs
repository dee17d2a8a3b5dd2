using Tidemark.Domain.Aggregates;
using Tidemark.Domain.Columns;

namespace Tidemark.Domain.Tests.Aggregates;

public class DistinctSetTests
{
    [Theory]
    [MemberData(nameof(Seeds), 60)]
    public void Split_and_merged_in_any_order_it_is_the_same_bytes_and_exact_up_to_the_bound(int seed)
    {
        var random = new Random(seed);
        var bound = new[] { 0, 1, 5, 100, 4096 }[random.Next(5)];
        var values = Enumerable.Range(0, random.Next(1, bound * 2 + 20)).Select(_ => Hash64.Of((ulong)random.Next(bound * 2 + 10))).ToArray();
        var one = Merged(values, bound, random);
        var other = Merged([.. values.OrderBy(_ => random.Next())], bound, random);
        Assert.Equal(Bytes(one), Bytes(other));
        var distinct = values.Distinct().Count();
        if (distinct <= bound)
            Assert.Equal(distinct, one.Count);
        else
            Assert.InRange(one.Count, distinct * 0.95 - 1, distinct * 1.05 + 1);
    }

    [Theory]
    [InlineData(5_000)]
    [InlineData(20_000)]
    [InlineData(100_000)]
    [InlineData(1_000_000)]
    public void The_estimate_has_the_stated_error(int distinct)
    {
        const int runs = 30;
        double squares = 0, sum = 0;
        for (var run = 0; run < runs; run++)
        {
            var set = new DistinctSet();
            for (var i = 0; i < distinct; i++)
                set.Add(Hash64.Of((ulong)run << 32 | (uint)i), 4096);
            var error = set.Count / (double)distinct - 1;
            squares += error * error;
            sum += error;
        }
        Assert.True(Math.Sqrt(squares / runs) < 0.0081 * 1.4, $"root mean square error {Math.Sqrt(squares / runs):P2} at {distinct}");
        Assert.True(Math.Abs(sum / runs) < 0.0081 * 0.75, $"bias {sum / runs:P2} at {distinct}");
    }

    [Fact]
    public void A_cleared_set_is_as_new()
    {
        var random = new Random(3);
        var set = new DistinctSet();
        for (var round = 0; round < 20; round++)
        {
            var count = random.Next(0, 300);
            for (var i = 0; i < count; i++)
                set.Add(Hash64.Of((ulong)random.NextInt64()), 100);
            if (count <= 100)
                Assert.Equal(count, set.Count);
            set.Clear();
            Assert.Equal(Bytes(new DistinctSet()), Bytes(set));
        }
    }

    public static TheoryData<int> Seeds(int count) => [.. Enumerable.Range(0, count)];

    private static DistinctSet Merged(ulong[] values, int bound, Random random)
    {
        var parts = values.Chunk(random.Next(1, 50)).Select(chunk =>
        {
            var set = new DistinctSet();
            foreach (var value in chunk)
                set.Add(value, bound);
            return set;
        }).ToList();
        while (parts.Count > 1)
        {
            var (a, b) = (parts[random.Next(parts.Count - 1)], parts[^1]);
            parts.RemoveAt(parts.Count - 1);
            if (random.Next(2) == 0)
                a.Merge(b, bound);
            else
            {
                var reader = new ByteReader(Bytes(b));
                a.Read(ref reader, bound);
            }
        }
        return parts[0];
    }

    private static byte[] Bytes(DistinctSet set)
    {
        var writer = new ByteWriter();
        ulong[] scratch = [];
        set.Write(writer, ref scratch);
        return writer.ToArray();
    }
}
