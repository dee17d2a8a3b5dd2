using Tidemark.Domain.Columns;
using Tidemark.Domain.Pipelines;

namespace Tidemark.Domain.Ledger;

/// <summary>
/// Delivers committed rows, and where asked the changed rows of open windows, to sinks. A delivery belongs to no tick: one that takes longer than
/// <see cref="TickOptions.SinkWait"/> goes on beside the ticks that follow, so that a sink which is away holds nothing up. Each sink has at most one
/// delivery under way, which keeps final rows behind provisional ones.
/// </summary>
internal sealed class SinkPublisher
{
    private readonly IPipeline _pipeline;
    private readonly PipelineId _id;
    private readonly TickStores _stores;
    private readonly TickOptions _options;
    private readonly TimeProvider _time;
    private readonly Triggers _triggers;
    private readonly ProtocolRule _off;
    private readonly List<SinkWork> _sinks;

    public SinkPublisher(IPipeline pipeline, PipelineId id, TickStores stores, TickOptions options, TimeProvider time, Triggers triggers, ProtocolRule off)
    {
        (_pipeline, _id, _stores, _options, _time, _triggers, _off) = (pipeline, id, stores, options, time, triggers, off);
        _sinks = [.. stores.Sinks.Select(Bind)];
        if (_sinks.GroupBy(work => work.Sink.Name).FirstOrDefault(same => same.Count() > 1) is { } twice)
            throw new ArgumentException($"Two sinks are named '{twice.Key}'; they would share a cursor.", nameof(stores));
    }

    /// <summary>Gives a new sink its cursor: where its table is now. Before anything is emitted, so that no commit lies before it.</summary>
    public async Task BeginAsync(Truth truth, CancellationToken cancel)
    {
        foreach (var work in _sinks.Where(work => !work.HasBegun && !work.IsBusy))
        {
            await OpenAsync(work, truth.Tables[work.Sink.Table].Version, cancel);
            work.HasBegun = true;
        }
    }

    /// <summary>Notes which open windows changed; before they count as published.</summary>
    public void Note(Truth truth)
    {
        foreach (var work in _sinks.Where(work => work.Query is not null))
            work.Touched.UnionWith(truth.Touched);
    }

    /// <summary>Starts what is due and waits a while for what it started. What failed is alerted, and due again.</summary>
    public async Task PublishAsync(Truth truth, CancellationToken cancel)
    {
        var begun = new List<Task>();
        foreach (var work in _sinks.Where(work => !work.IsBusy))
        {
            await TakeAsync(work, cancel);
            if (Open(truth, work) is var open && (open.Count > 0 || !IsThrough(truth, work)))
                begun.Add(work.Running = DeliverAsync(work, truth.Tables[work.Sink.Table].Version, open));
        }

        try
        {
            await Task.WhenAll(begun).WaitAsync(_options.SinkWait, _time, cancel);
        }
        catch (TimeoutException)
        {
            // Goes on beside the ticks to come.
        }

        foreach (var work in _sinks.Where(work => !work.IsBusy))
            await TakeAsync(work, cancel);
    }

    /// <summary>Whether every sink has everything that is committed.</summary>
    public bool IsThrough(Truth truth) => _sinks.All(work => !work.IsBusy && IsThrough(truth, work));

    private static bool IsThrough(Truth truth, SinkWork work) => work.Cursor?.TableVersion >= truth.Tables[work.Sink.Table].Version;

    private SinkWork Bind(IRowSink sink)
    {
        var query = sink.Provisional ? _pipeline.Queries.FirstOrDefault(q => TableNames.Gold(q.Name) == sink.Table) : null;
        var isKnown = _pipeline.Tables.Select(t => t.Name)
            .Concat(_pipeline.Queries.Concat<IOutput>(_pipeline.Streams).Select(o => TableNames.Gold(o.Name))).Contains(sink.Table);
        if (!isKnown)
            throw new ArgumentException($"Sink '{sink.Name}' takes rows of {sink.Table}, which the pipeline does not have.");
        if (sink.Provisional && query is not { Update: true, Withdraws: false })
            throw new ArgumentException($"Sink '{sink.Name}' takes provisional rows of {sink.Table}; only a query that updates and takes no row back has rows that can be delivered before they are final.");
        return new SinkWork(sink, query, _id.QueryAppId(query?.Name ?? (sink.Table.StartsWith("gold/", StringComparison.Ordinal) ? sink.Table["gold/".Length..] : sink.Table)));
    }

    /// <summary>Takes over how a delivery ended.</summary>
    private async Task TakeAsync(SinkWork work, CancellationToken cancel)
    {
        if (work.Running is not { } running)
            return;
        work.Running = null;
        var end = await running;
        if (!end.IsComplete)
            work.Touched.UnionWith(work.Taken);
        work.Taken = [];
        if (end.Failure is { } failure)
            await _stores.Alerts.RaiseAsync("results-undelivered", work.Sink.Name, $"Rows of {work.Sink.Table} cannot be delivered to {work.Sink.Name}: {failure} They wait in Delta and are delivered as soon as it takes them; nothing is skipped.", cancel);
    }

    /// <summary>Rows of open windows that changed, by this snapshot.</summary>
    private RowBatch Open(Truth truth, SinkWork work)
    {
        if (work.Query is not { } query || work.Touched.Count == 0 || _triggers.Waits(query) || truth.Refused.Contains(query.Bundle))
            return RowBatches.Empty(work.Query?.Schema ?? new RowSchema([]));
        var position = truth.PositionOf(_id, query.Name);
        (work.Taken, work.Touched) = (work.Touched, []);
        foreach (var closed in work.Delivered.Keys.Where(key => _stores.Results.WindowStart(key) + query.SizeMs <= position).ToList())
            work.Delivered.Remove(closed);
        var rows = truth.Emit(_pipeline, query, truth.After(_id, query.Name), long.MaxValue, work.Taken);
        return RowBatches.Where(rows, row => work.Delivered.GetValueOrDefault(_stores.Results.RowKey(query, rows, row)) != RowHash.Of(rows, row));
    }

    private async Task<DeliveryEnd> DeliverAsync(SinkWork work, long version, RowBatch open)
    {
        // A tick's token ends with the tick; what is under way here is bounded by the time-outs of sink and stores.
        var cancel = CancellationToken.None;
        try
        {
            if (work.Cursor is null)
                await OpenAsync(work, version, cancel);
            // At the snapshot's version there is nothing to read, as most ticks find.
            if (work.Cursor!.TableVersion < version && !await DeliverFinalAsync(work, version, cancel))
                return DeliveryEnd.Behind;
            if (open.Count > 0)
                await work.Sink.DeliverAsync(open, final: false, cancel);
            for (var row = 0; row < open.Count; row++)
                work.Delivered[_stores.Results.RowKey(work.Query!, open, row)] = RowHash.Of(open, row);
            return DeliveryEnd.Complete;
        }
        catch (Exception e)
        {
            // Whatever it is, the sink is behind, an alert says why, and the same rows are delivered again from the cursor as it then is.
            work.Cursor = null;
            return new DeliveryEnd(false, e.Message.Split('\n')[0].TrimEnd());
        }
    }

    /// <summary>
    /// Delivers commits behind the cursor, each before the cursor moves over it. False where another tick is at work: it moved the cursor, or has committed
    /// since the snapshot, so that rows of open windows may not be the newest any more.
    /// </summary>
    private async Task<bool> DeliverFinalAsync(SinkWork work, long version, CancellationToken cancel)
    {
        var movesFirst = _off.HasFlag(ProtocolRule.SinkCursorAfterDelivery);
        var reached = version;
        await foreach (var commit in _stores.Lake.ReadCommitsAsync(work.Sink.Table, work.AppId, work.Cursor!.TableVersion, null, cancel))
        {
            if (movesFirst && !await MoveAsync(work, commit.Version, cancel))
                return false;
            if (commit.Rows.Count > 0)
                await work.Sink.DeliverAsync(commit.Rows, final: true, cancel);
            if (!movesFirst && !await MoveAsync(work, commit.Version, cancel))
                return false;
            reached = Math.Max(reached, commit.Version);
        }

        // Commits that hold nothing for this sink, such as those of maintenance.
        if (work.Cursor!.TableVersion < reached && !await MoveAsync(work, reached, cancel))
            return false;
        return reached == version;
    }

    /// <summary>Reads the cursor, or makes it at this version of the table.</summary>
    private async Task OpenAsync(SinkWork work, long version, CancellationToken cancel)
    {
        var (cursor, etag) = await _stores.Ledger.ReadCursorAsync(work.CursorName, cancel);
        if (etag is null && !_off.HasFlag(ProtocolRule.SinkCursorBeforeEmission))
        {
            cursor = new Cursor(version, null);
            etag = await _stores.Ledger.TryWriteCursorAsync(work.CursorName, cursor, null, cancel);
            if (etag is null)
                (cursor, etag) = await _stores.Ledger.ReadCursorAsync(work.CursorName, cancel);
        }
        else if (etag is null)
        {
            cursor = new Cursor(version, null);
        }

        (work.Cursor, work.CursorETag) = (cursor, etag);
    }

    /// <summary>Moves the cursor; false when another tick has moved it: it delivers too, and this one looks where it stands.</summary>
    private async Task<bool> MoveAsync(SinkWork work, long version, CancellationToken cancel)
    {
        var cursor = new Cursor(version, null);
        var etag = await _stores.Ledger.TryWriteCursorAsync(work.CursorName, cursor, work.CursorETag, cancel);
        (work.Cursor, work.CursorETag) = (etag is null ? null : cursor, etag);
        return etag is not null;
    }

    private readonly record struct DeliveryEnd(bool IsComplete, string? Failure)
    {
        public static DeliveryEnd Complete => new(true, null);

        public static DeliveryEnd Behind => default;
    }

    /// <summary>A sink at work. What a delivery uses is touched by nobody else while it is under way.</summary>
    private sealed class SinkWork(IRowSink sink, QuerySpec? query, string appId)
    {
        public IRowSink Sink => sink;

        /// <summary>The query whose open windows it gets; null = none.</summary>
        public QuerySpec? Query => query;

        public string AppId => appId;

        public string CursorName => "sink:" + sink.Name;

        public bool HasBegun { get; set; }

        /// <summary>Null = to be read.</summary>
        public Cursor? Cursor { get; set; }

        public string? CursorETag { get; set; }

        public Task<DeliveryEnd>? Running { get; set; }

        public bool IsBusy => Running is { IsCompleted: false };

        /// <summary>Entities folded into since provisional rows were last taken.</summary>
        public HashSet<EntityKey> Touched { get; set; } = [];

        /// <summary>Those whose rows are being delivered.</summary>
        public HashSet<EntityKey> Taken { get; set; } = [];

        /// <summary>Content hash of the provisional row last delivered, by row key.</summary>
        public Dictionary<string, ulong> Delivered { get; } = [];
    }
}
