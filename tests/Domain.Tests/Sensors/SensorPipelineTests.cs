using System.Globalization;
using System.Text;
using Tidemark.Domain.Columns;
using Tidemark.Domain.Events;
using Tidemark.Domain.Pipelines;
using Tidemark.Domain.Sensors;

namespace Tidemark.Domain.Tests.Sensors;

public class SensorPipelineTests
{
    private const long Noon = 1_705_406_400_000;
    private readonly EventPipeline pipeline = SensorPipeline.Create(new EventOptions("sensors"));

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    public void Metrics_per_device_and_minute_equal_a_naive_computation_over_any_batches(int seed)
    {
        var random = new Random(seed);
        var readings = Enumerable.Range(0, 3_000).Select(_ => (Device: $"d{random.Next(6)}", Metric: random.Next(3) == 0 ? "rpm" : "temp",
            Value: Math.Round(random.NextDouble() * 2_000 - 1_000, random.Next(5)), At: Noon + random.Next(300_000))).ToArray();
        var records = readings.Select((r, i) => Record(i, string.Create(CultureInfo.InvariantCulture,
            $"{{\"device_id\":\"{r.Device}\",\"metric\":\"{r.Metric}\",\"value\":{r.Value:R},\"ts\":{r.At}}}"))).ToArray();
        var states = new Dictionary<EntityKey, IFoldState>();
        for (var from = 0; from < records.Length;)
        {
            var batch = records[from..Math.Min(records.Length, from += random.Next(1, 500))];
            using var decoded = pipeline.Decode(0, batch, Noon);
            foreach (var (key, partial) in pipeline.Build(decoded, Noon - 600_000).Partials)
                if (states.TryGetValue(key, out var state))
                    state.Merge(partial.Span);
                else
                    states[key] = pipeline.Load(key, partial.Span);
        }
        var rows = pipeline.Emit("sensor_metrics", states, null, Noon * 2);
        var expected = readings.GroupBy(r => (Start: r.At - r.At % 60_000, r.Device, r.Metric)).ToDictionary(g => g.Key, g => g.Select(r => r.Value).ToArray());
        Assert.Equal(expected.Count, rows.Count);
        for (var row = 0; row < rows.Count; row++)
        {
            T Of<T>(string column) => (T)rows.Value(row, column)!;
            var start = new DateTimeOffset(Of<DateTime>("window_start"), TimeSpan.Zero).ToUnixTimeMilliseconds();
            var values = expected[(start, Of<string>("device_id"), Of<string>("metric"))];
            Assert.Equal(values.Length, Of<long>("readings"));
            Assert.Equal((decimal)values.Min(), Of<decimal>("min_value"));
            Assert.Equal((decimal)values.Max(), Of<decimal>("max_value"));
            Assert.Equal(values.Average(), Of<double>("avg_value"), 1e-9 * 1_000);
            if (values.Length > 1)
                Assert.Equal(Math.Sqrt(values.Sum(v => Math.Pow(v - values.Average(), 2)) / (values.Length - 1)), Of<double>("stddev_value"), 1e-6);
        }
    }

    [Theory]
    [InlineData("""{"metric":"temp","value":1,"ts":1705406400000}""", "missing_device_id")]
    [InlineData("""{"device_id":"d","metric":"","value":1,"ts":1705406400000}""", "missing_metric")]
    [InlineData("""{"device_id":"d","metric":"temp","value":null,"ts":1705406400000}""", "missing_value")]
    [InlineData("""{"device_id":"d","metric":"temp","value":"warm","ts":1705406400000}""", "invalid_value")]
    [InlineData("""{"device_id":"d","metric":"temp","value":1e999,"ts":1705406400000}""", "invalid_value")]
    [InlineData("""{"device_id":["d"],"metric":"temp","value":1,"ts":1705406400000}""", "invalid_device_id")]
    [InlineData("""{"device_id":"d","metric":"temp","value":1}""", "missing_event_time")]
    [InlineData("""{"device_id":"d","metric":"temp","value":1,"ts":"noon"}""", "invalid_event_time")]
    [InlineData("""{"device_id":"d",""", "invalid_json")]
    public void A_record_that_is_no_reading_is_quarantined_with_its_reason(string json, string reason)
    {
        var segment = Ingest(json);
        Assert.Equal(["bronze/sensors", "silver/sensors_quarantine"], segment.Rows.Keys.Order());
        Assert.Equal(reason, segment.Rows["silver/sensors_quarantine"].Value(0, "reason"));
        Assert.Equal(1, segment.Counts["quarantined/" + reason]);
    }

    [Fact]
    public void Aliases_numbers_as_text_and_unknown_fields_have_their_places()
    {
        var row = Ingest("""{"device":17,"metric":"t\u00e9mp","value":"-2.5e1","timestamp":"2024-01-16T12:00:00Z","unit":"°C","site":{"x":1},"device_id":""}""").Rows["silver/sensors"];
        Assert.Equal(("17", "témp", -25m, "°C", DateTime.UnixEpoch.AddMilliseconds(Noon)),
            (row.Value(0, "device_id"), row.Value(0, "metric"), row.Value(0, "value"), row.Value(0, "unit"), row.Value(0, "event_time")));
        Assert.Equal("""{"site":{"x":1},"device_id":""}""", row.Value(0, "extra"));
    }

    [Fact]
    public void Late_readings_name_their_device()
    {
        using var decoded = pipeline.Decode(0, [Record(0, $"{{\"device_id\":\"d\",\"metric\":\"temp\",\"value\":1,\"ts\":{Noon}}}")], Noon);
        var late = pipeline.Build(decoded, Noon + 600_000).Rows["silver/sensors_late"];
        Assert.Equal(("sensor_metrics", "d", 1), (late.Value(0, "query"), late.Value(0, "device_id"), late.Value(0, "windows_missed")));
    }

    [Fact]
    public void The_pipeline_describes_itself_as_what_it_is()
    {
        var text = pipeline.Describe();
        Assert.Contains("table silver/sensors by event_date\n    event_time timestamp not null\n    event_date date not null\n    device_id string not null\n    metric string not null\n    value decimal(18,4) not null\n    unit string\n", text);
        Assert.Contains("from silver/sensors where true", text);
        Assert.DoesNotContain("silver/events", text);
    }

    [Theory]
    [InlineData("2.5e-3", 0.0025)]
    [InlineData("\"-7\"", -7.0)]
    [InlineData("1e999", null)]
    [InlineData("\"7 \"", null)]
    [InlineData("true", null)]
    public void Numbers_that_are_only_kept_are_doubles(string json, double? expected)
    {
        var plain = new EventPipeline(new EventOptions("t"), [], schema: new RecordSchema("plain", ["ts"], [new RecordField("x", FieldKind.Number)]));
        using var decoded = plain.Decode(0, [Record(0, $"{{\"x\":{json},\"ts\":{Noon}}}")], Noon);
        var segment = plain.Build(decoded, Noon);
        Assert.Equal(expected, segment.Rows.GetValueOrDefault("silver/plain")?.Value(0, "x"));
        Assert.Equal(expected is null, segment.Counts.ContainsKey("quarantined/invalid_x"));
    }

    [Theory]
    [InlineData("extra", "x", "which silver has of its own")]
    [InlineData("value", "ts", "the name 'ts' twice")]
    public void A_schema_that_contradicts_itself_is_refused(string field, string alias, string says)
    {
        var schema = new RecordSchema("bad", ["ts"], [new RecordField(field, FieldKind.Number) { Aliases = [alias] }]);
        Assert.Contains(says, Assert.Throws<ArgumentException>(() => new EventPipeline(new EventOptions("t"), [], schema: schema)).Message);
    }

    private Segment Ingest(string json)
    {
        using var decoded = pipeline.Decode(0, [Record(0, json)], Noon);
        return SegmentCodec.Read(SegmentCodec.Write(pipeline.Build(decoded, Noon)));
    }

    private static SourceRecord Record(long offset, string json) => new(offset, Noon + 600_000, null, Encoding.UTF8.GetBytes(json), []);
}
