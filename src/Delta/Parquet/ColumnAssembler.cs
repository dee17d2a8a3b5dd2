using System.Runtime.Intrinsics;

namespace Tidemark.Delta.Parquet;

/// <summary>Puts decoded leaves together as columns of the types a table wants; the reverse of the shredder.</summary>
internal static class ColumnAssembler
{
    /// <param name="node">The file's node.</param>
    /// <param name="type">The wanted type.</param>
    /// <param name="leaves">Decoded leaves by number.</param>
    /// <param name="rows">Rows of the row group.</param>
    public static ColumnData Assemble(ReadNode node, DataType type, LeafData?[] leaves, int rows)
    {
        var column = Build(node, type, leaves, 0, 0);
        if (column.Length != rows) throw new DeltaFormatException($"Column '{node.Name}' of the Parquet file holds {column.Length} rows in a row group of {rows}.");
        return column;
    }

    private static ColumnData Build(ReadNode node, DataType type, LeafData?[] leaves, int repetition, int definition)
    {
        switch (type, node.Group)
        {
            case (ListType list, TypeKind.List):
                var offsets = Ranges(node, leaves, repetition, definition, out var rows, out var nulls);
                return new ListColumn(offsets, Element(node, 0, list.Element, leaves, offsets[rows]), rows, nulls);
            case (MapType map, TypeKind.Map):
                offsets = Ranges(node, leaves, repetition, definition, out rows, out nulls);
                return new MapColumn(offsets, Element(node, 0, map.Key, leaves, offsets[rows]), Element(node, 1, map.Value, leaves, offsets[rows]), rows, nulls);
            case (StructType nested, TypeKind.Struct):
                nulls = Slots(node.FirstLeaf, leaves, repetition, definition, node.Definition, out rows, out _);
                var fields = new ColumnData[nested.Fields.Count];
                for (var i = 0; i < fields.Length; i++)
                {
                    var field = nested.Fields[i];
                    fields[i] = Find(node.Children, field.Name) is { } child
                        ? Build(child, field.Type, leaves, repetition, definition)
                        : NullColumn.Of(field.Type, rows);
                    CheckLength(node, fields[i], rows);
                }

                return new StructColumn(fields, rows, nulls);
            default:
                if (type.IsNested || node.Leaf < 0) throw LeafConverter.Mismatch(node, type);
                var leaf = leaves[node.Leaf]!;
                nulls = Slots(node, leaves, repetition, definition, node.Definition, out rows, out var places);
                return LeafConverter.Convert(node, type, leaf, rows, nulls, places);
        }
    }

    private static ColumnData Element(ReadNode node, int child, DataType type, LeafData?[] leaves, int count)
    {
        var column = Build(node.Children[child], type, leaves, node.Repetition + 1, node.ElementDefinition);
        CheckLength(node, column, count);
        return column;
    }

    // Leaves of one column tell the same structure, unless the file is broken.
    private static void CheckLength(ReadNode node, ColumnData column, int count)
    {
        if (column.Length != count) throw new DeltaFormatException($"Column '{node.Name}' of the Parquet file is broken: its leaves hold {column.Length} and {count} entries of the same list or struct.");
    }

    public static ReadNode? Find(List<ReadNode> nodes, string name) =>
        nodes.Find(n => n.Name == name) ?? nodes.Find(n => string.Equals(n.Name, name, StringComparison.OrdinalIgnoreCase));

    /// <summary>
    /// The slots of a node: entries that do not go deeper than <paramref name="repetition"/> and whose parent is there. Says which
    /// are null. <paramref name="places"/> is true when there are fewer values than slots.
    /// </summary>
    private static ulong[]? Slots(ReadNode leaf, LeafData?[] leaves, int repetition, int definition, int present, out int rows, out bool places)
    {
        var data = leaves[leaf.Leaf]!;
        places = false;
        rows = data.Entries;
        if (data.Definition is null) return null;
        var levels = data.Definition.AsSpan(0, data.Entries);
        if (data.Repetition is null && definition == 0 && (present == 0 || levels.IndexOfAnyInRange((byte)0, (byte)(present - 1)) < 0)) return null;
        var nulls = new ulong[NullBits.Words(data.Entries)];
        if (data.Repetition is null && definition == 0)
        {
            FlatNulls(levels, present, nulls);
            places = true;
            return nulls;
        }

        var any = false;
        rows = 0;
        var deeper = data.Repetition;
        for (var i = 0; i < levels.Length; i++)
        {
            if (levels[i] < definition || deeper is not null && deeper[i] > repetition) continue;
            if (levels[i] < present)
            {
                NullBits.Set(nulls, rows);
                any = true;
            }

            rows++;
        }

        places = any;
        return any ? nulls : null;
    }

    // Rows of a column that is in no list: 32 levels at a time.
    private static void FlatNulls(ReadOnlySpan<byte> levels, int present, ulong[] nulls)
    {
        var limit = Vector256.Create((byte)present);
        var i = 0;
        for (; i + 64 <= levels.Length; i += 64)
        {
            ulong low = Vector256.LessThan(Vector256.Create(levels.Slice(i, 32)), limit).ExtractMostSignificantBits();
            ulong high = Vector256.LessThan(Vector256.Create(levels.Slice(i + 32, 32)), limit).ExtractMostSignificantBits();
            nulls[i >> 6] = low | high << 32;
        }

        for (; i < levels.Length; i++)
        {
            if (levels[i] < present) NullBits.Set(nulls, i);
        }
    }

    private static int[] Ranges(ReadNode node, LeafData?[] leaves, int repetition, int definition, out int rows, out ulong[]? nulls)
    {
        var data = leaves[node.FirstLeaf.Leaf]!;
        nulls = Slots(node.FirstLeaf, leaves, repetition, definition, node.Definition, out rows, out _);
        var offsets = new int[rows + 1];
        int slot = -1, elements = 0;
        var inner = node.Repetition + 1;
        for (var i = 0; i < data.Entries; i++)
        {
            int level = data.Definition is null ? int.MaxValue : data.Definition[i], depth = data.Repetition is null ? 0 : data.Repetition[i];
            if (level < definition || depth > inner) continue;
            if (depth <= repetition)
            {
                if (slot >= 0) offsets[slot + 1] = elements;
                slot++;
            }
            else if (slot < 0)
            {
                throw new DeltaFormatException($"Column '{node.Name}' of the Parquet file starts within a list.");
            }

            if (level >= node.ElementDefinition) elements++;
        }

        if (slot >= 0) offsets[slot + 1] = elements;
        return offsets;
    }
}
