using Tidemark.Domain.Columns;
using Tidemark.Domain.KeyedState;

namespace Tidemark.Conformance;

/// <summary>The functions with state that cases name; what each does is stated in the format.</summary>
internal static class CaseFunctions
{
    public static IKeyedFunction Create(string name, StateTimeout timeout) => name switch
    {
        "countTo3Silent" => new CountTo3(marker: false, perRow: false),
        "countTo3Marker" => new CountTo3(marker: true, perRow: false),
        "countTo3PerRow" => new CountTo3(marker: false, perRow: true),
        "countIdle10s" => new CountIdle(),
        "maxTimeIdle5s" => new NewestTime(timer: false),
        "maxTimeTimer5s" => new NewestTime(timer: true),
        "sessionInfo10s" => new SessionInfo(),
        "onceWithTimeoutAtHalfSecond" => new OnceWithTimeout(timeout),
        _ => throw new NotSupportedCase($"function {name}"),
    };

    private sealed record Number(long Value);

    private abstract class KeyAndValue : KeyedFunction<Number>
    {
        public override RowSchema Output { get; } = new([new("key", FieldType.String), new("value", FieldType.Int64)]);

        protected static string? KeyOf(IKeyedCall call) => call.Key.Text(0, 0);
    }

    private sealed class CountTo3(bool marker, bool perRow) : KeyAndValue
    {
        protected override Number? OnRows(IKeyedCall call, Number? state, RowBatch rows)
        {
            var times = perRow ? rows.Count : 1;
            for (var i = 0; i < times; i++)
                state = Once(call, state, perRow ? 1 : rows.Count);
            return state;
        }

        protected override Number? OnTimeout(IKeyedCall call, Number state) => state;

        private Number? Once(IKeyedCall call, Number? state, int rows)
        {
            var count = (state?.Value ?? 0) + rows;
            if (count != 3)
                call.Emit(KeyOf(call), count);
            else if (marker)
                call.Emit(KeyOf(call), -1L);
            return count == 3 ? null : new Number(count);
        }
    }

    private sealed class CountIdle : KeyAndValue
    {
        protected override Number OnRows(IKeyedCall call, Number? state, RowBatch rows)
        {
            var count = (state?.Value ?? 0) + rows.Count;
            call.Emit(KeyOf(call), count);
            call.TimeoutAfter(call.NowMs + 10_000);
            return new Number(count);
        }

        protected override Number? OnTimeout(IKeyedCall call, Number state)
        {
            call.Emit(KeyOf(call), -1L);
            return null;
        }
    }

    private sealed class NewestTime(bool timer) : KeyedFunction<Number>
    {
        public override RowSchema Output { get; } = new([new("key", FieldType.String), new("value", FieldType.Timestamp)]);

        protected override Number OnRows(IKeyedCall call, Number? state, RowBatch rows)
        {
            var newest = state?.Value ?? long.MinValue;
            var times = (Int64Column)rows["ts"];
            for (var row = 0; row < rows.Count; row++)
                newest = Math.Max(newest, times.Values[row]);
            call.Emit(call.Key.Text(0, 0), newest);
            if (timer)
                call.TimerAt(newest + 5_000_000);
            else
                call.TimeoutAfter(newest + 5_000_000);
            return new Number(newest);
        }

        protected override Number? OnTimeout(IKeyedCall call, Number state)
        {
            call.Emit(call.Key.Text(0, 0), -1_000_000L);
            return null;
        }
    }

    private sealed record Info(long Count, long First, long Last);

    private sealed class SessionInfo : KeyedFunction<Info>
    {
        public override RowSchema Output { get; } =
            new([new("key", FieldType.String), new("count", FieldType.Int64), new("spanMs", FieldType.Int64), new("expired", FieldType.Boolean)]);

        protected override Info OnRows(IKeyedCall call, Info? state, RowBatch rows)
        {
            var column = (Int64Column)rows["ts"];
            var times = column.Values.Take(rows.Count).ToArray();
            var now = new Info((state?.Count ?? 0) + rows.Count, Math.Min(state?.First ?? long.MaxValue, times.Min()), Math.Max(state?.Last ?? long.MinValue, times.Max()));
            Emit(call, now, false);
            call.TimeoutAfter(call.NowMs + 10_000);
            return now;
        }

        protected override Info? OnTimeout(IKeyedCall call, Info state)
        {
            Emit(call, state, true);
            return null;
        }

        private static void Emit(IKeyedCall call, Info info, bool expired) => call.Emit(call.Key.Text(0, 0), info.Count, (info.Last - info.First) / 1000, expired);
    }

    private sealed class OnceWithTimeout(StateTimeout timeout) : KeyAndValue
    {
        protected override Number OnRows(IKeyedCall call, Number? state, RowBatch rows)
        {
            if (state is null)
                call.TimeoutAfter(timeout == StateTimeout.EventTime ? 500_000 : 500);
            call.Emit(KeyOf(call), 0L);
            return new Number(0);
        }

        protected override Number OnTimeout(IKeyedCall call, Number state) =>
            throw new InvalidOperationException("The function was called for a timeout that a call with rows had cleared.");
    }
}
