using System.Runtime.InteropServices;
using System.Text;
using Tidemark.Delta.Parquet;

namespace Tidemark.Delta.Log;

/// <summary>The keys of a MERGE's source: finds the source row that a table row matches.</summary>
internal sealed class KeyIndex
{
    private readonly IReadOnlyList<string> _keys;
    private readonly BytesDictionary _index = new(int.MaxValue);
    private readonly RecordBatch _source;
    private readonly ByteSink _buffer = new(256);

    public KeyIndex(RecordBatch source, IReadOnlyList<string> keys)
    {
        _source = source;
        _keys = keys;
        var columns = Columns(source);
        for (var row = 0; row < source.RowCount; row++)
        {
            if (_index.GetOrAdd(Encode(columns, row)) != row)
                throw new ArgumentException($"Row {row} of the source has the same key ({string.Join(", ", keys)}) as a row before it; MERGE needs distinct keys.", nameof(source));
        }
    }

    private (DataType Type, ColumnData Data)[] Columns(RecordBatch rows) =>
        [.. _keys.Select(k => rows.Schema.IndexOf(k) is var at and >= 0
            ? (rows.Schema.Fields[at].Type, rows.Columns[at])
            : throw new ArgumentException($"The rows have no key column '{k}'."))];

    /// <summary>Marks the rows to remove, and the source rows that were found.</summary>
    public bool[] Match(RecordBatch rows, bool[] found, bool remove)
    {
        var columns = Columns(rows);
        var matched = new bool[rows.RowCount];
        var known = _index.Count;
        for (var row = 0; row < rows.RowCount; row++)
        {
            var at = _index.Find(Encode(columns, row));
            if (at < 0 || at >= known) continue;
            found[at] = true;
            matched[row] = remove;
        }

        return matched;
    }

    /// <summary>Bounds of the source's keys where they have an order that statistics know; columns with a null key are left open.</summary>
    public ScanFilter Filter()
    {
        var filter = new ScanFilter();
        foreach (var (name, (type, data)) in _keys.Zip(Columns(_source)))
        {
            if (_source.RowCount == 0 || NullBits.Count(data.Nulls, 0, data.Length) > 0) continue;
            switch (data)
            {
                case Int32Column c:
                    var (min, max) = Bounds.Of<int>(c.Values.AsSpan(0, c.Length));
                    filter.Between(name, min, max);
                    break;
                case Int64Column c when type.Kind is TypeKind.Int64 or TypeKind.Timestamp:
                    var (low, high) = Bounds.Of<long>(c.Values.AsSpan(0, c.Length));
                    filter.Between(name, low, high);
                    break;
                case BytesColumn or DictionaryColumn when type.Kind == TypeKind.String:
                    var bounds = default(BytesBounds);
                    for (var row = 0; row < data.Length; row++) bounds.Add(data is BytesColumn b ? b[row] : ((DictionaryColumn)data)[row]);
                    if (!System.Text.Unicode.Utf8.IsValid(bounds.Min) || !System.Text.Unicode.Utf8.IsValid(bounds.Max)) break;
                    filter.Between(name, Encoding.UTF8.GetString(bounds.Min!), Encoding.UTF8.GetString(bounds.Max!));
                    break;
            }
        }

        return filter;
    }

    // Each part carries whether it is null and its length, so that no two keys share bytes.
    private ReadOnlySpan<byte> Encode((DataType Type, ColumnData Data)[] columns, int row)
    {
        _buffer.Clear();
        foreach (var (type, data) in columns)
        {
            if (data.IsNull(row))
            {
                _buffer.WriteByte(0);
                continue;
            }

            _buffer.WriteByte(1);
            switch (data)
            {
                case BooleanColumn c: _buffer.WriteByte((byte)(c.Values[row] ? 1 : 0)); break;
                case Int32Column c: _buffer.WriteInt32(c.Values[row]); break;
                case Int64Column c when type.Kind != TypeKind.Decimal: _buffer.Write(MemoryMarshal.AsBytes(new ReadOnlySpan<long>(in c.Values[row]))); break;
                case Int64Column c: Wide(c.Values[row]); break;
                case Int128Column c: Wide(c.Values[row]); break;
                case BytesColumn c: Text(c[row]); break;
                case DictionaryColumn c: Text(c[row]); break;
                default: throw new DeltaUnsupportedException($"A column of type {type} cannot be a MERGE key.");
            }
        }

        return _buffer.Written;
    }

    private void Wide(Int128 value) => _buffer.Write(MemoryMarshal.AsBytes(new ReadOnlySpan<Int128>(in value)));

    private void Text(ReadOnlySpan<byte> value)
    {
        _buffer.WriteInt32(value.Length);
        _buffer.Write(value);
    }
}
