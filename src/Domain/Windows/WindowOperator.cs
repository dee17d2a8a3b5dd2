using Tidemark.Domain.Columns;
using Tidemark.Domain.Pipelines;
using Tidemark.Domain.Queries;
using Tidemark.Domain.Streams;

namespace Tidemark.Domain.Windows;

/// <summary>
/// A window query as a stage of a stream: the same map side, fold and emission that the ledger drives, with a batch of rows in the place of a range and
/// the watermark in the place of the frontier.
/// </summary>
internal sealed class WindowOperator : StreamOperator
{
    private readonly StreamMode mode;
    private readonly WindowQueries queries;
    private readonly string name;
    private readonly int keyCount;
    private readonly Dictionary<EntityKey, IFoldState> states = [];
    private readonly PartialBuffers buffers = new();
    private long? emitted;

    public WindowOperator(WindowStage stage, RowSchema source, StreamMode mode)
    {
        (this.mode, keyCount) = (mode, stage.Keys.Count);
        name = $"stage_{new string([.. stage.Id.ToLowerInvariant().Where(c => char.IsAsciiLetterOrDigit(c) || c == '_')])}";
        var query = new QueryDefinition(name, Filter.All, stage.Window, TimeSpan.Zero, mode == StreamMode.Append ? OutputMode.Append : OutputMode.Update,
            stage.Keys, stage.Aggregates, []);
        queries = new WindowQueries([query], source, stage.On, TimeSpan.FromMinutes(5));
        Output = new RowSchema([.. queries.Specs[0].Schema.Fields, new RowField("window_time", FieldType.Timestamp, false)]);
    }

    public override RowSchema Output { get; }

    public override string? EventTime => "window_time";

    public override long StateRows => queries.Emit(name, states, emitted, long.MaxValue, null).Count;

    public override void Add(int port, RowBatch rows, Action<RowBatch> emit)
    {
        var frontier = mode == StreamMode.Complete || Watermark == long.MinValue ? long.MinValue : SliceGrid.FloorDivide(Watermark, 1000);
        buffers.Reset();
        var partials = queries.Map(rows, frontier, buffers, (plan, late) => Count(plan, rows, late));
        var changes = new Dictionary<EntityKey, IFoldState>();
        foreach (var (key, partial) in partials)
        {
            if (!states.TryGetValue(key, out var state))
                states[key] = state = queries.Load(key, []);
            state.Merge(partial.Span);
            changes[key] = queries.Load(key, partial.Span);
        }
        if (mode == StreamMode.Update)
            emit(Changed(changes));
    }

    public override void Advance(long watermark, long nowMs, Action<RowBatch> emit)
    {
        base.Advance(watermark, nowMs, emit);
        if (mode == StreamMode.Complete || Watermark == long.MinValue)
            return;
        var upTo = SliceGrid.FloorDivide(Watermark, 1000);
        var closed = queries.Emit(name, states, emitted, upTo, null);
        emitted = upTo;
        Counts.Removed += closed.Count;
        if (mode == StreamMode.Append && closed.Count > 0)
            emit(WithTime(closed));
        foreach (var key in states.Keys.ToArray())
        {
            states[key].Evict(_ => upTo);
            if (queries.IsEvictable(key, _ => upTo))
                states.Remove(key);
        }
    }

    public override RowBatch? Table() => WithTime(queries.Emit(name, states, null, long.MaxValue, null));

    public override void Save(ByteWriter to)
    {
        to.Varint((ulong)states.Count);
        foreach (var (key, state) in states.OrderBy(s => s.Key))
        {
            to.Text(key.ToString());
            to.Sized(state.Save());
        }
    }

    public override void Load(ref ByteReader from, long watermark)
    {
        base.Load(ref from, watermark);
        emitted = mode == StreamMode.Complete || watermark == long.MinValue ? null : SliceGrid.FloorDivide(watermark, 1000);
        for (var left = from.Count(2); left > 0; left--)
        {
            var key = EntityKey.Parse(from.Text());
            states[key] = queries.Load(key, from.Sized());
        }
    }

    /// <summary>The present values of the windows and groups that a batch changed.</summary>
    private RowBatch Changed(Dictionary<EntityKey, IFoldState> changes)
    {
        var touched = Lines(queries.Emit(name, changes, null, long.MaxValue, null)).ToHashSet();
        var now = queries.Emit(name, states, null, long.MaxValue, null);
        var lines = Lines(now);
        return WithTime(RowBatches.Where(now, row => touched.Contains(lines[row])));
    }

    private string[] Lines(RowBatch rows) =>
        [.. Enumerable.Range(0, rows.Count).Select(row => string.Join('\u001f', Enumerable.Range(1, 1 + keyCount).Select(c => rows.Text(row, c) is { } t ? "=" + t : "")))];

    private RowBatch WithTime(RowBatch rows)
    {
        var ends = (Int64Column)rows["window_end"];
        var times = new Int64ColumnBuilder();
        for (var row = 0; row < rows.Count; row++)
            times.Append(ends.Values[row] - 1);
        return new RowBatch(Output, [.. rows.Columns, times.Build()], rows.Count);
    }

    private void Count(QueryPlan plan, RowBatch rows, LateRows late)
    {
        var groups = new HashSet<string>();
        foreach (var (row, windows) in late.Rows)
        {
            Counts.DroppedLateRows++;
            for (var i = 0; i < windows.Missed; i++)
                groups.Add($"{windows.LastMissedEnd - i * plan.Grid.Slide}|{string.Join('\u001f', plan.KeyColumns.Select(c => rows.Text(row, c) is { } t ? "=" + t : ""))}");
        }
        Counts.DroppedLate += groups.Count;
    }
}
