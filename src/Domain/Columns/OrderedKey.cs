using System.Buffers.Binary;

namespace Tidemark.Domain.Columns;

/// <summary>
/// Keys as bytes whose order is the order of the values, field by field, null first, texts by their UTF-8 bytes. A field is 0 for null, or 1
/// and the value: integers big-endian with the sign flipped; texts with every 0 byte followed by 255, and two 0 bytes at the end.
/// </summary>
internal static class OrderedKey
{
    /// <summary>Bytes of a time at the start of a key.</summary>
    public const int TimeBytes = 8;

    public static void AppendTime(ByteWriter to, long time) => BinaryPrimitives.WriteUInt64BigEndian(to.Take(8), (ulong)time ^ 1UL << 63);

    public static long TimeAt(ReadOnlySpan<byte> key, int at) => (long)(BinaryPrimitives.ReadUInt64BigEndian(key[at..]) ^ 1UL << 63);

    public static void Append(ByteWriter to, Column column, int row)
    {
        if (column.IsNull(row))
        {
            to.Byte(0);
            return;
        }
        to.Byte(1);
        switch (column)
        {
            case DictionaryColumn coded:
                AppendText(to, coded.Dictionary[coded.Codes[row]]);
                break;
            case BinaryColumn plain:
                AppendText(to, plain[row]);
                break;
            case Int64Column wide:
                AppendTime(to, wide.Values[row]);
                break;
            case Int32Column narrow:
                AppendTime(to, narrow.Values[row]);
                break;
            case Int128Column huge:
                BinaryPrimitives.WriteUInt128BigEndian(to.Take(16), (UInt128)huge.Values[row] ^ UInt128.One << 127);
                break;
            case BooleanColumn truth:
                to.Byte(truth.Values[row] ? (byte)1 : (byte)0);
                break;
            default:
                throw new ArgumentException($"A {column.GetType().Name} cannot be a group key.", nameof(column));
        }
    }

    /// <summary>Takes the next field off the front of a key and appends it to a column of the result.</summary>
    public static void Read(ref ByteReader from, ColumnBuilder to)
    {
        switch (from.Byte())
        {
            case 0:
                to.AppendNull();
                break;
            case 1:
                ReadValue(ref from, to);
                break;
            default:
                throw from.Fault("a group key is of unknown form");
        }
    }

    private static void ReadValue(ref ByteReader from, ColumnBuilder to)
    {
        switch (to)
        {
            case BinaryColumnBuilder text:
                ReadText(ref from, text);
                break;
            case Int64ColumnBuilder wide:
                wide.Append(TimeAt(from.Take(8), 0));
                break;
            case Int32ColumnBuilder narrow:
                narrow.Append((int)TimeAt(from.Take(8), 0));
                break;
            case Int128ColumnBuilder huge:
                huge.Append((Int128)(BinaryPrimitives.ReadUInt128BigEndian(from.Take(16)) ^ UInt128.One << 127));
                break;
            case BooleanColumnBuilder truth:
                truth.Append(from.Byte() != 0);
                break;
        }
    }

    private static void AppendText(ByteWriter to, ReadOnlySpan<byte> text)
    {
        for (var zero = text.IndexOf((byte)0); zero >= 0; zero = text.IndexOf((byte)0))
        {
            to.Bytes(text[..(zero + 1)]);
            to.Byte(255);
            text = text[(zero + 1)..];
        }
        to.Bytes(text);
        to.Bytes([0, 0]);
    }

    private static void ReadText(ref ByteReader from, BinaryColumnBuilder to)
    {
        var room = to.Reserve(from.Left);
        for (var length = 0; ;)
        {
            var next = from.Byte();
            if (next == 0 && from.Byte() == 0)
            {
                to.Commit(length);
                return;
            }
            room[length++] = next;
        }
    }
}
