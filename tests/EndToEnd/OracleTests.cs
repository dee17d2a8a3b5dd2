using Tidemark.EndToEnd.Running;

namespace Tidemark.EndToEnd;

/// <summary>The judge is judged first: it accepts tables that are right and names every kind of fault that is put into them.</summary>
public class OracleTests
{
    [Fact]
    public async Task The_oracle_accepts_what_is_right_and_notices_every_fault()
    {
        await using var station = new Station();
        var options = ShopFile.Clean with { Users = 300, LateShare = 0.01, DuplicateShare = 0.02, BrokenShare = 0.02, OutOfOrderShare = 1 };
        var first = ShopFile.Write(station, "first.ndjson", options, 3_000, 2);
        var second = ShopFile.Write(station, "second.ndjson", options with { Seed = 2, LateShare = 0 }, 400, 2, ShopFile.Start.AddMinutes(10));
        var third = ShopFile.Write(station, "third.ndjson", ShopFile.Troubled with { Users = 60, MisuseShare = 0.01 }, 4_000, 2);
        await using var test = Oracle.SelfTest(station, first, second, third);
        Assert.True(await test.EndAsync(TimeSpan.FromMinutes(8)) == 0, test.Transcript());
        Assert.Contains("noticed a late row lost", test.Output);
        Assert.Contains("noticed a session lost", test.Output);
        Assert.DoesNotContain("MISSED", test.Output);
    }
}
