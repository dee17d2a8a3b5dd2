using Tidemark.Domain.Columns;
using Tidemark.Domain.KeyedState;
using Tidemark.Domain.Queries;
using Tidemark.Domain.Streams;

namespace Tidemark.Domain.Tests.Streams;

/// <summary>Users who have done nothing for a while.</summary>
internal static class SilentUsers
{
    public static EventStream Stream { get; } = new("silent_users", "silver/events", "event_time", TimeSpan.FromMinutes(1),
        [new("events", Filter.All, ["user_id"])],
        [new KeyedStateStage("silence", "events", ["user_id"], StateTimeout.EventTime, new Silence(TimeSpan.FromMinutes(20)))])
    {
        Summary = "Users who did something and then nothing for 20 minutes.",
        Keys = ["user_id"],
        TimeColumn = "last_seen",
        InTimeFor = TimeSpan.Zero,
        Horizon = TimeSpan.FromMinutes(20),
    };

    internal sealed record Visit(long LastSeen, long Events);

    private sealed class Silence(TimeSpan after) : KeyedFunction<Visit>
    {
        private readonly long _micros = after.Ticks / TimeSpan.TicksPerMicrosecond;

        public override RowSchema Output { get; } = new(
            [new("user_id", FieldType.String, false), new("last_seen", FieldType.Timestamp, false), new("events", FieldType.Int64, false)]);

        protected override Visit OnRows(IKeyedCall call, Visit? state, RowBatch rows)
        {
            var times = (Int64Column)rows["event_time"];
            var last = state?.LastSeen ?? long.MinValue;
            for (var row = 0; row < rows.Count; row++)
                last = Math.Max(last, times.Values[row]);
            call.TimerAt(last + _micros);
            return new Visit(last, (state?.Events ?? 0) + rows.Count);
        }

        protected override Visit? OnTimeout(IKeyedCall call, Visit state)
        {
            call.Emit(call.Key.Value(0, 0), state.LastSeen, state.Events);
            return null;
        }
    }
}
