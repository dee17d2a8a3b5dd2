using Tidemark.Domain.Ledger;
using Tidemark.Domain.Tests.Ledger.Simulation;

namespace Tidemark.Domain.Tests.Ledger;

/// <summary>Where a pipeline begins, as it is written, and what the topic must have for it.</summary>
public sealed class StartFromTests
{
    [Theory]
    [InlineData("earliest", "earliest")]
    [InlineData("LATEST", "latest")]
    [InlineData("2026-11-01T00:00:00Z", "2026-11-01T00:00:00Z")]
    [InlineData("2026-11-01", "2026-11-01T00:00:00Z")]
    [InlineData("2026-11-01T02:30:00.250+02:30", "2026-11-01T00:00:00.25Z")]
    [InlineData("1:4500, 0:120", "0:120,1:4500")]
    [InlineData("{\"1\":4500,\"0\":120}", "0:120,1:4500")]
    [InlineData("0:-2,1:-1", "0:-2,1:-1")]
    public void One_start_is_one_text_however_it_is_written(string written, string text)
    {
        var start = StartFrom.Parse(written);
        Assert.Equal(text, start.ToString());
        Assert.Equal(StartFrom.Parse(text), start);
    }

    [Theory]
    [InlineData("yesterday", "'yesterday' is no partition with its offset")]
    [InlineData("2026-02-30T00:00:00Z", "'2026-02-30T00:00:00Z' is no time")]
    [InlineData("0:1,0:2", "partition 0 is named twice")]
    [InlineData("{\"0\":1,\"0\":2}", "partition 0 is named twice")]
    [InlineData("0:-3", "'0:-3' is no partition with its offset")]
    [InlineData("{\"0\":1.5}", "is no partition with its offset")]
    [InlineData("{\"0\":{\"1\":2}}", "is no partition with its offset")]
    [InlineData("{}", "names no partition")]
    [InlineData("{\"0\":", "is not JSON")]
    [InlineData("", "is no partition with its offset")]
    public void What_is_no_start_is_said(string written, string why) => Assert.Contains(why, Assert.Throws<FormatException>(() => StartFrom.Parse(written)).Message);

    [Theory]
    [InlineData("0:5", "SensorsStartFrom names no offset for partition 1: name one for each, -2 for its first record that is still there, -1 for its end.")]
    [InlineData("0:5,1:5,4:5", "SensorsStartFrom names an offset for partition 4, which the topic does not have: it has 0, 1.")]
    [InlineData("0:5,1:31", "SensorsStartFrom names offset 31 of partition 1, which ends at 30: name one of 0 to 30, or -1 for its end.")]
    [InlineData("2027-01-01T00:00:00Z", "SensorsStartFrom is 2027-01-01T00:00:00Z, which is yet to come, and what is written until then would be read too: give a time that has passed, or latest.")]
    public void What_the_topic_does_not_have_is_no_start(string start, string why)
    {
        var (world, topic) = (new SimWorld(1, trace: false) { Faults = false }, new SimTopicData());
        topic.Partitions[0] = new SimPartition { End = 30 };
        topic.Partitions[1] = new SimPartition { End = 30 };
        Exception? refused = null;
        world.Start(async () => refused = await Record.ExceptionAsync(() => StartFrom.Parse(start, "SensorsStartFrom").ResolveAsync(
            new SimTopicLog(world, new SimActor("a"), topic), [0, 1], DateTimeOffset.Parse("2026-12-31T23:59:59Z").ToUnixTimeMilliseconds(), default)));
        Assert.True(world.RunUntil(() => refused is not null, 100));
        Assert.Equal(why, Assert.IsType<StartException>(refused).Message);
        // Only an offset beyond the end may yet be reached.
        Assert.Equal(why.Contains("which ends at", StringComparison.Ordinal), ((StartException)refused!).MayYetCome);
    }
}
