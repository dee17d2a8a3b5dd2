using Tidemark.LocalHost.Cli;
using Tidemark.LocalHost.Tests.Timers;

namespace Tidemark.LocalHost.Tests.Cli;

/// <summary>What a log on a terminal leaves out.</summary>
public sealed class RecentLinesTests
{
    [Fact]
    public void A_line_or_failure_is_written_again_when_it_changes_or_a_minute_has_passed()
    {
        var time = new SteppedTime(DateTimeOffset.UnixEpoch);
        var recent = new RecentLines(time, e => e is TimeoutException);
        Assert.True(recent.IsNew("a", null));
        Assert.False(recent.IsNew("a", null));
        Assert.True(recent.IsNew("b", null));
        // A failure is what its message says, in whatever sentence.
        Assert.True(recent.IsNew("attempt 1", new InvalidOperationException("no such offset")));
        Assert.False(recent.IsNew("attempt 2", new InvalidOperationException("no such offset")));
        Assert.True(recent.IsNew("attempt 3", new InvalidOperationException("no such partition")));
        Assert.False(recent.IsNew("never", new TimeoutException("told elsewhere")));
        time.Advance(TimeSpan.FromMinutes(1));
        Assert.True(recent.IsNew("a", null));
        Assert.True(recent.IsNew("attempt 4", new InvalidOperationException("no such offset")));
    }
}
