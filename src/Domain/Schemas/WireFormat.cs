using System.Buffers.Binary;

namespace Tidemark.Domain.Schemas;

/// <summary>The frame that serializers of a schema registry put around a value: a zero byte and the id of its schema, four bytes, the greatest first.</summary>
public static class WireFormat
{
    /// <summary>Bytes before the value proper.</summary>
    public const int Length = 5;

    /// <summary>The id, if the value is framed. JSON never begins with a zero byte.</summary>
    public static int? SchemaId(ReadOnlySpan<byte> value) => value.Length >= Length && value[0] == 0 ? BinaryPrimitives.ReadInt32BigEndian(value[1..]) : null;
}
