using Tidemark.Domain.Columns;
using Tidemark.Domain.KeyedState;
using Tidemark.Domain.Pipelines;
using Tidemark.Domain.Queries;
using Tidemark.Domain.Streams;

namespace Tidemark.Domain.Clickstream.Streams;

/// <summary>How much a product is wanted now, against its usual level: the signal for pricing.</summary>
internal static class Demand
{
    private static readonly TimeSpan Window = TimeSpan.FromMinutes(10);

    public static EventStream Stream { get; } = new("demand", "gold/product_activity", EventStreamPlan.WindowTime, TimeSpan.Zero,
        [new("windows", Actions.OfProducts, ["window_end", "product_id", "views", "carts", "purchases"])],
        [new KeyedStateStage("level", "windows", ["product_id"], StateTimeout.EventTime, new Level())])
    {
        Summary = "For each product its views, carts and purchases of the last 10 minutes, weighed, against its usual level.",
        Keys = ["product_id"],
        Results = StreamResults.Latest,
        AgeColumn = "window_end",
        Horizon = Window,
    };

    internal sealed record Usual(long Windows, double Mean, long LastEnd, int Silent);

    private sealed class Level : KeyedFunction<Usual>
    {
        private const double Weight = 0.2;
        private const double PerCart = 3, PerPurchase = 10;
        private const int MostSilent = 144;
        private static readonly long WindowMicros = Window.Ticks / TimeSpan.TicksPerMicrosecond;

        public override RowSchema Output { get; } = new(
        [
            new("product_id", FieldType.String, false), new("window_end", FieldType.Timestamp, false), new("views", FieldType.Int64, false), new("carts", FieldType.Int64, false),
            new("purchases", FieldType.Int64, false), new("level", FieldType.Double, false), new("usual_level", FieldType.Double, false), new("ratio", FieldType.Double),
            new("signal", FieldType.String, false),
        ]);

        protected override Usual OnRows(IKeyedCall call, Usual? state, RowBatch rows)
        {
            for (var row = 0; row < rows.Count; row++)
                state = Judge(
                    call, state, ((Int64Column)rows["window_end"]).Values[row],
                    (long)rows.Value(row, "views")!, (long)rows.Value(row, "carts")!, (long)rows.Value(row, "purchases")!, silent: 0);
            call.TimerAt(state!.LastEnd + WindowMicros);
            return state;
        }

        protected override Usual? OnTimeout(IKeyedCall call, Usual state)
        {
            var next = Judge(call, state, state.LastEnd + WindowMicros, 0, 0, 0, state.Silent + 1);
            if (next.Silent >= MostSilent)
                return null;
            call.TimerAt(next.LastEnd + WindowMicros);
            return next;
        }

        private static Usual Judge(IKeyedCall call, Usual? state, long end, long views, long carts, long purchases, int silent)
        {
            var level = views + (PerCart * carts) + (PerPurchase * purchases);
            var usual = state?.Mean ?? level;
            double? ratio = usual > 0 ? level / usual : null;
            // Of a silence only its first window is told, so that products nobody looks at cost nothing.
            if (silent <= 1)
                call.Emit(
                    call.Key.Value(0, 0), end, views, carts, purchases, level, usual, ratio,
                    ratio switch { null => "steady", > 1.5 => "rising", < 0.5 => "falling", _ => "steady" });
            return new Usual((state?.Windows ?? 0) + 1, usual + (Weight * (level - usual)), end, silent);
        }
    }
}
