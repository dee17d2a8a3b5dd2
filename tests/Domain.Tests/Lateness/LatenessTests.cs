using Tidemark.Domain.Clickstream;
using Tidemark.Domain.Lateness;
using Tidemark.Domain.Queries;

namespace Tidemark.Domain.Tests.Lateness;

/// <summary>What is measured and suggested, against the definitions followed word by word.</summary>
public class LatenessTests
{
    private static readonly DateTimeOffset Start = new(2026, 3, 1, 23, 30, 0, TimeSpan.Zero);

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    public void Lags_of_shuffled_events_are_those_of_a_naive_computation(int seed)
    {
        var events = Shuffled(seed);
        var lags = NaiveLags(events).Select(e => e.Lag).Order().ToList();
        var measured = LatenessProfile.Of(Mixed(events, seed));
        Assert.Equal(lags.Count, measured.Events);
        Assert.Equal(lags[^1], measured.GreatestMs);
        foreach (var share in (double[])[0, 0.01, 0.5, 0.9, 0.99, 0.999, 1])
            Assert.Equal(lags.First(lag => lags.Count(l => l <= lag) >= share * lags.Count), measured.QuantileMs(share));
    }

    [Theory]
    [InlineData(4)]
    [InlineData(5)]
    public void The_late_share_of_every_query_is_that_of_asking_each_of_its_windows(int seed)
    {
        var events = Shuffled(seed);
        var measured = LatenessProfile.Of(Mixed(events, seed));
        foreach (var query in ClickstreamQueries.All)
        {
            var output = LateOutput.Of(query);
            foreach (var delay in (long[])[0, 7_000, 60_000, (long)output.Delay.TotalMilliseconds])
            {
                var late = NaiveLags(events).Count(e => Windows(query.Window, e.Time).Any(end => end <= e.Time + e.Lag - delay));
                Assert.True(late == Math.Round(measured.LateShare(output, delay) * measured.Events), $"{query.Name}, delay {delay} ms, seed {seed}: {late} are late.");
            }
        }
    }

    [Fact]
    public void Every_query_is_advised_and_every_stream_that_something_can_be_late_for()
    {
        var measured = LatenessProfile.Of(Shuffled(6));
        var streams = ClickstreamStreams.All.Select(LateOutput.Of).OfType<LateOutput>().ToList();
        Assert.Contains(streams, s => s.Name == "user_sessions");
        Assert.DoesNotContain(streams, s => s.Name is "also_viewed" or "traffic_anomalies");
        foreach (var output in ClickstreamQueries.All.Select(LateOutput.Of).Concat(streams))
        {
            var advice = DelayAdvice.For(output, measured);
            Assert.True(advice.LateThen <= 0.01, $"{output.Name}: {advice}");
            Assert.True(advice.Verdict != "raise" || advice.Delay < advice.Suggested, $"{output.Name}: {advice}");
        }
    }

    [Theory]
    [InlineData(0, 5)]
    [InlineData(4_000, 5)]
    [InlineData(4_200, 10)]
    [InlineData(100_000, 120)]
    [InlineData(101_000, 180)]
    [InlineData(6_000_000, 7_200)]
    [InlineData(6_000_001, 8_100)]
    public void A_suggestion_is_the_percentile_and_a_fifth_rounded_up(long lagMs, int seconds) => Assert.Equal(TimeSpan.FromSeconds(seconds), DelayAdvice.Suggest(lagMs));

    [Fact]
    public void Without_events_nothing_is_late()
    {
        var measured = LatenessProfile.Of([new Arrival(0, 7, 5), new Arrival(1, 7, 4)]);
        Assert.Equal((0, 0, 0), (measured.Events, measured.QuantileMs(0.99), measured.LateShare(LateOutput.Of(ClickstreamQueries.EventCounts), 0)));
    }

    // Each event with what is greatest before it in its partition, looked for anew for every event.
    private static List<(long Time, long Lag)> NaiveLags(IReadOnlyList<Arrival> events)
    {
        var lags = new List<(long, long)>();
        foreach (var e in events)
        {
            var before = events.Where(o => o.Partition == e.Partition && o.Offset < e.Offset).Select(o => o.EventTimeMs).ToList();
            if (before.Count > 0)
                lags.Add((e.EventTimeMs, Math.Max(0, before.Max() - e.EventTimeMs)));
        }

        return lags;
    }

    // Ends of the windows that hold an event time, by trying all around it.
    private static IEnumerable<long> Windows(WindowDefinition window, long time)
    {
        var (size, slide, offset) = ((long)window.Size.TotalMilliseconds, (long)window.Slide.TotalMilliseconds, (long)window.Offset.TotalMilliseconds);
        for (var k = (time - size - offset) / slide - 2; k * slide + offset <= time; k++)
            if (k * slide + offset <= time && time < k * slide + offset + size)
                yield return k * slide + offset + size;
    }

    private static List<Arrival> Shuffled(int seed)
    {
        var random = new Random(seed);
        var sent = Enumerable.Range(0, 700).Select(i => (Time: Start.ToUnixTimeMilliseconds() + i * 2_000L + random.Next(2_000), Delay: random.NextDouble() < 0.05 ? random.Next(3_000_000) : random.Next(40_000)));
        var next = new long[3];
        return [.. sent.OrderBy(e => e.Time + e.Delay).Select(e =>
        {
            var partition = random.Next(3);
            return new Arrival(partition, next[partition] += 1 + random.Next(2), e.Time);
        })];
    }

    private static IEnumerable<Arrival> Mixed(IReadOnlyList<Arrival> events, int seed)
    {
        var random = new Random(seed);
        return events.OrderBy(_ => random.Next());
    }
}
