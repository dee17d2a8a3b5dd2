using Tidemark.Domain.Columns;
using Tidemark.Domain.Streams;

namespace Tidemark.Domain.KeyedState;

/// <summary>One call of a function after the other, over the entries of a stage.</summary>
internal sealed class KeyedCall(KeyedStateStage stage, RowSchema keySchema, KeyedEntries entries) : IKeyedCall
{
    private RowsBuilder? output;
    private RowBatch? keyRow;
    private long? due;
    private int number;

    public RowBatch Key => keyRow ??= KeyRow();

    public object? State => entries.State(number);

    public long NowMs { get; private set; }

    public long Watermark { get; private set; }

    public void TimeoutAfter(long time) => due = time + 1;

    public void TimerAt(long time) => due = time;

    public void Emit(params object?[] values)
    {
        output ??= new RowsBuilder(stage.Function.Output);
        if (values.Length != output.Columns.Length)
            throw new ArgumentException($"Stage '{stage.Id}' emits {values.Length} values; its output has {output.Columns.Length} columns.");
        for (var i = 0; i < values.Length; i++)
            RowsBuilder.Append(output.Columns[i], values[i]);
    }

    /// <summary>Calls come at this time.</summary>
    public void Begin(long nowMs, long watermark) => (NowMs, Watermark) = (nowMs, watermark);

    /// <summary>Begins a call for a key: its timeout is off.</summary>
    public void For(int key) => (number, keyRow, due) = (key, null, null);

    /// <summary>Ends it; what it set is due after <paramref name="after"/>. Returns how many keys were forgotten.</summary>
    public int End(long after, object? state)
    {
        if (due is { } time && after != long.MinValue)
            due = Math.Max(time, after + 1);
        return entries.Set(number, state, due) ? 1 : 0;
    }

    /// <summary>What was emitted; null when nothing was.</summary>
    public RowBatch? Rows()
    {
        var rows = output?.Build();
        output = null;
        return rows;
    }

    private RowBatch KeyRow()
    {
        var builder = new RowsBuilder(keySchema);
        var reader = new ByteReader(entries.Key(number));
        foreach (var column in builder.Columns)
            OrderedKey.Read(ref reader, column);
        return builder.Build();
    }
}
