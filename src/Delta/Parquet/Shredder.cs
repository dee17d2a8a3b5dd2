namespace Tidemark.Delta.Parquet;

/// <summary>The entries of one leaf below nested columns: levels, and which entries of the leaf's column are values.</summary>
internal sealed class ShreddedLeaf
{
    public List<byte> Repetition { get; } = [];

    public List<byte> Definition { get; } = [];

    public List<int> Rows { get; } = [];

    public ColumnData? Column { get; set; }
}

/// <summary>Takes nested rows apart into leaves with repetition and definition levels, after the Dremel paper.</summary>
internal static class Shredder
{
    public static void Shred(WriteNode column, ColumnData data, int from, int to, ShreddedLeaf[] leaves)
    {
        Attach(column, data, leaves);
        for (var row = from; row < to; row++) Value(column, data, row, 0, 0, leaves);
    }

    private static void Attach(WriteNode node, ColumnData data, ShreddedLeaf[] leaves)
    {
        switch (data)
        {
            case ListColumn list: Attach(node.Children[0].Children[0], list.Elements, leaves); break;
            case MapColumn map:
                Attach(node.Children[0].Children[0], map.Keys, leaves);
                Attach(node.Children[0].Children[1], map.Values, leaves);
                break;
            case StructColumn nested:
                for (var i = 0; i < node.Children.Count; i++) Attach(node.Children[i], nested.Fields[i], leaves);
                break;
            default: leaves[node.Leaf].Column = data; break;
        }
    }

    private static void Missing(WriteNode node, int repetition, int definition, ShreddedLeaf[] leaves)
    {
        if (node.IsLeaf)
        {
            leaves[node.Leaf].Repetition.Add((byte)repetition);
            leaves[node.Leaf].Definition.Add((byte)definition);
        }

        foreach (var child in node.Children) Missing(child, repetition, definition, leaves);
    }

    private static void Value(WriteNode node, ColumnData data, int row, int repetition, int definition, ShreddedLeaf[] leaves)
    {
        if (data.IsNull(row))
        {
            if (node.Repetition == Repetition.Required)
                throw new DeltaSchemaMismatchException($"Column '{string.Join('.', node.Path)}' does not allow null, and row {row} holds one.");
            Missing(node, repetition, definition, leaves);
            return;
        }

        if (node.Repetition == Repetition.Optional) definition++;
        switch (data)
        {
            case StructColumn nested:
                for (var i = 0; i < node.Children.Count; i++) Value(node.Children[i], nested.Fields[i], row, repetition, definition, leaves);
                break;
            case ListColumn list:
                Repeated(node.Children[0], list.Offsets[row], list.Offsets[row + 1], list.Elements, null, repetition, definition, leaves);
                break;
            case MapColumn map:
                Repeated(node.Children[0], map.Offsets[row], map.Offsets[row + 1], map.Keys, map.Values, repetition, definition, leaves);
                break;
            default:
                var leaf = leaves[node.Leaf];
                leaf.Repetition.Add((byte)repetition);
                leaf.Definition.Add((byte)definition);
                leaf.Rows.Add(row);
                break;
        }
    }

    private static void Repeated(WriteNode group, int from, int to, ColumnData first, ColumnData? second, int repetition, int definition,
        ShreddedLeaf[] leaves)
    {
        if (from == to)
        {
            Missing(group, repetition, definition, leaves);
            return;
        }

        for (var i = from; i < to; i++)
        {
            var level = i == from ? repetition : group.MaxRepetition;
            Value(group.Children[0], first, i, level, definition + 1, leaves);
            if (second is not null) Value(group.Children[1], second, i, level, definition + 1, leaves);
        }
    }
}
