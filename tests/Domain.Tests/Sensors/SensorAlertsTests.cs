using Tidemark.Domain.Columns;
using Tidemark.Domain.Events;
using Tidemark.Domain.Sensors;

namespace Tidemark.Domain.Tests.Sensors;

public class SensorAlertsTests
{
    private const long Noon = 1_705_406_400_000_000;
    private const long Minute = 60_000_000;
    private static readonly EventPipeline Pipeline = SensorPipeline.Create(new EventOptions("sensors"), [new("temp", -5, 30), new("rpm", null, 900)], TimeSpan.FromMinutes(4));
    private static readonly RowSchema Silver = Pipeline.Tables[1].Schema;

    private sealed record Reading(string Device, string Metric, decimal Value, long At, int Offset);

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    [InlineData(4)]
    [InlineData(5)]
    [InlineData(6)]
    public void Alerts_equal_a_naive_computation_whichever_batches_and_saved_states_there_were(int seed)
    {
        var random = new Random(seed);
        var readings = Enumerable.Range(0, 400).Select(i => new Reading(
            $"d{random.Next(4)}", random.Next(6) switch { 0 => "rpm", 1 => "volt", _ => "temp" }, random.Next(-9, 36) * (random.Next(4) == 0 ? 60 : 1),
            Noon + (i * 20_000_000L) - (random.Next(10) == 0 ? random.NextInt64(9 * Minute) : random.NextInt64(30_000_000)), i)).ToList();
        var state = Pipeline.OpenStream("sensor_alerts", []);
        var output = new List<RowBatch>();
        var inTime = new List<Reading>();
        var frontier = long.MinValue / 4;
        for (var from = 0; from < readings.Count;)
        {
            var batch = readings.GetRange(from, Math.Min(random.Next(1, 40), readings.Count - from));
            from += batch.Count;
            inTime.AddRange(batch.Where(r => frontier < 0 || r.At > (frontier - 60_000) * 1000));
            state.Add(Rows(batch), output);
            frontier = Math.Max(frontier, batch.Max(r => r.At) / 1000 - random.Next(40_000));
            state.Advance(frontier, output);
            if (random.Next(3) == 0)
                state = Pipeline.OpenStream("sensor_alerts", state.Save());
        }

        state.Advance((readings.Max(r => r.At) / 1000) + Pipeline.Streams[0].HorizonMs, output);
        var actual = output.SelectMany(b => Enumerable.Range(0, b.Count).Select(row => Line(b, row))).Order(StringComparer.Ordinal).ToList();
        Assert.Equal(Silent(inTime).Concat(Beyond(inTime)).Order(StringComparer.Ordinal), actual);
        Assert.Contains(actual, line => line.Contains("silent", StringComparison.Ordinal));
        Assert.Contains(actual, line => line.Contains("below", StringComparison.Ordinal));
        Assert.True(readings.Count - inTime.Count > 3);
    }

    [Fact]
    public void A_reading_on_its_bound_is_within_and_one_that_stays_beyond_is_told_once()
    {
        var state = Pipeline.OpenStream("sensor_alerts", []);
        var output = new List<RowBatch>();
        decimal[] values = [30, 30.0001m, 31, 32, 30, 31, -5, -5.0001m, 40];
        state.Add(Rows([.. values.Select((v, i) => new Reading("d", "temp", v, Noon + i, i))]), output);
        Assert.Equal([("above", 1L), ("above", 5L), ("below", 7L), ("above", 8L)], output.SelectMany(b => Enumerable.Range(0, b.Count).Select(r => ((string)b.Value(r, "rule")!, (long)b.Value(r, "kafka_offset")!))));
    }

    /// <summary>Gaps of at least four minutes between the readings of a device, and the one behind the last.</summary>
    private static IEnumerable<string> Silent(List<Reading> readings) =>
        from device in readings.GroupBy(r => r.Device)
        let times = device.Select(r => r.At).Order().ToList()
        from i in Enumerable.Range(0, times.Count)
        where i + 1 == times.Count || times[i + 1] - times[i] >= 4 * Minute
        select $"{times[i] + (4 * Minute)} silent {device.Key}  ";

    private static IEnumerable<string> Beyond(List<Reading> readings)
    {
        foreach (var series in readings.Where(r => r.Metric != "volt").GroupBy(r => (r.Device, r.Metric)))
        {
            var last = "";
            foreach (var r in series)
            {
                var (least, most) = r.Metric == "temp" ? (-5m, 30m) : (decimal.MinValue, 900m);
                var rule = r.Value < least ? "below" : r.Value > most ? "above" : "";
                if (rule != "" && rule != last)
                    yield return $"{r.At} {rule} {r.Device} {r.Metric} {r.Offset}";
                last = rule;
            }
        }
    }

    private static string Line(RowBatch rows, int row) =>
        $"{((Int64Column)rows["alert_time"]).Values[row]} {rows.Value(row, "rule")} {rows.Value(row, "device_id")} {rows.Value(row, "metric")} {rows.Value(row, "kafka_offset")}";

    private static RowBatch Rows(IReadOnlyList<Reading> readings)
    {
        var schema = new RowSchema([.. Silver.Fields.Where(f => f.Name is "event_time" or "device_id" or "metric" or "value" or "kafka_partition" or "kafka_offset")]);
        var builders = schema.Fields.ToDictionary(f => f.Name, f => ColumnBuilder.For(f, false));
        foreach (var r in readings)
        {
            ((Int64ColumnBuilder)builders["event_time"]).Append(r.At);
            ((Utf8ColumnBuilder)builders["device_id"]).Append(System.Text.Encoding.UTF8.GetBytes(r.Device));
            ((Utf8ColumnBuilder)builders["metric"]).Append(System.Text.Encoding.UTF8.GetBytes(r.Metric));
            ((Int64ColumnBuilder)builders["value"]).Append((long)(r.Value * 10_000));
            ((Int32ColumnBuilder)builders["kafka_partition"]).Append(0);
            ((Int64ColumnBuilder)builders["kafka_offset"]).Append(r.Offset);
        }

        return new RowBatch(schema, [.. schema.Fields.Select(f => builders[f.Name].Build())], readings.Count);
    }
}
