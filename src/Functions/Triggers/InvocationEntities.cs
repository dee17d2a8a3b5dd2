using Microsoft.DurableTask.Client;
using Tidemark.Domain.Ledger;
using Tidemark.Domain.Pipelines;
using Tidemark.Functions.Costs;
using Tidemark.Functions.Entities;
using IObjectStore = Tidemark.Delta.IObjectStore;

namespace Tidemark.Functions.Triggers;

/// <summary>
/// The entities of <see cref="Tick"/>, which lives as long as the process while the durable client comes with each invocation. One invocation at a
/// time uses it.
/// </summary>
internal sealed class InvocationEntities(PipelineId pipeline, IObjectStore store, CostCounters counters) : IEntities
{
    private DurableEntities? _bound;

    /// <summary>Binds the client of the invocation that now begins.</summary>
    public void Bind(DurableTaskClient client) => _bound = new DurableEntities(pipeline, client, store, counters);

    public Task<EntitySnapshot?> ReadAsync(EntityKey entity, CancellationToken cancel) => Bound.ReadAsync(entity, cancel);

    public Task<long?> ReadVersionAsync(EntityKey entity, CancellationToken cancel) => Bound.ReadVersionAsync(entity, cancel);

    public Task DropStateAsync(EntityKey entity, string blob, CancellationToken cancel) => Bound.DropStateAsync(entity, blob, cancel);

    public Task SweepStatesAsync(Func<EntityKey, bool> isEvictable, CancellationToken cancel) => Bound.SweepStatesAsync(isEvictable, cancel);

    public Task SignalApplyAsync(EntityKey entity, ApplyInput input, CancellationToken cancel) => Bound.SignalApplyAsync(entity, input, cancel);

    public Task SignalDeleteAsync(EntityKey entity, long version, CancellationToken cancel) => Bound.SignalDeleteAsync(entity, version, cancel);

    public Task<IReadOnlyList<EntityKey>> ListAsync(CancellationToken cancel) => Bound.ListAsync(cancel);

    private DurableEntities Bound => _bound ?? throw new InvalidOperationException("No invocation has brought a durable client yet.");
}
