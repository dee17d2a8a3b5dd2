using Tidemark.Domain.Queries;
using Tidemark.Domain.Streams;
using Tidemark.Domain.Tests.Streams;

namespace Tidemark.Domain.Tests.Sessions;

public class SessionOperatorTests
{
    [Theory]
    [MemberData(nameof(Seeds), 150)]
    public void Any_batches_and_restarts_give_the_sessions_of_a_naive_merge(int seed)
    {
        var random = new Random(seed);
        var delay = random.Next(0, 10) * 1_000_000L;
        var perRow = random.Next(2) == 0;
        var gap = TimeSpan.FromSeconds(random.Next(1, 8));
        AggregateDefinition[] aggregates = [new("rows", AggregateFunction.Count, null), new("sum", AggregateFunction.Sum, "value"),
            new("users", AggregateFunction.CountDistinct, "value"), new("first", AggregateFunction.First, "value"), new("big", AggregateFunction.Count, null, Field.Named("value").Above(50))];
        var stage = new SessionStage("s", "in", "time", perRow ? null : gap, perRow ? "gap" : null, ["key"], aggregates);
        var stream = new StreamDefinition([new StreamInput("in", RandomRows.Schema, "time", TimeSpan.FromTicks(delay * 10))], [stage], StreamMode.Append);
        var execution = new StreamExecution(stream);
        var (sessions, late) = (new List<List<NaiveRow>>(), 0L);
        long newest = long.MinValue, mark = long.MinValue, counted = 0;
        var emitted = new List<string>();
        foreach (var batch in RandomRows.Cut(random, RandomRows.Make(random, random.Next(1, 200), random.Next(1, 8))))
        {
            foreach (var row in batch)
            {
                if (row.Time is not { } time || (perRow ? row.Gap ?? 0 : gap.Ticks / 10) is var length && length <= 0)
                    continue;
                if (time + length <= mark)
                    late++;
                else
                    Join(sessions, row with { Gap = length }, mark);
            }
            newest = Math.Max(newest, batch.Max(r => r.Time) ?? long.MinValue);
            mark = Math.Max(mark, newest == long.MinValue ? mark : newest - delay);
            execution.Add(new Dictionary<string, Domain.Columns.RowBatch> { ["in"] = RandomRows.Batch(batch, RandomRows.Schema) }, 0);
            counted += execution.TakeCounts("s").DroppedLateRows;
            emitted.AddRange(RandomRows.Lines(execution.TakeResults()));
            if (newest != long.MinValue && random.Next(3) == 0)
                // After loading the watermark waits for the input again, as it does here: the newest time comes with the next row beyond it.
                (execution, newest) = (StreamExecution.Load(stream, execution.Save()), long.MinValue);
        }
        execution.End();
        emitted.AddRange(RandomRows.Lines(execution.TakeResults()));
        Assert.Equal(sessions.Select(Line).Order(StringComparer.Ordinal), emitted.Order(StringComparer.Ordinal));
        Assert.Equal(late, counted);
        Assert.Equal(0, execution.StateRows("s"));
    }

    [Theory]
    [MemberData(nameof(Seeds), 30)]
    public void The_order_of_rows_within_a_batch_does_not_matter(int seed)
    {
        var random = new Random(seed);
        var stage = new SessionStage("s", "in", "time", TimeSpan.FromSeconds(3), null, ["key"], [new("sum", AggregateFunction.Sum, "value"), new("last", AggregateFunction.Last, "value")]);
        var stream = new StreamDefinition([new StreamInput("in", RandomRows.Schema, "time", TimeSpan.FromSeconds(5))], [stage], StreamMode.Append);
        var rows = RandomRows.Make(random, 80, 4);
        byte[] Saved(IEnumerable<NaiveRow> order)
        {
            var execution = new StreamExecution(stream);
            execution.Add(new Dictionary<string, Domain.Columns.RowBatch> { ["in"] = RandomRows.Batch([.. order], RandomRows.Schema) }, 0);
            return execution.Save();
        }
        var expected = Saved(rows);
        for (var i = 0; i < 5; i++)
            Assert.Equal(expected, Saved(rows.OrderBy(_ => random.Next())));
        Assert.Equal(expected, StreamExecution.Load(stream, expected).Save());
    }

    public static TheoryData<int> Seeds(int count) => [.. Enumerable.Range(0, count)];

    /// <summary>Puts a row together with all sessions of its key that it meets and that are still open.</summary>
    private static void Join(List<List<NaiveRow>> sessions, NaiveRow row, long mark)
    {
        var met = sessions.Where(s => s[0].Key == row.Key && End(s) > mark && s.Min(r => r.Time) <= row.Time + row.Gap && row.Time <= End(s)).ToArray();
        sessions.RemoveAll(met.Contains);
        sessions.Add([.. met.SelectMany(s => s), row]);
    }

    private static long End(List<NaiveRow> session) => session.Max(r => r.Time + r.Gap)!.Value;

    private static string Line(List<NaiveRow> rows)
    {
        var end = End(rows);
        var values = rows.Where(r => r.Value is not null).ToArray();
        return string.Join('|', RandomRows.Time(rows.Min(r => r.Time)!.Value), RandomRows.Time(end), rows[0].Key ?? "NULL", rows.Count,
            values.Length == 0 ? "NULL" : values.Sum(r => r.Value), values.Select(r => r.Value).Distinct().Count(),
            values.Length == 0 ? "NULL" : values.OrderBy(r => r.Time).ThenBy(r => r.Value).First().Value, values.Count(r => r.Value > 50), RandomRows.Time(end - 1));
    }
}
