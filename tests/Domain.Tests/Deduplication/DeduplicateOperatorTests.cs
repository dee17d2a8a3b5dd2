using Tidemark.Domain.Columns;
using Tidemark.Domain.Streams;
using Tidemark.Domain.Tests.Streams;

namespace Tidemark.Domain.Tests.Deduplication;

public class DeduplicateOperatorTests
{
    [Theory]
    [MemberData(nameof(Seeds), 120)]
    public void The_first_row_of_a_key_passes_until_the_key_is_forgotten(int seed)
    {
        var random = new Random(seed);
        var delay = random.Next(0, 20) * 1_000_000L;
        var kind = random.Next(3);   // by key for ever, by key and time, within the watermark
        var stage = kind switch
        {
            0 => new DeduplicateStage("d", "in", ["key", "value"]),
            1 => new DeduplicateStage("d", "in", ["value", "time"], "time"),
            _ => new DeduplicateStage("d", "in", ["key"], WithinWatermark: true),
        };
        var stream = new StreamDefinition([new StreamInput("in", RandomRows.Schema, "time", TimeSpan.FromTicks(delay * 10))], [stage], StreamMode.Append);
        var execution = new StreamExecution(stream);
        var seen = new Dictionary<string, long>();
        var (expected, actual) = (new List<string>(), new List<string>());
        long mark = long.MinValue, newest = long.MinValue, late = 0, duplicates = 0, countedLate = 0, counted = 0;
        var rows = RandomRows.Make(random, random.Next(1, 300), random.Next(1, 20)).Select(r => random.Next(3) == 0 ? r : r with { Time = r.Time / 2_000_000 * 2_000_000 }).ToList();
        foreach (var batch in RandomRows.Cut(random, rows))
        {
            foreach (var row in batch)
            {
                var key = kind switch { 0 => $"{row.Key ?? "null"}|{row.Value}", 1 => $"{row.Value}|{row.Time}", _ => row.Key ?? "null" };
                if (row.Time <= mark)
                    late++;
                else if (!seen.TryAdd(key, kind switch { 0 => long.MaxValue, 1 => row.Time ?? long.MaxValue, _ => row.Time + delay ?? long.MaxValue }))
                    duplicates++;
                else
                    expected.AddRange(RandomRows.Lines(RandomRows.Batch([row], RandomRows.Schema)));
            }
            newest = Math.Max(newest, batch.Max(r => r.Time) ?? long.MinValue);
            mark = newest == long.MinValue ? mark : Math.Max(mark, newest - delay);
            foreach (var gone in seen.Where(s => s.Value <= mark).Select(s => s.Key).ToArray())
                seen.Remove(gone);
            execution.Add(new Dictionary<string, RowBatch> { ["in"] = RandomRows.Batch(batch, RandomRows.Schema) }, 0);
            var counts = execution.TakeCounts("d");
            (countedLate, counted) = (countedLate + counts.DroppedLate, counted + counts.DroppedDuplicates);
            actual.AddRange(RandomRows.Lines(execution.TakeResults()));
            Assert.Equal(seen.Count, execution.StateRows("d"));
            if (random.Next(4) == 0)
                (execution, newest) = (StreamExecution.Load(stream, execution.Save()), long.MinValue);
        }
        Assert.Equal(expected, actual);
        Assert.Equal((late, duplicates), (countedLate, counted));
    }

    public static TheoryData<int> Seeds(int count) => [.. Enumerable.Range(0, count)];
}
