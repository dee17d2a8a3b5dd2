namespace Tidemark.Delta.Parquet;

internal sealed record SchemaElement
{
    public PhysicalType? Physical { get; set; }

    public int TypeLength { get; set; }

    public Repetition Repetition { get; set; }

    public string Name { get; set; } = "";

    public int Children { get; set; }

    public ConvertedType Converted { get; set; } = ConvertedType.None;

    public int Scale { get; set; }

    public int Precision { get; set; }

    /// <summary>Field id of the LogicalType union; 0 when absent.</summary>
    public int Logical { get; set; }

    /// <summary>For timestamps: 1 milliseconds, 2 microseconds, 3 nanoseconds.</summary>
    public int TimeUnit { get; set; }
}

internal sealed record ChunkMetadata
{
    public PhysicalType Physical { get; set; }

    public int Codec { get; set; }

    public long Values { get; set; }

    public long RawBytes { get; set; }

    public long StoredBytes { get; set; }

    public long DataOffset { get; set; }

    public long DictionaryOffset { get; set; } = -1;

    public string[] Path { get; set; } = [];

    public byte[]? Min { get; set; }

    public byte[]? Max { get; set; }

    public long? NullCount { get; set; }

    public bool Elsewhere { get; set; }
}

internal sealed record RowGroupMetadata(List<ChunkMetadata> Chunks, long Rows);

/// <summary>The footer of a Parquet file.</summary>
internal sealed class FileMetadata
{
    private const int MaxColumns = 100_000;

    public List<SchemaElement> Schema { get; } = [];

    public List<RowGroupMetadata> Groups { get; } = [];

    public long Rows { get; private set; }

    public string? CreatedBy { get; private set; }

    public static FileMetadata Read(ReadOnlySpan<byte> bytes)
    {
        var thrift = new ThriftReader(bytes);
        var file = new FileMetadata();
        var id = 0;
        while (thrift.Next(ref id, out var type))
        {
            switch (id, type)
            {
                case (2, ThriftType.List):
                    for (var n = thrift.List(ThriftType.Struct); n > 0; n--) file.Schema.Add(ReadElement(ref thrift));
                    break;
                case (3, ThriftType.I64): file.Rows = thrift.ZigZag(); break;
                case (4, ThriftType.List):
                    for (var n = thrift.List(ThriftType.Struct); n > 0; n--) file.Groups.Add(ReadGroup(ref thrift));
                    break;
                case (6, ThriftType.Binary): file.CreatedBy = thrift.Text(); break;
                case (8, ThriftType.Struct): throw new DeltaUnsupportedException("The Parquet file is encrypted, which is not supported here.");
                default: thrift.Skip(type); break;
            }
        }

        if (file.Schema.Count is 0 or > MaxColumns) throw new DeltaFormatException($"A Parquet file has {file.Schema.Count} schema elements; 1 to {MaxColumns} are allowed.");
        return file;
    }

    private static SchemaElement ReadElement(ref ThriftReader thrift)
    {
        var element = new SchemaElement();
        var id = 0;
        while (thrift.Next(ref id, out var type))
        {
            switch (id, type)
            {
                case (1, ThriftType.I32): element.Physical = (PhysicalType)thrift.I32(); break;
                case (2, ThriftType.I32): element.TypeLength = thrift.I32(); break;
                case (3, ThriftType.I32): element.Repetition = (Repetition)thrift.I32(); break;
                case (4, ThriftType.Binary): element.Name = thrift.Text(); break;
                case (5, ThriftType.I32): element.Children = thrift.I32(); break;
                case (6, ThriftType.I32): element.Converted = (ConvertedType)thrift.I32(); break;
                case (7, ThriftType.I32): element.Scale = thrift.I32(); break;
                case (8, ThriftType.I32): element.Precision = thrift.I32(); break;
                case (10, ThriftType.Struct): ReadLogical(ref thrift, element); break;
                default: thrift.Skip(type); break;
            }
        }

        return element;
    }

    private static void ReadLogical(ref ThriftReader thrift, SchemaElement element)
    {
        var id = 0;
        while (thrift.Next(ref id, out var type))
        {
            element.Logical = id;
            if (type != ThriftType.Struct || id is not (5 or 7 or 8))
            {
                thrift.Skip(type);
                continue;
            }

            var inner = 0;
            while (thrift.Next(ref inner, out var innerType))
            {
                if (id == 5 && innerType == ThriftType.I32 && inner == 1) element.Scale = thrift.I32();
                else if (id == 5 && innerType == ThriftType.I32 && inner == 2) element.Precision = thrift.I32();
                else if (id != 5 && innerType == ThriftType.Struct && inner == 2) element.TimeUnit = ReadUnit(ref thrift);
                else thrift.Skip(innerType);
            }
        }
    }

    private static int ReadUnit(ref ThriftReader thrift)
    {
        int id = 0, unit = 0;
        while (thrift.Next(ref id, out var type))
        {
            unit = id;
            thrift.Skip(type);
        }

        return unit;
    }

    private static RowGroupMetadata ReadGroup(ref ThriftReader thrift)
    {
        var chunks = new List<ChunkMetadata>();
        long rows = 0;
        var id = 0;
        while (thrift.Next(ref id, out var type))
        {
            switch (id, type)
            {
                case (1, ThriftType.List):
                    for (var n = thrift.List(ThriftType.Struct); n > 0; n--) chunks.Add(ReadChunk(ref thrift));
                    break;
                case (3, ThriftType.I64): rows = thrift.ZigZag(); break;
                default: thrift.Skip(type); break;
            }
        }

        return new RowGroupMetadata(chunks, rows);
    }

    private static ChunkMetadata ReadChunk(ref ThriftReader thrift)
    {
        var chunk = new ChunkMetadata();
        var id = 0;
        while (thrift.Next(ref id, out var type))
        {
            switch (id, type)
            {
                case (1, ThriftType.Binary): chunk.Elsewhere = thrift.Binary().Length > 0; break;
                case (3, ThriftType.Struct): ReadColumn(ref thrift, chunk); break;
                default: thrift.Skip(type); break;
            }
        }

        return chunk;
    }

    private static void ReadColumn(ref ThriftReader thrift, ChunkMetadata chunk)
    {
        var id = 0;
        while (thrift.Next(ref id, out var type))
        {
            switch (id, type)
            {
                case (1, ThriftType.I32): chunk.Physical = (PhysicalType)thrift.I32(); break;
                case (3, ThriftType.List):
                    chunk.Path = new string[thrift.List(ThriftType.Binary)];
                    for (var i = 0; i < chunk.Path.Length; i++) chunk.Path[i] = thrift.Text();
                    break;
                case (4, ThriftType.I32): chunk.Codec = thrift.I32(); break;
                case (5, ThriftType.I64): chunk.Values = thrift.ZigZag(); break;
                case (6, ThriftType.I64): chunk.RawBytes = thrift.ZigZag(); break;
                case (7, ThriftType.I64): chunk.StoredBytes = thrift.ZigZag(); break;
                case (9, ThriftType.I64): chunk.DataOffset = thrift.ZigZag(); break;
                case (11, ThriftType.I64): chunk.DictionaryOffset = thrift.ZigZag(); break;
                case (12, ThriftType.Struct): ReadStatistics(ref thrift, chunk); break;
                default: thrift.Skip(type); break;
            }
        }
    }

    // The deprecated bounds (fields 1 and 2) were written with a signed order by some; they are not used.
    private static void ReadStatistics(ref ThriftReader thrift, ChunkMetadata chunk)
    {
        var id = 0;
        while (thrift.Next(ref id, out var type))
        {
            switch (id, type)
            {
                case (3, ThriftType.I64): chunk.NullCount = thrift.ZigZag(); break;
                case (5, ThriftType.Binary): chunk.Max = thrift.Binary().ToArray(); break;
                case (6, ThriftType.Binary): chunk.Min = thrift.Binary().ToArray(); break;
                default: thrift.Skip(type); break;
            }
        }
    }
}
