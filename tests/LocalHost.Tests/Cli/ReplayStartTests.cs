using Tidemark.Domain.Ledger;
using Tidemark.Domain.Pipelines;
using Tidemark.Functions.Sources;
using Tidemark.LocalHost.Replaying;
using Tidemark.LocalHost.Settings;

namespace Tidemark.LocalHost.Tests.Cli;

public sealed class ReplayStartTests
{
    private static readonly string[] Topics = ["events", "sensors", "purchases"];

    [Theory]
    [InlineData("events", "0:7,1:100", "0:7 1:10")]
    [InlineData("sensors", "0:7,1:100", null)]
    [InlineData("sensors", "0:7 sensors=1:3", "0:2 1:3")]
    [InlineData("purchases", "2026-03-01T00:00:00Z", "0:5 1:5")]
    [InlineData("purchases", "2026-03-01T00:00:00Z purchases=0:4", "0:4 1:2")]
    [InlineData("events", "purchases=0:4", null)]
    public async Task A_time_is_for_all_topics_and_offsets_are_for_one(string topic, string given, string? expected)
    {
        var starts = await ReplayStart.Parse(given.Split(' '), Topics).OfAsync(new ReplayedTopic(topic, new Log(), null, null, new Dictionary<int, long> { [0] = 10, [1] = 10 }), default);
        Assert.Equal(expected, starts is null ? null : string.Join(' ', starts.OrderBy(s => s.Key).Select(s => $"{s.Key}:{s.Value}")));
    }

    [Theory]
    [InlineData("orders=0:1", "no topic orders is replayed; there are events, sensors, purchases")]
    [InlineData("0:1 events=0:2", "where events starts is given already")]
    [InlineData("2026-03-01 2026-03-02", "where a topic starts is given already")]
    public void What_cannot_be_meant_is_told(string given, string expected) =>
        Assert.Contains(expected, Assert.Throws<SettingException>(() => ReplayStart.Parse(given.Split(' '), Topics)).Message, StringComparison.Ordinal);

    /// <summary>Two partitions of offsets 2 to 9, of which 5 is the first of any time.</summary>
    private sealed class Log : ITopicLog
    {
        public Task<IReadOnlyList<int>> PartitionsAsync(CancellationToken cancel) => Task.FromResult<IReadOnlyList<int>>([0, 1]);

        public Task<LogBounds> BoundsAsync(int partition, CancellationToken cancel) => Task.FromResult(new LogBounds(2, 10));

        public Task<IReadOnlyList<SourceRecord>> FetchAsync(int partition, long from, long to, int limit, CancellationToken cancel) => throw new NotSupportedException();

        public Task<long> OffsetAtAsync(int partition, long timeMs, CancellationToken cancel) => Task.FromResult(5L);
    }
}
