using System.Collections.Concurrent;
using Microsoft.DurableTask;
using Microsoft.DurableTask.Client;
using Microsoft.DurableTask.Client.Entities;
using Microsoft.DurableTask.Entities;
using NSubstitute;
using Tidemark.Functions.Entities;
using Tidemark.Functions.Tests.Entities;

namespace Tidemark.Functions.Tests.Triggers;

/// <summary>A durable client whose entities are <see cref="SliceEntity"/> objects in memory; signals run at once.</summary>
internal sealed class MemoryEntities(Func<SliceEntity> create) : DurableEntityClient("memory")
{
    /// <summary>Makes the object that runs an operation: of the program that was deployed last.</summary>
    public Func<SliceEntity> Create { get; set; } = create;

    private readonly ConcurrentDictionary<EntityInstanceId, StoredEntity> _stored = new();

    public static DurableTaskClient Client(Func<SliceEntity> create)
    {
        var client = Substitute.For<DurableTaskClient>("memory");
        client.Entities.Returns(new MemoryEntities(create));
        return client;
    }

    /// <summary>Loses all states, as a task hub that was made again.</summary>
    public void Forget() => _stored.Clear();

    /// <summary>Ids of all entities that have state.</summary>
    public IReadOnlyList<EntityInstanceId> Ids => [.. _stored.Where(e => e.Value.HasState).Select(e => e.Key)];

    public override async Task SignalEntityAsync(EntityInstanceId id, string operationName, object? input = null, SignalEntityOptions? options = null, CancellationToken cancellation = default)
    {
        var entity = _stored.GetOrAdd(id, i => new StoredEntity(i));
        await Create().RunAsync(entity.Operation(operationName, input));
    }

    public override Task<EntityMetadata<T>?> GetEntityAsync<T>(EntityInstanceId id, bool includeState = true, CancellationToken cancellation = default) =>
        Task.FromResult(_stored.TryGetValue(id, out var entity) && entity.HasState ? new EntityMetadata<T>(id, (T?)entity.GetState(typeof(T))) : null);

    public override Task<EntityMetadata?> GetEntityAsync(EntityInstanceId id, bool includeState = true, CancellationToken cancellation = default) => throw new NotSupportedException();

    public override AsyncPageable<EntityMetadata> GetAllEntitiesAsync(EntityQuery? filter = null) => Pageable.Create((_, _, _) => Task.FromResult(new Page<EntityMetadata>(
        [.. _stored.Where(e => e.Value.HasState && e.Key.ToString().StartsWith(filter!.InstanceIdStartsWith!, StringComparison.Ordinal)).Select(e => new EntityMetadata(e.Key))], null)));

    public override AsyncPageable<EntityMetadata<T>> GetAllEntitiesAsync<T>(EntityQuery? filter = null) => throw new NotSupportedException();

    public override Task<CleanEntityStorageResult> CleanEntityStorageAsync(CleanEntityStorageRequest? request = null, bool continueUntilComplete = true, CancellationToken cancellation = default) => throw new NotSupportedException();
}
