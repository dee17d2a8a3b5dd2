using System.Text;

namespace Tidemark.Delta.Parquet;

/// <summary>Types of Thrift's compact protocol, as they stand in field headers.</summary>
internal enum ThriftType : byte
{
    Stop = 0, True = 1, False = 2, Byte = 3, I16 = 4, I32 = 5, I64 = 6, Double = 7, Binary = 8, List = 9, Set = 10, Map = 11, Struct = 12,
}

/// <summary>Writes Thrift's compact protocol: fields as deltas of their ids, integers as zigzag varints.</summary>
internal sealed class ThriftWriter(ByteSink sink)
{
    private readonly Stack<int> _outer = new();
    private int _last;

    public void BeginStruct()
    {
        _outer.Push(_last);
        _last = 0;
    }

    public void EndStruct()
    {
        sink.WriteByte(0);
        _last = _outer.Pop();
    }

    public void Field(int id, ThriftType type)
    {
        var delta = id - _last;
        if (delta is > 0 and <= 15)
        {
            sink.WriteByte((byte)(delta << 4 | (int)type));
        }
        else
        {
            sink.WriteByte((byte)type);
            sink.WriteVarint(ZigZag(id));
        }

        _last = id;
    }

    public void Bool(int id, bool value) => Field(id, value ? ThriftType.True : ThriftType.False);

    public void I8(int id, int value)
    {
        Field(id, ThriftType.Byte);
        sink.WriteByte((byte)value);
    }

    public void I32(int id, int value)
    {
        Field(id, ThriftType.I32);
        Raw(value);
    }

    public void I64(int id, long value)
    {
        Field(id, ThriftType.I64);
        sink.WriteVarint(ZigZag(value));
    }

    public void Binary(int id, ReadOnlySpan<byte> value)
    {
        Field(id, ThriftType.Binary);
        Raw(value);
    }

    public void Text(int id, string value) => Binary(id, Encoding.UTF8.GetBytes(value));

    /// <summary>A struct without fields, as unions use it.</summary>
    public void Empty(int id)
    {
        Field(id, ThriftType.Struct);
        sink.WriteByte(0);
    }

    public void List(int id, ThriftType element, int count)
    {
        Field(id, ThriftType.List);
        if (count < 15)
        {
            sink.WriteByte((byte)(count << 4 | (int)element));
        }
        else
        {
            sink.WriteByte((byte)(0xF0 | (int)element));
            sink.WriteVarint((ulong)count);
        }
    }

    public void Raw(int value) => sink.WriteVarint(ZigZag(value));

    public void Raw(ReadOnlySpan<byte> value)
    {
        sink.WriteVarint((ulong)value.Length);
        sink.Write(value);
    }

    private static ulong ZigZag(long value) => (ulong)(value << 1 ^ value >> 63);
}
