using System.Globalization;
using Tidemark.Domain.Columns;
using Tidemark.Domain.Queries;
using Tidemark.Domain.Streams;
using Tidemark.Domain.Tests.Streams;
using Tidemark.Domain.Tests.Windows;

namespace Tidemark.Domain.Tests.Groups;

public class GroupAggregatesTests
{
    [Theory]
    [MemberData(nameof(Seeds))]
    public void Every_aggregate_over_groups_and_sessions_is_that_of_a_naive_computation(int seed)
    {
        var random = new Random(seed);
        AggregateDefinition[] aggregates = [.. Enum.GetValues<AggregateFunction>().Select((function, i) => Random(random, $"a{i}", function))];
        var sessions = random.Next(2) == 0;
        Stage stage = sessions
            ? new SessionStage("s", "in", "time", TimeSpan.FromDays(1), null, ["key"], aggregates)
            : new GroupStage("s", "in", ["key"], aggregates);
        var stream = new StreamDefinition([new StreamInput("in", RandomRows.Schema, "time", TimeSpan.FromHours(1))], [stage], StreamMode.Complete);
        var execution = new StreamExecution(stream);
        var rows = RandomRows.Make(random, random.Next(1, 150), random.Next(1, 6)).Where(row => row.Time is not null).ToList();
        foreach (var batch in RandomRows.Cut(random, rows))
        {
            execution.Add(new Dictionary<string, RowBatch> { ["in"] = RandomRows.Batch(batch, RandomRows.Schema) }, 0);
            execution = RandomRows.Sometimes(random, stream, execution);
        }

        var result = execution.Table();
        var groups = rows.GroupBy(row => row.Key).ToDictionary(g => g.Key ?? "null", g => g.Select(Cells).ToList());
        Assert.Equal(groups.Count, result.Count);
        for (var row = 0; row < result.Count; row++)
        {
            var group = groups[result.Text(row, result.Schema.IndexOf("key")) ?? "null"];
            foreach (var aggregate in aggregates)
            {
                var expected = NaiveWindows.Value(aggregate, group) ?? aggregate.WhenEmpty;
                Assert.True(WindowStreamTests.Same(expected, result, row, result.Schema.IndexOf(aggregate.Name)), $"seed {seed}, {stage}: {aggregate} of row {row} should be {expected}");
            }
        }
    }

    public static TheoryData<int> Seeds => [.. Enumerable.Range(0, 80)];

    private static AggregateDefinition Random(Random random, string name, AggregateFunction function)
    {
        var text = random.Next(2) == 0 && function is AggregateFunction.Count or AggregateFunction.CountDistinct or AggregateFunction.Min or AggregateFunction.Max or AggregateFunction.Last
            or AggregateFunction.CollectSet or AggregateFunction.CollectList or AggregateFunction.MostFrequent or AggregateFunction.Mode;
        var aggregate = new AggregateDefinition(name, function, text ? "key" : "value", random.Next(3) == 0 ? Field.Named("value").Above(random.Next(100)) : null)
        {
            Limit = random.Next(1, 8), Quantile = random.NextDouble(),
        };
        return function is AggregateFunction.Sum or AggregateFunction.Average or AggregateFunction.SumDistinct or AggregateFunction.Quantile && random.Next(2) == 0
            ? aggregate with { WhenEmpty = 5 }
            : aggregate;
    }

    private static Dictionary<string, string?> Cells(NaiveRow row) => new()
    {
        ["event_time"] = RandomRows.Time(row.Time!.Value), ["key"] = row.Key, ["value"] = row.Value?.ToString(CultureInfo.InvariantCulture),
    };
}
