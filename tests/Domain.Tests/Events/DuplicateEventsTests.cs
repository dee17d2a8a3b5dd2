using System.Text;
using Tidemark.Domain.Clickstream;
using Tidemark.Domain.Columns;
using Tidemark.Domain.Deduplication;
using Tidemark.Domain.Events;
using Tidemark.Domain.Pipelines;

namespace Tidemark.Domain.Tests.Events;

public class DuplicateEventsTests
{
    private const long Noon = 1_705_406_400_000;   // 2024-01-16T12:00Z
    private readonly EventPipeline pipeline = new(new EventOptions("shop"), [ClickstreamQueries.CategoryViews, ClickstreamQueries.ConversionFunnel, ClickstreamQueries.DailyRevenue]);

    private IDeduplicating Deduplication => pipeline;

    [Fact]
    public void Duplicates_are_in_bronze_and_counted_and_nowhere_else()
    {
        using var decoded = Decode(("a", Noon), ("b", Noon + 1), ("a", Noon), ("c", Noon + 2));
        Deduplication.Judge(decoded, [Verdict.First, Verdict.First, Verdict.Duplicate, Verdict.First]);
        var segment = pipeline.Build(decoded, Noon);
        Assert.Equal(4, segment.Rows["bronze/events"].Count);
        Assert.Equal(["a", "b", "c"], Ids(segment.Rows["silver/events"]));
        Assert.Equal((4, 3, 1), (segment.Counts["records"], segment.Counts["events"], segment.Counts["duplicates"]));
        Assert.Equal(3L, Views(segment));
        Assert.Equal(Noon + 2, decoded.MaxEventTimeMs);
    }

    [Fact]
    public void A_batch_of_duplicates_alone_moves_no_event_time()
    {
        using var decoded = Decode(("a", Noon), ("a", Noon + 9));
        Deduplication.Judge(decoded, [Verdict.Duplicate, Verdict.Duplicate]);
        Assert.Null(decoded.MaxEventTimeMs);
        Assert.DoesNotContain("silver/events", pipeline.Build(decoded, Noon).Rows.Keys);
    }

    [Fact]
    public void An_event_too_old_to_be_told_from_a_duplicate_is_kept_and_late_for_every_query_that_takes_it()
    {
        using var decoded = Decode(("old", Noon - 3_600_000), ("new", Noon));
        Deduplication.Judge(decoded, [Verdict.TooOld, Verdict.First]);
        var segment = pipeline.Build(decoded, Noon);
        Assert.Equal(["old", "new"], Ids(segment.Rows["silver/events"]));
        var late = segment.Rows["silver/late"];
        string[] takes = ["category_views", "conversion_funnel"];
        Assert.Equal(takes, Enumerable.Range(0, late.Count).Select(row => late.Text(row, 0)));
        Assert.All(Enumerable.Range(0, late.Count), row => Assert.Equal(("old", 0), (late.Value(row, "event_id"), late.Value(row, "windows_counted"))));
        Assert.Equal(1L, Views(segment));
        Assert.Equal(1L, segment.Counts["undeduplicated"]);
    }

    [Fact]
    public void A_later_verdict_replaces_an_earlier_one()
    {
        using var decoded = Decode(("a", Noon), ("b", Noon));
        var judge = Deduplication;
        judge.Judge(decoded, [Verdict.Duplicate, Verdict.Duplicate]);
        judge.Judge(decoded, [Verdict.First, Verdict.Duplicate]);
        Assert.Equal(["a"], Ids(pipeline.Build(decoded, Noon).Rows["silver/events"]));
        judge.Judge(decoded, [Verdict.First, Verdict.First]);
        Assert.Equal(["a", "b"], Ids(pipeline.Build(decoded, Noon).Rows["silver/events"]));
    }

    [Fact]
    public void Rows_of_silver_are_read_back_as_the_events_that_were_judged()
    {
        var judge = Deduplication;
        using var decoded = Decode(("a", Noon), ("a much longer id than sixteen bytes", Noon + 1), ("\\u00fc", Noon + 2));
        var (judged, read) = (new List<SeenEvent>(), new List<SeenEvent>());
        judge.Read(decoded, judged);
        judge.Judge(decoded, [Verdict.First, Verdict.First, Verdict.First]);
        var stored = SegmentCodec.Read(SegmentCodec.Write(pipeline.Build(decoded, Noon))).Rows[judge.Table];
        judge.Read(stored, read);
        Assert.Equal(judged, read);
        Assert.Equal([0, 1, 2], read.Select(e => e.Offset));
        Assert.All(judge.Bounds(3, 0, Noon - 1), bound => Assert.InRange(ValueOf(stored, bound.Column), bound.From ?? long.MinValue, bound.To ?? long.MaxValue));
    }

    private static long ValueOf(RowBatch rows, string column) =>
        rows[column] is Int32Column i ? i.Values[0] : ((Int64Column)rows[column]).Values[0];

    private IDecodedRecords Decode(params (string Id, long TimeMs)[] events) => pipeline.Decode(3, [.. events.Select((e, i) => new SourceRecord(i, Noon, null,
        Encoding.UTF8.GetBytes($"{{\"event_id\":\"{e.Id}\",\"event_type\":\"view\",\"ts\":{e.TimeMs},\"user_id\":\"u\",\"category\":\"c\"}}"), []))], Noon);

    private static IEnumerable<object?> Ids(RowBatch silver) => Enumerable.Range(0, silver.Count).Select(row => silver.Value(row, "event_id"));

    /// <summary>All that the partials count in category_views.</summary>
    private long Views(Segment segment)
    {
        var states = segment.Partials.ToDictionary(p => p.Key, p => pipeline.Load(p.Key, p.Value.Span));
        var rows = pipeline.Emit("category_views", states, null, Noon * 2);
        return Enumerable.Range(0, rows.Count).Sum(row => (long)rows.Value(row, "view_count")!);
    }
}
