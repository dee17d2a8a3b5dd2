using Tidemark.Domain.Columns;
using Tidemark.Domain.Groups;
using Tidemark.Domain.Pipelines;
using Tidemark.Domain.Queries;

namespace Tidemark.Domain.Windows;

/// <summary>
/// Puts windows together from the slices of many entities. A window takes a group of a slice only if its first window end is at or before its own: rows
/// that were late for this window count in later ones only.
/// </summary>
internal static class WindowEmission
{
    /// <summary>Rows of windows with end in (after, upTo], by window and group; see <see cref="IPipeline.Emit"/>.</summary>
    public static RowBatch Emit(QueryPlan plan, IReadOnlyDictionary<EntityKey, IFoldState> states, long? after, long upTo, IReadOnlySet<EntityKey>? touched)
    {
        var windows = new GroupStore(plan.Layout);
        var key = new ByteWriter();
        var wanted = new Dictionary<long, bool>();
        foreach (var (entity, state) in states)
            if (entity.Bundle == plan.Spec.Bundle && MayHaveWindows(plan, entity, after, upTo) && ((SliceFold)state).GroupsOf(plan) is { } slices)
                for (var slot = 0; slot < slices.Count; slot++)
                    AddToWindows(slices, slot);
        return Rows(plan, windows);

        void AddToWindows(GroupStore slices, int slot)
        {
            var from = slices.Keys[slot];
            long slice = OrderedKey.TimeAt(from, 0), last = plan.Grid.LastEnd(slice);
            for (var end = Math.Max(plan.Grid.FirstEnd(slice), OrderedKey.TimeAt(from, SliceFold.FirstEndAt)); end <= last && end <= upTo; end += plan.Grid.Slide)
            {
                if (end <= after || !IsWanted(end))
                    continue;
                key.Clear();
                OrderedKey.AppendTime(key, end);
                key.Bytes(from[SliceFold.GroupAt..]);
                if (plan.HasParts)
                    AddParts(windows.SlotOf(key.Written), slices, slot, slice - (end - plan.Grid.Size));
                else
                    windows.Merge(key.Written, slices, slot);
            }
        }

        void AddParts(int window, GroupStore slices, int slot, long at)
        {
            for (var i = 0; i < plan.Aggregates.Length; i++)
                if (at >= plan.Aggregates[i].PartFrom && at < plan.Aggregates[i].PartTo)
                    windows.Accumulators[i].Merge(window, slices.Accumulators[i], slot);
        }

        bool IsWanted(long end)
        {
            if (touched is null)
                return true;
            if (!wanted.TryGetValue(end, out var result))
                wanted[end] = result = touched.Any(t => t.Bundle == plan.Spec.Bundle && Covers(plan, end, t));
            return result;
        }
    }

    /// <summary>Whether the window with this end covers a slice of the entity.</summary>
    private static bool Covers(QueryPlan plan, long end, EntityKey entity)
    {
        var firstSlice = plan.Grid.SliceOf(entity.Start + plan.Grid.Slice - 1);
        return end > firstSlice && end - plan.Grid.Size < entity.Start + plan.Span;
    }

    private static bool MayHaveWindows(QueryPlan plan, EntityKey entity, long? after, long upTo) =>
        entity.Start < upTo && (after is not { } bound || plan.Grid.LastEnd(plan.Grid.SliceOf(entity.Start + plan.Span - 1)) > bound);

    private static RowBatch Rows(QueryPlan plan, GroupStore windows)
    {
        var fields = plan.GroupSchema.Fields;
        var builders = fields.Select(f => ColumnBuilder.For(f)).ToArray();
        foreach (var slot in windows.Sorted())
        {
            var reader = new ByteReader(windows.Keys[slot]);
            var end = OrderedKey.TimeAt(reader.Take(OrderedKey.TimeBytes), 0);
            ((Int64ColumnBuilder)builders[0]).Append((end - plan.Grid.Size) * 1000);
            ((Int64ColumnBuilder)builders[1]).Append(end * 1000);
            for (var i = 0; i < plan.KeyColumns.Length; i++)
                OrderedKey.Read(ref reader, builders[2 + i]);
            plan.Emit(windows.Accumulators, slot, builders, 2 + plan.KeyColumns.Length);
        }
        var rows = Having(plan, new RowBatch(plan.GroupSchema, [.. builders.Select(b => b.Build())], windows.Count));
        return plan.Definition.Top is { } top ? TopRows.Of(rows, top) : rows;
    }

    private static RowBatch Having(QueryPlan plan, RowBatch rows)
    {
        if (plan.Definition.Having is AllOf { Parts.Count: 0 })
            return rows;
        var mask = new byte[rows.Count];
        RowMask.Fill(plan.Definition.Having, rows, mask);
        return RowBatches.Where(rows, row => mask[row] != 0);
    }
}
