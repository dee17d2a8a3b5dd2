using System.Globalization;
using System.Text;
using Tidemark.Domain.Aggregates;
using Tidemark.Domain.Clickstream;
using Tidemark.Domain.Columns;
using Tidemark.Domain.Events;
using Tidemark.Domain.KeyedState;
using Tidemark.Domain.Pipelines;
using Tidemark.Domain.Queries;
using Tidemark.Domain.Streams;

namespace Tidemark.Domain.Tests.Streams;

/// <summary>What the protocol needs of every stream: the same rows whichever ticks ran, wherever a state was saved.</summary>
public class EventStreamTests
{
    private const long Noon = 1_700_000_000_000;
    private static readonly EventPipeline Shop = ClickstreamPipeline.Create(new EventOptions("shop"));

    public static TheoryData<string, int> Cases
    {
        get
        {
            var cases = new TheoryData<string, int>();
            foreach (var stream in Shop.Streams.Where(s => !s.IsChained))
                for (var seed = 0; seed < 12; seed++)
                    cases.Add(stream.Name, seed);
            return cases;
        }
    }

    [Theory]
    [MemberData(nameof(Cases))]
    public void Rows_do_not_depend_on_when_time_was_moved_or_state_was_saved(string name, int seed)
    {
        var random = new Random(seed);
        var steps = Steps(random);
        var straight = new List<RowBatch>();
        var state = Shop.OpenStream(name, []);
        foreach (var (tag, rows) in steps)
        {
            state.Advance(tag, straight);
            state.Add(rows, straight);
        }

        state.Advance(long.MaxValue / 4000, straight);

        var broken = new List<RowBatch>();
        var other = Shop.OpenStream(name, []);
        var reached = long.MinValue;
        foreach (var (tag, rows) in steps)
        {
            for (var marks = random.Next(3); marks > 0 && reached > 0; marks--)
                other.Advance(reached += (tag - reached) / 2, broken);
            other.Advance(reached = tag, broken);
            other.Add(rows, broken);
            if (random.Next(3) == 0)
                other = Shop.OpenStream(name, other.Save());
        }

        other.Advance(long.MaxValue / 4000, broken);
        Assert.Equal(Lines(straight), Lines(broken));
        Assert.NotEmpty(straight);
    }

    [Fact]
    public void A_state_of_another_definition_is_refused()
    {
        var sessions = Shop.OpenStream("user_sessions", []);
        sessions.Add(Steps(new Random(1))[0].Rows, new List<RowBatch>());
        var e = Assert.Throws<InvalidDataException>(() => Shop.OpenStream("click_to_purchase", sessions.Save()));
        Assert.Contains("another definition", e.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("gold/nowhere", "event_time", "event_id", "gold/nowhere")]
    [InlineData("silver/events", "event_time", "colour", "colour")]
    [InlineData("gold/event_counts", "event_time", "events", "window_time")]
    [InlineData("silver/events", "event_time", "event_id", "result_id")]
    public void Faults_of_a_definition_are_named(string source, string time, string column, string named)
    {
        var stream = new EventStream("mine", source, time, TimeSpan.Zero, [new("all", Filter.All, [column])],
            [new DeduplicateStage("first", "all", [column], WithinWatermark: true)]) { Keys = [named == "result_id" ? "result_id" : column] };
        var e = Assert.ThrowsAny<ArgumentException>(() => new EventPipeline(new EventOptions("shop"), ClickstreamQueries.All, null, [stream]));
        Assert.Contains(named, e.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_timeout_by_wall_time_is_refused_in_a_pipeline()
    {
        var stream = new EventStream("mine", "silver/events", "event_time", TimeSpan.Zero, [new("all", Filter.All, ["user_id"])],
            [new KeyedStateStage("quiet", "all", ["user_id"], StateTimeout.ProcessingTime, new CountRows())]) { Keys = ["user_id"] };
        var e = Assert.Throws<StreamException>(() => new EventPipeline(new EventOptions("shop"), [], null, [stream]));
        Assert.Contains("event time", e.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void The_example_in_the_docs_is_the_one_that_is_tested()
    {
        var root = new DirectoryInfo(AppContext.BaseDirectory);
        while (!File.Exists(Path.Combine(root!.FullName, "Functions.sln")))
            root = root.Parent;
        var code = File.ReadAllText(Path.Combine(root.FullName, "tests", "Domain.Tests", "Streams", "SilentUsers.cs"));
        Assert.Contains(code[code.IndexOf("internal static class", StringComparison.Ordinal)..].TrimEnd(), File.ReadAllText(Path.Combine(root.FullName, "docs", "streams.md")), StringComparison.Ordinal);
    }

    [Fact]
    public void A_function_with_a_timer_tells_of_each_silence_once()
    {
        var pipeline = new EventPipeline(new EventOptions("shop"), [], null, [SilentUsers.Stream]);
        var state = pipeline.OpenStream("silent_users", []);
        var output = new List<RowBatch>();
        var seen = new List<(string User, long Time)>();
        foreach (var (tag, rows) in Steps(new Random(5)))
        {
            state.Advance(tag, output);
            for (var row = 0; row < rows.Count; row++)
                if (((Int64Column)rows["event_time"]).Values[row] > (tag - 60_000) * 1000)
                    seen.Add(((string)rows.Value(row, "user_id")!, ((Int64Column)rows["event_time"]).Values[row]));
            state.Add(rows, output);
            state = pipeline.OpenStream("silent_users", state.Save());
        }

        state.Advance(long.MaxValue / 4000, output);
        Assert.Equal(seen.Count, output.Sum(b => Enumerable.Range(0, b.Count).Sum(row => (long)b.Value(row, "events")!)));
        Assert.All(seen.GroupBy(s => s.User), user => Assert.Contains(
            output.SelectMany(b => Enumerable.Range(0, b.Count).Select(row => (b.Value(row, "user_id"), b.Value(row, "last_seen")))),
            row => row.Item1 as string == user.Key && (DateTime)row.Item2! == DateTime.UnixEpoch.AddTicks(user.Max(u => u.Time) * 10)));
    }

    [Fact]
    public void The_code_that_a_null_has_does_not_matter()
    {
        var column = new DictionaryColumn([0, 77, -5, 1], new Utf8Column("ab"u8.ToArray(), [0, 1, 2], 2), 4, [0b0110]);
        var hashes = new ulong[4];
        ColumnHashes.Fill(column, hashes);
        Assert.Equal([Hash64.Of("a"u8), 0, 0, Hash64.Of("b"u8)], hashes);
    }

    /// <summary>Ranges of silver rows with the frontier each was committed under, which never goes back.</summary>
    private static List<(long Tag, RowBatch Rows)> Steps(Random random)
    {
        var steps = new List<(long, RowBatch)>();
        long now = Noon, tag = Noon - 60_000;
        for (var range = 0; range < 40; range++)
        {
            var records = new List<SourceRecord>();
            for (var i = random.Next(1, 12); i > 0; i--)
            {
                now += random.Next(12) == 0 ? random.Next(3_000_000) : random.Next(20_000);
                records.Add(new SourceRecord(range * 100 + 20 - i, now, null, Event(random, now - (random.Next(8) == 0 ? random.Next(900_000) : 0), $"{range}-{i}"), []));
            }

            using var decoded = Shop.Decode(0, records, now);
            steps.Add((tag, Copied(Shop.Build(decoded, tag).Rows["silver/events"])));
            if (random.Next(3) == 0)
                tag = Math.Max(tag, now - random.Next(120_000));
        }

        return steps;
    }

    // The decoder's memory serves the next batch.
    private static RowBatch Copied(RowBatch rows) => RowBatches.Take(rows, Enumerable.Range(0, rows.Count).ToArray());

    private static byte[] Event(Random random, long time, string id) => Encoding.UTF8.GetBytes(string.Create(CultureInfo.InvariantCulture,
        $$"""{"event_id":"{{id}}","event_type":"{{(random.Next(3) == 0 ? "purchase" : "view")}}","ts":{{time}},"user_id":"u{{random.Next(4)}}","session_id":"s","product_id":"p{{random.Next(3)}}","category":"c{{random.Next(2)}}","page":"/{{random.Next(5)}}","country":"{{(random.Next(20) == 0 ? "JP" : "DE")}}","revenue":{{(random.Next(15) == 0 ? 900 : random.Next(8, 12))}}.5}"""));

    private static List<string> Lines(List<RowBatch> batches) =>
        [.. batches.SelectMany(b => Enumerable.Range(0, b.Count).Select(row => string.Join("|", Enumerable.Range(0, b.Columns.Count).Select(c => b.Text(row, c))))).Order(StringComparer.Ordinal)];

    private sealed record Seen(long Rows);

    private sealed class CountRows : KeyedFunction<Seen>
    {
        public override RowSchema Output { get; } = new([new("user_id", FieldType.String), new("rows", FieldType.Int64)]);

        protected override Seen OnRows(IKeyedCall call, Seen? state, RowBatch rows) => new((state?.Rows ?? 0) + rows.Count);

        protected override Seen? OnTimeout(IKeyedCall call, Seen state) => null;
    }
}
