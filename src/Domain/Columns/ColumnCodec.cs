using System.Numerics;

namespace Tidemark.Domain.Columns;

/// <summary>
/// Columns to bytes and back. Null rows take one bit and no value. Integers and times are written as differences to the row before (small when
/// sorted or clustered), dictionary codes in as many bits as the dictionary needs, heaps as lengths followed by the bytes.
/// </summary>
internal static class ColumnCodec
{
    private enum Form : byte { Int32 = 1, Int64, Int128, Double, Boolean, Binary, Utf8, Dictionary }

    public static void Write(ByteWriter to, Column column)
    {
        to.Byte((byte)FormOf(column));
        WriteNulls(to, column);
        switch (column)
        {
            case Int32Column c:
                WriteDifferences(to, c, row => c.Values[row]);
                break;
            case Int64Column c:
                WriteDifferences(to, c, row => c.Values[row]);
                break;
            case Int128Column c:
                for (var i = 0; i < c.Count; i++)
                    if (!c.IsNull(i))
                        to.Int128(c.Values[i]);
                break;
            case DoubleColumn c:
                for (var i = 0; i < c.Count; i++)
                    if (!c.IsNull(i))
                        to.Double(c.Values[i]);
                break;
            case BooleanColumn c:
                for (var i = 0; i < c.Count; i++)
                    if (!c.IsNull(i))
                        to.Byte(c.Values[i] ? (byte)1 : (byte)0);
                break;
            case DictionaryColumn c:
                to.Varint((ulong)c.Dictionary.Count);
                WriteHeap(to, c.Dictionary);
                WriteCodes(to, c);
                break;
            case BinaryColumn c:
                WriteHeap(to, c);
                break;
        }
    }

    public static Column Read(ref ByteReader from, int count)
    {
        var form = (Form)from.Byte();
        var nulls = ReadNulls(ref from, count, out var values);
        switch (form)
        {
            case Form.Int32:
                Require(ref from, values, 1);
                var int32 = new int[count];
                for (int i = 0, before = 0; i < count; i++)
                    if (!IsNull(nulls, i))
                        int32[i] = before = unchecked(before + (int)from.Zigzag());
                return new Int32Column(int32, count, nulls);
            case Form.Int64:
                Require(ref from, values, 1);
                var int64 = new long[count];
                var last = 0L;
                for (var i = 0; i < count; i++)
                    if (!IsNull(nulls, i))
                        int64[i] = last = unchecked(last + from.Zigzag());
                return new Int64Column(int64, count, nulls);
            case Form.Int128:
                Require(ref from, values, 16);
                var int128 = new Int128[count];
                for (var i = 0; i < count; i++)
                    if (!IsNull(nulls, i))
                        int128[i] = from.Int128();
                return new Int128Column(int128, count, nulls);
            case Form.Double:
                Require(ref from, values, 8);
                var doubles = new double[count];
                for (var i = 0; i < count; i++)
                    if (!IsNull(nulls, i))
                        doubles[i] = from.Double();
                return new DoubleColumn(doubles, count, nulls);
            case Form.Boolean:
                Require(ref from, values, 1);
                var bools = new bool[count];
                for (var i = 0; i < count; i++)
                    if (!IsNull(nulls, i))
                        bools[i] = from.Byte() != 0;
                return new BooleanColumn(bools, count, nulls);
            case Form.Dictionary:
                var size = from.Count(1);
                var (heap, offsets) = ReadHeap(ref from, size, null);
                return new DictionaryColumn(ReadCodes(ref from, count, nulls, values, size), new Utf8Column(heap, offsets, size), count, nulls);
            case Form.Binary:
                (heap, offsets) = ReadHeap(ref from, count, nulls);
                return new BinaryColumn(heap, offsets, count, nulls);
            case Form.Utf8:
                (heap, offsets) = ReadHeap(ref from, count, nulls);
                return new Utf8Column(heap, offsets, count, nulls);
            default:
                throw from.Fault($"a column of unknown form {(byte)form}");
        }
    }

    private static Form FormOf(Column column) => column switch
    {
        Int32Column => Form.Int32,
        Int64Column => Form.Int64,
        Int128Column => Form.Int128,
        DoubleColumn => Form.Double,
        BooleanColumn => Form.Boolean,
        DictionaryColumn => Form.Dictionary,
        Utf8Column => Form.Utf8,
        BinaryColumn => Form.Binary,
        _ => throw new ArgumentException($"A {column.GetType().Name} has no saved form.", nameof(column)),
    };

    private static void WriteDifferences(ByteWriter to, Column column, Func<int, long> value)
    {
        var before = 0L;
        for (var i = 0; i < column.Count; i++)
        {
            if (column.IsNull(i))
                continue;
            var current = value(i);
            to.Zigzag(unchecked(current - before));
            before = current;
        }
    }

    private static void WriteNulls(ByteWriter to, Column column)
    {
        var any = false;
        for (var i = 0; i < column.Count && !any; i++)
            any = column.IsNull(i);
        to.Byte(any ? (byte)1 : (byte)0);
        if (!any)
            return;
        var bytes = to.Take((column.Count + 7) / 8);
        for (var i = 0; i < bytes.Length; i++)
            bytes[i] = (byte)(column.Nulls![i >> 3] >> ((i & 7) * 8));
        if ((column.Count & 7) is var rest and not 0)
            bytes[^1] &= (byte)((1 << rest) - 1);
    }

    private static ulong[]? ReadNulls(ref ByteReader from, int count, out int values)
    {
        values = count;
        switch (from.Byte())
        {
            case 0:
                return null;
            case 1:
                var bytes = from.Take((count + 7) / 8);
                var bits = new ulong[(count + 63) / 64];
                for (var i = 0; i < bytes.Length; i++)
                    bits[i >> 3] |= (ulong)bytes[i] << ((i & 7) * 8);
                if ((count & 63) is var rest and not 0)
                    bits[^1] &= (1UL << rest) - 1;
                foreach (var word in bits)
                    values -= BitOperations.PopCount(word);
                return bits;
            default:
                throw from.Fault("a null map of unknown form");
        }
    }

    private static void WriteHeap(ByteWriter to, BinaryColumn column)
    {
        for (var i = 0; i < column.Count; i++)
            if (!column.IsNull(i))
                to.Varint((ulong)(column.Offsets[i + 1] - column.Offsets[i]));
        if (column.Nulls is null)
            to.Bytes(column.Heap.AsSpan(column.Offsets[0], column.Offsets[column.Count] - column.Offsets[0]));
        else
            for (var i = 0; i < column.Count; i++)
                if (!column.IsNull(i))
                    to.Bytes(column[i]);
    }

    private static (byte[] Heap, int[] Offsets) ReadHeap(ref ByteReader from, int count, ulong[]? nulls)
    {
        var offsets = new int[count + 1];
        long total = 0;
        for (var i = 0; i < count; i++)
        {
            if (!IsNull(nulls, i))
                total += from.Count(0);
            if (total > from.Left)
                throw from.Fault($"values of {total} bytes, {from.Left} left");
            offsets[i + 1] = (int)total;
        }
        return (from.Take((int)total).ToArray(), offsets);
    }

    private static void WriteCodes(ByteWriter to, DictionaryColumn column)
    {
        var width = Width(column.Dictionary.Count);
        ulong word = 0;
        var bits = 0;
        for (var i = 0; i < column.Count; i++)
        {
            if (column.IsNull(i))
                continue;
            word |= (ulong)column.Codes[i] << bits;
            for (bits += width; bits >= 8; bits -= 8, word >>= 8)
                to.Byte((byte)word);
        }
        if (bits > 0)
            to.Byte((byte)word);
    }

    private static int[] ReadCodes(ref ByteReader from, int count, ulong[]? nulls, int values, int size)
    {
        var width = Width(size);
        if (size == 0 && values > 0)
            throw from.Fault("codes without a dictionary");
        var packed = from.Take((int)((values * (long)width + 7) / 8));
        var codes = new int[count];
        ulong word = 0;
        int bits = 0, at = 0;
        for (var i = 0; i < count; i++)
        {
            if (IsNull(nulls, i))
                continue;
            for (; bits < width; bits += 8)
                word |= (ulong)packed[at++] << bits;
            var code = (int)(word & (1UL << width) - 1);
            if (code >= size)
                throw from.Fault($"code {code} in a dictionary of {size}");
            codes[i] = code;
            word >>= width;
            bits -= width;
        }
        return codes;
    }

    private static int Width(int size) => size <= 1 ? 0 : 32 - BitOperations.LeadingZeroCount((uint)(size - 1));

    private static bool IsNull(ulong[]? nulls, int row) => nulls is not null && (nulls[row >> 6] >> (row & 63) & 1) != 0;

    private static void Require(ref ByteReader from, int values, int bytesEach)
    {
        if (values * (long)bytesEach > from.Left)
            throw from.Fault($"{values} values of at least {bytesEach} bytes do not fit");
    }
}
