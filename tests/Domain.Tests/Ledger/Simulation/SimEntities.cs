using Tidemark.Domain.Ledger;
using Tidemark.Domain.Pipelines;

namespace Tidemark.Domain.Tests.Ledger.Simulation;

/// <summary>Entities of the platform: signals get lost, doubled, delayed and reordered; reads may be stale.</summary>
internal sealed class SimEntityData(SimWorld world, IPipeline pipeline, ProtocolRule off)
{
    private readonly Dictionary<EntityKey, EntitySnapshot> _previous = [];
    private readonly HashSet<(SimActor, EntityKey)> _readStale = [];

    public SortedDictionary<EntityKey, EntitySnapshot> States { get; } = [];

    /// <summary>Names of entities whose state the platform lost.</summary>
    public List<EntityKey> Forgotten { get; } = [];

    public int NextBlob { get; set; }

    /// <summary>States in blobs by name, with the entity and the version that they were made upon.</summary>
    public SortedDictionary<string, (EntityKey Key, long BaseVersion, byte[] State)> Blobs { get; } = new(StringComparer.Ordinal);

    public int UnderWay { get; private set; }

    public void Send(EntityKey key, Func<EntitySnapshot?, EntitySnapshot?> operation, string what)
    {
        var copies = !world.Faults ? 1 : world.Random.Next(20) switch { 0 => 0, 1 => 2, _ => 1 };
        for (var i = 0; i < copies; i++)
        {
            var delay = !world.Faults || world.Random.Next(10) > 0 ? world.Random.Next(200) : world.Random.Next(60_000);
            UnderWay++;
            world.At(delay, () =>
            {
                UnderWay--;
                var before = States.GetValueOrDefault(key);
                var after = operation(before);
                world.Note($"entity {key}: {what}: version {before?.Version} -> {after?.Version}");
                if (before is not null)
                    _previous[key] = before;
                if (after is null)
                    States.Remove(key);
                else
                    States[key] = after;
            });
        }
    }

    /// <summary>The state, or at times the one before it, but never twice in a row: a second look sees the truth.</summary>
    public EntitySnapshot? Read(SimActor actor, EntityKey key)
    {
        if (!world.Faults || world.Random.Next(20) != 0 || !_previous.TryGetValue(key, out var stale) || !_readStale.Add((actor, key)))
        {
            _readStale.Remove((actor, key));
            return States.GetValueOrDefault(key);
        }

        return stale;
    }

    /// <summary>The platform loses an entity's state for good.</summary>
    public void Forget(EntityKey key)
    {
        States.Remove(key);
        _previous.Remove(key);
        Forgotten.Add(key);
    }

    public EntitySnapshot? Apply(EntityKey key, EntitySnapshot? current, ApplyInput input) => EntityFold.Apply(pipeline, key, current, input, off);
}

/// <summary>One actor's client of the entities.</summary>
internal sealed class SimEntities(SimWorld world, SimActor actor, SimEntityData data) : IEntities
{
    public async Task<EntitySnapshot?> ReadAsync(EntityKey entity, CancellationToken cancel)
    {
        var read = await LookAsync(entity);
        if (read?.Blob is not { } blob)
            return read;
        if (await world.CallAsync(actor, $"read {blob}", () => data.Blobs.TryGetValue(blob, out var there) ? there.State : null) is { } state)
            return read with { State = state };
        // Stale, or a ghost whose blob was swept.
        throw (await LookAsync(entity))?.Blob == blob ? new EntityStateGoneException(entity, blob) : new SimStoreException("blob not found");
    }

    private Task<EntitySnapshot?> LookAsync(EntityKey entity) => world.CallAsync(actor, $"read entity {entity}", () => data.Read(actor, entity));

    public async Task SignalApplyAsync(EntityKey entity, ApplyInput input, CancellationToken cancel)
    {
        if (input.IsWhole && world.Random.Next(3) == 0)
        {
            var name = $"{entity}/{input.BaseVersion}-{actor.Name}-{data.NextBlob++}";
            await world.CallAsync(actor, $"write {name}", () => data.Blobs[name] = (entity, input.BaseVersion, input.Partial));
            input = input with { Partial = [], Blob = name };
        }

        await SendAsync(entity, input);
    }

    public Task DropStateAsync(EntityKey entity, string blob, CancellationToken cancel) =>
        world.CallAsync(actor, $"drop {blob}", () => data.Blobs.Remove(blob));

    public async Task SweepStatesAsync(Func<EntityKey, bool> isEvictable, CancellationToken cancel)
    {
        foreach (var (name, blob) in await world.CallAsync(actor, "list states", () => data.Blobs.ToList()))
        {
            var there = await world.CallAsync(actor, $"look at {blob.Key}", () => data.States.GetValueOrDefault(blob.Key));
            if (there is null ? isEvictable(blob.Key) : there.Version > blob.BaseVersion && there.Blob != name)
                await DropStateAsync(blob.Key, name, cancel);
        }
    }

    public async Task<long?> ReadVersionAsync(EntityKey entity, CancellationToken cancel) =>
        (await world.CallAsync(actor, $"read version of {entity}", () => data.Read(actor, entity)))?.Version;

    private Task SendAsync(EntityKey entity, ApplyInput input) =>
        world.CallAsync(actor, $"signal apply {entity} on {input.BaseVersion}", () =>
        {
            data.Send(entity, current => data.Apply(entity, current, input), $"apply on {input.BaseVersion}");
            return true;
        });

    public Task SignalDeleteAsync(EntityKey entity, long version, CancellationToken cancel) =>
        world.CallAsync(actor, $"signal delete {entity} at {version}", () =>
        {
            data.Send(entity, current => EntityFold.Delete(current, version), $"delete at {version}");
            return true;
        });

    public Task<IReadOnlyList<EntityKey>> ListAsync(CancellationToken cancel) =>
        world.CallAsync(actor, "list entities", () => (IReadOnlyList<EntityKey>)[.. data.States.Keys]);
}
