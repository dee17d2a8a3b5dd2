using Tidemark.LocalHost.Doctor;

namespace Tidemark.LocalHost.Tests.Doctor;

public sealed class BrokerRulesTests
{
    private static readonly BrokerFacts Good = new(
        3, [.. Enumerable.Range(0, 4).Select(p => new PartitionFacts(p, 3, 3, 100, 1_100, 1_000, 1_090))], (long)TimeSpan.FromDays(7).TotalMilliseconds, null, [], false);

    [Fact]
    public void A_topic_as_it_should_be_has_no_finding_but_ok() => Assert.All(Judge(Good), f => Assert.Equal(Outcome.Ok, f.Outcome));

    [Fact]
    public void A_topic_that_is_missing_is_a_failure_and_nothing_else_is_asked()
    {
        var findings = Judge(Good with { Partitions = [] }).ToList();
        Assert.Equal(["brokers", "topic"], findings.Select(f => f.Check));
        Assert.Equal(Outcome.Failure, findings[1].Outcome);
    }

    [Theory]
    [InlineData(3, 3, "Ok")]
    [InlineData(4, 4, "Ok")]
    [InlineData(2, 2, "Warning")]
    [InlineData(3, 2, "Warning")]
    public void Three_copies_in_step_are_wanted(int replicas, int inSync, string expected) =>
        Assert.Equal(expected, Of("replication", With(2, p => p with { Replicas = replicas, InSync = inSync })).ToString());

    [Theory]
    [InlineData(7 * 24, "Ok")]
    [InlineData((7 * 24) - 1, "Warning")]
    [InlineData(-1, "Ok")]
    [InlineData(null, "Unknown")]
    public void A_week_of_retention_is_wanted(int? hours, string expected) =>
        Assert.Equal(expected, Of("retention", Good with { RetentionMs = hours is < 0 ? -1 : hours * 3_600_000L, WhyNoSettings = "not told" }).ToString());

    [Theory]
    [InlineData(1_000, "Ok")]
    [InlineData(3_000, "Ok")]
    [InlineData(3_001, "Warning")]
    public void One_partition_with_more_than_twice_the_mean_is_skew(long records, string expected) =>
        // The three others hold 1,000 each, so that at 3,000 the mean is 1,500.
        Assert.Equal(expected, Of("key skew", With(1, p => p with { End = p.Start + records, Next = p.Start + records })).ToString());

    [Fact]
    public void Few_records_tell_nothing_about_skew() =>
        Assert.Equal(Outcome.Unknown, Of("key skew", Good with { Partitions = [.. Good.Partitions.Select(p => p with { Start = p.End - 10 })] }));

    [Theory]
    [InlineData(1_100, "Ok")]
    [InlineData(500, "Warning")]
    [InlineData(99, "Failure")]
    [InlineData(1_101, "Failure")]
    public void What_waits_what_was_removed_and_what_was_cut_off_are_told_apart(long next, string expected) =>
        Assert.Equal(expected, Of("lag", With(0, p => p with { Next = next, Committed = null })).ToString());

    [Fact]
    public void Before_the_first_read_lag_and_group_are_unknown()
    {
        var fresh = Good with { Partitions = [.. Good.Partitions.Select(p => p with { Next = null, Committed = null })] };
        Assert.Equal((Outcome.Unknown, Outcome.Unknown), (Of("lag", fresh), Of("group", fresh)));
    }

    [Fact]
    public void A_group_beyond_the_ledger_is_a_warning() => Assert.Equal(Outcome.Warning, Of("group", With(3, p => p with { Committed = 1_095 })));

    [Fact]
    public void One_partition_is_a_warning_and_a_topic_to_write_to_that_is_missing_a_failure()
    {
        Assert.Equal(Outcome.Warning, Of("topic", Good with { Partitions = [Good.Partitions[0]] }));
        Assert.Equal(Outcome.Failure, Of("own topics", Good with { Missing = ["events.dlq"] }));
    }

    [Fact]
    public void Limits_of_the_emulator_are_named_and_are_no_fault()
    {
        var findings = Judge(Good with { Brokers = 1, IsEmulator = true, RetentionMs = null, Partitions = [.. Good.Partitions.Select(p => p with { Replicas = 1, InSync = 1 })] }).ToList();
        Assert.All(findings.Where(f => f.Check is "replication" or "retention"), f => Assert.Equal(Outcome.Unknown, f.Outcome));
        Assert.All(findings.Where(f => f.Check is "replication" or "retention"), f => Assert.Contains("emulator", f.Text));
    }

    private static BrokerFacts With(int partition, Func<PartitionFacts, PartitionFacts> change) =>
        Good with { Partitions = [.. Good.Partitions.Select(p => p.Partition == partition ? change(p) : p)] };

    private static Outcome Of(string check, BrokerFacts facts) => Assert.Single(Judge(facts), f => f.Check == check).Outcome;

    private static IEnumerable<Finding> Judge(BrokerFacts facts)
    {
        var findings = BrokerRules.Judge(facts, "events", alertLag: 400).ToList();
        Assert.All(findings, f => Assert.True(f.Outcome is Outcome.Ok or Outcome.Unknown || f.Remedy is { Length: > 0 }, $"{f.Check}: {f.Text} has no remedy."));
        return findings;
    }
}
