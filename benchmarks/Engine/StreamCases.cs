using Tidemark.Domain.Columns;
using Tidemark.Domain.Queries;
using Tidemark.Domain.Streams;

namespace Tidemark.Bench.Engine;

/// <summary>Operators over columns that are decoded already: sessions, deduplication, interval join, at several numbers of keys.</summary>
internal static class StreamCases
{
    private static readonly RowSchema Schema = new([new("id", FieldType.String), new("user", FieldType.String), new("time", FieldType.Timestamp), new("value", FieldType.Int64)]);
    private static readonly TimeSpan Minute = TimeSpan.FromMinutes(1);

    /// <summary>Batches of rows; times ascend 1 ms a row, keys are spread evenly.</summary>
    public static List<RowBatch> Batches(int rows, int size, int keys)
    {
        var random = new Random(7);
        var batches = new List<RowBatch>();
        for (var at = 0; at < rows; at += size)
        {
            var builders = Schema.Fields.Select(f => ColumnBuilder.For(f)).ToArray();
            for (var i = at; i < Math.Min(rows, at + size); i++)
            {
                ((Utf8ColumnBuilder)builders[0]).Append(System.Text.Encoding.UTF8.GetBytes($"e-{(random.Next(10) == 0 ? random.Next(i + 1) : i):D9}"));
                ((Utf8ColumnBuilder)builders[1]).Append(System.Text.Encoding.UTF8.GetBytes($"u-{random.Next(keys)}"));
                ((Int64ColumnBuilder)builders[2]).Append(1_700_000_000_000_000 + i * 1000L - random.Next(2_000_000));
                ((Int64ColumnBuilder)builders[3]).Append(random.Next(1000));
            }
            batches.Add(new RowBatch(Schema, [.. builders.Select(b => b.Build())], builders[0].Count));
        }
        return batches;
    }

    /// <summary>An execution that has seen so many batches.</summary>
    public static StreamExecution Begin(StreamDefinition stream, List<RowBatch> batches, int count, string[] inputs)
    {
        var execution = new StreamExecution(stream);
        Run(execution, batches, 0, count, inputs);
        return execution;
    }

    /// <summary>Runs batches [from, to), one input after the other.</summary>
    public static void Run(StreamExecution execution, List<RowBatch> batches, int from, int to, string[] inputs)
    {
        for (var i = from; i < to; i++)
        {
            execution.Add(new Dictionary<string, RowBatch> { [inputs[i % inputs.Length]] = batches[i] }, 0);
            execution.TakeResults();
        }
    }

    /// <summary>The rows as lines of comma-separated values, for others to read.</summary>
    public static void Write(string file, List<RowBatch> batches)
    {
        using var to = new StreamWriter(file);
        foreach (var rows in batches)
            for (var row = 0; row < rows.Count; row++)
                to.WriteLine($"{rows.Text(row, 0)},{rows.Text(row, 1)},{((Int64Column)rows.Columns[2]).Values[row]},{rows.Text(row, 3)}");
    }

    public static StreamDefinition Sessions { get; } = new([Input("in")],
        [new SessionStage("s", "in", "time", TimeSpan.FromSeconds(30), null, ["user"], [new("rows", AggregateFunction.Count, null), new("sum", AggregateFunction.Sum, "value")])], StreamMode.Append);

    public static StreamDefinition Deduplicate { get; } = new([Input("in")], [new DeduplicateStage("s", "in", ["id"], WithinWatermark: true)], StreamMode.Append);

    public static StreamDefinition Join { get; } = new([Input("left"), Input("right")],
        [new JoinStage("s", JoinType.Inner, "left", "right")
        {
            Equal = [("user", "user")],
            TimeBounds = [new JoinBound("time", Comparison.GreaterOrEqual, "time", -1_000_000), new JoinBound("time", Comparison.LessOrEqual, "time", 1_000_000)],
        }], StreamMode.Append);

    private static StreamInput Input(string name) => new(name, Schema, "time", Minute);
}
