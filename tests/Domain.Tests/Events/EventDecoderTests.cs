using System.Text;
using System.Text.Json;
using Tidemark.Domain.Clickstream;
using Tidemark.Domain.Columns;
using Tidemark.Domain.Events;
using Tidemark.Domain.Pipelines;

namespace Tidemark.Domain.Tests.Events;

public class EventDecoderTests
{
    private const long KafkaTime = 1_705_400_000_000;   // 2024-01-16
    private static readonly string[] Columns =
    [
        "event_id", "event_type", "action_category", "event_time", "event_date", "user_id", "session_id", "product_id", "product_name", "category", "price",
        "quantity", "revenue", "device_type", "country", "page", "element",
    ];

    [Theory]
    [MemberData(nameof(Seeds), 20)]
    public void Every_record_becomes_what_the_rules_say(int seed)
    {
        var random = new Random(seed);
        var source = new MessyEvents(random);
        var pipeline = ClickstreamPipeline.Create(new EventOptions("shop"));
        for (var batch = 0; batch < 4; batch++)
        {
            var records = Enumerable.Range(0, random.Next(1, 120)).Select(i => new SourceRecord(i * 2, KafkaTime + i, random.Next(3) == 0 ? null : [1, (byte)i], source.Next(),
                i % 7 == 0 ? [new RecordHeader("h", [7]), new RecordHeader("ü\"", null)] : [])).ToArray();
            using var decoded = (DecodedEvents)pipeline.Decode(3, records, 1_705_400_100_000);
            AssertDecoded(records, decoded, seed);
        }
    }

    [Theory]
    [MemberData(nameof(Seeds), 20)]
    public void The_scanner_accepts_what_JsonDocument_accepts(int seed)
    {
        var random = new Random(seed);
        var source = new MessyEvents(random);
        for (var i = 0; i < 400; i++)
        {
            if (source.Next() is not { } value || !System.Text.Unicode.Utf8.IsValid(value))
                continue;
            var found = JsonScanner.Scan(value, 64, new FieldOrder(EventField.Names), new JsonEvent(EventField.Names), out _);
            Assert.True(found == Expected(value), $"seed {seed}: {Encoding.UTF8.GetString(value)} was {found}");
        }
    }

    [Fact]
    public void Values_beyond_the_limits_are_quarantined_with_their_bytes()
    {
        var huge = Encoding.UTF8.GetBytes("{\"event_id\":\"" + new string('x', 1 << 20) + "\"}");
        var nested = Encoding.UTF8.GetBytes("{\"a\":" + new string('[', 100_000) + new string(']', 100_000) + "}");
        var (reasons, decoded) = Quarantined(huge, nested, [0xFF, 0xFE]);
        Assert.Equal(["too_large", "too_deep", "invalid_utf8"], reasons);
        Assert.Equal(huge, decoded.Quarantine.Value(0, "value"));
        Assert.Equal(3, decoded.Bronze.Count);
    }

    [Fact]
    public void Many_unknown_fields_do_not_take_quadratic_time_and_the_last_of_a_name_wins()
    {
        var members = string.Join(",", Enumerable.Range(0, 15_000).Select(i => $"\"k{i % 7_500}\":{i}"));
        var json = $"{{\"event_id\":1,\"event_type\":\"view\",\"timestamp\":\"2024-01-15T10:30:00Z\",\"user_id\":2,{members}}}";
        var decoded = Decode(Encoding.UTF8.GetBytes(json));
        using var extra = JsonDocument.Parse((string)decoded.Silver.Value(0, "extra")!);
        Assert.Equal(7_500, extra.RootElement.EnumerateObject().Count());
        Assert.Equal(7_500 + 17, extra.RootElement.GetProperty("k17").GetInt32());
    }

    [Fact]
    public void The_bound_on_future_times_is_the_option_and_not_a_microsecond_more()
    {
        var pipeline = ClickstreamPipeline.Create(new EventOptions("shop") { MaxFutureSkew = TimeSpan.FromSeconds(5) });
        byte[] At(long micros) => Encoding.UTF8.GetBytes($"{{\"event_id\":1,\"event_type\":\"view\",\"user_id\":2,\"ts\":{micros / 1000}.{micros % 1000:000}}}");
        var records = new[] { At((KafkaTime + 5000) * 1000), At((KafkaTime + 5000) * 1000 + 1) }.Select((v, i) => new SourceRecord(i, KafkaTime, null, v, [])).ToArray();
        var decoded = (DecodedEvents)pipeline.Decode(0, records, 0);
        Assert.Equal(1, decoded.Silver.Count);
        Assert.Equal("event_time_in_future", decoded.Quarantine.Text(0, 0));
        Assert.Equal(KafkaTime + 5000, decoded.MaxEventTimeMs);
    }

    [Fact]
    public void A_producer_whose_clock_is_wrong_cannot_send_the_future_with_a_Kafka_time_that_agrees()
    {
        var pipeline = ClickstreamPipeline.Create(new EventOptions("shop") { MaxFutureSkew = TimeSpan.FromSeconds(5) });
        var ahead = KafkaTime + 10 * 365 * 86_400_000L;
        byte[] At(long ms) => Encoding.UTF8.GetBytes($"{{\"event_id\":1,\"event_type\":\"view\",\"user_id\":2,\"ts\":{ms}}}");
        SourceRecord[] records = [new(0, ahead, null, At(ahead), []), new(1, ahead, null, At(KafkaTime + 5000), []), new(2, KafkaTime - 60_000, null, At(KafkaTime), [])];
        var decoded = (DecodedEvents)pipeline.Decode(0, records, KafkaTime);
        Assert.Equal(1, decoded.Silver.Count);
        Assert.Equal(["event_time_in_future", "event_time_in_future"], Enumerable.Range(0, 2).Select(row => decoded.Quarantine.Text(row, 0)));
        Assert.Equal(KafkaTime + 5000, decoded.MaxEventTimeMs);
    }

    public static TheoryData<int> Seeds(int count) => [.. Enumerable.Range(0, count)];

    private static ScanResult Expected(byte[] value)
    {
        try
        {
            using var document = JsonDocument.Parse(value, new JsonDocumentOptions { MaxDepth = 64 });
            return document.RootElement.ValueKind == JsonValueKind.Object ? ScanResult.Event : ScanResult.NotAnObject;
        }
        catch (JsonException fault)
        {
            return fault.Message.Contains("maximum configured depth") ? ScanResult.TooDeep : ScanResult.InvalidJson;
        }
    }

    private static DecodedEvents Decode(params byte[][] values) => (DecodedEvents)ClickstreamPipeline.Create(new EventOptions("shop"))
        .Decode(0, [.. values.Select((v, i) => new SourceRecord(i, KafkaTime, null, v, []))], KafkaTime);

    private static (string[] Reasons, DecodedEvents Decoded) Quarantined(params byte[][] values)
    {
        var decoded = Decode(values);
        return ([.. Enumerable.Range(0, decoded.Quarantine.Count).Select(i => decoded.Quarantine.Text(i, 0)!)], decoded);
    }

    private static void AssertDecoded(SourceRecord[] records, DecodedEvents decoded, int seed)
    {
        int good = 0, bad = 0;
        Assert.Equal(records.Length, decoded.Bronze.Count);
        for (var i = 0; i < records.Length; i++)
        {
            var shown = $"seed {seed}: {(records[i].Value is { } v ? Encoding.UTF8.GetString(v) : "tombstone")}";
            Assert.Equal(records[i].Value, decoded.Bronze.Value(i, "value"));
            Assert.Equal(records[i].Key, decoded.Bronze.Value(i, "kafka_key"));
            Assert.Equal(records[i].Offset, decoded.Bronze.Value(i, "kafka_offset"));
            Assert.Equal(i % 7 == 0 ? "[{\"key\":\"h\",\"value\":\"Bw==\"},{\"key\":\"ü\\\"\",\"value\":null}]" : null, decoded.Bronze.Value(i, "kafka_headers"));
            var (reason, row) = NaiveDecoder.Decode(records[i].Value, records[i].KafkaTimeMs);
            if (reason is not null)
            {
                Assert.True(bad < decoded.Quarantine.Count && (long)decoded.Quarantine.Value(bad, "kafka_offset")! == records[i].Offset, $"{shown} should be {reason}");
                Assert.True(reason == (string)decoded.Quarantine.Value(bad, "reason")!, $"{shown} should be {reason}, was {decoded.Quarantine.Value(bad, "reason")}");
                Assert.Equal(records[i].Value, decoded.Quarantine.Value(bad++, "value"));
                continue;
            }
            Assert.True(good < decoded.Silver.Count && (long)decoded.Silver.Value(good, "kafka_offset")! == records[i].Offset, $"{shown} should be valid");
            foreach (var column in Columns)
            {
                var actual = decoded.Silver.Text(good, decoded.Silver.Schema.IndexOf(column));
                Assert.True(row![column] == actual, $"{shown}: {column} should be {row[column]}, was {actual}");
            }
            Assert.Equal(row!["extra"], Canonical((string?)decoded.Silver.Value(good++, "extra")));
        }
        Assert.Equal((good, bad), (decoded.Silver.Count, decoded.Quarantine.Count));
    }

    private static string? Canonical(string? extra)
    {
        if (extra is null)
            return null;
        using var json = JsonDocument.Parse(extra);
        var members = json.RootElement.EnumerateObject().Select(m => (NaiveDecoder.NameOf(m), m.Value.GetRawText())).ToArray();
        Assert.Equal(members.Length, members.Select(m => m.Item1).Distinct().Count());
        return NaiveDecoder.Canonical(members);
    }
}
