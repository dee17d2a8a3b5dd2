using Microsoft.DurableTask.Client;
using Microsoft.DurableTask.Client.Entities;
using Tidemark.Domain.Ledger;
using Tidemark.Domain.Pipelines;
using Tidemark.Functions.Costs;
using Tidemark.Functions.Lake;
using IObjectStore = Tidemark.Delta.IObjectStore;

namespace Tidemark.Functions.Entities;

/// <summary>
/// The entities through the durable client, which is a binding of the function that runs: one of these lives as long as one invocation. A whole state
/// that is too large for a signal goes to a blob of its own before the signal that names it.
/// </summary>
internal sealed class DurableEntities(PipelineId pipeline, DurableTaskClient client, IObjectStore store, CostCounters counters) : IEntities
{
    private const int PageSize = 500;
    private const int InlineState = 200_000;

    public async Task<EntitySnapshot?> ReadAsync(EntityKey entity, CancellationToken cancel)
    {
        var there = await SnapshotAsync(entity, cancel);
        for (var again = true; there?.Blob is { } blob; again = false)
        {
            if (await store.GetAsync(blob, cancel) is { } state)
                return there with { State = state.ToArray() };
            // The read was stale, and the blob went when the entity had named the next one.
            var newer = await SnapshotAsync(entity, cancel);
            if (!again || newer?.Blob == blob)
                throw new EntityStateGoneException(entity, blob);
            there = newer;
        }

        return there;
    }

    public async Task<long?> ReadVersionAsync(EntityKey entity, CancellationToken cancel) => (await SnapshotAsync(entity, cancel))?.Version;

    public async Task SignalApplyAsync(EntityKey entity, ApplyInput input, CancellationToken cancel)
    {
        if (input is { IsWhole: true, Partial.Length: > InlineState })
        {
            var blob = LakePaths.State(pipeline, entity, input.BaseVersion, Guid.NewGuid().ToString("N"));
            await store.PutAsync(blob, input.Partial, cancel);
            input = input with { Partial = [], Blob = blob };
        }

        await SignalAsync(entity, nameof(SliceEntity.Apply), input, cancel);
    }

    public async Task DropStateAsync(EntityKey entity, string blob, CancellationToken cancel)
    {
        if (LakePaths.ParseState(pipeline, blob) is null)
            throw new ArgumentException($"'{blob}' is no state of pipeline {pipeline}; nothing else is deleted.", nameof(blob));
        await store.DeleteAsync(blob, cancel);
    }

    public async Task SweepStatesAsync(Func<EntityKey, bool> isEvictable, CancellationToken cancel)
    {
        await foreach (var blob in store.ListAsync(LakePaths.States(pipeline), null, cancel))
        {
            if (LakePaths.ParseState(pipeline, blob.Path) is not var (entity, baseVersion))
                continue;
            var there = await SnapshotAsync(entity, cancel);
            if (there is null ? isEvictable(entity) : there.Version > baseVersion && there.Blob != blob.Path)
                await store.DeleteAsync(blob.Path, cancel);
        }
    }

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

    private async Task<EntitySnapshot?> SnapshotAsync(EntityKey entity, CancellationToken cancel)
    {
        counters.Add(EntityKinds.Read);
        var found = await client.Entities.GetEntityAsync<SliceEntityState>(EntityNames.Of(pipeline, entity), includeState: true, cancel);
        return found is { IncludesState: true } ? found.State.ToSnapshot() : null;
    }

    private Task SignalAsync(EntityKey entity, string operation, object input, CancellationToken cancel)
    {
        counters.Add(EntityKinds.Signal);
        return client.Entities.SignalEntityAsync(EntityNames.Of(pipeline, entity), operation, input, null, cancel);
    }
}
