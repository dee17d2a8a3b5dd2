using Tidemark.Domain.Columns;
using Tidemark.Domain.Joins;
using Tidemark.Domain.Queries;
using Tidemark.Domain.Streams;

namespace Tidemark.Domain.Tests.Streams;

/// <summary>Stages behind stages: a table looked up, duplicates dropped, then windows or groups, in every mode; and windows over sessions.</summary>
public class ChainTests
{
    private static readonly AggregateDefinition[] Aggregates = [new("rows", AggregateFunction.Count, null), new("sum", AggregateFunction.Sum, "value"), new("big", AggregateFunction.Count, null, Field.Named("value").Above(40))];

    [Theory]
    [MemberData(nameof(Seeds), 150)]
    public void Looked_up_deduplicated_and_aggregated_rows_are_those_of_a_naive_computation_after_every_batch(int seed)
    {
        var random = new Random(seed);
        var mode = (StreamMode)random.Next(3);
        var windowed = mode == StreamMode.Append || random.Next(2) == 0;
        var outer = random.Next(2) == 0;
        long slide = random.Next(1, 9) * 500, size = slide + random.Next(0, 12) * 500, offset = random.Next(-2000, 2000), delay = random.Next(0, 20) * 1_000_000L;
        var names = Enumerable.Range(0, 6).Select(_ => (Key: $"k{random.Next(5)}", Name: $"n{random.Next(3)}")).ToArray();
        Stage last = windowed
            ? new WindowStage("w", "first", "time", new WindowDefinition(Ms(size), Ms(slide), Ms(offset)), ["name"], Aggregates)
            : new GroupStage("w", "first", ["name"], Aggregates);
        var stream = new StreamDefinition([new StreamInput("in", RandomRows.Schema, "time", TimeSpan.FromTicks(delay * 10))],
            [new TableJoinStage("named", "in", "names", outer ? JoinType.LeftOuter : JoinType.Inner, [("key", "of")]), new DeduplicateStage("first", "named", ["name", "value"]), last], mode)
        {
            Tables = new Dictionary<string, RowBatch> { ["names"] = Names(names) },
        };
        var execution = new StreamExecution(stream);
        var (seen, groups, shown, append) = (new HashSet<string>(), new Dictionary<string, List<long?>>(), new Dictionary<string, string>(), new List<string>());
        long mark = long.MinValue, newest = long.MinValue;
        foreach (var batch in RandomRows.Cut(random, RandomRows.Make(random, random.Next(1, 200), 6)))
        {
            foreach (var row in batch)
                foreach (var name in names.Where(n => n.Key == row.Key).Select(n => (string?)n.Name) is var found && found.Any() ? found : outer ? [null] : [])
                    if (!(row.Time <= mark) && seen.Add($"{name}|{row.Value}"))
                        foreach (var window in windowed ? Windows(row.Time, size, slide, offset, mode == StreamMode.Complete ? long.MinValue : mark) : [""])
                            (groups.TryGetValue($"{window}{name ?? "NULL"}", out var group) ? group : groups[$"{window}{name ?? "NULL"}"] = []).Add(row.Value);
            newest = Math.Max(newest, batch.Max(r => r.Time) ?? long.MinValue);
            mark = newest == long.MinValue ? mark : Math.Max(mark, newest - delay);
            execution.Add(new Dictionary<string, RowBatch> { ["in"] = RandomRows.Batch(batch, RandomRows.Schema) }, 0);
            var lines = RandomRows.Lines(mode == StreamMode.Complete ? execution.Table() : execution.TakeResults()).Select(l => windowed ? l[..l.LastIndexOf('|')] : l).ToList();
            append.AddRange(lines);
            if (mode == StreamMode.Complete)
                shown.Clear();
            foreach (var line in lines)
                shown[Group(line)] = line;
            if (mode != StreamMode.Append)
                Assert.Equal(Expected(groups), shown.Values.Order(StringComparer.Ordinal));
            if (random.Next(3) == 0)
                (execution, newest) = (StreamExecution.Load(stream, execution.Save()), long.MinValue);
        }

        execution.End();
        append.AddRange(RandomRows.Lines(execution.TakeResults()).Select(l => windowed ? l[..l.LastIndexOf('|')] : l));
        if (mode == StreamMode.Append)
            Assert.Equal(Expected(groups), append.Order(StringComparer.Ordinal));
    }

    [Theory]
    [MemberData(nameof(Seeds), 60)]
    public void Windows_over_sessions_of_two_united_inputs_count_each_session_once(int seed)
    {
        var random = new Random(seed);
        var gap = random.Next(1, 5) * 1_000_000L;
        // No row is late: disorder is a minute at most.
        var delay = TimeSpan.FromSeconds(61);
        var stream = new StreamDefinition([new StreamInput("a", RandomRows.Schema, "time", delay), new StreamInput("b", RandomRows.Schema, "time", delay)],
            [
                new UnionStage("all", ["a", "b"]),
                new SessionStage("visits", "all", "time", TimeSpan.FromTicks(gap * 10), null, ["key"], [new("rows", AggregateFunction.Count, null)]),
                new WindowStage("w", "visits", "session_time", new WindowDefinition(Ms(5000), Ms(5000), TimeSpan.Zero), [], [new("visits", AggregateFunction.Count, null), new("rows", AggregateFunction.Sum, "rows")]),
            ], StreamMode.Append);
        var execution = new StreamExecution(stream);
        var emitted = new List<string>();
        var rows = RandomRows.Make(random, random.Next(1, 250), random.Next(1, 8));
        foreach (var batch in RandomRows.Cut(random, rows))
        {
            var first = batch.Where(_ => random.Next(2) == 0).ToList();
            execution.Add(new Dictionary<string, RowBatch> { ["a"] = RandomRows.Batch(first, RandomRows.Schema), ["b"] = RandomRows.Batch([.. batch.Except(first)], RandomRows.Schema) }, 0);
            emitted.AddRange(RandomRows.Lines(execution.TakeResults()));
            execution = RandomRows.Sometimes(random, stream, execution);
        }

        execution.End();
        emitted.AddRange(RandomRows.Lines(execution.TakeResults()));
        var sessions = new List<(long End, long Rows)>();
        foreach (var times in rows.Where(r => r.Time is not null).GroupBy(r => r.Key).Select(g => g.Select(r => r.Time!.Value).Order().ToList()))
            for (int from = 0, to; from < times.Count; from = to)
            {
                for (to = from + 1; to < times.Count && times[to] - times[to - 1] <= gap;)
                    to++;
                sessions.Add((times[to - 1] + gap, to - from));
            }

        var expected = sessions.GroupBy(s => (s.End - 1) / 5_000_000).Select(w =>
            $"{RandomRows.Time(w.Key * 5_000_000)}|{RandomRows.Time((w.Key + 1) * 5_000_000)}|{w.Count()}|{w.Sum(s => s.Rows)}|{RandomRows.Time((w.Key + 1) * 5_000_000 - 1)}");
        Assert.Equal(expected.Order(StringComparer.Ordinal), emitted.Order(StringComparer.Ordinal));
    }

    public static TheoryData<int> Seeds(int count) => [.. Enumerable.Range(0, count)];

    private static IEnumerable<string> Windows(long? micros, long size, long slide, long offset, long mark)
    {
        if (micros is not { } time)
            yield break;
        for (var start = offset - slide * ((offset - time / 1000 + size) / slide + 3); start * 1000 <= time; start += slide)
            if (time < (start + size) * 1000 && (mark == long.MinValue || start + size > Math.Floor(mark / 1000d)))
                yield return $"{RandomRows.Time(start * 1000)}|{RandomRows.Time((start + size) * 1000)}|";
    }

    private static IEnumerable<string> Expected(Dictionary<string, List<long?>> groups) =>
        groups.Select(g => $"{g.Key}|{g.Value.Count}|{g.Value.Sum(v => v) switch { _ when g.Value.All(v => v is null) => "NULL", var sum => sum.ToString() }}|{g.Value.Count(v => v > 40)}")
            .Order(StringComparer.Ordinal);

    /// <summary>A line without its three values.</summary>
    private static string Group(string line) => line.Split('|') is var cells ? string.Join('|', cells[..^3]) : "";

    private static RowBatch Names((string Key, string Name)[] names)
    {
        var rows = new RowsBuilder(new RowSchema([new("of", FieldType.String), new("name", FieldType.String)]));
        foreach (var (key, name) in names)
            rows.Add(key, name);
        return rows.Build();
    }

    private static TimeSpan Ms(long ms) => TimeSpan.FromMilliseconds(ms);
}
