using Tidemark.Domain.Columns;
using Tidemark.Domain.Groups;
using Tidemark.Domain.Pipelines;

namespace Tidemark.Domain.Windows;

/// <summary>
/// The fold of one entity: groups keyed (slice, first window end they count for, group key) per query of its bundle. The saved form is a
/// version byte, then a section per query that has groups, by name, groups sorted: equal states are equal bytes. Sections of definitions that this program does
/// not have are kept behind them, unread. A partial that is refused
/// with <see cref="InvalidDataException"/> may have been merged in part: the state must not be used any more.
/// </summary>
internal sealed class SliceFold(EntityKey entity, IReadOnlyList<QueryPlan> bundle) : IFoldState
{
    /// <summary>Version of the saved form.</summary>
    public const byte Version = 3;

    /// <summary>The version before, whose sections do not say how long they are, and so can be read only by the definition that wrote them.</summary>
    private const byte Unsized = 2;

    /// <summary>Where in a key the first window end is; the slice is at 0.</summary>
    public const int FirstEndAt = OrderedKey.TimeBytes;

    /// <summary>Where in a key the group key begins.</summary>
    public const int GroupAt = 2 * OrderedKey.TimeBytes;

    private readonly Dictionary<QueryPlan, GroupStore> stores = [];

    // Of queries that are gone or have another definition here: another program may still need it, so it is kept as it is until the entity goes.
    private readonly List<(string Name, ulong Fingerprint, byte[] Section)> foreign = [];

    /// <inheritdoc/>
    public IEnumerable<string> Foreign => foreign.Select(f => f.Name);

    /// <summary>The groups of a query, or null when it has none here.</summary>
    public GroupStore? GroupsOf(QueryPlan plan) => stores.GetValueOrDefault(plan);

    /// <inheritdoc/>
    public void Merge(ReadOnlySpan<byte> partial)
    {
        if (partial.IsEmpty)
            return;
        var reader = new ByteReader(partial);
        var version = reader.Byte();
        if (version is not (Version or Unsized))
            throw reader.Fault($"state of entity {entity} has version {version}; this program reads versions {Unsized} and {Version}");
        while (reader.Left > 0)
        {
            var name = reader.Text();
            var fingerprint = reader.UInt64();
            var plan = bundle.FirstOrDefault(p => p.Name == name && p.Layout.Fingerprint == fingerprint);
            var section = version == Unsized ? default : reader.Take((int)Math.Min(reader.UInt32(), int.MaxValue));
            if (plan is null && version == Unsized)
                throw reader.Fault($"state of entity {entity}, of version {Unsized}, is of another definition of query '{name}'; run the earlier program, or compute everything anew under a new PipelineVersion (./run replay)");
            if (plan is null)
            {
                foreign.Add((name, fingerprint, section.ToArray()));
                continue;
            }

            if (!stores.TryGetValue(plan, out var store))
                stores[plan] = store = new GroupStore(plan.Layout);
            if (version == Unsized)
            {
                store.Read(ref reader, key => Check(plan, key));
                continue;
            }

            var groups = new ByteReader(section);
            store.Read(ref groups, key => Check(plan, key));
            groups.End();
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
                store.Write(to, store.Sorted(), sized: true);
        foreach (var (name, fingerprint, section) in foreign.OrderBy(f => f.Name, StringComparer.Ordinal).ThenBy(f => f.Fingerprint))
        {
            to.Text(name);
            to.UInt64(fingerprint);
            to.Patch(PlaceOf(to), (uint)section.Length);
            to.Bytes(section);
        }

        return to.ToArray();
    }

    private static int PlaceOf(ByteWriter to)
    {
        to.Take(sizeof(uint));
        return to.Length - sizeof(uint);
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
