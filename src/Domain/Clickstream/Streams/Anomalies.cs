using Tidemark.Domain.Columns;
using Tidemark.Domain.KeyedState;
using Tidemark.Domain.Queries;
using Tidemark.Domain.Streams;

namespace Tidemark.Domain.Clickstream.Streams;

/// <summary>Spikes and drops of a window query's metric against what is usual for the group.</summary>
internal static class Anomalies
{
    /// <summary>Watches a metric of a query, group by group. A window without a row counts as 0, so a group that falls silent is seen.</summary>
    /// <param name="name">Name of the stream.</param>
    /// <param name="query">The query, with one group key.</param>
    /// <param name="metric">Which of its columns.</param>
    public static EventStream Of(string name, QueryDefinition query, string metric)
    {
        var key = query.Keys.Single();
        return new EventStream(name, "gold/" + query.Name, EventStreamPlan.WindowTime, TimeSpan.Zero,
            [new("windows", Filter.All, ["window_end", key, metric])],
            [new KeyedStateStage("watch", "windows", [key], StateTimeout.EventTime, new Watch(query.Name, metric, query.Window.Slide))])
        {
            Summary = $"Windows of {query.Name} whose {metric} is far from what is usual for its {key}.",
            Keys = ["metric", "group"],
            TimeColumn = "window_end",
            Horizon = query.Window.Slide,
        };
    }

    /// <summary>What is usual: exponentially weighted mean and variance of the windows so far.</summary>
    internal sealed record Usual(long Windows, double Mean, double Variance, long LastEnd, int Silent);

    private sealed class Watch(string query, string metric, TimeSpan slide) : KeyedFunction<Usual>
    {
        private const double Weight = 0.1;
        private const int LeastWindows = 12;
        private const int MostSilent = 48;
        private const double Far = 4;
        private const double VeryFar = 8;
        private readonly long slideMicros = slide.Ticks / TimeSpan.TicksPerMicrosecond;

        public override RowSchema Output { get; } = new(
        [
            new("window_end", FieldType.Timestamp, false), new("query", FieldType.String, false), new("metric", FieldType.String, false), new("group", FieldType.String),
            new("kind", FieldType.String, false), new("value", FieldType.Double, false), new("expected", FieldType.Double, false),
            new("score", FieldType.Double, false), new("severity", FieldType.String, false),
        ]);

        protected override Usual OnRows(IKeyedCall call, Usual? state, RowBatch rows)
        {
            var ends = (Int64Column)rows["window_end"];
            for (var row = 0; row < rows.Count; row++)
                state = Judge(call, state, ends.Values[row], Convert.ToDouble(rows.Value(row, metric) ?? 0d, System.Globalization.CultureInfo.InvariantCulture), silent: 0);
            call.TimerAt(state!.LastEnd + slideMicros);
            return state;
        }

        protected override Usual? OnTimeout(IKeyedCall call, Usual state)
        {
            // Every window that ends by now has come; this group had none.
            var next = Judge(call, state, state.LastEnd + slideMicros, 0, state.Silent + 1);
            if (next.Silent >= MostSilent)
                return null;
            call.TimerAt(next.LastEnd + slideMicros);
            return next;
        }

        private Usual Judge(IKeyedCall call, Usual? state, long end, double value, int silent)
        {
            if (state is null)
                return new Usual(1, value, 0, end, 0);
            // A spread of less than a twentieth of the mean, or of 1, is taken as that: nothing is ever quite constant.
            var spread = Math.Max(Math.Sqrt(state.Variance), Math.Max(Math.Abs(state.Mean) / 20, 1));
            var score = (value - state.Mean) / spread;
            if (state.Windows >= LeastWindows && Math.Abs(score) >= Far)
                call.Emit(
                    end, query, metric, call.Key.Value(0, 0) as string, score > 0 ? "spike" : "drop", value, state.Mean, score,
                    Math.Abs(score) >= VeryFar ? "critical" : "warning");
            // An outlier moves what is usual only as far as the border, so that one spike does not hide the next.
            var taken = state.Windows < LeastWindows ? value : state.Mean + (Math.Clamp(score, -Far, Far) * spread);
            var step = taken - state.Mean;
            var mean = state.Mean + (Weight * step);
            return new Usual(state.Windows + 1, mean, (1 - Weight) * (state.Variance + (Weight * step * step)), end, silent);
        }
    }
}
