using System.Runtime.InteropServices;
using Tidemark.Domain.Aggregates;
using Tidemark.Domain.Columns;
using Tidemark.Domain.Queries;
using Tidemark.Domain.Streams;

namespace Tidemark.Domain.Groups;

/// <summary>
/// Grouping without a window. Without an event time among the keys nothing is late and nothing is forgotten; with one, a group is late and closed when
/// that time is at or below the watermark. State: the keys and accumulators of every group.
/// </summary>
internal sealed class GroupOperator : StreamOperator
{
    private readonly GroupStage stage;
    private readonly StreamMode mode;
    private readonly int[] keys;
    private readonly int? timeKey;
    private readonly GroupLayout layout;
    private readonly BatchView view = new();
    private readonly ByteWriter key = new();
    private readonly List<int> kept = [], slots = [], passedRows = [], passedSlots = [];   // of a batch
    private readonly HashSet<string> late = [];
    private GroupStore groups;

    public GroupOperator(GroupStage stage, RowSchema source, int? timeColumn, StreamMode mode)
    {
        (this.stage, this.mode) = (stage, mode);
        keys = [.. stage.Keys.Select(source.IndexOf)];
        timeKey = stage.EventTimeKey is { } name && mode != StreamMode.Complete ? source.IndexOf(name) : null;
        layout = new GroupLayout(stage.Id, 0, [.. stage.Aggregates.Select(a => AggregatePlan.Bind(a, source, timeColumn))]);
        groups = new GroupStore(layout);
        Output = new RowSchema([.. keys.Select(k => source.Fields[k] with { Nullable = true }),
            .. stage.Aggregates.Select(a => AggregatePlan.ResultField(a, a.Field is null ? null : source.Fields[source.IndexOf(a.Field)]))]);
    }

    public override RowSchema Output { get; }

    public override string? EventTime => stage.EventTimeKey;

    public override long StateRows => groups.Count;

    public override void Add(int port, RowBatch rows, Action<RowBatch> emit)
    {
        view.Use(rows);
        kept.Clear();
        slots.Clear();
        late.Clear();
        for (var row = 0; row < rows.Count; row++)
        {
            key.Clear();
            if (timeKey is { } time && !rows.Columns[time].IsNull(row))
            {
                // The time leads, so that groups are stored and emitted in its order.
                var at = ((Int64Column)rows.Columns[time]).Values[row];
                if (at <= Watermark)
                {
                    Counts.DroppedLateRows++;
                    late.Add(KeyText(rows, row));
                    continue;
                }
                OrderedKey.AppendTime(key, at);
            }
            else if (timeKey is not null)
                continue;
            AppendKey(rows, row);
            kept.Add(row);
            slots.Add(groups.SlotOf(key.Written));
        }
        Counts.DroppedLate += late.Count;
        for (var i = 0; i < layout.Aggregates.Length; i++)
            AddTo(layout.Aggregates[i], groups.Accumulators[i]);
        if (mode == StreamMode.Update)
            emit(Rows(groups, [.. slots.Distinct()]));
    }

    public override void Advance(long watermark, long nowMs, Action<RowBatch> emit)
    {
        base.Advance(watermark, nowMs, emit);
        if (mode == StreamMode.Complete || timeKey is null && watermark != long.MaxValue)
            return;
        if (keys.Length == 0 && watermark == long.MaxValue)
            groups.SlotOf([]);   // the aggregate of no rows is a row too
        var closed = groups.Sorted().ToArray().Where(slot => timeKey is null || OrderedKey.TimeAt(groups.Keys[slot], 0) <= Watermark).ToArray();
        if (closed.Length == 0)
            return;
        if (mode == StreamMode.Append)
            emit(Rows(groups, closed));
        Counts.Removed += closed.Length;
        var gone = closed.ToHashSet();
        var left = new GroupStore(layout);
        for (var slot = 0; slot < groups.Count; slot++)
            if (!gone.Contains(slot))
                left.Merge(groups.Keys[slot], groups, slot);
        groups = left;
    }

    public override RowBatch? Table()
    {
        if (keys.Length > 0 || groups.Count > 0)
            return Rows(groups, groups.Sorted().ToArray());
        var none = new GroupStore(layout);
        none.SlotOf([]);   // the aggregate of no rows is a row too
        return Rows(none, [0]);
    }

    public override void Save(ByteWriter to) => groups.Write(to, groups.Sorted());

    public override void Load(ref ByteReader from, long watermark)
    {
        base.Load(ref from, watermark);
        from.Text();
        from.UInt64();
        groups.Read(ref from, _ => { });
    }

    private void AppendKey(RowBatch rows, int row)
    {
        foreach (var column in keys)
            OrderedKey.Append(key, rows.Columns[column], row);
    }

    private string KeyText(RowBatch rows, int row)
    {
        key.Clear();
        AppendKey(rows, row);
        return Convert.ToHexString(key.Written);
    }

    private void AddTo(AggregatePlan aggregate, Accumulator into)
    {
        if (aggregate.Where is null)
        {
            into.Add(view, CollectionsMarshal.AsSpan(kept), CollectionsMarshal.AsSpan(slots));
            return;
        }
        var mask = view.Mask(aggregate.Where, aggregate.WhereText);
        passedRows.Clear();
        passedSlots.Clear();
        for (var i = 0; i < kept.Count; i++)
            if (mask[kept[i]] != 0)
            {
                passedRows.Add(kept[i]);
                passedSlots.Add(slots[i]);
            }
        into.Add(view, CollectionsMarshal.AsSpan(passedRows), CollectionsMarshal.AsSpan(passedSlots));
    }

    private RowBatch Rows(GroupStore from, int[] slots)
    {
        var output = new RowsBuilder(Output);
        foreach (var slot in slots)
        {
            var reader = new ByteReader(from.Keys[slot]);
            if (timeKey is not null)
                reader.Take(OrderedKey.TimeBytes);
            for (var i = 0; i < keys.Length; i++)
                OrderedKey.Read(ref reader, output.Columns[i]);
            for (var i = 0; i < from.Accumulators.Length; i++)
                layout.Aggregates[i].Emit(from.Accumulators[i], slot, output.Columns[keys.Length + i]);
        }
        return output.Build();
    }
}
