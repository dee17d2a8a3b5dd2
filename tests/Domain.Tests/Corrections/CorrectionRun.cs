using System.Globalization;
using System.Text.Json;
using Tidemark.Domain.Columns;
using Tidemark.Domain.Corrections;
using Tidemark.Domain.Deduplication;
using Tidemark.Domain.Events;
using Tidemark.Domain.Ledger;
using Tidemark.Domain.Pipelines;
using Tidemark.Domain.Queries;
using Tidemark.Domain.Tests.Ledger.Simulation;

namespace Tidemark.Domain.Tests.Corrections;

/// <summary>
/// Late events go on coming while several processes reopen windows, are cut short at every call and begin again, and a tick closes another window. At the
/// end every row is that of all events.
/// </summary>
internal sealed class CorrectionRun(int seed, CorrectionRule off = CorrectionRule.None)
{
    private const long Start = 1_700_000_400_000;
    private const long Minute = 60_000;
    private const long First = Start + 20 * Minute;
    private const long Second = Start + 40 * Minute;
    private static readonly TimeSpan Five = TimeSpan.FromMinutes(5);

    private static readonly QueryDefinition[] Queries =
    [
        Query.Named("sums").Tumbling(Five).Watermark(TimeSpan.Zero).By("category").Count("events").Sum("total", "quantity").Append(),
        Query.Named("slides").Sliding(2 * Five, Five).Watermark(TimeSpan.Zero).By("category").Count("events").Sum("total", "quantity").Update(),
        Query.Named("firsts").Tumbling(Five).Watermark(TimeSpan.Zero).By("category").Count("events").Sum("total", "quantity").Top(2, "total").Append(),
        Query.Named("few").Tumbling(Five).Watermark(TimeSpan.Zero).By("category").Count("events").Sum("total", "quantity").Having(Field.Named("events").Below(4)).Update(),
    ];

    private readonly Random _random = new(seed);
    private readonly EventPipeline _pipeline = new(new EventOptions("shop") { EarliestEventTime = DateTime.UnixEpoch }, Queries);
    private readonly PipelineId _id = new("v1", "shop", 1);
    private readonly SimWorld _world = new(seed, trace: false) { FaultRate = 0.03, StallOn = "read etags" };
    private readonly StoredData _data = new();
    private readonly SimLedgerData _ledger = new();
    private readonly Dictionary<EntityKey, IFoldState> _states = [];
    private readonly List<(long TimeMs, string Category, long Quantity)> _events = [];
    private long _next;
    private bool _produced;
    private bool _over;
    private readonly HashSet<SimActor> _reopening = [];
    private Exception? _unexpected;

    public string? Run()
    {
        foreach (var table in _pipeline.Tables.Select(t => t.Name))
            _data.Table(table);
        Batch(40, null, Start, Second);
        Close(First, from: null);
        _world.OnCrash = actor =>
        {
            if (_reopening.Remove(actor))
                Spawn();
        };
        _world.Start(ProduceAsync);
        Spawn();
        Spawn();
        _world.RunUntil(() => _produced, 50_000);
        _world.RunUntil(() => false, 200);
        _world.Faults = false;
        _world.RunUntil(() => false, 2_000);
        // Several that correct the same windows may keep each other from it; the last one is alone.
        _over = true;
        if (!_world.RunUntil(() => _reopening.Count == 0, 200_000))
            return "reopening does not come to an end";
        var last = false;
        _world.Start(async () =>
        {
            await ReopenAsync(new SimActor("last"));
            last = true;
        });
        if (!_world.RunUntil(() => last || _unexpected is not null, 20_000))
            return "the last reopening does not come to an end";
        return _unexpected?.ToString() ?? Queries.Select(Compare).FirstOrDefault(error => error is not null);
    }

    /// <summary>How often a dry run over several windows of all queries reads the table of events, and how many windows it would correct.</summary>
    public (int Reads, int Windows) DryRun()
    {
        foreach (var table in _pipeline.Tables.Select(t => t.Name))
            _data.Table(table);
        Batch(40, null, Start, Second);
        Close(Second, from: null);
        Batch(30, Second, Start, Second);
        var (done, windows) = (false, 0);
        _world.Faults = false;
        _world.Start(async () =>
        {
            var lake = new StoredLake(_world, new SimActor("dry"), _data);
            var reopener = new Reopener(_pipeline, _id, new SimLedger(_world, new SimActor("dry"), _ledger, false), lake, lake, new StoredResults(_world, new SimActor("dry"), _data), lake, null, _world.Time);
            await foreach (var window in reopener.RunAsync(new ReopenSelection(null, null, null), dryRun: true, CancellationToken.None))
                windows += window.Outcome == ReopenOutcome.Different ? 1 : 0;
            done = true;
        });
        _world.RunUntil(() => done, 20_000);
        return (_data.Reads["silver/events"], windows);
    }

    private void Spawn()
    {
        var actor = new SimActor($"reopener{_random.Next(1_000)}");
        _reopening.Add(actor);
        _world.Start(async () =>
        {
            while (!_over)
            {
                await _world.StepAsync(actor, _random.Next(2_000));
                await ReopenAsync(actor);
            }

            _reopening.Remove(actor);
        });
    }

    private async Task ReopenAsync(SimActor actor)
    {
        var lake = new StoredLake(_world, actor, _data);
        var reopener = new Reopener(_pipeline, _id, new SimLedger(_world, actor, _ledger, false), lake, lake, new StoredResults(_world, actor, _data), lake, null, _world.Time) { Off = off };
        try
        {
            await foreach (var _ in reopener.RunAsync(new ReopenSelection(null, null, null), dryRun: false, CancellationToken.None))
            {
            }
        }
        catch (Exception e) when (e is SimStoreException or CorrectionContestedException)
        {
            // Cut short; the next one goes on.
        }
        catch (Exception e)
        {
            _unexpected ??= e;
        }
    }

    /// <summary>Late events, in time for open windows or not; a window closes in between as a tick closes it.</summary>
    private async Task ProduceAsync()
    {
        for (var batch = 0; batch < 8; batch++)
        {
            await _world.StepAsync(null, _random.Next(3_000));
            // Ingest judges by the new frontier before the tick has written the windows that it closes.
            Batch(1 + _random.Next(4), batch < 3 ? First : Second, Start, Second);
            if (batch == 3)
                await CloseAsync();
        }

        _produced = true;
    }

    /// <summary>A tick's way: Delta first, then Table storage, then the cursor, each a step in which others work.</summary>
    private async Task CloseAsync()
    {
        foreach (var query in _pipeline.Queries)
        {
            var rows = _pipeline.Emit(query.Name, _states, First, Second);
            await _world.StepAsync(null, _random.Next(500));
            Append(TableNames.Gold(query.Name), rows, _id.QueryAppId(query.Name), Second);
            await _world.StepAsync(null, _random.Next(500));
            Publish(query, rows);
            await _world.StepAsync(null, _random.Next(500));
            _ledger.Cursors[query.Name] = (new Cursor(_data.Table(TableNames.Gold(query.Name)).Version, Second), _ledger.NextETag());
        }
    }

    private void Close(long upTo, long? from)
    {
        foreach (var query in _pipeline.Queries)
        {
            var rows = _pipeline.Emit(query.Name, _states, from, upTo);
            Append(TableNames.Gold(query.Name), rows, _id.QueryAppId(query.Name), upTo);
            Publish(query, rows);
            _ledger.Cursors[query.Name] = (new Cursor(_data.Table(TableNames.Gold(query.Name)).Version, upTo), _ledger.NextETag());
        }
    }

    private void Publish(QuerySpec query, RowBatch rows)
    {
        var keys = new StoredResults(_world, new SimActor("keys"), _data);
        for (var row = 0; row < rows.Count; row++)
            if (!_data.Rows(query.Name).TryAdd(keys.RowKey(query, rows, row), (_data.NextETag(), RowDifference.Text(rows, row))))
                throw new InvalidOperationException($"A tick found a row of {query.Name} in its place.");
        _data.Fences[query.Name] = _data.NextETag();
    }

    /// <summary>Events in the tables as ingest and a tick bring them there, silver before late.</summary>
    private void Batch(int count, long? frontier, long from, long to)
    {
        var records = Enumerable.Range(0, count).Select(_ => Record(from, to)).ToList();
        using var decoded = (DecodedEvents)_pipeline.Decode(0, records, 0);
        decoded.Judge(new Verdict[records.Count]);
        var segment = _pipeline.Build(decoded, frontier ?? long.MinValue / 4);
        foreach (var (key, partial) in segment.Partials)
        {
            if (!_states.TryGetValue(key, out var state))
                _states[key] = state = _pipeline.Load(key, []);
            state.Merge(partial.Span);
        }

        foreach (var table in new[] { "silver/events", "silver/late" })
            if (segment.Rows.TryGetValue(table, out var rows))
                Append(table, RowBatches.Take(rows, [.. Enumerable.Range(0, rows.Count)]), _id.TableAppId(table, 0), _next);
        // As where a join with another topic follows it.
        _data.Table("silver/events").Positions[_id.TableTimeAppId("silver/events")] = frontier ?? 0;
    }

    private SourceRecord Record(long from, long to)
    {
        var time = from + (long)(_random.NextDouble() * (to - from));
        var (category, quantity, id) = (_random.Next(5) == 0 ? null : $"c{_random.Next(3)}", _random.Next(1, 100), $"e{_next}");
        _events.Add((time, category ?? "null", quantity));
        var value = JsonSerializer.SerializeToUtf8Bytes(new
        {
            event_id = id, event_type = "view", user_id = "u", timestamp = DateTimeOffset.FromUnixTimeMilliseconds(time).ToString("O", CultureInfo.InvariantCulture), category, quantity,
        });
        return new SourceRecord(_next++, time, null, value, []);
    }

    private void Append(string table, RowBatch rows, string appId, long position)
    {
        var stored = _data.Table(table);
        stored.Rows = [.. stored.Rows, rows];
        stored.Positions[appId] = position;
        stored.Version++;
    }

    private string? Compare(QueryDefinition query)
    {
        var expected = Expected(query).Order(StringComparer.Ordinal).ToList();
        var gold = _data.Table(TableNames.Gold(query.Name)).Rows.SelectMany(rows => Enumerable.Range(0, rows.Count).Select(row => RowDifference.Text(rows, row))).Order(StringComparer.Ordinal).ToList();
        var results = _data.Rows(query.Name).Values.Select(row => row.Text).Order(StringComparer.Ordinal).ToList();
        if (!expected.SequenceEqual(gold))
            return $"seed {seed}: gold/{query.Name} has\n{string.Join("\n", gold.Except(expected))}\nin place of\n{string.Join("\n", expected.Except(gold))}\n({gold.Count} rows, {expected.Count} expected)";
        return expected.SequenceEqual(results) ? null : $"seed {seed}: Table storage of {query.Name} has\n{string.Join("\n", results.Except(expected))}\nin place of\n{string.Join("\n", expected.Except(results))}";
    }

    private IEnumerable<string> Expected(QueryDefinition query)
    {
        var (size, slide) = ((long)query.Window.Size.TotalMilliseconds, (long)query.Window.Slide.TotalMilliseconds);
        var windows = _events.SelectMany(e => Starts(e.TimeMs).Select(start => (start, Event: e))).Where(p => p.start + size <= Second).GroupBy(p => p.start);
        foreach (var window in windows)
        {
            var groups = window.GroupBy(p => p.Event.Category).Select(g => (Key: g.Key, Events: g.Count(), Total: g.Sum(p => p.Event.Quantity)))
                .Where(g => query.Name != "few" || g.Events < 4)
                .OrderByDescending(g => query.Top is null ? 0 : g.Total).ThenBy(g => g.Key == "null" ? "" : g.Key, StringComparer.Ordinal).ToList();
            for (var i = 0; i < groups.Count && i < (query.Top?.Count ?? int.MaxValue); i++)
                yield return string.Join('\u001f', new[] { Text(window.Key), Text(window.Key + size) }.Concat(query.Top is null ? [] : [$"={i + 1}"])
                    .Concat([groups[i].Key == "null" ? "" : $"={groups[i].Key}", $"={groups[i].Events}", $"={groups[i].Total}"]));
        }

        IEnumerable<long> Starts(long time)
        {
            for (var start = time / slide * slide; start > time - size; start -= slide)
                yield return start;
        }
    }

    private static string Text(long ms) => "=" + DateTimeOffset.FromUnixTimeMilliseconds(ms).UtcDateTime.ToString("yyyy-MM-ddTHH:mm:ss.ffffff'Z'", CultureInfo.InvariantCulture);
}
