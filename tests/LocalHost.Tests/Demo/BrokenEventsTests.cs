using System.Text;
using System.Text.Json;
using Tidemark.LocalHost.Demo;

namespace Tidemark.LocalHost.Tests.Demo;

public class BrokenEventsTests
{
    private static readonly ShopEvent Good = new()
    {
        Id = "e-1", TimeMs = 1_767_600_000_000, Action = Actions.View, Session = "s-1", Page = "/product",
        Customer = new Customer("u-1", "u-1"u8.ToArray(), "Spain", "mobile", Client.Web),
        Product = new Product("P1", "Red Kite", "Toys", 1_250), Category = "Toys",
    };

    private readonly BrokenEvents _broken = new(new ShopEventJson(), new SeededRandom(7), binary: true);

    [Theory]
    [InlineData("Truncated")]
    [InlineData("NotJson")]
    [InlineData("DeepNesting")]
    public void Broken_text_does_not_parse(string kind) =>
        Assert.ThrowsAny<JsonException>(() => JsonDocument.Parse(_broken.Make(Enum.Parse<Broken>(kind), Good)));

    [Theory]
    [InlineData("NoEventId", "event_id")]
    [InlineData("NoEventType", "event_type")]
    [InlineData("NoTime", "timestamp")]
    [InlineData("NoUser", "user_id")]
    public void A_missing_field_is_all_that_is_missing(string kind, string field)
    {
        var good = Fields(new ShopEventJson().Write(Good));
        var broken = Fields(_broken.Make(Enum.Parse<Broken>(kind), Good)!);
        Assert.Equal(good.Where(name => name != field), broken);
        Assert.Contains(field, good);
    }

    [Fact]
    public void Invalid_utf8_is_invalid() =>
        Assert.Throws<DecoderFallbackException>(() => new UTF8Encoding(false, true).GetString(_broken.Make(Broken.InvalidUtf8, Good)!));

    [Fact]
    public void A_tombstone_has_no_value() => Assert.Null(_broken.Make(Broken.Tombstone, Good));

    [Fact]
    public void A_huge_value_still_fits_a_broker_with_default_settings() =>
        Assert.InRange(_broken.Make(Broken.Huge, Good)!.Length, BrokenEvents.HugeBytes, 999_000);

    [Fact]
    public void Kinds_for_files_are_lines_of_valid_text()
    {
        var broken = new BrokenEvents(new ShopEventJson(), new SeededRandom(7), binary: false);
        for (var i = 0; i < 2_000; i++)
        {
            var text = new UTF8Encoding(false, true).GetString(Assert.IsType<byte[]>(broken.Next(Good)));
            Assert.DoesNotContain('\n', text);
            Assert.InRange(text.Length, 1, 2_000);
        }
    }

    [Fact]
    public void Every_kind_occurs()
    {
        var sizes = Enumerable.Range(0, 5_000).Select(_ => _broken.Next(Good)).ToList();
        Assert.Contains(sizes, v => v is null);
        Assert.Contains(sizes, v => v is { Length: > BrokenEvents.HugeBytes });
        Assert.Contains(sizes, v => v is not null && v.Contains((byte)0xFF));
    }

    private static List<string> Fields(byte[] value) => JsonDocument.Parse(value).RootElement.EnumerateObject().Select(p => p.Name).ToList();
}
