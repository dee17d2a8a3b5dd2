using System.Text;
using System.Text.Json;
using Tidemark.LocalHost.Demo;

namespace Tidemark.LocalHost.Tests.Demo;

public class ShopSimulationTests
{
    private const long Seed = 20260105;
    private const double Rate = 40;
    private static readonly DateTimeOffset Start = new(2026, 1, 5, 8, 0, 0, TimeSpan.Zero);
    private static readonly DemoOptions Clean = new()
    {
        Seed = Seed, LateShare = 0, OutOfOrderShare = 0, DuplicateShare = 0, BrokenShare = 0,
    };

    [Fact]
    public void Equal_options_give_equal_bytes()
    {
        var options = new DemoOptions { Seed = Seed, BrokenShare = 0.05, DuplicateShare = 0.05, LateShare = 0.01 };
        var one = new ShopSimulation(options).Generate(Start, Start.AddMinutes(10), Rate);
        var two = new ShopSimulation(options).Generate(Start, Start.AddMinutes(10), Rate);
        Assert.All(one.Zip(two), pair =>
        {
            Assert.Equal(pair.First.TimestampMs, pair.Second.TimestampMs);
            Assert.Equal(pair.First.Key, pair.Second.Key);
            Assert.Equal(pair.First.Value, pair.Second.Value);
        });
        Assert.Equal(one.Count(), two.Count());
    }

    [Fact]
    public void Another_seed_gives_another_shop() =>
        Assert.NotEqual(Lines(Clean, 200), Lines(Clean with { Seed = Seed + 1 }, 200));

    [Fact]
    public void The_simulation_writes_the_bytes_it_always_wrote()
    {
        // A change here changes every file that was ever described by its seed.
        const string First =
            """{"event_id":"1-695b6f80-1","event_type":"page_view","_event_time":"2026-01-05T10:00:00.155+02:00","user_id":"u000001","session_id":"s00000001","device_type":"mobile","country":"Sweden","page":"/"}""";
        Assert.Equal(First, Lines(Clean with { Seed = 1 }, 1)[0]);
    }

    [Fact]
    public void Records_arrive_in_order_and_events_keep_to_the_time_asked_for()
    {
        var options = new DemoOptions { Seed = Seed };
        var end = Start.AddHours(1);
        var arrivals = new ShopSimulation(options).Generate(Start, end, Rate).Select(e => e.TimestampMs).ToList();
        Assert.Equal(arrivals.Order(), arrivals);
        var times = Events(new ShopSimulation(Clean).Generate(Start, end, Rate)).Select(e => e.TimeMs).ToList();
        Assert.InRange(times.Min(), Start.ToUnixTimeMilliseconds(), Start.ToUnixTimeMilliseconds() + 1000);
        Assert.InRange(times.Max(), end.ToUnixTimeMilliseconds() - 1000, end.ToUnixTimeMilliseconds() - 1);
    }

    [Fact]
    public void The_rate_over_a_day_is_the_one_asked_for_and_evenings_are_busier_than_nights()
    {
        var events = Events(new ShopSimulation(Clean).Generate(Start, Start.AddDays(1), 2)).ToList();
        Assert.InRange(events.Count, 86_400 * 2 * 0.97, 86_400 * 2 * 1.03);
        var byHour = events.CountBy(e => e.TimeMs / 3_600_000 % 24).ToDictionary();
        Assert.True(byHour[20] > 5 * byHour[3], $"hour 20 has {byHour[20]} events, hour 3 {byHour[3]}");
    }

    [Fact]
    public void Customers_look_more_than_they_take_and_take_more_than_they_buy()
    {
        var events = Events(new ShopSimulation(Clean).Generate(Start, Start.AddHours(2), Rate)).ToList();
        int Users(params string[] types) => events.Where(e => types.Contains(e.Type)).Select(e => e.User).Distinct().Count();
        var (viewers, takers, buyers) = (Users("view", "page_view"), Users("add_to_cart"), Users("purchase"));
        Assert.InRange(takers, viewers / 10, viewers * 9 / 10);
        Assert.InRange(buyers, takers / 10, takers * 9 / 10);
        Assert.Equal(
            ["add_to_cart", "click", "hover", "page_view", "purchase", "remove_from_cart", "scroll", "view"],
            events.Select(e => e.Type).Distinct().Order(StringComparer.Ordinal));
    }

    [Fact]
    public void Every_session_begins_with_a_page_and_buys_only_what_was_taken()
    {
        var sessions = Events(new ShopSimulation(Clean).Generate(Start, Start.AddHours(1), Rate)).GroupBy(e => e.Session);
        Assert.All(sessions, session =>
        {
            Assert.Equal("page_view", session.First().Type);
            Assert.Single(session.Select(e => e.User).Distinct());
            var taken = session.Where(e => e.Type == "add_to_cart").Select(e => e.Product).ToHashSet();
            Assert.All(session.Where(e => e.Type == "purchase"), e => Assert.Contains(e.Product, taken));
        });
    }

    [Fact]
    public void A_purchase_is_worth_price_times_quantity_in_every_shape()
    {
        var purchases = Lines(Clean, 40_000).Select(l => JsonDocument.Parse(l).RootElement)
            .Where(e => Text(e, "event_type", "action") == "purchase").ToList();
        Assert.Contains(purchases, e => e.TryGetProperty("amount", out _) && e.TryGetProperty("ts", out _));
        Assert.Contains(purchases, e => e.TryGetProperty("revenue", out _) && e.TryGetProperty("timestamp", out _));
        Assert.Contains(purchases, e => e.TryGetProperty("_event_time", out _));
        Assert.All(purchases, e =>
        {
            var worth = e.TryGetProperty("revenue", out var r) ? r.GetDecimal() : e.GetProperty("amount").GetDecimal();
            Assert.Equal(e.GetProperty("price").GetDecimal() * e.GetProperty("quantity").GetInt32(), worth);
        });
    }

    [Fact]
    public void Late_events_are_beyond_every_window_and_the_others_within_the_bound()
    {
        var options = Clean with { LateShare = 0.05, OutOfOrderShare = 0.5 };
        var delays = new ShopSimulation(options).Generate(Start, Start.AddHours(3), 10)
            .Select(e => e.TimestampMs - ShopSimulation.TransitMs - Parse(e).TimeMs).ToList();
        var late = delays.Where(d => d > options.DisorderBound.TotalMilliseconds).ToList();
        Assert.InRange((double)late.Count / delays.Count, 0.045, 0.055);
        Assert.True(late.Min() >= options.LateBy.TotalMilliseconds, $"least delay of a late event {late.Min()} ms");
        Assert.InRange((double)delays.Count(d => d > 0 && d < options.LateBy.TotalMilliseconds) / delays.Count, 0.44, 0.51);
        Assert.True(delays.Min() == 0);
    }

    [Fact]
    public void Duplicates_are_the_same_bytes_again_at_the_stated_rate()
    {
        var values = new ShopSimulation(Clean with { DuplicateShare = 0.1 }).Generate(Start, Start.AddMinutes(30), Rate)
            .Select(e => Encoding.UTF8.GetString(e.Value!)).ToList();
        var groups = values.CountBy(v => v).ToList();
        Assert.InRange(groups.Count(g => g.Value == 2) / (double)groups.Count, 0.09, 0.11);
        Assert.DoesNotContain(groups, g => g.Value > 2);
        Assert.Equal(groups.Count, groups.Select(g => Text(JsonDocument.Parse(g.Key).RootElement, "event_id")).Distinct().Count());
    }

    [Fact]
    public void Misuse_adds_bursts_and_journeys_in_the_order_of_time()
    {
        var troubled = Events(new ShopSimulation(Clean with { MisuseShare = 0.005 }).Generate(Start, Start.AddHours(1), 10)).ToList();
        Assert.Equal(troubled.Select(e => e.TimeMs).Order(), troubled.Select(e => e.TimeMs));
        var misused = troubled.Where(e => e.Session[0] == 'm').GroupBy(e => e.Session).ToList();
        Assert.All(misused.SelectMany(e => e), e => Assert.Equal("purchase", e.Type));
        Assert.Contains(misused, visit => visit.Count() >= 5 && visit.Max(e => e.TimeMs) - visit.Min(e => e.TimeMs) < 60_000);
        Assert.Contains(misused, visit => visit.Count() == 2);
    }

    [Fact]
    public void A_surge_multiplies_the_rate_of_the_last_two_minutes_of_an_hour()
    {
        var surging = Events(new ShopSimulation(Clean with { Surge = 4 }).Generate(Start, Start.AddHours(1), Rate)).ToList();
        var last = surging.Count(e => e.TimeMs % 3_600_000 >= 58 * 60_000);
        Assert.InRange(last / (surging.Count(e => e.TimeMs % 3_600_000 < 58 * 60_000) / 29.0), 3.6, 4.4);
    }

    [Fact]
    public void A_file_has_exactly_the_lines_asked_for_and_no_line_break_within()
    {
        var options = new DemoOptions { Seed = Seed, BinaryBroken = false, BrokenShare = 0.1, DuplicateShare = 0.2, LateShare = 0.02, OutOfOrderShare = 1 };
        using var file = new MemoryStream();
        new ShopSimulation(options).WriteNdjson(file, Start, Rate, 5_000);
        var text = Encoding.UTF8.GetString(file.ToArray());
        Assert.Equal(5_000, text.Count(c => c == '\n'));
        Assert.DoesNotContain("\n\n", text);
        Assert.EndsWith("\n", text);
    }

    [Fact]
    public void Files_refuse_what_a_line_cannot_carry() =>
        Assert.Contains("BinaryBroken", Assert.Throws<ArgumentException>(
            () => new ShopSimulation(new DemoOptions()).WriteNdjson(Stream.Null, Start, Rate, 1)).Message);

    [Theory]
    [InlineData(nameof(DemoOptions.LateShare))]
    [InlineData(nameof(DemoOptions.BrokenShare))]
    [InlineData(nameof(DemoOptions.MisuseShare))]
    [InlineData(nameof(DemoOptions.Surge))]
    [InlineData(nameof(DemoOptions.Users))]
    [InlineData(nameof(DemoOptions.LateBy))]
    public void A_wrong_option_is_named(string option)
    {
        var wrong = option switch
        {
            nameof(DemoOptions.LateShare) => Clean with { LateShare = 1.5 },
            nameof(DemoOptions.BrokenShare) => Clean with { BrokenShare = double.NaN },
            nameof(DemoOptions.MisuseShare) => Clean with { MisuseShare = -0.1 },
            nameof(DemoOptions.Surge) => Clean with { Surge = 0.5 },
            nameof(DemoOptions.Users) => Clean with { Users = 0 },
            _ => Clean with { LateBy = TimeSpan.FromSeconds(1) },
        };
        Assert.Contains(option, Assert.Throws<ArgumentException>(() => new ShopSimulation(wrong)).Message);
    }

    private static List<string> Lines(DemoOptions options, int count) =>
        new ShopSimulation(options).Generate(Start, DateTimeOffset.MaxValue, Rate).Take(count).Select(e => Encoding.UTF8.GetString(e.Value!)).ToList();

    private static IEnumerable<Parsed> Events(IEnumerable<DemoEvent> records) => records.Select(Parse);

    private static Parsed Parse(DemoEvent record)
    {
        using var json = JsonDocument.Parse(record.Value);
        var e = json.RootElement;
        var time = e.TryGetProperty("ts", out var ts)
            ? ts.GetInt64()
            : DateTimeOffset.Parse(Text(e, "timestamp", "_event_time")!, null, System.Globalization.DateTimeStyles.AssumeUniversal).ToUnixTimeMilliseconds();
        Assert.Equal(record.Key, Encoding.UTF8.GetBytes(Text(e, "user_id")!));
        return new Parsed(Text(e, "event_type", "action")!, time, Text(e, "user_id")!, Text(e, "session_id")!, Text(e, "product_id"));
    }

    private static string? Text(JsonElement e, params string[] names) =>
        names.Select(n => e.TryGetProperty(n, out var v) ? v.GetString() : null).FirstOrDefault(v => v is not null);

    private sealed record Parsed(string Type, long TimeMs, string User, string Session, string? Product);
}
