using System.Runtime.InteropServices;
using System.Text;
using Tidemark.Domain.Columns;
using Tidemark.Domain.Streams;

namespace Tidemark.Domain.KeyedState;

/// <summary>
/// Runs a user's function per key. Rows come before timeouts; a call with rows clears the timeout that was set before. Late rows (event time at or below
/// the watermark) are dropped only when timeouts run by event time. Timeouts run in the order of their times, then keys; one that a timeout sets is due
/// later than that one, and runs at once if it is due already: so moving time in two steps is the same as in one. A key whose state was known before the
/// start and that has no rows by the first advance is called once without rows, as in Spark. State: key, JSON state and timeout of every key.
/// </summary>
internal sealed class KeyedStateOperator : StreamOperator
{
    private readonly KeyedStateStage stage;
    private readonly int[] keys;
    private readonly int? timeColumn;
    private readonly RowSchema keySchema;
    private readonly RowBatch noRows;
    private readonly Dictionary<string, Entry> entries = new(StringComparer.Ordinal);
    private readonly SortedSet<(long Due, string Key)> timers = new(Comparer<(long Due, string Key)>.Create(
        (a, b) => a.Due.CompareTo(b.Due) is var byDue and not 0 ? byDue : string.CompareOrdinal(a.Key, b.Key)));
    private readonly ByteWriter key = new();
    private const long FirstAdvance = long.MinValue;   // due then: the call for a state known before the start
    private long now;

    private sealed class Entry
    {
        public object? State { get; set; }

        /// <summary>First time at which the timeout is due.</summary>
        public long? Due { get; set; }
    }

    public KeyedStateOperator(KeyedStateStage stage, RowSchema source, string? eventTime)
    {
        this.stage = stage;
        keys = [.. stage.Keys.Select(source.IndexOf)];
        timeColumn = eventTime is null ? null : source.IndexOf(eventTime);
        keySchema = new RowSchema([.. keys.Select(k => source.Fields[k])]);
        foreach (var (row, state) in stage.Initial)
        {
            var text = KeyOf(row, 0, Enumerable.Range(0, keys.Length));
            if (!entries.TryAdd(text, new Entry { State = stage.Function.Load(state), Due = FirstAdvance }))
                throw new StreamException(stage.Id, "two of its first states are for the same key; give each key one");
            timers.Add((FirstAdvance, text));
        }
        noRows = Empty(source);
    }

    public override RowSchema Output => stage.Function.Output;

    public override long StateRows => entries.Count;

    /// <summary>Sets the processing time that calls see; advancing does so too.</summary>
    public void At(long nowMs) => now = Math.Max(now, nowMs);

    public override void Add(int port, RowBatch rows, Action<RowBatch> emit)
    {
        var byKey = new Dictionary<string, List<int>>();
        var order = new List<string>();
        for (var row = 0; row < rows.Count; row++)
        {
            if (stage.Timeout == StateTimeout.EventTime && timeColumn is { } time && !rows.Columns[time].IsNull(row)
                && ((Int64Column)rows.Columns[time]).Values[row] <= Watermark)
            {
                Counts.DroppedLate++;
                Counts.DroppedLateRows++;
                continue;
            }
            var text = KeyOf(rows, row, keys);
            if (!byKey.TryGetValue(text, out var list))
            {
                byKey[text] = list = [];
                order.Add(text);
            }
            list.Add(row);
        }
        var call = new Call(this);
        foreach (var text in order)
        {
            call.For(text);
            call.End(long.MinValue, stage.Function.OnRows(call, call.State, byKey[text].Count == rows.Count ? rows : RowBatches.Take(rows, CollectionsMarshal.AsSpan(byKey[text]))));
        }
        emit(call.Rows());
    }

    public override void Advance(long watermark, long nowMs, Action<RowBatch> emit)
    {
        base.Advance(watermark, nowMs, emit);
        At(nowMs);
        var clock = stage.Timeout switch { StateTimeout.ProcessingTime => now, StateTimeout.EventTime => Watermark, _ => FirstAdvance };
        var call = new Call(this);
        while (timers.Count > 0 && timers.Min is var (due, text) && due <= clock)
        {
            call.For(text);
            if (due == FirstAdvance)
                call.End(long.MinValue, stage.Function.OnRows(call, call.State, noRows));
            else if (call.State is { } state)
                call.End(due, stage.Function.OnTimeout(call, state));
        }
        if (call.Rows() is { Count: > 0 } rows)
            emit(rows);
    }

    public override void Save(ByteWriter to)
    {
        to.Varint((ulong)entries.Count);
        foreach (var (text, entry) in entries.OrderBy(e => e.Key, StringComparer.Ordinal))
        {
            to.Sized(Encoding.Latin1.GetBytes(text));
            to.Sized(stage.Function.Save(entry.State!));
            to.Zigzag(entry.Due ?? long.MaxValue);
        }
    }

    public override void Load(ref ByteReader from, long watermark)
    {
        base.Load(ref from, watermark);
        entries.Clear();
        timers.Clear();
        for (var left = from.Count(3); left > 0; left--)
        {
            var text = Encoding.Latin1.GetString(from.Sized());
            entries[text] = new Entry { State = stage.Function.Load(from.Sized()), Due = from.Zigzag() is var due and not long.MaxValue ? due : null };
            if (entries[text].Due is { } at)
                timers.Add((at, text));
        }
    }

    // One char a byte, so that the order of texts is the order of keys.
    private string KeyOf(RowBatch rows, int row, IEnumerable<int> columns)
    {
        key.Clear();
        foreach (var column in columns)
            OrderedKey.Append(key, rows.Columns[column], row);
        return Encoding.Latin1.GetString(key.Written);
    }

    private sealed class Call(KeyedStateOperator owner) : IKeyedCall
    {
        private readonly RowsBuilder output = new(owner.Output);
        private string key = "";
        private Entry entry = new();

        private RowBatch? keyRow;

        public RowBatch Key => keyRow ??= KeyRow();

        public object? State => entry.State;

        public long NowMs => owner.now;

        public long Watermark => owner.Watermark;

        public void TimeoutAfter(long time) => entry.Due = time + 1;

        public void TimerAt(long time) => entry.Due = time;

        public void Emit(params object?[] values)
        {
            if (values.Length != output.Columns.Length)
                throw new ArgumentException($"Stage '{owner.stage.Id}' emits {values.Length} values; its output has {output.Columns.Length} columns.");
            for (var i = 0; i < values.Length; i++)
                RowsBuilder.Append(output.Columns[i], values[i]);
        }

        /// <summary>Begins a call for a key: its timeout is off.</summary>
        public void For(string text)
        {
            key = text;
            entry = owner.entries.GetValueOrDefault(text) ?? new Entry();
            if (entry.Due is { } due)
                owner.timers.Remove((due, text));
            (entry.Due, keyRow) = (null, null);
        }

        /// <summary>Ends it; what it set is due after <paramref name="after"/>.</summary>
        public void End(long after, object? state)
        {
            entry.State = state;
            if (state is not null)
            {
                owner.entries[key] = entry;
                if (entry.Due is { } due)
                {
                    entry.Due = Math.Max(due, after == long.MinValue ? due : after + 1);
                    owner.timers.Add((entry.Due.Value, key));
                }
            }
            else if (owner.entries.Remove(key))
                owner.Counts.Removed++;
        }

        public RowBatch Rows() => output.Build();

        private RowBatch KeyRow()
        {
            var builder = new RowsBuilder(owner.keySchema);
            var reader = new ByteReader(Encoding.Latin1.GetBytes(key));
            foreach (var column in builder.Columns)
                OrderedKey.Read(ref reader, column);
            return builder.Build();
        }
    }
}
