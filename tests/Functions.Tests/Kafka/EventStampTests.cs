using System.Text;
using System.Text.Json;
using Tidemark.Functions.Kafka;

namespace Tidemark.Functions.Tests.Kafka;

/// <summary>What is added to an event on its way out, compared with what a JSON reader sees.</summary>
public sealed class EventStampTests
{
    private static readonly DateTimeOffset Now = new(2026, 3, 1, 9, 30, 0, 123, TimeSpan.Zero);

    [Theory]
    [InlineData("""{"user_id":"u1","event_type":"view"}""", "u1", true, true)]
    [InlineData("""{"user_id":42,"event_id":"e","event_type":"view"}""", "42", false, true)]
    [InlineData("""{"_event_id":"e","ts":1700000000000,"user_id":"\u00e9"}""", "é", false, false)]
    [InlineData("""{"event_id":null,"timestamp":"2026-01-01T00:00:00Z"}""", null, true, false)]
    [InlineData("""  { "nested" : {"user_id":"no","event_id":"no"} , "user_id" : "" } """, null, true, true)]
    [InlineData("{}", null, true, true)]
    public void An_event_gets_the_id_and_time_that_it_lacks_and_keeps_everything_else(string json, string? key, bool addsId, bool addsTime)
    {
        var stamped = EventStamp.Apply(Encoding.UTF8.GetBytes(json), "user_id", Now);
        Assert.True(stamped.IsEvent);
        Assert.Equal(key, stamped.Key is null ? null : Encoding.UTF8.GetString(stamped.Key));
        using var before = JsonDocument.Parse(json);
        using var after = JsonDocument.Parse(stamped.Value);
        var added = after.RootElement.EnumerateObject().Select(p => p.Name).ToList();
        foreach (var name in before.RootElement.EnumerateObject().Select(p => p.Name))
            Assert.True(added.Remove(name));
        Assert.Equal([.. addsId ? ["event_id"] : Array.Empty<string>(), .. addsTime ? ["timestamp"] : Array.Empty<string>()], added);
        foreach (var field in before.RootElement.EnumerateObject())
            Assert.Contains(after.RootElement.EnumerateObject(), p => p.Name == field.Name && p.Value.GetRawText() == field.Value.GetRawText());
        if (addsTime)
            Assert.Equal(Now, after.RootElement.GetProperty("timestamp").GetDateTimeOffset());
        if (addsId)
            Assert.Contains(after.RootElement.EnumerateObject(), p => p.Name == "event_id" && p.Value.ValueKind == JsonValueKind.String && Guid.TryParse(p.Value.GetString(), out _));
    }

    [Theory]
    [InlineData("{broken")]
    [InlineData("[1]")]
    [InlineData("\"text\"")]
    [InlineData("{} trailing")]
    [InlineData("")]
    public void What_is_no_event_is_sent_as_it_is(string text)
    {
        var stamped = EventStamp.Apply(Encoding.UTF8.GetBytes(text), "user_id", Now);
        Assert.Equal((false, text), (stamped.IsEvent, Encoding.UTF8.GetString(stamped.Value)));
        Assert.Null(stamped.Key);
    }

    [Fact]
    public void Ids_are_unique() => Assert.Equal(1_000, Enumerable.Range(0, 1_000).Select(_ => Encoding.UTF8.GetString(EventStamp.Apply("{}"u8, "user_id", Now).Value)).Distinct().Count());
}
