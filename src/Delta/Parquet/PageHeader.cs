namespace Tidemark.Delta.Parquet;

/// <summary>The header before each page.</summary>
internal readonly record struct PageHeader(PageType Type, int RawBytes, int StoredBytes, int Values, ParquetEncoding Encoding,
    ParquetEncoding DefinitionEncoding, ParquetEncoding RepetitionEncoding, int DefinitionBytes, int RepetitionBytes, bool Compressed, uint? Checksum)
{
    public static PageHeader Read(ref ThriftReader thrift)
    {
        var header = new PageHeader { Compressed = true };
        var id = 0;
        while (thrift.Next(ref id, out var type))
        {
            switch (id, type)
            {
                case (1, ThriftType.I32): header = header with { Type = (PageType)thrift.I32() }; break;
                case (2, ThriftType.I32): header = header with { RawBytes = thrift.I32() }; break;
                case (3, ThriftType.I32): header = header with { StoredBytes = thrift.I32() }; break;
                case (4, ThriftType.I32): header = header with { Checksum = (uint)thrift.I32() }; break;
                case (5 or 7, ThriftType.Struct): header = ReadV1(ref thrift, header); break;
                case (8, ThriftType.Struct): header = ReadV2(ref thrift, header); break;
                default: thrift.Skip(type); break;
            }
        }

        return header;
    }

    private static PageHeader ReadV1(ref ThriftReader thrift, PageHeader header)
    {
        var id = 0;
        while (thrift.Next(ref id, out var type))
        {
            switch (id, type)
            {
                case (1, ThriftType.I32): header = header with { Values = thrift.I32() }; break;
                case (2, ThriftType.I32): header = header with { Encoding = (ParquetEncoding)thrift.I32() }; break;
                case (3, ThriftType.I32): header = header with { DefinitionEncoding = (ParquetEncoding)thrift.I32() }; break;
                case (4, ThriftType.I32): header = header with { RepetitionEncoding = (ParquetEncoding)thrift.I32() }; break;
                default: thrift.Skip(type); break;
            }
        }

        return header;
    }

    private static PageHeader ReadV2(ref ThriftReader thrift, PageHeader header)
    {
        var id = 0;
        while (thrift.Next(ref id, out var type))
        {
            switch (id, type)
            {
                case (1, ThriftType.I32): header = header with { Values = thrift.I32() }; break;
                case (4, ThriftType.I32): header = header with { Encoding = (ParquetEncoding)thrift.I32() }; break;
                case (5, ThriftType.I32): header = header with { DefinitionBytes = thrift.I32() }; break;
                case (6, ThriftType.I32): header = header with { RepetitionBytes = thrift.I32() }; break;
                case (7, _): header = header with { Compressed = type == ThriftType.True }; break;
                default: thrift.Skip(type); break;
            }
        }

        return header;
    }
}
