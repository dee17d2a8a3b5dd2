using System.Text;
using Tidemark.Domain.Clickstream;
using Tidemark.Domain.Clickstream.Streams;
using Tidemark.Domain.Columns;
using Tidemark.Domain.Events;
using Tidemark.Domain.Ledger;
using Tidemark.Domain.Pipelines;
using Tidemark.Domain.Streams;

namespace Tidemark.Domain.Tests.Streams;

/// <summary>The shipped join of two topics, on the rows that their pipelines make of JSON, against a naive join.</summary>
public class TopicJoinTests
{
    private const long Noon = 1_700_000_000_000;
    private const long Minute = 60_000;
    private static readonly PipelineId Views = new("v1", "events", 1), Orders = new("v1", "orders", 1);
    private static readonly EventPipeline Shop = ClickstreamPipeline.Create(new EventOptions("events")), Purchases = PurchasePipeline.Create(new EventOptions("orders"));
    private readonly TopicJoinPipeline _join = new([ViewToPurchase.Join(Views, Orders)]);

    private sealed record Happening(int Side, string Id, string Type, string User, string Product, long AtMs);

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    [InlineData(4)]
    public void Pairs_and_late_rows_are_those_of_a_naive_join_wherever_states_were_saved(int seed)
    {
        var random = new Random(seed);
        var (commits, all) = Commits(random);
        var pairs = new List<RowBatch>();
        var late = new List<RowBatch>();
        Follow(_join, "view_to_purchase", commits, random, pairs);
        Follow(_join, "view_to_purchase_late", commits, random, late);
        var (missed, inTime) = (Missed(late), InTime(all, late));
        var expected = from v in inTime
                       where v is { Side: 0, Type: "view" }
                       from p in Partners(v, inTime)
                       select $"{v.Id} {p.Id} {(p.AtMs - v.AtMs) / 1000.0}";
        var actual = pairs.SelectMany(b => Enumerable.Range(0, b.Count).Select(r => $"{b.Value(r, "view_id")} {b.Value(r, "purchase_id")} {b.Value(r, "seconds_to_purchase")}"));
        Assert.Equal(expected.Order(StringComparer.Ordinal), actual.Order(StringComparer.Ordinal));
        Assert.NotEmpty(pairs);
        Assert.NotEmpty(missed);
        Assert.DoesNotContain(missed, m => m.Item1 == 1 && m.Item2.StartsWith("refund", StringComparison.Ordinal));
    }

    [Fact]
    public void A_left_outer_join_also_gives_each_left_row_that_stayed_alone_once_and_holds_nothing_at_the_end()
    {
        var shipped = ViewToPurchase.Join(Views, Orders);
        var pairs = (JoinStage)shipped.Stages[2];
        var outer = new TopicJoinPipeline([shipped with
        {
            Stages = [shipped.Stages[0], shipped.Stages[1], new JoinStage("all", JoinType.LeftOuter, "viewed", "bought") { Equal = pairs.Equal, TimeBounds = pairs.TimeBounds }], TimeColumn = "view_time",
        }]);
        var random = new Random(7);
        var (commits, all) = Commits(random);
        var (rows, late) = (new List<RowBatch>(), new List<RowBatch>());
        var state = Follow(outer, "view_to_purchase", commits, random, rows);
        Follow(outer, "view_to_purchase_late", commits, random, late);
        var inTime = InTime(all, late);
        var expected = from v in inTime
                       where v is { Side: 0, Type: "view" }
                       from p in Partners(v, inTime).Select(p => p.Id).DefaultIfEmpty("none")
                       select $"{v.Id} {p}";
        var actual = rows.SelectMany(b => Enumerable.Range(0, b.Count).Select(r => $"{b.Value(r, "view_id")} {b.Value(r, "purchase_id") ?? "none"}")).ToList();
        Assert.Equal(expected.Order(StringComparer.Ordinal), actual.Order(StringComparer.Ordinal));
        Assert.Contains(actual, row => row.EndsWith("none", StringComparison.Ordinal));
        Assert.Equal(0, state.Entries);
    }

    [Fact]
    public void The_side_that_is_behind_goes_next_and_the_left_one_where_both_are_equal()
    {
        var state = (JoinedState)_join.OpenStream("view_to_purchase", []);
        var nothing = new List<RowBatch>();
        CommittedRows Commit(long version, long? time) => new(version, version, RowBatches.Empty(Shop.Tables[1].Schema)) { TimeMs = time };
        Assert.Equal((0, -1), (state.Next, state.Place));
        state.Take(0, Commit(0, null), nothing);
        Assert.Equal((0, null), (state.Next, state.FrontierMs));
        state.Take(0, Commit(3, Noon), nothing);
        Assert.Equal((1, null), (state.Next, state.FrontierMs));
        state.Take(1, Commit(0, Noon), nothing);
        Assert.Equal((0, Noon, 4), (state.Next, state.FrontierMs, state.Place));
        state.Take(0, Commit(4, Noon + 10), nothing);
        Assert.Equal((1, Noon), (state.Next, state.FrontierMs));
        var again = (JoinedState)_join.OpenStream("view_to_purchase", state.Save());
        Assert.Equal((1, Noon, 5, 4, 0), (again.Next, again.FrontierMs, again.Place, again.Version(0), again.Version(1)));
        Assert.Equal(state.Save(), again.Save());
    }

    [Fact]
    public void It_reads_the_columns_that_it_computes_with_and_no_others()
    {
        var spec = _join.Streams.ToDictionary(s => s.Name, s => s.SideColumns!.Select(c => string.Join(' ', c.Order(StringComparer.Ordinal))));
        Assert.Equal(["category device_type event_id event_time event_type product_id user_id", "event_id event_time event_type product_id revenue user_id"], spec["view_to_purchase"]);
        var late = "event_id event_time event_type kafka_offset kafka_partition kafka_topic product_id user_id";
        Assert.Equal([late, late], spec["view_to_purchase_late"]);
        Assert.InRange(Shop.Tables[1].Schema.Fields.Count, 20, int.MaxValue);
    }

    [Fact]
    public void A_state_of_another_join_is_refused_and_so_is_a_column_that_is_not_there()
    {
        var other = new TopicJoinPipeline([ViewToPurchase.Join(Views, Orders) with { Delay = TimeSpan.FromMinutes(1) }]);
        var e = Assert.Throws<InvalidDataException>(() => other.OpenStream("view_to_purchase", _join.OpenStream("view_to_purchase", []).Save()));
        Assert.Contains("another definition", e.Message, StringComparison.Ordinal);
        var join = ViewToPurchase.Join(Views, Orders);
        var wrong = Assert.Throws<StreamException>(() => new TopicJoinPipeline([join with { Left = join.Left with { View = join.Left.View with { Columns = ["colour"] } } }]));
        Assert.Contains("colour", wrong.Message, StringComparison.Ordinal);
    }

    private static HashSet<(int Side, string Id)> Missed(List<RowBatch> late) =>
        [.. late.SelectMany(b => Enumerable.Range(0, b.Count).Select(r => ((string)b.Value(r, "side")! == "left" ? 0 : 1, (string)b.Value(r, "event_id")!)))];

    private static List<Happening> InTime(List<Happening> all, List<RowBatch> late)
    {
        var missed = Missed(late);
        return [.. all.Where(h => !missed.Contains((h.Side, h.Id)))];
    }

    private static IEnumerable<Happening> Partners(Happening view, List<Happening> inTime) =>
        inTime.Where(p => p is { Side: 1, Type: "purchase" } && view.User == p.User && view.Product == p.Product && p.AtMs >= view.AtMs && p.AtMs <= view.AtMs + 30 * Minute);

    private static JoinedState Follow(TopicJoinPipeline join, string stream, List<CommittedRows>[] commits, Random random, List<RowBatch> output)
    {
        var state = (JoinedState)join.OpenStream(stream, []);
        var at = new int[2];
        while (at[state.Next] < commits[state.Next].Count)
        {
            var side = state.Next;
            // Just what it says it reads.
            var (commit, columns) = (commits[side][at[side]++], join.Streams.Single(s => s.Name == stream).SideColumns![side]);
            var schema = new RowSchema([.. commit.Rows.Schema.Fields.Where(f => columns.Contains(f.Name))]);
            state.Take(side, commit with { Rows = new RowBatch(schema, [.. schema.Fields.Select(f => commit.Rows[f.Name])], commit.Rows.Count) }, output);
            if (random.Next(3) == 0)
                state = (JoinedState)join.OpenStream(stream, state.Save());
        }

        Assert.Equal([commits[0].Count, commits[1].Count], at);
        return state;
    }

    /// <summary>Commits of both sides, each with a frontier behind its newest row, one side ahead of the other now and then; the last ones are at the same late time.</summary>
    private static (List<CommittedRows>[] Commits, List<Happening> All) Commits(Random random)
    {
        var all = new List<Happening>();
        List<CommittedRows>[] commits = [[], []];
        for (var side = 0; side < 2; side++)
        {
            var frontier = Noon - 60 * Minute;
            for (var c = 0; c < 30; c++)
            {
                var rows = Enumerable.Range(0, random.Next(25)).Select(i => new Happening(
                    side, $"{(side == 0 ? "v" : random.Next(5) == 0 ? "refund" : "p")}{c}-{i}", "", $"u{random.Next(6)}", $"p{random.Next(4)}",
                    Noon + (c * 2 * Minute) + random.NextInt64(2 * Minute) - (random.Next(15) == 0 ? random.NextInt64(50 * Minute) : 0)))
                    .Select(h => h with { Type = h.Id[0] switch { 'v' => random.Next(4) == 0 ? "scroll" : "view", 'r' => "refund", _ => "purchase" } }).ToList();
                all.AddRange(rows);
                frontier = Math.Max(frontier, Noon + (c * 2 * Minute) - random.NextInt64(4 * Minute));
                commits[side].Add(new CommittedRows(c, c, Silver(side, rows)) { TimeMs = random.Next(4) == 0 ? null : frontier });
            }

            commits[side].Add(new CommittedRows(30, 30, Silver(side, [])) { TimeMs = Noon + 240 * Minute });
        }

        return (commits, all);
    }

    private static RowBatch Silver(int side, List<Happening> rows)
    {
        var pipeline = side == 0 ? Shop : Purchases;
        if (rows.Count == 0)
            return RowBatches.Empty(pipeline.Tables[1].Schema);
        var records = rows.Select((h, i) => new SourceRecord(i, h.AtMs, null, Encoding.UTF8.GetBytes(
            $"{{\"event_id\":\"{h.Id}\",\"event_type\":\"{h.Type}\",\"ts\":{h.AtMs},\"user_id\":\"{h.User}\",\"product_id\":\"{h.Product}\",\"revenue\":5}}"), [])).ToList();
        using var decoded = pipeline.Decode(0, records, Noon);
        return SegmentCodec.Read(SegmentCodec.Write(pipeline.Build(decoded, Frontier.None))).Rows[pipeline.Tables[1].Name];
    }
}
