using Microsoft.DurableTask.Client;
using Microsoft.DurableTask.Client.Entities;
using Tidemark.Domain.Ledger;
using Tidemark.Domain.Pipelines;
using Tidemark.Functions.Costs;

namespace Tidemark.Functions.Entities;

/// <summary>Slice entities through the durable client, which is a binding of the function that runs: one of these lives as long as one invocation.</summary>
internal sealed class DurableEntities(PipelineId pipeline, DurableTaskClient client, CostCounters counters) : IEntities
{
    private const int PageSize = 500;

    public async Task<EntitySnapshot?> ReadAsync(EntityKey entity, CancellationToken cancel)
    {
        counters.Add(EntityKinds.Read);
        var found = await client.Entities.GetEntityAsync<SliceEntityState>(EntityNames.Of(pipeline, entity), includeState: true, cancel);
        return found is { IncludesState: true } ? found.State.ToSnapshot() : null;
    }

    public Task SignalApplyAsync(EntityKey entity, ApplyInput input, CancellationToken cancel) =>
        SignalAsync(entity, nameof(SliceEntity.Apply), input, cancel);

    public Task SignalDeleteAsync(EntityKey entity, long version, CancellationToken cancel) =>
        SignalAsync(entity, nameof(SliceEntity.Delete), version, cancel);

    public async Task<IReadOnlyList<EntityKey>> ListAsync(CancellationToken cancel)
    {
        counters.Add(EntityKinds.List);
        var query = new EntityQuery { InstanceIdStartsWith = EntityNames.Prefix(pipeline), IncludeState = false, PageSize = PageSize };
        var keys = new List<EntityKey>();
        await foreach (var entity in client.Entities.GetAllEntitiesAsync(query).WithCancellation(cancel))
            keys.Add(EntityNames.Parse(pipeline, entity.Id));
        return keys;
    }

    private Task SignalAsync(EntityKey entity, string operation, object input, CancellationToken cancel)
    {
        counters.Add(EntityKinds.Signal);
        return client.Entities.SignalEntityAsync(EntityNames.Of(pipeline, entity), operation, input, null, cancel);
    }
}
