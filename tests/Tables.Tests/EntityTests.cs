using Azure.Data.Tables;

namespace Tidemark.Tables.Tests;

[Collection(nameof(TableService))]
public class EntityTests(TableService service)
{
    [Fact]
    public async Task Values_of_every_type_come_back_as_they_went_in()
    {
        var table = await service.TableAsync();
        var time = new DateTimeOffset(2024, 2, 29, 23, 59, 59, TimeSpan.Zero).AddTicks(1_234_567);
        var guid = Guid.Parse("0f8fad5b-d9cb-469f-a165-70867728950e");
        var values = new Dictionary<string, object>
        {
            ["Text"] = "naïve \"quotes\" 'and' \\ 漢字 🌊\n",
            ["Empty"] = "",
            ["Int"] = int.MinValue,
            ["Long"] = long.MinValue,
            ["SmallLong"] = 5L,
            ["Double"] = 1.0 / 3,
            ["WholeDouble"] = 42.0,
            ["HugeDouble"] = 1e300,
            ["NegativeZero"] = -0.0,
            ["NaN"] = double.NaN,
            ["Up"] = double.PositiveInfinity,
            ["Down"] = double.NegativeInfinity,
            ["True"] = true,
            ["False"] = false,
            ["Time"] = time,
            ["Guid"] = guid,
            ["Binary"] = new byte[] { 0, 1, 2, 254, 255 },
            ["NoBytes"] = Array.Empty<byte>(),
        };
        var entity = new TableEntity("p", "r");
        foreach (var (name, value) in values)
            entity[name] = value;
        await table.AddEntityAsync(entity);

        var read = (await table.GetEntityAsync<TableEntity>("p", "r")).Value;

        foreach (var (name, value) in values)
            Assert.Equal((name, value), (name, value is byte[] ? read.GetBinary(name) : read[name]), Same);
        Assert.Equal(time.UtcDateTime, read.GetDateTime("Time"));
        Assert.Equal(new byte[] { 0, 1, 2, 254, 255 }, read.GetBinaryData("Binary").ToArray());
    }

    [Fact]
    public async Task Times_are_stored_as_UTC_whatever_their_kind()
    {
        var table = await service.TableAsync();
        var local = new DateTimeOffset(2024, 7, 1, 12, 0, 0, TimeSpan.FromHours(9));
        await table.AddEntityAsync(new TableEntity("p", "r")
        {
            ["Offset"] = local,
            ["Utc"] = DateTime.SpecifyKind(local.UtcDateTime, DateTimeKind.Utc),
        });

        var read = (await table.GetEntityAsync<TableEntity>("p", "r")).Value;

        Assert.Equal(TimeSpan.Zero, read.GetDateTimeOffset("Offset")!.Value.Offset);
        Assert.Equal(local.UtcDateTime, read.GetDateTime("Offset"));
        Assert.Equal(local, read.GetDateTimeOffset("Utc"));
    }

    [Fact]
    public async Task Keys_with_quotes_spaces_and_other_scripts_are_found_again()
    {
        var table = await service.TableAsync();
        foreach (var key in new[] { "it's", "a b+c%20&d=e", "漢字", "v1|topic.0|00001", "", "~!@$^*()_-[]{};,.:" })
        {
            await table.AddEntityAsync(new TableEntity(key, key) { ["K"] = key });

            var read = (await table.GetEntityAsync<TableEntity>(key, key)).Value;

            Assert.Equal((key, key, key), (read.PartitionKey, read.RowKey, read.GetString("K")));
            Assert.Equal(204, (await table.DeleteEntityAsync(key, key, read.ETag)).Status);
        }
    }

    [Fact]
    public async Task Nulls_are_not_stored_and_absent_properties_are_null()
    {
        var table = await service.TableAsync();
        await table.AddEntityAsync(new TableEntity("p", "r") { ["Nothing"] = null, ["Some"] = 1 });

        var read = (await table.GetEntityAsync<TableEntity>("p", "r")).Value;

        Assert.False(read.ContainsKey("Nothing"));
        Assert.Null(read.GetInt64("Nothing"));
        Assert.Equal(1, read.GetInt32("Some"));
    }

    [Fact]
    public async Task Select_reads_only_the_named_properties()
    {
        var table = await service.TableAsync();
        await table.AddEntityAsync(new TableEntity("p", "r") { ["A"] = 1, ["B"] = 2 });

        var read = (await table.GetEntityAsync<TableEntity>("p", "r", ["A"])).Value;

        Assert.Equal(1, read.GetInt32("A"));
        Assert.False(read.ContainsKey("B"));
    }

    private static bool Same((string, object) expected, (string, object) actual) =>
        expected.Item1 == actual.Item1
        && (expected.Item2 is byte[] bytes ? bytes.AsSpan().SequenceEqual((byte[])actual.Item2)
            : expected.Item2.GetType() == actual.Item2.GetType() && expected.Item2.Equals(actual.Item2));
}
