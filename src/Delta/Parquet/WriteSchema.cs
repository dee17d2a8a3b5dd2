using System.Text;

namespace Tidemark.Delta.Parquet;

/// <summary>A node of the schema tree that a file is written with: lists and maps in their three-level form.</summary>
internal sealed class WriteNode
{
    public required string Name { get; init; }

    public required Repetition Repetition { get; init; }

    /// <summary>The table type that this node stands for; null for the repeated group inside a list or map.</summary>
    public DataType? Type { get; init; }

    public List<WriteNode> Children { get; } = [];

    public int MaxDefinition { get; set; }

    public int MaxRepetition { get; set; }

    public string[] Path { get; set; } = [];

    /// <summary>Position among the file's leaves; -1 for a group.</summary>
    public int Leaf { get; set; } = -1;

    /// <summary>The definition level at which the outermost list or map above this node is there; -1 when there is none.</summary>
    public int ListDefinition { get; private set; } = -1;

    public PhysicalType Physical { get; private init; }

    public int TypeLength { get; private init; }

    public bool IsLeaf => Type is { IsNested: false };

    public static (List<WriteNode> Columns, List<WriteNode> Leaves) Build(TableSchema schema)
    {
        var columns = schema.Fields.Select(f => Make(f.Name, f.Type, f.Nullable ? Repetition.Optional : Repetition.Required)).ToList();
        var leaves = new List<WriteNode>();
        foreach (var column in columns) Number(column, 0, 0, -1, [], leaves);
        return (columns, leaves);
    }

    private static WriteNode Make(string name, DataType type, Repetition repetition)
    {
        var physical = type.IsNested ? default : PhysicalOf(type);
        var node = new WriteNode
        {
            Name = name, Repetition = repetition, Type = type, Physical = physical,
            TypeLength = physical == PhysicalType.FixedLenByteArray ? DecimalBytes(((DecimalType)type).Precision) : 0,
        };
        switch (type)
        {
            case ListType list:
                var repeated = new WriteNode { Name = "list", Repetition = Repetition.Repeated };
                repeated.Children.Add(Make("element", list.Element, list.ElementNullable ? Repetition.Optional : Repetition.Required));
                node.Children.Add(repeated);
                break;
            case MapType map:
                var entries = new WriteNode { Name = "key_value", Repetition = Repetition.Repeated };
                entries.Children.Add(Make("key", map.Key, Repetition.Required));
                entries.Children.Add(Make("value", map.Value, map.ValueNullable ? Repetition.Optional : Repetition.Required));
                node.Children.Add(entries);
                break;
            case StructType nested:
                if (nested.Fields.Count == 0) throw new DeltaUnsupportedException($"Column '{name}' is a struct without fields, which Parquet cannot hold.");
                foreach (var f in nested.Fields) node.Children.Add(Make(f.Name, f.Type, f.Nullable ? Repetition.Optional : Repetition.Required));
                break;
        }

        return node;
    }

    private static void Number(WriteNode node, int definition, int repetition, int list, string[] path, List<WriteNode> leaves)
    {
        node.MaxDefinition = definition + (node.Repetition == Repetition.Required ? 0 : 1);
        node.MaxRepetition = repetition + (node.Repetition == Repetition.Repeated ? 1 : 0);
        node.ListDefinition = list < 0 && node.Type is (ListType or MapType) ? node.MaxDefinition : list;
        node.Path = [.. path, node.Name];
        if (node.IsLeaf)
        {
            node.Leaf = leaves.Count;
            leaves.Add(node);
        }

        foreach (var child in node.Children) Number(child, node.MaxDefinition, node.MaxRepetition, node.ListDefinition, node.Path, leaves);
    }

    private static PhysicalType PhysicalOf(DataType type) => type.Kind switch
    {
        TypeKind.Boolean => PhysicalType.Boolean,
        TypeKind.Byte or TypeKind.Short or TypeKind.Int32 or TypeKind.Date => PhysicalType.Int32,
        TypeKind.Int64 or TypeKind.Timestamp => PhysicalType.Int64,
        TypeKind.Float => PhysicalType.Float,
        TypeKind.Double => PhysicalType.Double,
        TypeKind.Decimal => ((DecimalType)type).Precision switch
        {
            <= 9 => PhysicalType.Int32,
            <= 18 => PhysicalType.Int64,
            _ => PhysicalType.FixedLenByteArray,
        },
        _ => PhysicalType.ByteArray,
    };

    /// <summary>The fewest bytes of two's complement that hold any number of so many digits.</summary>
    public static int DecimalBytes(int precision)
    {
        var bytes = 1;
        var limit = System.Numerics.BigInteger.Pow(10, precision);
        while (System.Numerics.BigInteger.Pow(2, 8 * bytes - 1) < limit) bytes++;
        return bytes;
    }

    public int CountNodes() => 1 + Children.Sum(c => c.CountNodes());

    public void WriteElements(ThriftWriter thrift)
    {
        thrift.BeginStruct();
        if (IsLeaf)
        {
            thrift.I32(1, (int)Physical);
            if (Physical == PhysicalType.FixedLenByteArray) thrift.I32(2, TypeLength);
        }

        thrift.I32(3, (int)Repetition);
        thrift.Binary(4, Encoding.UTF8.GetBytes(Name));
        if (!IsLeaf) thrift.I32(5, Children.Count);
        if (Type is not null) WriteAnnotation(thrift, Type);
        thrift.EndStruct();
        foreach (var child in Children) child.WriteElements(thrift);
    }

    private static void WriteAnnotation(ThriftWriter thrift, DataType type)
    {
        var converted = type.Kind switch
        {
            TypeKind.String => ConvertedType.Utf8,
            TypeKind.Map => ConvertedType.Map,
            TypeKind.List => ConvertedType.List,
            TypeKind.Decimal => ConvertedType.Decimal,
            TypeKind.Date => ConvertedType.Date,
            TypeKind.Timestamp => ConvertedType.TimestampMicros,
            TypeKind.Byte => ConvertedType.Int8,
            TypeKind.Short => ConvertedType.Int16,
            _ => ConvertedType.None,
        };
        if (converted == ConvertedType.None) return;
        thrift.I32(6, (int)converted);
        if (type is DecimalType number)
        {
            thrift.I32(7, number.Scale);
            thrift.I32(8, number.Precision);
        }

        thrift.Field(10, ThriftType.Struct);
        thrift.BeginStruct();
        switch (type.Kind)
        {
            case TypeKind.String: thrift.Empty(1); break;
            case TypeKind.Map: thrift.Empty(2); break;
            case TypeKind.List: thrift.Empty(3); break;
            case TypeKind.Date: thrift.Empty(6); break;
            case TypeKind.Decimal:
                thrift.Field(5, ThriftType.Struct);
                thrift.BeginStruct();
                thrift.I32(1, ((DecimalType)type).Scale);
                thrift.I32(2, ((DecimalType)type).Precision);
                thrift.EndStruct();
                break;
            case TypeKind.Timestamp:
                thrift.Field(8, ThriftType.Struct);
                thrift.BeginStruct();
                thrift.Bool(1, true);
                thrift.Field(2, ThriftType.Struct);
                thrift.BeginStruct();
                thrift.Empty(2);
                thrift.EndStruct();
                thrift.EndStruct();
                break;
            default:
                thrift.Field(10, ThriftType.Struct);
                thrift.BeginStruct();
                thrift.I8(1, type.Kind == TypeKind.Byte ? 8 : 16);
                thrift.Bool(2, true);
                thrift.EndStruct();
                break;
        }

        thrift.EndStruct();
    }
}
