using System.Text;
using Tidemark.Domain.Columns;
using Tidemark.Domain.Streams;

namespace Tidemark.Domain.KeyedState;

/// <summary>
/// Runs a user's function per key. Rows come before timeouts; a call with rows clears the timeout that was set before. Late rows (event time at or below
/// the watermark) are dropped only when timeouts run by event time. State: key, JSON state and timeout of every key.
/// </summary>
internal sealed class KeyedStateOperator : StreamOperator
{
    private readonly KeyedStateStage stage;
    private readonly int[] keys;
    private readonly int? timeColumn;
    private readonly RowSchema keySchema;
    private readonly SortedDictionary<string, Entry> entries = new(StringComparer.Ordinal);
    private readonly ByteWriter key = new();
    private long now;

    private sealed class Entry
    {
        public byte[]? State { get; set; }

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
            entries[KeyOf(row, 0, Enumerable.Range(0, keys.Length))] = new Entry { State = state };
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
            var mine = byKey[text].ToHashSet();
            call.For(text, clearTimeout: true);
            stage.Function.OnRows(call, RowBatches.Where(rows, mine.Contains));
            call.End();
        }
        emit(call.Rows());
    }

    public override void Advance(long watermark, long nowMs, Action<RowBatch> emit)
    {
        base.Advance(watermark, nowMs, emit);
        At(nowMs);
        var clock = stage.Timeout == StateTimeout.ProcessingTime ? now : Watermark;
        var call = new Call(this);
        foreach (var text in entries.Where(e => e.Value.Due <= clock).Select(e => e.Key).ToArray())
        {
            call.For(text, clearTimeout: true);
            stage.Function.OnTimeout(call);
            call.End();
        }
        if (call.Rows() is { Count: > 0 } rows)
            emit(rows);
    }

    public override void Save(ByteWriter to)
    {
        to.Varint((ulong)entries.Count);
        foreach (var (text, entry) in entries)
        {
            to.Sized(Encoding.Latin1.GetBytes(text));
            to.Sized(entry.State);
            to.Zigzag(entry.Due ?? long.MaxValue);
        }
    }

    public override void Load(ref ByteReader from, long watermark)
    {
        base.Load(ref from, watermark);
        entries.Clear();
        for (var left = from.Count(3); left > 0; left--)
            entries[Encoding.Latin1.GetString(from.Sized())] = new Entry
            {
                State = from.Sized().ToArray(),
                Due = from.Zigzag() is var due and not long.MaxValue ? due : null,
            };
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

        public RowBatch Key { get; private set; } = Empty(owner.keySchema);

        public byte[]? State { get => entry.State; set => entry.State = value; }

        public long NowMs => owner.now;

        public long Watermark => owner.Watermark;

        public void TimeoutAfter(long time) => entry.Due = time + 1;

        public void TimerAt(long time) => entry.Due = time;

        public void Emit(params object?[] values)
        {
            if (values.Length != output.Columns.Length)
                throw new ArgumentException($"Stage '{owner.stage.Id}' emits {values.Length} values; its output has {output.Columns.Length} columns.");
            for (var i = 0; i < values.Length; i++)
                Append(output.Columns[i], values[i]);
        }

        public void For(string text, bool clearTimeout)
        {
            key = text;
            entry = owner.entries.GetValueOrDefault(text) ?? new Entry();
            if (clearTimeout)
                entry.Due = null;
            var builder = new RowsBuilder(owner.keySchema);
            var reader = new ByteReader(Encoding.Latin1.GetBytes(text));
            foreach (var column in builder.Columns)
                OrderedKey.Read(ref reader, column);
            Key = builder.Build();
        }

        public void End()
        {
            if (entry.State is not null)
                owner.entries[key] = entry;
            else if (owner.entries.Remove(key))
                owner.Counts.Removed++;
        }

        public RowBatch Rows() => output.Build();

        private static void Append(ColumnBuilder to, object? value)
        {
            switch (to, value)
            {
                case (_, null): to.AppendNull(); break;
                case (BinaryColumnBuilder text, string s): text.Append(Encoding.UTF8.GetBytes(s)); break;
                case (Int64ColumnBuilder wide, long l): wide.Append(l); break;
                case (Int64ColumnBuilder wide, int i): wide.Append(i); break;
                case (BooleanColumnBuilder truth, bool b): truth.Append(b); break;
                case (DoubleColumnBuilder real, double d): real.Append(d); break;
                default: throw new ArgumentException($"A {value.GetType().Name} does not fit a {to.GetType().Name}.");
            }
        }
    }
}
