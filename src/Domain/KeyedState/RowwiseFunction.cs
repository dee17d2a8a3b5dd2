using Tidemark.Domain.Columns;

namespace Tidemark.Domain.KeyedState;

/// <summary>A keyed function that looks at its rows where they are, in the batch of all keys: nothing is copied for a key.</summary>
internal abstract class RowwiseFunction<TState> : KeyedFunction<TState> where TState : class
{
    protected sealed override TState? OnRows(IKeyedCall call, TState? state, RowBatch rows) => OnRows(call, state, rows, [.. Enumerable.Range(0, rows.Count)]);

    protected abstract override TState? OnRows(IKeyedCall call, TState? state, RowBatch batch, ReadOnlySpan<int> which);
}
