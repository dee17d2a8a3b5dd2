using System.Collections.Concurrent;
using Tidemark.Domain.Aggregates;
using Tidemark.Domain.Columns;
using Tidemark.Domain.Groups;
using Tidemark.Domain.Pipelines;
using Tidemark.Domain.Queries;

namespace Tidemark.Domain.Windows;

/// <summary>
/// Window queries over one stream of rows: their map side, their fold, their emission. Knows nothing of events: rows are any batches of the schema
/// given. Map sides may run at the same time; each takes its own memory from a pool.
/// </summary>
internal sealed class WindowQueries
{
    private readonly QueryPlan[] plans;
    private readonly Dictionary<string, QueryPlan> byName;
    private readonly ILookup<string, QueryPlan> byBundle;
    private readonly ConcurrentBag<Scratch> pool = [];

    /// <summary>Checks and binds the queries; throws <see cref="QueryException"/> naming query, field and remedy.</summary>
    /// <param name="queries">The queries.</param>
    /// <param name="source">Schema of the rows.</param>
    /// <param name="timeField">The timestamp that windows are cut by.</param>
    /// <param name="commonSpan">Length of the span of slices that short queries share an entity for.</param>
    public WindowQueries(IReadOnlyList<QueryDefinition> queries, RowSchema source, string timeField, TimeSpan commonSpan)
    {
        plans = [.. queries.Select(q => new QueryPlan(q, source, timeField, commonSpan))];
        foreach (var twice in plans.GroupBy(p => p.Name).Where(g => g.Count() > 1))
            throw new QueryException(twice.Key, "another query has the same name; rename one");
        byName = plans.ToDictionary(p => p.Name);
        byBundle = plans.ToLookup(p => p.Spec.Bundle);
        Specs = [.. plans.Select(p => p.Spec)];
    }

    public IReadOnlyList<QuerySpec> Specs { get; }

    /// <summary>The bound query of that name; throws <see cref="KeyNotFoundException"/> when there is none.</summary>
    public QueryPlan PlanOf(string query) => byName.TryGetValue(query, out var plan) ? plan : throw new KeyNotFoundException($"There is no window query '{query}'.");

    /// <summary>
    /// Aggregates a batch into partials by entity, which are in the memory of <paramref name="buffers"/>, and hands late rows to <paramref name="late"/> query
    /// by query.
    /// </summary>
    public Dictionary<EntityKey, ReadOnlyMemory<byte>> Map(RowBatch rows, long frontierMs, PartialBuffers buffers, Action<QueryPlan, LateRows> late)
    {
        var partials = new Dictionary<EntityKey, ReadOnlyMemory<byte>>();
        if (rows.Count == 0)
            return partials;
        if (!pool.TryTake(out var scratch))
            scratch = new Scratch(plans);
        scratch.View.Use(rows);
        for (var i = 0; i < plans.Length; i++)
        {
            scratch.Maps[i].Run(scratch.View, frontierMs);
            if (scratch.Maps[i].Late is { } missed)
                late(plans[i], missed);
        }
        scratch.WritePartials(buffers, partials);
        pool.Add(scratch);
        return partials;
    }

    public SliceFold Load(EntityKey key, ReadOnlySpan<byte> state)
    {
        var bundle = byBundle[key.Bundle].ToArray();
        if (bundle.Length == 0)
            throw new InvalidDataException($"Entity {key} belongs to no query of this pipeline; its bundles are {string.Join(", ", byBundle.Select(b => b.Key))}.");
        var fold = new SliceFold(key, bundle);
        fold.Merge(state);
        return fold;
    }

    public bool IsEvictable(EntityKey key, Func<string, long?> positionOf)
    {
        foreach (var plan in byBundle[key.Bundle])
            if (positionOf(plan.Name) is not { } position || plan.Grid.LastEnd(plan.Grid.SliceOf(key.Start + plan.Span - 1)) > position)
                return false;
        return true;
    }

    public RowBatch Emit(string query, IReadOnlyDictionary<EntityKey, IFoldState> states, long? after, long upTo, IReadOnlySet<EntityKey>? touched) =>
        WindowEmission.Emit(byName[query], states, after, upTo, touched);

    /// <summary>Memory of one map side at work.</summary>
    private sealed class Scratch(QueryPlan[] plans)
    {
        private readonly Dictionary<EntityKey, ByteWriter> open = [];
        private readonly int[] order = [.. Enumerable.Range(0, plans.Length).OrderBy(i => plans[i].Name, StringComparer.Ordinal)];

        public BatchView View { get; } = new();

        public WindowMap[] Maps { get; } = [.. plans.Select(p => new WindowMap(p))];

        public void WritePartials(PartialBuffers buffers, Dictionary<EntityKey, ReadOnlyMemory<byte>> partials)
        {
            foreach (var i in order)
                WriteGroups(plans[i], Maps[i].Groups, buffers);
            foreach (var (key, writer) in open)
                partials[key] = writer.Memory;
            open.Clear();
        }

        private void WriteGroups(QueryPlan plan, GroupStore groups, PartialBuffers buffers)
        {
            var slots = groups.Sorted();
            for (var from = 0; from < slots.Length;)
            {
                var entity = plan.EntityOf(OrderedKey.TimeAt(groups.Keys[slots[from]], 0));
                var to = from + 1;
                while (to < slots.Length && plan.EntityOf(OrderedKey.TimeAt(groups.Keys[slots[to]], 0)) == entity)
                    to++;
                groups.Write(WriterOf(entity, buffers), slots[from..to], sized: true);
                from = to;
            }
        }

        private ByteWriter WriterOf(EntityKey entity, PartialBuffers buffers)
        {
            if (open.TryGetValue(entity, out var writer))
                return writer;
            writer = buffers.Next();
            writer.Byte(SliceFold.Version);
            return open[entity] = writer;
        }
    }
}
