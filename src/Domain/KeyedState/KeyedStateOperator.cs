using Tidemark.Domain.Columns;
using Tidemark.Domain.Streams;

namespace Tidemark.Domain.KeyedState;

/// <summary>
/// Runs a user's function per key. Rows come before timeouts; a call with rows clears the timeout that was set before. Late rows (event time at or below
/// the watermark) are dropped only when timeouts run by event time. Timeouts run in the order of their times, then keys; one that a timeout sets is due
/// later than that one, and runs at once if it is due already: so moving time in two steps is the same as in one. State: key, JSON state and timeout
/// of every key.
/// </summary>
internal sealed class KeyedStateOperator : StreamOperator
{
    private readonly KeyedStateStage stage;
    private readonly int[] keys;
    private readonly int? timeColumn;
    private readonly KeyedEntries entries = new();
    private readonly KeyedRows byKey = new();
    private readonly ByteWriter key = new();
    private readonly KeyedCall call;
    private long now;

    public KeyedStateOperator(KeyedStateStage stage, RowSchema source, string? eventTime)
    {
        this.stage = stage;
        keys = [.. stage.Keys.Select(source.IndexOf)];
        timeColumn = eventTime is null ? null : source.IndexOf(eventTime);
        call = new KeyedCall(stage, new RowSchema([.. keys.Select(k => source.Fields[k])]), entries);
        foreach (var (row, state) in stage.Initial)
            entries.Set(entries.Number(KeyOf(row, 0, [.. Enumerable.Range(0, keys.Length)])), stage.Function.Load(state), null);
    }

    public override RowSchema Output => stage.Function.Output;

    public override long StateRows => entries.Count;

    /// <summary>Sets the processing time that calls see; advancing does so too.</summary>
    public void At(long nowMs) => now = Math.Max(now, nowMs);

    public override void Add(int port, RowBatch rows, Action<RowBatch> emit)
    {
        var times = stage.Timeout == StateTimeout.EventTime && timeColumn is { } time ? (Int64Column)rows.Columns[time] : null;
        byKey.Clear();
        for (var row = 0; row < rows.Count; row++)
        {
            if (times is not null && times.Values[row] <= Watermark && !times.IsNull(row))
            {
                Counts.DroppedLate++;
                Counts.DroppedLateRows++;
                continue;
            }
            byKey.Add(entries.Number(KeyOf(rows, row, keys)), row);
        }
        call.Begin(now, Watermark);
        for (var group = 0; group < byKey.Groups; group++)
        {
            call.For(byKey.Key(group));
            Counts.Removed += call.End(long.MinValue, stage.Function.OnRows(call, call.State, rows, byKey.Rows(group)));
        }
        entries.Tidy();
        if (call.Rows() is { } output)
            emit(output);
    }

    public override void Advance(long watermark, long nowMs, Action<RowBatch> emit)
    {
        base.Advance(watermark, nowMs, emit);
        At(nowMs);
        var clock = stage.Timeout == StateTimeout.ProcessingTime ? now : Watermark;
        call.Begin(now, Watermark);
        while (entries.TakeDue(clock) is var (due, number))
        {
            call.For(number);
            if (call.State is { } state)
                Counts.Removed += call.End(due, stage.Function.OnTimeout(call, state));
        }
        entries.Tidy();
        if (call.Rows() is { } rows)
            emit(rows);
    }

    public override void Save(ByteWriter to)
    {
        to.Varint((ulong)entries.Count);
        foreach (var number in entries.Ordered())
        {
            to.Sized(entries.Key(number));
            to.Sized(stage.Function.Save(entries.State(number)!));
            to.Zigzag(entries.Due(number) ?? long.MaxValue);
        }
    }

    public override void Load(ref ByteReader from, long watermark)
    {
        base.Load(ref from, watermark);
        entries.Clear();
        for (var left = from.Count(3); left > 0; left--)
            entries.Set(entries.Number(from.Sized()), stage.Function.Load(from.Sized()), from.Zigzag() is var due and not long.MaxValue ? due : null);
    }

    private ReadOnlySpan<byte> KeyOf(RowBatch rows, int row, ReadOnlySpan<int> columns)
    {
        key.Clear();
        foreach (var column in columns)
            OrderedKey.Append(key, rows.Columns[column], row);
        return key.Written;
    }
}
