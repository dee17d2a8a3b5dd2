using Tidemark.Domain.Queries;
using Tidemark.Domain.Streams;

namespace Tidemark.Domain.Tests.Streams;

public class StreamCheckTests
{
    private static readonly AggregateDefinition[] Rows = [new("rows", AggregateFunction.Count, null)];

    public static TheoryData<string, string[]> Faults => new()
    {
        { "unknown source", ["'nowhere'", "correct the name"] },
        { "unknown column", ["'kay'", "correct the name"] },
        { "sum of text", ["'total'", "'key'", "numeric"] },
        { "first without time", ["'f'", "event time"] },
        { "union", ["4 columns", "3"] },
        { "table", ["no table 'prices'"] },
        { "sort", ["sorted", "complete mode"] },
        { "no watermark", ["append mode", "delay"] },
        { "cross join", ["equality", "add a key"] },
        { "event time", ["'value'", "timestamp"] },
        { "gap", ["gap", "positive"] },
        { "slide", ["slide", "shorten"] },
        { "table side", ["table", "stream's rows"] },
        { "key types", ["'key'", "'value'", "same type"] },
        { "filter", ["'nope'", "correct the name"] },
        { "semi", ["wait for ever", "time range"] },
    };

    [Theory]
    [MemberData(nameof(Faults))]
    public void A_stream_that_cannot_run_is_refused_with_stage_field_and_remedy(string fault, string[] said)
    {
        var input = new StreamInput("in", RandomRows.Schema, fault == "event time" ? "value" : "time", TimeSpan.FromSeconds(1));
        var plain = new StreamInput("plain", RandomRows.Schema);
        Stage stage = fault switch
        {
            "unknown source" => new GroupStage("s", "nowhere", ["key"], Rows),
            "unknown column" => new DeduplicateStage("s", "in", ["kay"]),
            "sum of text" => new SessionStage("s", "in", "time", TimeSpan.FromSeconds(1), null, ["key"], [new("total", AggregateFunction.Sum, "key")]),
            "first without time" => new GroupStage("s", "plain", ["key"], [new("f", AggregateFunction.First, "value")]),
            "union" => new UnionStage("s", ["in", "few"]),
            "table" => new TableJoinStage("s", "in", "prices", JoinType.Inner, [("key", "key")]),
            "sort" => new OrderStage("s", "in", [("key", false)]),
            "no watermark" => new GroupStage("s", "plain", ["key"], Rows),
            "gap" => new AssignSessionStage("s", "in", "time", TimeSpan.Zero, null),
            "slide" => new AssignWindowStage("s", "in", "time", new WindowDefinition(TimeSpan.FromSeconds(1), TimeSpan.FromSeconds(2), TimeSpan.Zero)),
            "table side" => new TableJoinStage("s", "in", "t", JoinType.LeftSemi, [("key", "key")], StreamIsLeft: false),
            "key types" => new JoinStage("s", JoinType.Inner, "in", "plain") { Equal = [("key", "value")] },
            "filter" => new JoinStage("s", JoinType.Inner, "in", "plain") { Equal = [("key", "key")], LeftFilter = new NumberIs("nope", Comparison.Less, 1) },
            "semi" => new JoinStage("s", JoinType.LeftSemi, "in", "plain") { Equal = [("key", "key")] },
            "event time" => new UnionStage("s", ["in"]),
            _ => new JoinStage("s", JoinType.Inner, "in", "plain"),
        };
        var few = new StreamInput("few", new Domain.Columns.RowSchema([.. RandomRows.Schema.Fields.Take(3)]));
        var mode = fault == "first without time" ? StreamMode.Update : StreamMode.Append;
        var refused = Assert.ThrowsAny<ArgumentException>(() => new StreamExecution(new StreamDefinition([input, plain, few], [stage], mode)));
        foreach (var word in said)
            Assert.Contains(word, refused.Message);
    }

    [Fact]
    public void Saved_state_of_a_whole_stream_that_is_damaged_is_refused()
    {
        var stream = new StreamDefinition([new StreamInput("in", RandomRows.Schema, "time", TimeSpan.FromSeconds(5))],
            [new DeduplicateStage("d", "in", ["key", "value"]), new SessionStage("s", "d", "time", TimeSpan.FromSeconds(3), null, ["key"], Rows)], StreamMode.Append);
        var random = new Random(5);
        var execution = new StreamExecution(stream);
        execution.Add(new Dictionary<string, Domain.Columns.RowBatch> { ["in"] = RandomRows.Batch(RandomRows.Make(random, 50, 5), RandomRows.Schema) }, 0);
        var saved = execution.Save();
        for (var i = 0; i < 500; i++)
        {
            var damaged = saved[..random.Next(saved.Length)];
            if (damaged.Length > 0)
                damaged[random.Next(damaged.Length)] ^= (byte)(1 << random.Next(8));
            Assert.Throws<InvalidDataException>(() => StreamExecution.Load(stream, damaged));
        }
    }
}
