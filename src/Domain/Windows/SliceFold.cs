using Tidemark.Domain.Columns;
using Tidemark.Domain.Groups;
using Tidemark.Domain.Pipelines;

namespace Tidemark.Domain.Windows;

/// <summary>
/// The fold of one entity: groups keyed (slice, first window end they count for, group key) per query of its bundle. The saved form is a
/// version byte, then a section per query that has groups, by name, groups sorted: equal states are equal bytes. A partial that is refused
/// with <see cref="InvalidDataException"/> may have been merged in part: the state must not be used any more.
/// </summary>
internal sealed class SliceFold(EntityKey entity, IReadOnlyList<QueryPlan> bundle) : IFoldState
{
    /// <summary>Version of the saved form.</summary>
    public const byte Version = 2;

    /// <summary>Where in a key the first window end is; the slice is at 0.</summary>
    public const int FirstEndAt = OrderedKey.TimeBytes;

    /// <summary>Where in a key the group key begins.</summary>
    public const int GroupAt = 2 * OrderedKey.TimeBytes;

    private readonly Dictionary<QueryPlan, GroupStore> stores = [];

    /// <summary>The groups of a query, or null when it has none here.</summary>
    public GroupStore? GroupsOf(QueryPlan plan) => stores.GetValueOrDefault(plan);

    /// <inheritdoc/>
    public void Merge(ReadOnlySpan<byte> partial)
    {
        if (partial.IsEmpty)
            return;
        var reader = new ByteReader(partial);
        if (reader.Byte() is var version and not Version)
            throw reader.Fault($"state of entity {entity} has version {version}; this program reads version {Version}");
        while (reader.Left > 0)
        {
            var name = reader.Text();
            var plan = bundle.FirstOrDefault(p => p.Name == name)
                ?? throw reader.Fault($"state of entity {entity} is of query '{name}', which bundle {entity.Bundle} does not have");
            if (reader.UInt64() != plan.Layout.Fingerprint)
                throw reader.Fault($"state of entity {entity} is of another definition of query '{name}'; give the pipeline a new version");
            if (!stores.TryGetValue(plan, out var store))
                stores[plan] = store = new GroupStore(plan.Layout);
            store.Read(ref reader, key => Check(plan, key));
        }
    }

    /// <inheritdoc/>
    public void Evict(Func<string, long?> upTo)
    {
        foreach (var (plan, store) in stores.ToArray())
        {
            if (upTo(plan.Name) is not { } bound)
                continue;
            GroupStore? kept = null;
            for (var slot = 0; slot < store.Count; slot++)
                if (plan.Grid.LastEnd(OrderedKey.TimeAt(store.Keys[slot], 0)) > bound)
                    (kept ??= new GroupStore(plan.Layout)).Merge(store.Keys[slot], store, slot);
            if (kept is null)
                stores.Remove(plan);
            else if (kept.Count < store.Count)
                stores[plan] = kept;
        }
    }

    /// <inheritdoc/>
    public byte[] Save()
    {
        var to = new ByteWriter();
        to.Byte(Version);
        foreach (var (_, store) in stores.OrderBy(s => s.Key.Name, StringComparer.Ordinal))
            if (store.Count > 0)
                store.Write(to, store.Sorted());
        return to.ToArray();
    }

    private void Check(QueryPlan plan, ReadOnlySpan<byte> key)
    {
        if (key.Length < GroupAt)
            throw new InvalidDataException($"State of entity {entity} has a key of {key.Length} bytes in query '{plan.Name}'; {GroupAt} are the least.");
        long slice = OrderedKey.TimeAt(key, 0), firstEnd = OrderedKey.TimeAt(key, FirstEndAt);
        if (!plan.Grid.IsSliceStart(slice) || plan.EntityOf(slice) != entity || firstEnd < plan.Grid.FirstEnd(slice) || firstEnd > plan.Grid.LastEnd(slice))
            throw new InvalidDataException($"State of entity {entity} has slice {slice} with first end {firstEnd} in query '{plan.Name}', which is not one of its own.");
    }
}
