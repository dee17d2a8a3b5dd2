using System.Text;
using Tidemark.Domain.KeyedState;

namespace Tidemark.Domain.Tests.KeyedState;

public class KeyedEntriesTests
{
    [Theory]
    [MemberData(nameof(Seeds))]
    public void States_and_timers_are_those_of_a_naive_list_however_many_keys_come_and_go(int seed)
    {
        var random = new Random(seed);
        var entries = new KeyedEntries();
        var naive = new SortedDictionary<string, (int State, long? Due)>(StringComparer.Ordinal);
        long clock = 0;
        for (var step = 0; step < 6_000; step++)
        {
            // Keys move on, so that most of those that were known have no state any more.
            var key = $"k{(step / 4) + random.Next(300)}";
            var number = entries.Number(Encoding.UTF8.GetBytes(key));
            var had = naive.ContainsKey(key);
            Assert.Equal(had ? naive[key].State : null, (int?)entries.State(number));
            if (random.Next(3) == 0)
            {
                Assert.Equal(had, entries.Set(number, null, clock + 5));
                naive.Remove(key);
            }
            else
            {
                long? due = random.Next(3) == 0 ? null : clock + random.Next(200);
                Assert.False(entries.Set(number, step, due));
                naive[key] = (step, due);
            }

            if (random.Next(8) != 0)
                continue;
            clock += random.Next(60);
            while (naive.Where(n => n.Value.Due <= clock).OrderBy(n => n.Value.Due).Select(n => n.Key).FirstOrDefault() is { } first)
            {
                var (at, due) = Assert.NotNull(entries.TakeDue(clock)) is var (time, of) ? (of, time) : default;
                Assert.Equal((first, naive[first].Due), (Encoding.UTF8.GetString(entries.Key(at)), due));
                // A timeout forgets the key, leaves it without a timer, or sets a later one.
                (int State, long? Due)? next = random.Next(3) switch { 0 => null, 1 => (step, null), _ => (step, due + 1 + random.Next(100)) };
                entries.Set(at, next?.State, next?.Due);
                naive.Remove(first);
                if (next is { } stays)
                    naive[first] = stays;
            }

            Assert.Null(entries.TakeDue(clock));
            entries.Tidy();
            Assert.Equal(naive.Count, entries.Count);
        }

        Assert.Equal(naive.Select(n => (n.Key, (object?)n.Value.State, n.Value.Due)), entries.Ordered().Select(n => (Encoding.UTF8.GetString(entries.Key(n)), entries.State(n), entries.Due(n))));
    }

    public static TheoryData<int> Seeds => [.. Enumerable.Range(0, 8)];
}
