using System.Text.Json;
using Tidemark.Domain.Columns;
using Tidemark.Domain.KeyedState;

namespace Tidemark.Conformance;

/// <summary>A function that can be given a state before the start.</summary>
internal interface ICaseFunction : IKeyedFunction
{
    /// <summary>The saved form of a state, from the cells behind the key.</summary>
    byte[] FirstState(JsonElement[] cells);
}

/// <summary>The functions with state that cases name; what each does is stated in the format. Their first column is the key as it came.</summary>
internal static class CaseFunctions
{
    public static ICaseFunction Create(string name, StateTimeout timeout, RowSchema source, string? key)
    {
        var field = source.Fields.FirstOrDefault(f => f.Name == key) ?? new RowField("key", FieldType.String);
        var of = new Of(field with { Name = "key", Nullable = true }, source.Fields.Any(f => f.Name == "ts") ? "ts" : source.Fields.FirstOrDefault(f => f.Type == FieldType.Timestamp && f.Name != key)?.Name ?? "ts");
        return name switch
        {
            "countTo3Silent" => new CountTo3(of, marker: false, perRow: false),
            "countTo3Marker" => new CountTo3(of, marker: true, perRow: false),
            "countTo3PerRow" => new CountTo3(of, marker: false, perRow: true),
            "countIdle10s" => new CountIdle(of),
            "maxTimeIdle5s" => new NewestTime(of, timer: false),
            "maxTimeTimer5s" => new NewestTime(of, timer: true),
            "sessionInfo10s" => new SessionInfo(of),
            "onceWithTimeoutAtHalfSecond" => new OnceWithTimeout(of, timeout),
            _ => throw new NotSupportedCase($"function {name}"),
        };
    }

    /// <summary>The key and the name of the time column.</summary>
    private sealed record Of(RowField Key, string Time);

    private sealed record Number(long Value);

    private sealed record Info(long Count, long First, long Last);

    private abstract class Function<TState>(Of of, params RowField[] fields) : KeyedFunction<TState>, ICaseFunction where TState : class
    {
        public override RowSchema Output { get; } = new([of.Key, .. fields]);

        public abstract byte[] FirstState(JsonElement[] cells);

        protected static byte[] Saved(TState state) => JsonSerializer.SerializeToUtf8Bytes(state);

        /// <summary>Times of rows that have one, µs.</summary>
        protected long[] Times(RowBatch rows)
        {
            var times = (Int64Column)rows[of.Time];
            return [.. Enumerable.Range(0, rows.Count).Where(row => !times.IsNull(row)).Select(row => times.Values[row])];
        }

        protected static void Emit(IKeyedCall call, params object?[] values) => call.Emit([KeyOf(call.Key), .. values]);

        private static object? KeyOf(RowBatch key) => key.Columns[0].IsNull(0) ? null
            : key.Columns[0] is Int64Column wide ? wide.Values[0]
            : key.Value(0, 0);
    }

    private abstract class Counting(Of of) : Function<Number>(of, new RowField("value", FieldType.Int64))
    {
        public override byte[] FirstState(JsonElement[] cells) => Saved(new Number(cells[0].GetInt64()));
    }

    private sealed class CountTo3(Of of, bool marker, bool perRow) : Counting(of)
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
                Emit(call, count);
            else if (marker)
                Emit(call, -1L);
            return count == 3 ? null : new Number(count);
        }
    }

    private sealed class CountIdle(Of of) : Counting(of)
    {
        protected override Number OnRows(IKeyedCall call, Number? state, RowBatch rows)
        {
            var count = (state?.Value ?? 0) + rows.Count;
            Emit(call, count);
            call.TimeoutAfter(call.NowMs + 10_000);
            return new Number(count);
        }

        protected override Number? OnTimeout(IKeyedCall call, Number state)
        {
            Emit(call, -1L);
            return null;
        }
    }

    private sealed class NewestTime(Of of, bool timer) : Function<Number>(of, new RowField("value", FieldType.Timestamp))
    {
        public override byte[] FirstState(JsonElement[] cells) => Saved(new Number(CaseTypes.Unscaled(cells[0].GetDecimal(), 6)));

        protected override Number? OnRows(IKeyedCall call, Number? state, RowBatch rows)
        {
            var times = Times(rows);
            if (times.Length == 0 && state is null)
                return null;
            var newest = times.Append(state?.Value ?? long.MinValue).Max();
            Emit(call, newest);
            if (timer)
                call.TimerAt(newest + 5_000_000);
            else
                call.TimeoutAfter(newest + 5_000_000);
            return new Number(newest);
        }

        protected override Number? OnTimeout(IKeyedCall call, Number state)
        {
            Emit(call, -1_000_000L);
            return null;
        }
    }

    private sealed class SessionInfo(Of of) : Function<Info>(of, new("count", FieldType.Int64), new("spanMs", FieldType.Int64), new("expired", FieldType.Boolean))
    {
        public override byte[] FirstState(JsonElement[] cells) =>
            Saved(new Info(cells[0].GetInt64(), CaseTypes.Unscaled(cells[1].GetDecimal(), 6), CaseTypes.Unscaled(cells[2].GetDecimal(), 6)));

        protected override Info OnRows(IKeyedCall call, Info? state, RowBatch rows)
        {
            var times = Times(rows);
            var now = new Info((state?.Count ?? 0) + rows.Count, times.Append(state?.First ?? long.MaxValue).Min(), times.Append(state?.Last ?? long.MinValue).Max());
            EmitInfo(call, now, false);
            call.TimeoutAfter(call.NowMs + 10_000);
            return now;
        }

        protected override Info? OnTimeout(IKeyedCall call, Info state)
        {
            EmitInfo(call, state, true);
            return null;
        }

        private static void EmitInfo(IKeyedCall call, Info info, bool expired) => Emit(call, info.Count, (info.Last - info.First) / 1000, expired);
    }

    private sealed class OnceWithTimeout(Of of, StateTimeout timeout) : Counting(of)
    {
        protected override Number OnRows(IKeyedCall call, Number? state, RowBatch rows)
        {
            if (state is null)
                call.TimeoutAfter(timeout == StateTimeout.EventTime ? 500_000 : call.NowMs + 500);
            Emit(call, 0L);
            return new Number(0);
        }

        protected override Number OnTimeout(IKeyedCall call, Number state) =>
            throw new CaseFailure("the function was called for a timeout that a call with rows had cleared");
    }
}
