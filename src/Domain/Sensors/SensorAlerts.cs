using Tidemark.Domain.Columns;
using Tidemark.Domain.KeyedState;
using Tidemark.Domain.Queries;
using Tidemark.Domain.Streams;

namespace Tidemark.Domain.Sensors;

/// <summary>Readings beyond the bounds of their metric, and devices that have fallen silent.</summary>
internal static class SensorAlerts
{
    private const int ValueScale = 10_000;

    private static readonly RowSchema Alert = new(
    [
        new("alert_time", FieldType.Timestamp, false), new("rule", FieldType.String, false), new("device_id", FieldType.String, false), new("metric", FieldType.String),
        new("value", FieldType.Decimal, true, 18, 4), new("bound", FieldType.Decimal, true, 18, 4), new("last_seen", FieldType.Timestamp, false),
        new("kafka_partition", FieldType.Int32), new("kafka_offset", FieldType.Int64),
    ]);

    /// <summary>The stream <c>sensor_alerts</c>.</summary>
    /// <param name="bounds">Bounds by metric; a metric without bounds has no alerts of values.</param>
    /// <param name="silentAfter">Event time after its last reading at which a device counts as silent.</param>
    public static EventStream Stream(IReadOnlyList<MetricBounds> bounds, TimeSpan silentAfter) => new("sensor_alerts", "silver/sensors", "event_time", TimeSpan.FromMinutes(1),
        [
            new("bounded", Field.Named("metric").In([.. bounds.Select(b => b.Metric)]), ["device_id", "metric", "value", "kafka_partition", "kafka_offset"]),
            new("all", Filter.All, ["device_id"]),
        ],
        [
            new KeyedStateStage("bounds", "bounded", ["device_id", "metric"], StateTimeout.EventTime, new Bounds(bounds)),
            new KeyedStateStage("silence", "all", ["device_id"], StateTimeout.EventTime, new Silence(silentAfter)),
            new UnionStage("alerts", ["bounds", "silence"]),
        ])
    {
        Summary = $"The first reading of a device beyond the bounds of its metric, until one is within them again; and devices without any reading for {silentAfter.TotalMinutes:0} minutes of event time.",
        Keys = ["rule", "device_id", "metric", "kafka_partition", "kafka_offset"],
        TimeColumn = "alert_time",
        InTimeFor = TimeSpan.Zero,
        Horizon = silentAfter,
    };

    /// <summary>The rule that the device's last reading of the metric broke, and when that was.</summary>
    internal sealed record Beyond(string Rule, long At);

    /// <summary>Readings in the order in which they came: of those that follow each other beyond the same bound the first is told.</summary>
    private sealed class Bounds(IReadOnlyList<MetricBounds> bounds) : KeyedFunction<Beyond>
    {
        /// <summary>A device that says nothing more of the metric for so long begins anew.</summary>
        private const long Kept = 24 * 3_600_000_000L;

        private readonly Dictionary<string, MetricBounds> _bounds = bounds.ToDictionary(b => b.Metric);

        public override RowSchema Output => Alert;

        protected override Beyond? OnRows(IKeyedCall call, Beyond? state, RowBatch rows)
        {
            for (var row = 0; row < rows.Count; row++)
                state = Judge(call, state, rows, row);
            if (state is not null)
                call.TimeoutAfter(state.At + Kept);
            return state;
        }

        protected override Beyond? OnTimeout(IKeyedCall call, Beyond state) => null;

        private Beyond? Judge(IKeyedCall call, Beyond? state, RowBatch rows, int row)
        {
            var at = ((Int64Column)rows["event_time"]).Values[row];
            var value = (decimal)rows.Value(row, "value")!;
            var metric = (string)rows.Value(row, "metric")!;
            if (_bounds[metric].Broken(value) is not var (rule, bound))
                return null;
            var isNew = state is null || state.Rule != rule || at > state.At + Kept;
            if (isNew)
                call.Emit(
                    at, rule, rows.Value(row, "device_id"), metric, (long)(value * ValueScale), (long)(bound * ValueScale), at,
                    ((Int32Column)rows["kafka_partition"]).Values[row], ((Int64Column)rows["kafka_offset"]).Values[row]);
            return new Beyond(rule, isNew ? at : Math.Max(at, state!.At));
        }
    }

    /// <summary>Spans of event time in which the device spoke, first and last reading, ascending and further apart than it may be silent.</summary>
    internal sealed record Spoken(List<long> From, List<long> To);

    /// <summary>
    /// A span ends when event time is past its last reading by as long as a device may be silent. Readings may come in any order, so what is told does not
    /// depend on it.
    /// </summary>
    private sealed class Silence(TimeSpan after) : KeyedFunction<Spoken>
    {
        private readonly long _after = after.Ticks / TimeSpan.TicksPerMicrosecond;

        public override RowSchema Output => Alert;

        protected override Spoken OnRows(IKeyedCall call, Spoken? state, RowBatch rows)
        {
            state ??= new Spoken([], []);
            var times = (Int64Column)rows["event_time"];
            for (var row = 0; row < rows.Count; row++)
                Add(state, times.Values[row]);
            call.TimerAt(state.To[0] + _after);
            return state;
        }

        protected override Spoken? OnTimeout(IKeyedCall call, Spoken state)
        {
            call.Emit(state.To[0] + _after, "silent", call.Key.Value(0, 0), null, null, null, state.To[0], null, null);
            state.From.RemoveAt(0);
            state.To.RemoveAt(0);
            if (state.To.Count == 0)
                return null;
            call.TimerAt(state.To[0] + _after);
            return state;
        }

        private void Add(Spoken state, long time)
        {
            var (from, to) = (time, time);
            // Spans that this reading joins; there is one on each side at most.
            for (var i = state.To.Count - 1; i >= 0; i--)
            {
                if (time - state.To[i] >= _after || state.From[i] - time >= _after)
                    continue;
                (from, to) = (Math.Min(from, state.From[i]), Math.Max(to, state.To[i]));
                state.From.RemoveAt(i);
                state.To.RemoveAt(i);
            }

            var at = state.From.FindIndex(start => start > from) is var found and >= 0 ? found : state.From.Count;
            state.From.Insert(at, from);
            state.To.Insert(at, to);
        }
    }
}
