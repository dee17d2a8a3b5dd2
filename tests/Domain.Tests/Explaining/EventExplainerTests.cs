using System.Globalization;
using System.Text.Json;
using Tidemark.Domain.Columns;
using Tidemark.Domain.Corrections;
using Tidemark.Domain.Deduplication;
using Tidemark.Domain.Events;
using Tidemark.Domain.Explaining;
using Tidemark.Domain.Ledger;
using Tidemark.Domain.Pipelines;
using Tidemark.Domain.Queries;
using Tidemark.Domain.Tests.Corrections;
using Tidemark.Domain.Tests.Ledger.Simulation;

namespace Tidemark.Domain.Tests.Explaining;

public class EventExplainerTests
{
    private const long Start = 1_700_000_400_000;
    private const long Minute = 60_000;
    private const long Closed = Start + 600 * Minute;
    private static readonly TimeSpan Horizon = TimeSpan.FromMinutes(60);

    private readonly EventPipeline _pipeline = new(
        new EventOptions("shop") { EarliestEventTime = DateTime.UnixEpoch, DeduplicateWithin = Horizon }, [Query.Named("counts").Tumbling(TimeSpan.FromMinutes(5)).Watermark(TimeSpan.Zero).Count("events").Append()]);

    private readonly PipelineId _id = new("v1", "shop", 1);
    private readonly SimWorld _world = new(1, trace: false) { Faults = false };
    private readonly StoredData _data = new();
    private readonly SimLedgerData _ledger = new();
    private long _next;

    [Fact]
    public void An_event_that_a_correction_counted_is_no_duplicate_whoever_had_its_id_long_before()
    {
        foreach (var table in _pipeline.Tables.Select(t => t.Name))
            _data.Table(table);
        // Within the horizon of the first one, and beyond it: both too old to be told from duplicates when they came.
        Add(Start + 200 * Minute, Verdict.First, frontier: null);
        Add(Start + 230 * Minute, Verdict.TooOld, Closed);
        Add(Start, Verdict.TooOld, Closed);
        var query = _pipeline.Queries[0];
        var gold = _data.Table(TableNames.Gold(query.Name));
        gold.Positions[_id.QueryAppId(query.Name)] = Closed;
        _ledger.Cursors[query.Name] = (new Cursor(0, Closed), _ledger.NextETag());

        EventExplanation? found = null;
        Exception? failure = null;
        _world.Start(async () =>
        {
            try
            {
                var actor = new SimActor("one");
                var (lake, ledger) = (new StoredLake(_world, actor, _data), new SimLedger(_world, actor, _ledger, false));
                var reopener = new Reopener(_pipeline, _id, ledger, lake, lake, new StoredResults(_world, actor, _data), lake, null, _world.Time);
                await foreach (var _ in reopener.RunAsync(new ReopenSelection(null, null, null), dryRun: false, default))
                {
                }

                found = await new EventExplainer(_pipeline, _id, ledger, lake, lake).ExplainAsync("a", default);
            }
            catch (Exception e)
            {
                failure = e;
            }
        });
        Assert.True(_world.RunUntil(() => found is not null || failure is not null, 10_000), "it does not come to an end");
        Assert.Null(failure);
        Assert.Equal([(0, EventFate.Counted), (1, EventFate.Duplicate), (2, EventFate.Merged)], found!.Windows.OrderBy(w => w.Offset).Select(w => (w.Offset, w.Fate)));
        var counted = gold.Rows.SelectMany(rows => Enumerable.Range(0, rows.Count).Select(row => (((Int64Column)rows["window_start"]).Values[row] / 1000, rows.Value(row, "events")))).ToList();
        Assert.Equal((Start, 1L), Assert.Single(counted));
    }

    private void Add(long timeMs, Verdict verdict, long? frontier)
    {
        var value = JsonSerializer.SerializeToUtf8Bytes(new
        {
            event_id = "a", event_type = "view", user_id = "u", timestamp = DateTimeOffset.FromUnixTimeMilliseconds(timeMs).ToString("O", CultureInfo.InvariantCulture),
        });
        using var decoded = (DecodedEvents)_pipeline.Decode(0, [new SourceRecord(_next++, timeMs, null, value, [])], 0);
        decoded.Judge([verdict]);
        var segment = _pipeline.Build(decoded, frontier ?? Frontier.None);
        foreach (var (name, rows) in segment.Rows)
        {
            var table = _data.Table(name);
            table.Rows = [.. table.Rows, RowBatches.Take(rows, [.. Enumerable.Range(0, rows.Count)])];
            table.Positions[_id.TableAppId(name, 0)] = _next;
            table.Version++;
        }
    }
}
