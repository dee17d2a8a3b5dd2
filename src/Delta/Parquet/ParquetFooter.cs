namespace Tidemark.Delta.Parquet;

/// <summary>Writes a file's metadata: schema, row groups, chunks with statistics and `encoding_stats`.</summary>
internal static class ParquetFooter
{
    private const int LongestBound = 1024;

    public static void Write(ThriftWriter thrift, List<WriteNode> columns, List<WriteNode> leaves,
        List<(WrittenChunk[] Chunks, int Rows, long Offset)> groups, ParquetCompression codec)
    {
        thrift.BeginStruct();
        thrift.I32(1, 1);
        thrift.List(2, ThriftType.Struct, 1 + columns.Sum(c => c.CountNodes()));
        thrift.BeginStruct();
        thrift.Text(4, "schema");
        thrift.I32(5, columns.Count);
        thrift.EndStruct();
        foreach (var column in columns) column.WriteElements(thrift);
        thrift.I64(3, groups.Sum(g => (long)g.Rows));
        thrift.List(4, ThriftType.Struct, groups.Count);
        foreach (var (chunks, rows, offset) in groups) WriteGroup(thrift, chunks, rows, offset, codec);
        thrift.Text(6, ParquetWriterOptions.CreatedBy);
        thrift.List(7, ThriftType.Struct, leaves.Count);
        foreach (var _ in leaves)
        {
            thrift.BeginStruct();
            thrift.Empty(1);
            thrift.EndStruct();
        }

        thrift.EndStruct();
    }

    private static void WriteGroup(ThriftWriter thrift, WrittenChunk[] chunks, int rows, long offset, ParquetCompression codec)
    {
        thrift.BeginStruct();
        thrift.List(1, ThriftType.Struct, chunks.Length);
        foreach (var chunk in chunks) WriteChunk(thrift, chunk, codec);
        thrift.I64(2, chunks.Sum(c => c.RawBytes));
        thrift.I64(3, rows);
        thrift.I64(5, offset);
        thrift.I64(6, chunks.Sum(c => c.StoredBytes));
        thrift.EndStruct();
    }

    private static void WriteChunk(ThriftWriter thrift, WrittenChunk chunk, ParquetCompression codec)
    {
        var leaf = chunk.Leaf;
        var valueEncoding = chunk.HasDictionary ? ParquetEncoding.RleDictionary : ParquetEncoding.Plain;
        thrift.BeginStruct();
        thrift.I64(2, 0);
        thrift.Field(3, ThriftType.Struct);
        thrift.BeginStruct();
        thrift.I32(1, (int)leaf.Physical);
        ParquetEncoding[] encodings = chunk.HasDictionary
            ? [ParquetEncoding.Plain, ParquetEncoding.Rle, ParquetEncoding.RleDictionary]
            : [ParquetEncoding.Plain, ParquetEncoding.Rle];
        thrift.List(2, ThriftType.I32, encodings.Length);
        foreach (var encoding in encodings) thrift.Raw((int)encoding);
        thrift.List(3, ThriftType.Binary, leaf.Path.Length);
        foreach (var part in leaf.Path) thrift.Raw(System.Text.Encoding.UTF8.GetBytes(part));
        thrift.I32(4, (int)codec);
        thrift.I64(5, chunk.Values);
        thrift.I64(6, chunk.RawBytes);
        thrift.I64(7, chunk.StoredBytes);
        thrift.I64(9, chunk.DataOffset);
        if (chunk.HasDictionary) thrift.I64(11, chunk.DictionaryOffset);
        WriteStatistics(thrift, chunk.Statistics);
        thrift.List(13, ThriftType.Struct, chunk.HasDictionary ? 2 : 1);
        if (chunk.HasDictionary) WriteEncodingStats(thrift, PageType.Dictionary, ParquetEncoding.Plain, 1);
        WriteEncodingStats(thrift, PageType.Data, valueEncoding, chunk.DataPages);
        thrift.EndStruct();
        thrift.EndStruct();
    }

    private static void WriteStatistics(ThriftWriter thrift, LeafStatistics statistics)
    {
        thrift.Field(12, ThriftType.Struct);
        thrift.BeginStruct();
        thrift.I64(3, statistics.NullCount);
        if (statistics is { Min: { Length: <= LongestBound } min, Max: { Length: <= LongestBound } max })
        {
            thrift.Binary(5, max);
            thrift.Binary(6, min);
        }

        thrift.EndStruct();
    }

    private static void WriteEncodingStats(ThriftWriter thrift, PageType page, ParquetEncoding encoding, int count)
    {
        thrift.BeginStruct();
        thrift.I32(1, (int)page);
        thrift.I32(2, (int)encoding);
        thrift.I32(3, count);
        thrift.EndStruct();
    }
}
