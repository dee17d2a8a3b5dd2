using Tidemark.LocalHost.Emulator;

namespace Tidemark.LocalHost.Tests.Emulator;

public sealed class NewestRecordsTests
{
    private const int Megabyte = 1 << 20;

    [Theory]
    [InlineData(-1, 100)] // The group has never read: all of it is unread.
    [InlineData(102, 102)]
    [InlineData(105, 105)]
    [InlineData(long.MaxValue, 106)] // Four of a megabyte and what they cost fit into five.
    public void The_oldest_go_while_there_are_more_than_fit_but_never_what_is_unread(long keep, long first)
    {
        var kept = new NewestRecords(100, keep);
        for (var offset = 100; offset < 110; offset++)
            kept.Add(offset, new SavedRecord(offset, null, new byte[Megabyte], []));
        Assert.Equal((first, 110), (kept.First, kept.Next));
        Assert.Equal(Enumerable.Range((int)first, 110 - (int)first).Select(o => (long)o), kept.Records.Select(r => r.TimestampMs));
    }

    [Fact]
    public void Keys_and_headers_count()
    {
        var kept = new NewestRecords(0, long.MaxValue);
        for (var offset = 0; offset < 10; offset++)
            kept.Add(offset, new SavedRecord(offset, new byte[Megabyte], null, [("h", new byte[Megabyte])]));
        Assert.Equal((8, 10), (kept.First, kept.Next));
    }

    [Fact]
    public void The_newest_stays_however_large()
    {
        var kept = new NewestRecords(0, long.MaxValue);
        kept.Add(0, new SavedRecord(0, null, new byte[8 * Megabyte], []));
        kept.Add(1, new SavedRecord(1, null, new byte[8 * Megabyte], []));
        Assert.Equal((1, 1), (kept.First, kept.Records.Single().TimestampMs));
    }

    [Fact]
    public void What_lies_before_the_first_record_is_none_and_behind_it_nothing_may_be_missing()
    {
        var kept = new NewestRecords(0, -1);
        kept.Reach(1);
        Assert.Equal((1, 1), (kept.First, kept.Next));
        kept.Add(1, new SavedRecord(0, null, null, []));
        kept.Reach(2);
        Assert.Throws<InvalidOperationException>(() => kept.Add(3, new SavedRecord(0, null, null, [])));
    }
}
