using System.Text.Json;
using Tidemark.Domain.Columns;
using Tidemark.Domain.KeyedState;
using Tidemark.Domain.Streams;
using Tidemark.Domain.Tests.Streams;

namespace Tidemark.Domain.Tests.KeyedState;

public class KeyedStateOperatorTests
{
    private sealed record Visits(long Count, long Newest);

    /// <summary>Counts rows of a key and reports the count when the key was silent for ten seconds.</summary>
    private sealed class SilentAfter(bool byEventTime) : KeyedFunction<Visits>
    {
        public override RowSchema Output { get; } = new([new("key", FieldType.String), new("count", FieldType.Int64)]);

        protected override Visits OnRows(IKeyedCall call, Visits? state, RowBatch rows)
        {
            var newest = Math.Max(state?.Newest ?? 0, ((Int64Column)rows["time"]).Values.Take(rows.Count).Max());
            if (byEventTime)
                call.TimeoutAfter(newest + 10_000_000);
            else
                call.TimerAt(call.NowMs + 10_000);
            return new Visits((state?.Count ?? 0) + rows.Count, newest);
        }

        protected override Visits? OnTimeout(IKeyedCall call, Visits state)
        {
            call.Emit(call.Key.Value(0, 0), state.Count);
            return null;
        }
    }

    [Theory]
    [MemberData(nameof(Seeds), 60)]
    public void A_key_is_called_back_once_it_was_silent_and_then_forgotten(int seed)
    {
        var random = new Random(seed);
        var byEventTime = random.Next(2) == 0;
        var stage = new KeyedStateStage("s", "in", ["key"], byEventTime ? StateTimeout.EventTime : StateTimeout.ProcessingTime, new SilentAfter(byEventTime));
        var stream = new StreamDefinition([new StreamInput("in", RandomRows.Schema, "time", TimeSpan.FromSeconds(2))], [stage], StreamMode.Append);
        var execution = new StreamExecution(stream);
        var state = new SortedDictionary<string, (long Count, long Newest, long Due)>(StringComparer.Ordinal);
        var (expected, actual) = (new List<string>(), new List<string>());
        long mark = long.MinValue, newest = long.MinValue, now = 0;
        var rows = RandomRows.Make(random, random.Next(1, 150), 6).Where(r => r.Time is not null).Select(r => r with { Key = r.Key ?? "none" }).ToList();
        foreach (var batch in RandomRows.Cut(random, rows))
        {
            now += random.Next(0, 8000);
            foreach (var group in batch.Where(r => !byEventTime || r.Time > mark).GroupBy(r => r.Key!))
            {
                var before = state.GetValueOrDefault(group.Key);
                var latest = Math.Max(before.Newest, group.Max(r => r.Time)!.Value);
                state[group.Key] = (before.Count + group.Count(), latest, byEventTime ? latest + 10_000_001 : now + 10_000);
            }
            newest = Math.Max(newest, batch.Max(r => r.Time) ?? long.MinValue);
            mark = newest == long.MinValue ? mark : Math.Max(mark, newest - 2_000_000);
            foreach (var (key, entry) in state.Where(s => s.Value.Due <= (byEventTime ? mark : now)).OrderBy(s => s.Value.Due).ToArray())
            {
                expected.Add($"{key}|{entry.Count}");
                state.Remove(key);
            }
            execution.Add(new Dictionary<string, RowBatch> { ["in"] = RandomRows.Batch(batch, RandomRows.Schema) }, now);
            actual.AddRange(RandomRows.Lines(execution.TakeResults()));
            Assert.Equal(state.Count, execution.StateRows("s"));
            if (random.Next(3) == 0)
                (execution, newest) = (StreamExecution.Load(stream, execution.Save()), long.MinValue);
        }
        Assert.Equal(expected, actual);
    }

    [Fact]
    public void Two_first_states_for_one_key_are_refused()
    {
        var key = RandomRows.Batch([new NaiveRow("k1", null, null)], RandomRows.Schema);
        var one = new Domain.Columns.RowBatch(new RowSchema([RandomRows.Schema.Fields[0]]), [key.Columns[0]], 1);
        var state = JsonSerializer.SerializeToUtf8Bytes(new Visits(1, 0));
        var stage = new KeyedStateStage("s", "in", ["key"], StateTimeout.None, new SilentAfter(true)) { Initial = [(one, state), (one, state)] };
        var refused = Assert.Throws<StreamException>(() => new StreamExecution(new StreamDefinition([new StreamInput("in", RandomRows.Schema)], [stage], StreamMode.Append)));
        Assert.Contains("same key", refused.Message);
    }

    public static TheoryData<int> Seeds(int count) => [.. Enumerable.Range(0, count)];
}
