using System.Text;
using Tidemark.Domain.Deduplication;

namespace Tidemark.Domain.Tests.Deduplication;

public class DeduplicationIndexTests
{
    private const long Horizon = 60_000;

    [Theory]
    [MemberData(nameof(Seeds))]
    public void Verdicts_are_those_of_a_list_searched_from_the_start(int seed)
    {
        var random = new Random(seed);
        var index = new DeduplicationIndex(Horizon, 1_000_000);
        var kept = new List<(long Id, long Time)>();
        var (frontier, next) = (0L, 0L);
        for (var batch = 0; batch < 60; batch++)
        {
            frontier += random.Next(4) == 0 ? random.Next(40_000) : 0;
            var events = Enumerable.Range(0, random.Next(80)).Select(i => new SeenEvent(
                EventKey.Of(random.Next(600)), frontier + random.Next(-200_000, 90_000) + 300_000, 0, next + i)).ToArray();
            var verdicts = new Verdict[events.Length];
            // A batch may be judged under an older frontier first, and be refused.
            Assert.True(index.TryReserve(events.Length, frontier));
            index.Judge(events, frontier, verdicts);
            if (random.Next(3) == 0)
            {
                frontier += random.Next(50_000);
                Assert.True(index.TryReserve(events.Length, frontier));
                index.Judge(events, frontier, verdicts);
            }
            for (var i = 0; i < events.Length; i++)
            {
                var (key, time) = ((long)events[i].Key.Hash, events[i].TimeMs);
                var expected = kept.Any(k => k.Id == key && Math.Ceiling(k.Time / 1000.0) * 1000 + 2 * Horizon > frontier) ? Verdict.Duplicate
                    : time + Horizon <= frontier ? Verdict.TooOld : Verdict.First;
                Assert.True(expected == verdicts[i], $"seed {seed}, batch {batch}, event {i}: {verdicts[i]} instead of {expected}");
                if (expected != Verdict.Duplicate)
                    kept.Add((key, time));
            }
            index.Accept(next += events.Length);
        }
    }

    [Theory]
    [MemberData(nameof(Seeds))]
    public void An_index_built_anew_from_what_was_kept_gives_the_same_verdicts(int seed)
    {
        var random = new Random(seed);
        var index = new DeduplicationIndex(Horizon, 1_000_000);
        var kept = new List<SeenEvent>();
        var (frontier, next) = (0L, 0L);
        for (var batch = 0; batch < 40; batch++)
        {
            frontier += random.Next(3) == 0 ? random.Next(30_000) : 0;
            var events = Enumerable.Range(0, 50).Select(i => new SeenEvent(EventKey.Of(random.Next(300)), frontier + random.Next(-150_000, 60_000) + 200_000, 0, next + i)).ToArray();
            var verdicts = new Verdict[events.Length];
            var again = new Verdict[events.Length];
            index.TryReserve(events.Length, frontier);
            index.Judge(events, frontier, verdicts);
            // In any order, some of it twice: once from a range, once from the table.
            var rebuilt = new DeduplicationIndex(Horizon, 1_000_000);
            foreach (var e in kept.Concat(kept.Where(_ => random.Next(5) == 0)).OrderBy(_ => random.Next()))
                Assert.True(rebuilt.TryRemember(e, frontier));
            rebuilt.TryReserve(events.Length, frontier);
            rebuilt.Judge(events, frontier, again);
            Assert.Equal(verdicts, again);
            kept.AddRange(events.Where((_, i) => verdicts[i] != Verdict.Duplicate));
            index.Accept(next += events.Length);
        }
    }

    [Fact]
    public void The_ceiling_refuses_what_does_not_fit_until_event_time_has_moved()
    {
        var index = new DeduplicationIndex(Horizon, 1_000);
        Judge(index, 0, 900, 0, 0);
        Assert.False(index.TryReserve(200, 0));
        Assert.True(index.TryReserve(100, 0));
        Assert.Equal([Verdict.Duplicate, Verdict.First], Judge(index, 899, 2, 0, 0));
        Assert.True(index.TryReserve(900, 2 * Horizon));
        Assert.Equal(0, index.Count);
    }

    [Fact]
    public void A_million_ids_take_at_most_what_is_stated()
    {
        var index = new DeduplicationIndex(Horizon, 10_000_000);
        for (var from = 0; from < 3_000_000; from += 10_000)
        {
            Judge(index, from, 10_000, 0, 0);
            if (index.Count >= 100_000)
                Assert.InRange(index.Bytes * 1_000_000.0 / index.Count, 21e6, 52e6);
        }
    }

    [Fact]
    public void Keys_of_ids_differ_in_both_parts()
    {
        var keys = Enumerable.Range(0, 200_000).Select(i => EventKey.Of(Encoding.UTF8.GetBytes($"{new Guid(i, 0, 0, new byte[8])}"))).ToArray();
        Assert.Equal(keys.Length, keys.Select(k => k.Hash).Distinct().Count());
        // 200,000 values of 32 bits meet 4.7 times on average; a check that hung on a part of the id would meet far more often.
        Assert.InRange(keys.Select(k => k.Check).Distinct().Count(), keys.Length - 40, keys.Length);
        Assert.Equal(32, Enumerable.Range(0, 32).Count(bit => keys.Count(k => (k.Check >> bit & 1) != 0) is > 98_000 and < 102_000));
    }

    public static TheoryData<int> Seeds() => [.. Enumerable.Range(1, 30)];

    private static Verdict[] Judge(DeduplicationIndex index, int firstId, int count, long timeMs, long frontierMs)
    {
        var events = Enumerable.Range(firstId, count).Select(id => new SeenEvent(EventKey.Of(id), timeMs, 0, id)).ToArray();
        var verdicts = new Verdict[count];
        Assert.True(index.TryReserve(count, frontierMs));
        index.Judge(events, frontierMs, verdicts);
        index.Accept(firstId + count);
        return verdicts;
    }
}
