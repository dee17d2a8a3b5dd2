using System.Text.Json;
using Tidemark.Domain.Aggregates;
using Tidemark.Domain.Columns;
using Tidemark.Domain.Queries;

namespace Tidemark.Domain.Tests.Aggregates;

public class AccumulatorTests
{
    private static readonly RowSchema Schema = new([new("time", FieldType.Timestamp, false), new("v", FieldType.Int64), new("t", FieldType.String)]);

    [Theory]
    [MemberData(nameof(Cases))]
    public void Rows_split_and_merged_in_any_order_give_the_same_bytes(AggregateFunction function, int seed)
    {
        var random = new Random(seed);
        var text = function is AggregateFunction.Min or AggregateFunction.Max or AggregateFunction.First or AggregateFunction.CollectSet or AggregateFunction.MostFrequent or AggregateFunction.Mode && random.Next(2) == 0;
        var definition = new AggregateDefinition("a", function, text ? "t" : "v") { ExactUpTo = function switch
        {
            // Beyond its bound a count of frequent values depends on the order, within its error.
            AggregateFunction.MostFrequent or AggregateFunction.Mode => 500,
            AggregateFunction.SumDistinct => random.Next(16, 60),
            _ => random.Next(0, 60),
        }, Limit = random.Next(1, 20), Quantile = random.NextDouble() };
        var plan = AggregatePlan.Bind(definition, Schema, 0);
        var rows = Rows(random, random.Next(1, 200));
        var whole = plan.Create();
        whole.Grow(1);
        Add(whole, rows, Enumerable.Range(0, rows.Count));
        for (var round = 0; round < 3; round++)
        {
            var parts = Enumerable.Range(0, rows.Count).OrderBy(_ => random.Next()).Chunk(random.Next(1, 40)).ToArray();
            var merged = plan.Create();
            merged.Grow(2);
            foreach (var part in parts)
            {
                var one = plan.Create();
                one.Grow(1);
                Add(one, rows, part);
                if (random.Next(2) == 0)
                    merged.Merge(1, one, 0);
                else
                {
                    var reader = new ByteReader(Bytes(one, 0));
                    merged.Read(1, ref reader);
                    reader.End();
                }
            }
            Assert.Equal(Bytes(whole, 0), Bytes(merged, 1));
            Assert.Equal(whole.Number(0), merged.Number(1));
            merged.Clear();
            merged.Grow(2);
            var fresh = plan.Create();
            fresh.Grow(1);
            Assert.Equal(Bytes(fresh, 0), Bytes(merged, 1));
        }
    }

    [Theory]
    [InlineData(0.0)]
    [InlineData(0.5)]
    [InlineData(0.99)]
    [InlineData(1.0)]
    public void A_quantile_beyond_the_exact_bound_is_within_four_thousandths_of_a_value_of_its_rank(double quantile)
    {
        for (var seed = 0; seed < 20; seed++)
        {
            var random = new Random(seed);
            var values = Enumerable.Range(0, random.Next(200, 3000)).Select(_ => (long)Math.Exp(random.NextDouble() * 40) * (random.Next(3) - 1)).ToArray();
            var plan = AggregatePlan.Bind(new AggregateDefinition("a", AggregateFunction.Quantile, "v") { ExactUpTo = 100, Quantile = quantile }, Schema, 0);
            var accumulator = plan.Create();
            accumulator.Grow(1);
            Add(accumulator, Rows(values), Enumerable.Range(0, values.Length));
            Array.Sort(values);
            var rank = quantile * (values.Length - 1);
            double low = values[(int)Math.Floor(rank)], high = values[(int)Math.Ceiling(rank)];
            Assert.InRange(accumulator.Number(0)!.Value, low - Math.Abs(low) * 0.004, high + Math.Abs(high) * 0.004);
        }
    }

    [Fact]
    public void A_sum_that_does_not_fit_its_column_is_null_and_no_wrong_number()
    {
        var accumulator = AggregatePlan.Bind(new AggregateDefinition("a", AggregateFunction.Sum, "v"), Schema, 0).Create();
        accumulator.Grow(1);
        Add(accumulator, Rows([long.MaxValue, 1]), [0, 1]);
        var result = new Int64ColumnBuilder();
        accumulator.Emit(0, result);
        Add(accumulator, Rows([-1]), [0]);
        accumulator.Emit(0, result);
        var column = (Int64Column)result.Build();
        Assert.True(column.IsNull(0));
        Assert.Equal(long.MaxValue, column.Values[1]);
    }

    [Fact]
    public void A_sum_of_different_values_beyond_the_bound_is_as_near_as_its_standard_error_says()
    {
        const int Bound = 1000;
        var errors = new List<double>();
        for (var seed = 0; seed < 40; seed++)
        {
            var random = new Random(seed);
            var values = Enumerable.Range(0, 20_000).Select(_ => (long)random.Next(100, 1_000_000)).ToArray();
            var parts = values.Chunk(3000).Select(part =>
            {
                var one = SumDistinct(Bound);
                Add(one, Rows(part), Enumerable.Range(0, part.Length));
                return one;
            }).ToArray();
            var merged = SumDistinct(Bound);
            foreach (var part in parts.OrderBy(_ => random.Next()))
                merged.Merge(0, part, 0);
            Assert.True(Bytes(merged, 0).Length < 10 * Bound + 20);
            errors.Add(merged.Number(0)!.Value / values.Distinct().Sum() - 1);
        }
        var spread = Math.Sqrt((1 + 1 / 3.0) / Bound);   // deviation over mean of evenly spread values is about 1 / √3
        Assert.InRange(Math.Sqrt(errors.Average(e => e * e)), 0.6 * spread, 1.5 * spread);
        Assert.InRange(errors.Average(), -spread, spread);
    }

    [Fact]
    public void Counts_of_frequent_values_beyond_the_bound_are_too_low_by_no_more_than_is_said_and_find_what_is_frequent()
    {
        const int Bound = 50;
        for (var seed = 0; seed < 30; seed++)
        {
            var random = new Random(seed);
            var values = Enumerable.Range(0, 5000).Select(_ => (long)Math.Pow(random.NextDouble() * 12, 3)).ToArray();
            var plan = AggregatePlan.Bind(new AggregateDefinition("a", AggregateFunction.MostFrequent, "v") { ExactUpTo = Bound, Limit = 10 }, Schema, 0);
            var merged = plan.Create();
            merged.Grow(1);
            foreach (var part in values.Chunk(random.Next(100, 2000)))
            {
                var one = plan.Create();
                one.Grow(1);
                Add(one, Rows(part), Enumerable.Range(0, part.Length));
                var reader = new ByteReader(Bytes(one, 0));
                merged.Read(0, ref reader);
            }
            var result = new Utf8ColumnBuilder();
            merged.Emit(0, result);
            using var json = JsonDocument.Parse(((Utf8Column)result.Build())[0].ToArray());
            var counts = values.CountBy(v => v).ToDictionary();
            var found = json.RootElement.EnumerateArray().Select(e => (Value: e.GetProperty("value").GetInt64(), Count: e.GetProperty("count").GetInt64(), Off: e.GetProperty("short_by_at_most").GetInt64())).ToArray();
            Assert.All(found, f => Assert.InRange(counts[f.Value], f.Count, f.Count + f.Off));
            Assert.InRange(found[0].Off, 1, values.Length / (Bound + 1));
            Assert.Equal(counts.MaxBy(c => c.Value).Key, found[0].Value);
        }
    }

    [Fact]
    public void Frequent_values_beyond_the_bound_are_the_same_whether_they_were_saved_and_shown_in_between_or_not()
    {
        const int Bound = 16;
        for (var seed = 0; seed < 50; seed++)
        {
            var random = new Random(seed);
            var plan = AggregatePlan.Bind(new AggregateDefinition("a", AggregateFunction.MostFrequent, "v") { ExactUpTo = Bound, Limit = 10 }, Schema, 0);
            var (through, restarted) = (plan.Create(), plan.Create());
            through.Grow(2);
            restarted.Grow(2);
            for (var step = 0; step < 30; step++)
            {
                // As sessions do: one takes rows, now and then another one is merged into it.
                var rows = Rows([.. Enumerable.Range(0, random.Next(1, 30)).Select(_ => (long)random.Next(100))]);
                var slot = random.Next(4) == 0 ? 1 : 0;
                foreach (var one in (Accumulator[])[through, restarted])
                {
                    var view = new BatchView();
                    view.Use(rows);
                    one.Add(view, [.. Enumerable.Range(0, rows.Count)], [.. Enumerable.Repeat(slot, rows.Count)]);
                    if (step % 7 == 6)
                    {
                        one.Merge(0, one, 1);
                        one.Clear(1);
                    }
                }

                if (random.Next(2) == 0)
                    continue;
                restarted.Emit(0, new Utf8ColumnBuilder());
                var saved = (byte[][])[Bytes(restarted, 0), Bytes(restarted, 1)];
                restarted = plan.Create();
                restarted.Grow(2);
                for (var i = 0; i < 2; i++)
                {
                    var reader = new ByteReader(saved[i]);
                    restarted.Read(i, ref reader);
                }
            }

            Assert.Equal((Bytes(through, 0), Bytes(through, 1)), (Bytes(restarted, 0), Bytes(restarted, 1)), (a, b) => a.Item1.SequenceEqual(b.Item1) && a.Item2.SequenceEqual(b.Item2));
        }
    }

    [Fact]
    public void Frequent_values_of_slots_that_are_used_again_take_no_more_and_no_more_memory()
    {
        var accumulator = AggregatePlan.Bind(new AggregateDefinition("a", AggregateFunction.Mode, "v") { ExactUpTo = 1_000 }, Schema, 0).Create();
        accumulator.Grow(2);
        var counted = new Dictionary<long, long>();
        var allocated = 0L;
        for (var session = 0; session < 400; session++)
        {
            var rows = Rows([.. Enumerable.Range(0, 100).Select(i => session * 1_000L + i)]);
            var view = new BatchView();
            view.Use(rows);
            var which = Enumerable.Range(0, rows.Count).ToArray();
            var before = GC.GetAllocatedBytesForCurrentThread();
            accumulator.Add(view, which, new int[which.Length]);
            accumulator.Clear(0);
            if (session >= 200)
                allocated += GC.GetAllocatedBytesForCurrentThread() - before;
            if (session % 10 != 0)
                continue;
            // A session that stays open meanwhile.
            accumulator.Add(view, [0, 1, 1], [1, 1, 1]);
            counted[session * 1_000] = 1;
            counted[session * 1_000 + 1] = 2;
        }

        Assert.InRange(allocated, 0, 200 * 1_000);
        var saved = new ByteReader(Bytes(accumulator, 1));
        saved.Varint();
        Assert.Equal(counted.Count, saved.Count(3));
        foreach (var count in counted.OrderBy(c => c.Key).Select(c => c.Value))
        {
            saved.Sized();
            Assert.Equal(count, (long)saved.Varint());
        }
    }

    private static Accumulator SumDistinct(int bound)
    {
        var accumulator = AggregatePlan.Bind(new AggregateDefinition("a", AggregateFunction.SumDistinct, "v") { ExactUpTo = bound }, Schema, 0).Create();
        accumulator.Grow(1);
        return accumulator;
    }

    public static TheoryData<AggregateFunction, int> Cases
    {
        get
        {
            var cases = new TheoryData<AggregateFunction, int>();
            foreach (var function in Enum.GetValues<AggregateFunction>())
                for (var seed = 0; seed < 6; seed++)
                    cases.Add(function, seed);
            return cases;
        }
    }

    private static void Add(Accumulator to, RowBatch rows, IEnumerable<int> which)
    {
        var view = new BatchView();
        view.Use(rows);
        var selected = which.ToArray();
        to.Add(view, selected, new int[selected.Length]);
    }

    private static byte[] Bytes(Accumulator accumulator, int slot)
    {
        var writer = new ByteWriter();
        accumulator.Write(slot, writer);
        return writer.ToArray();
    }

    private static RowBatch Rows(long[] values)
    {
        var builders = Schema.Fields.Select(f => ColumnBuilder.For(f)).ToArray();
        foreach (var value in values)
        {
            ((Int64ColumnBuilder)builders[0]).Append(value % 10);
            ((Int64ColumnBuilder)builders[1]).Append(value);
            ((Utf8ColumnBuilder)builders[2]).Append("x"u8);
        }
        return new RowBatch(Schema, [.. builders.Select(b => b.Build())], values.Length);
    }

    private static RowBatch Rows(Random random, int count)
    {
        var builders = Schema.Fields.Select(f => ColumnBuilder.For(f, random.Next(2) == 0)).ToArray();
        for (var i = 0; i < count; i++)
        {
            ((Int64ColumnBuilder)builders[0]).Append(random.Next(10));
            if (random.Next(5) == 0)
                builders[1].AppendNull();
            else
                ((Int64ColumnBuilder)builders[1]).Append(random.Next(4) == 0 ? random.NextInt64() - random.NextInt64() : random.Next(-50, 50));
            if (random.Next(5) == 0)
                builders[2].AppendNull();
            else if (builders[2] is DictionaryColumnBuilder coded)
                coded.Append([(byte)random.Next(30)]);
            else
                ((Utf8ColumnBuilder)builders[2]).Append([(byte)random.Next(30)]);
        }
        return new RowBatch(Schema, [.. builders.Select(b => b.Build())], count);
    }
}
