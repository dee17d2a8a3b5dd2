namespace Tidemark.Delta.Parquet;

/// <summary>A node of a file's schema as rows are put together from it: a leaf, a struct, a list or a map.</summary>
internal sealed class ReadNode
{
    private const int MaxDepth = 64;

    public required SchemaElement Element { get; init; }

    public required TypeKind? Group { get; init; }

    public List<ReadNode> Children { get; } = [];

    /// <summary>The level from which on this node is there (for a list: is not null).</summary>
    public required int Definition { get; init; }

    public required int Repetition { get; init; }

    /// <summary>For lists and maps: the level from which on there is an element.</summary>
    public int ElementDefinition { get; init; }

    public int Leaf { get; init; } = -1;

    public string Name => Element.Name;

    public ReadNode FirstLeaf => Leaf >= 0 ? this : Children[0].FirstLeaf;

    public IEnumerable<ReadNode> Leaves => Leaf >= 0 ? [this] : Children.SelectMany(c => c.Leaves);

    public static (List<ReadNode> Columns, List<ReadNode> Leaves) Build(FileMetadata file)
    {
        var at = 1;
        var leaves = new List<ReadNode>();
        var columns = new List<ReadNode>();
        var root = file.Schema[0];
        if (root.Children < 0 || root.Children > file.Schema.Count) throw Broken("the root has a wrong number of columns");
        for (var i = 0; i < root.Children; i++) columns.Add(Read(file.Schema, ref at, 0, 0, 0, leaves));
        if (at != file.Schema.Count) throw Broken("elements are left over");
        return (columns, leaves);
    }

    private static ReadNode Read(List<SchemaElement> schema, ref int at, int definition, int repetition, int depth, List<ReadNode> leaves)
    {
        if (depth > MaxDepth) throw Broken($"it nests deeper than {MaxDepth} levels");
        if (at >= schema.Count) throw Broken("a group has more fields than the file has elements");
        var element = schema[at++];
        if (element.Children < 0 || element.Children > schema.Count) throw Broken($"'{element.Name}' has {element.Children} fields");
        if (element.Repetition == Delta.Parquet.Repetition.Repeated && depth == 0)
            throw new DeltaUnsupportedException($"Column '{element.Name}' of the Parquet file is repeated without being a list, which is not supported here.");
        if (element.Repetition != Delta.Parquet.Repetition.Required) definition++;
        if (element.Repetition == Delta.Parquet.Repetition.Repeated) repetition++;
        if (element.Physical is not null || element.Children == 0) return ReadLeaf(element, definition, repetition, leaves);
        var isMap = element.Converted is ConvertedType.Map or ConvertedType.MapKeyValue || element.Logical == 2;
        var isList = element.Converted == ConvertedType.List || element.Logical == 3;
        if ((isMap || isList) && element.Children == 1 && at < schema.Count && schema[at].Repetition == Delta.Parquet.Repetition.Repeated)
            return isMap ? ReadMap(schema, ref at, element, definition, repetition, depth, leaves) : ReadList(schema, ref at, element, definition, repetition, depth, leaves);
        var node = new ReadNode { Element = element, Group = TypeKind.Struct, Definition = definition, Repetition = repetition };
        for (var i = 0; i < element.Children; i++) node.Children.Add(Read(schema, ref at, definition, repetition, depth + 1, leaves));
        return node;
    }

    private static ReadNode ReadLeaf(SchemaElement element, int definition, int repetition, List<ReadNode> leaves)
    {
        if (element.Physical is not { } physical || !Enum.IsDefined(physical)) throw Broken($"'{element.Name}' has no type");
        if (physical == PhysicalType.FixedLenByteArray && element.TypeLength is <= 0 or > 1 << 20) throw Broken($"'{element.Name}' has the width {element.TypeLength}");
        var node = new ReadNode { Element = element, Group = null, Definition = definition, Repetition = repetition, Leaf = leaves.Count };
        leaves.Add(node);
        return node;
    }

    private static ReadNode ReadList(List<SchemaElement> schema, ref int at, SchemaElement element, int definition, int repetition, int depth,
        List<ReadNode> leaves)
    {
        var repeated = schema[at];
        var node = new ReadNode
        {
            Element = element, Group = TypeKind.List, Definition = definition, Repetition = repetition, ElementDefinition = definition + 1,
        };
        // Old two-level lists: the repeated node is the element itself.
        var twoLevel = repeated.Physical is not null || repeated.Children != 1 || repeated.Name == "array" || repeated.Name == element.Name + "_tuple";
        if (!twoLevel) at++;
        node.Children.Add(twoLevel
            ? Read(schema, ref at, definition, repetition, depth + 1, leaves)
            : Read(schema, ref at, definition + 1, repetition + 1, depth + 1, leaves));
        return node;
    }

    private static ReadNode ReadMap(List<SchemaElement> schema, ref int at, SchemaElement element, int definition, int repetition, int depth,
        List<ReadNode> leaves)
    {
        var entries = schema[at++];
        if (entries.Children != 2) throw new DeltaUnsupportedException($"Map '{element.Name}' of the Parquet file has {entries.Children} fields per entry; 2 are supported.");
        var node = new ReadNode
        {
            Element = element, Group = TypeKind.Map, Definition = definition, Repetition = repetition, ElementDefinition = definition + 1,
        };
        for (var i = 0; i < 2; i++) node.Children.Add(Read(schema, ref at, definition + 1, repetition + 1, depth + 1, leaves));
        return node;
    }

    /// <summary>The table type that fits this node best; used where no table schema says otherwise.</summary>
    public DataType ToType()
    {
        switch (Group)
        {
            case TypeKind.Struct: return new StructType([.. Children.Select(c => c.ToField())]);
            case TypeKind.List: return new ListType(Children[0].ToType(), Children[0].Element.Repetition != Delta.Parquet.Repetition.Required);
            case TypeKind.Map: return new MapType(Children[0].ToType(), Children[1].ToType(), Children[1].Element.Repetition != Delta.Parquet.Repetition.Required);
        }

        var isDecimal = Element.Converted == ConvertedType.Decimal || Element.Logical == 5;
        if (isDecimal && Element.Precision is >= 1 and <= 38 && Element.Scale >= 0 && Element.Scale <= Element.Precision)
            return DataType.Decimal(Element.Precision, Element.Scale);
        return Element.Physical switch
        {
            PhysicalType.Boolean => DataType.Boolean,
            PhysicalType.Int32 => Element.Converted switch
            {
                ConvertedType.Date => DataType.Date, ConvertedType.Int8 => DataType.Byte, ConvertedType.Int16 => DataType.Short,
                _ => Element.Logical == 6 ? DataType.Date : DataType.Int32,
            },
            PhysicalType.Int64 => Element.Converted is ConvertedType.TimestampMicros or ConvertedType.TimestampMillis || Element.Logical == 8
                ? DataType.Timestamp : DataType.Int64,
            PhysicalType.Int96 => DataType.Timestamp,
            PhysicalType.Float => DataType.Float,
            PhysicalType.Double => DataType.Double,
            _ => Element.Converted is ConvertedType.Utf8 or ConvertedType.Enum or ConvertedType.Json || Element.Logical is 1 or 4 or 12
                ? DataType.String : DataType.Binary,
        };
    }

    public TableField ToField() => new(Name, ToType(), Element.Repetition != Delta.Parquet.Repetition.Required);

    private static DeltaFormatException Broken(string why) => new($"The schema of a Parquet file is broken: {why}.");
}
