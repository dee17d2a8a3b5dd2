using Tidemark.Delta.Parquet;

namespace Tidemark.Delta.Tests.Support;

/// <summary>Parquet files put together by hand: one required column 'c', one row group; what our writer would never write.</summary>
internal static class RawFile
{
    public static byte[] OneColumn(PhysicalType type, int values, ReadOnlyMemory<byte> page, int rawBytes, int codec, uint? checksum = null)
    {
        using var sink = new ByteSink();
        sink.Write("PAR1"u8);
        PageHeader(sink, values, rawBytes, page.Length, checksum);
        sink.Write(page.Span);
        return Finish(sink, type, values, codec);
    }

    public static void PageHeader(ByteSink sink, int values, int rawBytes, int storedBytes, uint? checksum)
    {
        var thrift = new ThriftWriter(sink);
        thrift.BeginStruct();
        thrift.I32(1, (int)PageType.Data);
        thrift.I32(2, rawBytes);
        thrift.I32(3, storedBytes);
        if (checksum is { } crc) thrift.I32(4, (int)crc);
        thrift.Field(5, ThriftType.Struct);
        thrift.BeginStruct();
        thrift.I32(1, values);
        thrift.I32(2, (int)ParquetEncoding.Plain);
        thrift.I32(3, (int)ParquetEncoding.Rle);
        thrift.I32(4, (int)ParquetEncoding.Rle);
        thrift.EndStruct();
        thrift.EndStruct();
    }

    public static byte[] Finish(ByteSink sink, PhysicalType type, int values, int codec)
    {
        var size = sink.Length - 4;
        var at = sink.Length;
        var thrift = new ThriftWriter(sink);
        thrift.BeginStruct();
        thrift.I32(1, 1);
        thrift.List(2, ThriftType.Struct, 2);
        thrift.BeginStruct();
        thrift.Text(4, "schema");
        thrift.I32(5, 1);
        thrift.EndStruct();
        thrift.BeginStruct();
        thrift.I32(1, (int)type);
        thrift.I32(3, 0);
        thrift.Text(4, "c");
        thrift.EndStruct();
        thrift.I64(3, values);
        thrift.List(4, ThriftType.Struct, 1);
        thrift.BeginStruct();
        thrift.List(1, ThriftType.Struct, 1);
        thrift.BeginStruct();
        thrift.I64(2, 0);
        thrift.Field(3, ThriftType.Struct);
        thrift.BeginStruct();
        thrift.I32(1, (int)type);
        thrift.List(2, ThriftType.I32, 1);
        thrift.Raw((int)ParquetEncoding.Plain);
        thrift.List(3, ThriftType.Binary, 1);
        thrift.Raw("c"u8);
        thrift.I32(4, codec);
        thrift.I64(5, values);
        thrift.I64(6, size);
        thrift.I64(7, size);
        thrift.I64(9, 4);
        thrift.EndStruct();
        thrift.EndStruct();
        thrift.I64(2, size);
        thrift.I64(3, values);
        thrift.EndStruct();
        thrift.EndStruct();
        sink.WriteInt32(sink.Length - at);
        sink.Write("PAR1"u8);
        return sink.ToArray();
    }
}
