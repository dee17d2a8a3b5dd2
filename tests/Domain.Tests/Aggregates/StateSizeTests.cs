using Tidemark.Domain.Aggregates;
using Tidemark.Domain.Columns;
using Tidemark.Domain.Queries;

namespace Tidemark.Domain.Tests.Aggregates;

/// <summary>What docs/semantics.md says that the state of a group takes, measured.</summary>
public class StateSizeTests
{
    private static readonly RowSchema Schema = new([new("event_time", FieldType.Timestamp, false), new("n", FieldType.Int64), new("text", FieldType.String)]);

    [Theory]
    [InlineData(AggregateFunction.Count, "n", 1, 9)]
    [InlineData(AggregateFunction.Sum, "n", 17, 25)]
    [InlineData(AggregateFunction.Average, "n", 17, 25)]
    [InlineData(AggregateFunction.Min, "n", 9, 9)]
    [InlineData(AggregateFunction.Max, "n", 9, 9)]
    [InlineData(AggregateFunction.VarianceSample, "n", 41, 49)]
    [InlineData(AggregateFunction.DeviationPopulation, "n", 41, 49)]
    // The text has 10 bytes; a key has 3 more, and each list and value a length.
    [InlineData(AggregateFunction.Min, "text", 10, 15)]
    [InlineData(AggregateFunction.First, "text", 18, 23)]
    [InlineData(AggregateFunction.Last, "text", 18, 23)]
    public void A_group_of_any_size_takes_what_is_stated(AggregateFunction function, string field, int least, int most)
    {
        foreach (var rows in (int[])[1, 100, 20_000])
            Assert.InRange(Saved(new AggregateDefinition("a", function, field), rows), least, most);
    }

    [Fact]
    public void Different_values_take_what_is_stated_while_exact_and_registers_beyond()
    {
        var exact = new AggregateDefinition("a", AggregateFunction.CountDistinct, "n");
        Assert.InRange(Saved(exact, 4_096) / 4_096.0, 4.6, 4.85);
        Assert.InRange(Saved(exact, 4_200), 12_288, 12_300);
        var approximate = Query.Named("q").Tumbling(TimeSpan.FromMinutes(1)).Watermark(TimeSpan.Zero).ApproximateDistinct("a", "n").Update().Aggregates.Single();
        Assert.InRange(Saved(approximate, 1_024) / 1_024.0, 4.8, 5.1);
        Assert.InRange(Saved(approximate, 1_100), 12_288, 12_300);
        var sum = new AggregateDefinition("a", AggregateFunction.SumDistinct, "n");
        Assert.InRange(Saved(sum, 20_000), 1, 10 * 4_096 + 16);
    }

    [Fact]
    public void A_quantile_takes_eight_bytes_a_value_and_beyond_the_bound_four_bytes_a_bucket()
    {
        var median = new AggregateDefinition("a", AggregateFunction.Quantile, "n") { Quantile = 0.5, ExactUpTo = 1_024 };
        Assert.InRange(Saved(median, 1_024), 8 * 1_024, 8 * 1_024 + 8);
        // Values over six powers of ten fall into some 1,700 to 2,600 buckets.
        Assert.InRange(Saved(median, 100_000), 4_000, 11_000);
    }

    [Theory]
    [InlineData(AggregateFunction.CollectList)]
    [InlineData(AggregateFunction.CollectSet)]
    [InlineData(AggregateFunction.Greatest)]
    public void Lists_take_no_more_than_their_limit(AggregateFunction function) =>
        Assert.InRange(Saved(new AggregateDefinition("a", function, "text") { Limit = 5 }, 20_000), 5 * 10, 5 * 30);

    [Fact]
    public void Frequent_values_take_a_value_and_a_count_each_at_most_twice_as_many_as_told() =>
        Assert.InRange(Saved(new AggregateDefinition("a", AggregateFunction.MostFrequent, "text") { Limit = 5, ExactUpTo = 50 }, 20_000), 10, 2 * 50 * 20);

    private static int Saved(AggregateDefinition aggregate, int count)
    {
        var random = new Random(5);
        var (times, numbers, texts) = (new Int64ColumnBuilder(), new Int64ColumnBuilder(), new Utf8ColumnBuilder());
        for (var i = 0; i < count; i++)
        {
            times.Append(1_700_000_000_000_000 + i);
            numbers.Append(i == 0 ? 1 : (long)(Math.Exp(random.NextDouble() * Math.Log(1e6)) * 1000) * 100_000 + i);
            texts.Append(System.Text.Encoding.UTF8.GetBytes($"p{random.Next(100_000):D9}"));
        }

        var accumulator = AggregatePlan.Bind(aggregate, Schema, 0).Create();
        accumulator.Grow(1);
        var view = new BatchView();
        view.Use(new RowBatch(Schema, [times.Build(), numbers.Build(), texts.Build()], count));
        accumulator.Add(view, [.. Enumerable.Range(0, count)], new int[count]);
        var writer = new ByteWriter();
        accumulator.Write(0, writer);
        return writer.Length;
    }
}
