using Tidemark.Domain.Columns;

namespace Tidemark.Functions.Lake;

/// <summary>
/// A batch as bytes, self-describing (schema first), column after column. Dictionary codes take one, two or four bytes, and only entries that a row
/// uses are kept: an ingest's dictionary may be far larger than the rows of one range.
/// </summary>
internal static class RowBatchCodec
{
    private const byte WithNulls = 0x80;

    private enum Form : byte
    {
        Int32 = 1,
        Int64 = 2,
        Int128 = 3,
        Double = 4,
        Boolean = 5,
        Bytes = 6,
        Text = 7,
        Dictionary = 8,
    }

    public static void Write(SegmentWriter to, RowBatch rows)
    {
        to.Count(rows.Count);
        to.Count(rows.Schema.Fields.Count);
        foreach (var field in rows.Schema.Fields)
        {
            to.Text(field.Name);
            to.Byte((byte)field.Type);
            to.Byte(field.Nullable ? (byte)1 : (byte)0);
            to.Byte((byte)field.Precision);
            to.Byte((byte)field.Scale);
        }

        foreach (var column in rows.Columns)
            WriteColumn(to, column);
    }

    public static RowBatch Read(ref SegmentReader from)
    {
        var rows = from.Count();
        var fields = new RowField[from.Count(5)];
        for (var i = 0; i < fields.Length; i++)
            fields[i] = new RowField(from.Text(), (FieldType)from.Byte(), from.Byte() != 0, from.Byte(), from.Byte());
        var columns = new Column[fields.Length];
        for (var i = 0; i < columns.Length; i++)
            columns[i] = ReadColumn(ref from, rows);
        return new RowBatch(new RowSchema(fields), columns, rows);
    }

    private static void WriteColumn(SegmentWriter to, Column column)
    {
        var form = column switch
        {
            Int32Column => Form.Int32,
            Int64Column => Form.Int64,
            Int128Column => Form.Int128,
            DoubleColumn => Form.Double,
            BooleanColumn => Form.Boolean,
            Utf8Column => Form.Text,
            BinaryColumn => Form.Bytes,
            DictionaryColumn => Form.Dictionary,
            _ => throw new NotSupportedException($"A {column.GetType().Name} has no stored form."),
        };
        to.Byte((byte)((byte)form | (column.Nulls is null ? 0 : WithNulls)));
        if (column.Nulls is { } nulls)
            to.Values<ulong>(nulls.AsSpan(0, NullWords(column.Count)));
        switch (column)
        {
            case Int32Column c: to.Values<int>(c.Values.AsSpan(0, c.Count)); break;
            case Int64Column c: to.Values<long>(c.Values.AsSpan(0, c.Count)); break;
            case Int128Column c: to.Values<Int128>(c.Values.AsSpan(0, c.Count)); break;
            case DoubleColumn c: to.Values<double>(c.Values.AsSpan(0, c.Count)); break;
            case BooleanColumn c: to.Values<bool>(c.Values.AsSpan(0, c.Count)); break;
            case BinaryColumn c: WriteBytes(to, c); break;
            case DictionaryColumn c: WriteDictionary(to, c); break;
        }
    }

    private static Column ReadColumn(ref SegmentReader from, int rows)
    {
        var head = from.Byte();
        var nulls = (head & WithNulls) != 0 ? from.Values<ulong>(NullWords(rows)) : null;
        switch ((Form)(head & ~WithNulls))
        {
            case Form.Int32: return new Int32Column(from.Values<int>(rows), rows, nulls);
            case Form.Int64: return new Int64Column(from.Values<long>(rows), rows, nulls);
            case Form.Int128: return new Int128Column(from.Values<Int128>(rows), rows, nulls);
            case Form.Double: return new DoubleColumn(from.Values<double>(rows), rows, nulls);
            case Form.Boolean: return new BooleanColumn(Array.ConvertAll(from.Values<byte>(rows), b => b != 0), rows, nulls);
            case Form.Bytes:
                var (heap, offsets) = ReadBytes(ref from, rows);
                return new BinaryColumn(heap, offsets, rows, nulls);
            case Form.Text:
                return ReadText(ref from, rows, nulls);
            case Form.Dictionary:
                var dictionary = ReadText(ref from, from.Count(), null);
                return new DictionaryColumn(ReadCodes(ref from, rows, dictionary.Count), dictionary, rows, nulls);
            default:
                throw new InvalidDataException($"A stored column has the unknown form {head}; it was written by a newer version.");
        }
    }

    private static void WriteBytes(SegmentWriter to, BinaryColumn column)
    {
        var offsets = column.Offsets.AsSpan(0, column.Count + 1);
        to.Lengths(offsets);
        to.Values<byte>(column.Heap.AsSpan(offsets[0], offsets[^1] - offsets[0]));
    }

    private static (byte[] Heap, int[] Offsets) ReadBytes(ref SegmentReader from, int count)
    {
        var offsets = from.Offsets(count);
        return (from.Values<byte>(offsets[^1]), offsets);
    }

    private static Utf8Column ReadText(ref SegmentReader from, int count, ulong[]? nulls)
    {
        var (heap, offsets) = ReadBytes(ref from, count);
        return new Utf8Column(heap, offsets, count, nulls);
    }

    private static void WriteDictionary(SegmentWriter to, DictionaryColumn column)
    {
        var place = new int[column.Dictionary.Count];
        var used = new List<int>();
        for (var row = 0; row < column.Count; row++)
        {
            var code = column.Codes[row];
            if (place[code] == 0 && !column.IsNull(row))
            {
                used.Add(code);
                place[code] = used.Count;
            }
        }

        to.Count(used.Count);
        foreach (var code in used)
            to.Count(column.Dictionary[code].Length);
        foreach (var code in used)
            to.Values(column.Dictionary[code]);
        var width = Width(used.Count);
        for (var row = 0; row < column.Count; row++)
        {
            var code = column.IsNull(row) ? 0 : place[column.Codes[row]] - 1;
            for (var shift = 0; shift < width; shift++)
                to.Byte((byte)(code >> (8 * shift)));
        }
    }

    private static int[] ReadCodes(ref SegmentReader from, int rows, int entries)
    {
        var bytes = from.Values<byte>(checked(rows * Width(entries)));
        var width = Width(entries);
        var codes = new int[rows];
        for (var row = 0; row < rows; row++)
        {
            for (var shift = 0; shift < width; shift++)
                codes[row] |= bytes[row * width + shift] << (8 * shift);
            if (codes[row] >= Math.Max(entries, 1))
                throw new InvalidDataException($"A stored column has code {codes[row]} in a dictionary of {entries}; the ledger was damaged.");
        }

        return codes;
    }

    private static int Width(int entries) => entries <= 1 << 8 ? 1 : entries <= 1 << 16 ? 2 : 4;

    private static int NullWords(int rows) => (rows + 63) >> 6;
}
