namespace Tidemark.Delta.Parquet;

/// <summary>Columns of nothing but nulls: for fields that a file does not have.</summary>
internal static class NullColumn
{
    public static ColumnData Of(DataType type, int rows)
    {
        var nulls = new ulong[NullBits.Words(rows)];
        Array.Fill(nulls, ulong.MaxValue);
        return type switch
        {
            { Kind: TypeKind.Boolean } => new BooleanColumn(new bool[rows], rows, nulls),
            { Kind: TypeKind.Byte or TypeKind.Short or TypeKind.Int32 or TypeKind.Date } => new Int32Column(new int[rows], rows, nulls),
            { Kind: TypeKind.Int64 or TypeKind.Timestamp } => new Int64Column(new long[rows], rows, nulls),
            { Kind: TypeKind.Float } => new FloatColumn(new float[rows], rows, nulls),
            { Kind: TypeKind.Double } => new DoubleColumn(new double[rows], rows, nulls),
            DecimalType { Precision: <= 18 } => new Int64Column(new long[rows], rows, nulls),
            DecimalType => new Int128Column(new Int128[rows], rows, nulls),
            ListType list => new ListColumn(new int[rows + 1], Of(list.Element, 0), rows, nulls),
            MapType map => new MapColumn(new int[rows + 1], Of(map.Key, 0), Of(map.Value, 0), rows, nulls),
            StructType nested => new StructColumn([.. nested.Fields.Select(f => Of(f.Type, rows))], rows, nulls),
            _ => new BytesColumn([], new int[rows + 1], rows, nulls),
        };
    }
}
