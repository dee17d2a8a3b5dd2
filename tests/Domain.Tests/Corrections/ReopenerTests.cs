using Tidemark.Domain.Corrections;
using Xunit.Abstractions;

namespace Tidemark.Domain.Tests.Corrections;

/// <summary>Reopening beside ticks, beside itself, cut short anywhere: each late event is in its windows once.</summary>
public sealed class ReopenerTests(ITestOutputHelper output)
{
    private const int Seeds = 120;
    private const int MostSeeds = 600;

    [Fact]
    public void Every_row_is_that_of_all_events_however_often_reopening_was_cut_short()
    {
        for (var seed = 1; seed <= Seeds; seed++)
            Assert.Null(new CorrectionRun(seed).Run());
    }

    [Fact]
    public void Events_of_windows_near_each_other_are_read_once_for_all_queries()
    {
        var (reads, windows) = new CorrectionRun(1).DryRun();
        Assert.True(windows > 10, $"{windows} windows have late events");
        Assert.Equal(1, reads);
    }

    [Theory]
    [InlineData(nameof(CorrectionRule.CountMustBeEqual))]
    [InlineData(nameof(CorrectionRule.PendingBeforeChange))]
    [InlineData(nameof(CorrectionRule.CountAfterETags))]
    [InlineData(nameof(CorrectionRule.PublishedOnly))]
    public void Switching_a_rule_off_is_noticed(string name)
    {
        for (var seed = 1; seed <= MostSeeds; seed++)
        {
            if (new CorrectionRun(seed, Enum.Parse<CorrectionRule>(name)).Run() is not { } error)
                continue;
            output.WriteLine($"{name}: noticed at seed {seed}: {error}");
            return;
        }

        Assert.Fail($"{name} switched off went unnoticed in {MostSeeds} seeds.");
    }
}
