using System.Text.Json;
using Tidemark.Domain.Columns;
using Tidemark.Domain.Streams;

namespace Tidemark.Domain.KeyedState;

/// <summary>By which clock a key's timeout runs.</summary>
public enum StateTimeout
{
    /// <summary>There is none.</summary>
    None,

    /// <summary>Wall time, as given to each advance.</summary>
    ProcessingTime,

    /// <summary>The watermark; late rows are dropped then.</summary>
    EventTime,
}

/// <summary>A function with state per key, as a stage sees it; write one by deriving from <see cref="KeyedFunction{TState}"/>.</summary>
public interface IKeyedFunction
{
    /// <summary>Columns of the rows that it emits.</summary>
    RowSchema Output { get; }

    /// <summary>Called with the rows of one key that arrived together, in order; null as state = there is none. The key's timeout is off until it is set again.</summary>
    /// <returns>The state from now on; null forgets the key.</returns>
    object? OnRows(IKeyedCall call, object? state, RowBatch rows);

    /// <summary>The same with some rows of a batch of many keys; overridden where copying them out would cost more than looking at them.</summary>
    object? OnRows(IKeyedCall call, object? state, RowBatch batch, ReadOnlySpan<int> which) =>
        OnRows(call, state, which.Length == batch.Count ? batch : RowBatches.Take(batch, which));

    /// <summary>Called when the key's timeout has passed.</summary>
    /// <returns>The state from now on; null forgets the key.</returns>
    object? OnTimeout(IKeyedCall call, object state);

    /// <summary>Saved form of a state. Equal states must give equal bytes.</summary>
    byte[] Save(object state);

    /// <summary>A state from its saved form.</summary>
    object Load(ReadOnlySpan<byte> saved);
}

/// <summary>What a function can do for the key that it is called for.</summary>
public interface IKeyedCall
{
    /// <summary>The key's columns, one row.</summary>
    RowBatch Key { get; }

    /// <summary>Processing time, ms.</summary>
    long NowMs { get; }

    /// <summary>Watermark, µs; long.MinValue before the first.</summary>
    long Watermark { get; }

    /// <summary>Calls back once the clock is beyond this time (µs of event time, or ms of processing time).</summary>
    void TimeoutAfter(long time);

    /// <summary>Calls back once the clock has reached this time.</summary>
    void TimerAt(long time);

    /// <summary>Emits a row: one value a column, as string, long, bool, double or null (times and decimals unscaled).</summary>
    void Emit(params object?[] values);
}

/// <summary>
/// A function with a state record per key. The state is saved as JSON at checkpoints, so it must be a record that System.Text.Json reads back.
/// <code>
/// sealed record Visits(int Count);
/// sealed class CountVisits : KeyedFunction&lt;Visits&gt;
/// {
///     public override RowSchema Output { get; } = new([new("user_id", FieldType.String), new("visits", FieldType.Int64)]);
///     protected override Visits? OnRows(IKeyedCall call, Visits? state, RowBatch rows)
///     {
///         var now = new Visits((state?.Count ?? 0) + rows.Count);
///         call.Emit(call.Key.Value(0, 0), (long)now.Count);
///         call.TimeoutAfter(call.Watermark + 600_000_000);
///         return now;
///     }
///     protected override Visits? OnTimeout(IKeyedCall call, Visits state) =&gt; null;   // forget
/// }
/// </code>
/// </summary>
public abstract class KeyedFunction<TState> : IKeyedFunction where TState : class
{
    /// <inheritdoc/>
    public abstract RowSchema Output { get; }

    /// <inheritdoc/>
    object? IKeyedFunction.OnRows(IKeyedCall call, object? state, RowBatch rows) => OnRows(call, (TState?)state, rows);

    /// <inheritdoc/>
    object? IKeyedFunction.OnRows(IKeyedCall call, object? state, RowBatch batch, ReadOnlySpan<int> which) => OnRows(call, (TState?)state, batch, which);

    /// <inheritdoc/>
    object? IKeyedFunction.OnTimeout(IKeyedCall call, object state) => OnTimeout(call, (TState)state);

    /// <inheritdoc/>
    byte[] IKeyedFunction.Save(object state) => JsonSerializer.SerializeToUtf8Bytes((TState)state);

    /// <inheritdoc/>
    object IKeyedFunction.Load(ReadOnlySpan<byte> saved) => JsonSerializer.Deserialize<TState>(saved)
        ?? throw new InvalidDataException($"A saved state of {GetType().Name} is null.");

    /// <summary>New state of the key after these rows; null forgets it.</summary>
    protected abstract TState? OnRows(IKeyedCall call, TState? state, RowBatch rows);

    /// <summary>The same with some rows of a batch of many keys, which are copied out unless this is overridden.</summary>
    protected virtual TState? OnRows(IKeyedCall call, TState? state, RowBatch batch, ReadOnlySpan<int> which) =>
        OnRows(call, state, which.Length == batch.Count ? batch : RowBatches.Take(batch, which));

    /// <summary>New state of the key after its timeout; null forgets it.</summary>
    protected abstract TState? OnTimeout(IKeyedCall call, TState state);
}
