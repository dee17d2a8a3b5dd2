using Azure.Core.Serialization;
using Microsoft.DurableTask;
using Microsoft.DurableTask.Client;
using Microsoft.DurableTask.Client.Entities;
using Microsoft.DurableTask.Entities;

namespace Tidemark.LocalHost.Entities;

/// <summary>The entity client that functions get. Reads give the last committed state, which may be stale.</summary>
internal sealed class LocalEntityClient(string name, EntityStore store, EntityScheduler scheduler, ObjectSerializer serializer) : DurableEntityClient(name)
{
    private readonly DataConverter converter = new SerializerConverter(serializer);

    public override Task SignalEntityAsync(
        EntityInstanceId id, string operationName, object? input = null, SignalEntityOptions? options = null, CancellationToken cancellation = default) =>
        scheduler.SignalAsync(id, operationName, input, options?.SignalTime, cancellation);

    public override Task<EntityMetadata?> GetEntityAsync(EntityInstanceId id, bool includeState = true, CancellationToken cancellation = default) =>
        Task.FromResult(Live(id) is { } row ? ToMetadata(row, includeState) : null);

    public override Task<EntityMetadata<T>?> GetEntityAsync<T>(EntityInstanceId id, bool includeState = true, CancellationToken cancellation = default) =>
        Task.FromResult(Live(id) is { } row ? ToMetadata<T>(row, includeState) : null);

    public override AsyncPageable<EntityMetadata> GetAllEntitiesAsync(EntityQuery? filter = null) =>
        Pages(filter ?? new EntityQuery(), (row, includeState) => ToMetadata(row, includeState));

    public override AsyncPageable<EntityMetadata<T>> GetAllEntitiesAsync<T>(EntityQuery? filter = null) =>
        Pages(filter ?? new EntityQuery(), (row, includeState) => ToMetadata<T>(row, includeState));

    public override async Task<CleanEntityStorageResult> CleanEntityStorageAsync(
        CleanEntityStorageRequest? request = null, bool continueUntilComplete = true, CancellationToken cancellation = default) => new()
        {
            EmptyEntitiesRemoved = (request ?? CleanEntityStorageRequest.Default).RemoveEmptyEntities ? await scheduler.RemoveEmptyAsync(cancellation) : 0,
        };

    private EntityRow? Live(EntityInstanceId id) => store.Read(id.ToString()) is { State: not null } row ? row : null;

    private EntityMetadata ToMetadata(EntityRow row, bool includeState) =>
        new(EntityInstanceId.FromString(row.Id), includeState && row.State is { } json ? new SerializedData(json, converter) : null)
        {
            LastModifiedTime = DateTimeOffset.FromUnixTimeMilliseconds(row.ModifiedMs),
            BacklogQueueSize = store.Backlog(row.Id),
        };

    private EntityMetadata<T> ToMetadata<T>(EntityRow row, bool includeState)
    {
        var id = EntityInstanceId.FromString(row.Id);
        var modified = DateTimeOffset.FromUnixTimeMilliseconds(row.ModifiedMs);
        var backlog = store.Backlog(row.Id);
        return includeState && row.State is not null
            ? new EntityMetadata<T>(id, (T?)Json.Read(serializer, row.State, typeof(T))) { LastModifiedTime = modified, BacklogQueueSize = backlog }
            : new EntityMetadata<T>(id) { LastModifiedTime = modified, BacklogQueueSize = backlog };
    }

    private AsyncPageable<T> Pages<T>(EntityQuery query, Func<EntityRow, bool, T> convert)
        where T : notnull => Pageable.Create((continuation, size, _) =>
    {
        var limit = size ?? query.PageSize ?? EntityQuery.DefaultPageSize;
        var rows = store.Read(Prefix(query.InstanceIdStartsWith), continuation ?? query.ContinuationToken ?? "", limit);
        T[] values = [.. rows.Where(r => Matches(r, query)).Select(r => convert(r, query.IncludeState))];
        return Task.FromResult(new Page<T>(values, rows.Count < limit ? null : rows[^1].Id));
    });

    // Names are stored in lower case; a prefix may hold only a part of the name.
    private static string Prefix(string? text)
    {
        if (string.IsNullOrEmpty(text))
            return "@";
        var end = text.IndexOf('@', 1);
        return end < 0 ? text.ToLowerInvariant() : text[..end].ToLowerInvariant() + text[end..];
    }

    private static bool Matches(EntityRow row, EntityQuery query) =>
        (row.State is not null || query.IncludeTransient)
        && (query.LastModifiedFrom is not { } from || row.ModifiedMs >= from.ToUnixTimeMilliseconds())
        && (query.LastModifiedTo is not { } to || row.ModifiedMs <= to.ToUnixTimeMilliseconds());

    private sealed class SerializerConverter(ObjectSerializer serializer) : DataConverter
    {
        public override string? Serialize(object? value) => value is null ? null : Json.Write(serializer, value);

        public override object? Deserialize(string? data, Type targetType) => Json.Read(serializer, data, targetType);
    }
}
