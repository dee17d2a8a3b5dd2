using System.Buffers;

namespace Tidemark.Delta.Parquet;

/// <summary>What the footer says of one column chunk.</summary>
internal sealed record WrittenChunk(WriteNode Leaf, long Values, long RawBytes, long StoredBytes, long DictionaryOffset, long DataOffset,
    bool HasDictionary, int DataPages, LeafStatistics Statistics);

/// <summary>Writes one leaf of one row group: a dictionary page when that is smaller, then data pages of version 1.</summary>
internal sealed class ColumnChunkWriter(ParquetWriterOptions options) : IDisposable
{
    private const int MaxPageRows = 1 << 17;
    private readonly ByteSink _body = new(1 << 16);
    private readonly ByteSink _stored = new(1 << 16);
    private readonly ByteSink _dictionary = new();
    private long _raw;

    /// <summary>Rows [from, to) of a column that is no list, map or struct.</summary>
    public WrittenChunk WriteFlat(WriteNode leaf, ColumnData data, int from, int to, long fileOffset, ByteSink output)
    {
        var nullCount = NullBits.Count(data.Nulls, from, to);
        if (nullCount > 0 && leaf.MaxDefinition == 0)
            throw new DeltaSchemaMismatchException($"Column '{leaf.Name}' does not allow null, and {nullCount} of the {to - from} rows hold one.");
        byte[]? definition = null;
        if (nullCount > 0)
        {
            definition = ArrayPool<byte>.Shared.Rent(to - from);
            for (var i = from; i < to; i++) definition[i - from] = (byte)(NullBits.IsSet(data.Nulls!, i) ? 0 : 1);
        }

        using var values = LeafValues.Of(leaf, data, new RowSelection(from, to, data.Nulls, null));
        var chunk = Write(leaf, values, to - from, definition, null, nullCount, fileOffset, output);
        if (definition is not null) ArrayPool<byte>.Shared.Return(definition);
        return chunk;
    }

    /// <summary>A leaf that the shredder took out of nested rows.</summary>
    public WrittenChunk WriteShredded(WriteNode leaf, ShreddedLeaf shredded, long fileOffset, ByteSink output)
    {
        using var values = LeafValues.Of(leaf, shredded.Column!, new RowSelection(0, 0, null, shredded.Rows));
        return Write(leaf, values, shredded.Definition.Count, shredded.Definition.ToArray(),
            leaf.MaxRepetition > 0 ? shredded.Repetition.ToArray() : null, shredded.Definition.Count - shredded.Rows.Count, fileOffset, output);
    }

    private WrittenChunk Write(WriteNode leaf, LeafValues values, int entries, byte[]? definition, byte[]? repetition, int nullCount,
        long fileOffset, ByteSink output)
    {
        var start = output.Length;
        _raw = 0;
        _dictionary.Clear();
        var codes = options.DictionaryBytes > 0 ? values.BuildDictionary(options.DictionaryBytes, _dictionary, out var dictionaryCount) : Without(out dictionaryCount);
        long dictionaryOffset = -1;
        if (codes is not null)
        {
            dictionaryOffset = fileOffset + output.Length;
            WritePage(_dictionary, output, t =>
            {
                t.Field(7, ThriftType.Struct);
                t.BeginStruct();
                t.I32(1, dictionaryCount);
                t.I32(2, (int)ParquetEncoding.Plain);
                t.EndStruct();
            }, PageType.Dictionary);
        }

        var dataOffset = fileOffset + output.Length;
        var width = RleEncoder.BitWidth(Math.Max(dictionaryCount - 1, 0));
        var perEntry = codes is not null ? Math.Max(1, width) / 8.0 : Math.Max(0.125, (double)values.PlainBytes / Math.Max(1, entries));
        var step = (int)Math.Clamp(options.PageBytes / perEntry, 8, MaxPageRows) & ~7;
        int pages = 0, valueAt = 0, rowNulls = 0;
        for (var at = 0; at < entries || pages == 0;)
        {
            var end = Math.Min(entries, at + step);
            while (repetition is not null && end < entries && repetition[end] != 0) end++;
            var present = definition is null ? end - at : definition.AsSpan(at, end - at).Count((byte)leaf.MaxDefinition);
            _body.Clear();
            if (leaf.MaxRepetition > 0) WriteLevels(repetition.AsSpan(at, end - at), leaf.MaxRepetition);
            if (leaf.MaxDefinition > 0 && definition is not null) WriteLevels(definition.AsSpan(at, end - at), leaf.MaxDefinition);
            else if (leaf.MaxDefinition > 0) WriteFullLevels(end - at, leaf.MaxDefinition);
            if (codes is null)
            {
                values.WritePlain(valueAt, valueAt + present, _body);
            }
            else
            {
                _body.WriteByte((byte)width);
                if (width == 0) RleEncoder.WriteRun(0, present, 0, _body);
                else RleEncoder.Encode(codes.AsSpan(valueAt, present), width, _body);
            }

            var count = end - at;
            WritePage(_body, output, t =>
            {
                t.Field(5, ThriftType.Struct);
                t.BeginStruct();
                t.I32(1, count);
                t.I32(2, (int)(codes is null ? ParquetEncoding.Plain : ParquetEncoding.RleDictionary));
                t.I32(3, (int)ParquetEncoding.Rle);
                t.I32(4, (int)ParquetEncoding.Rle);
                t.EndStruct();
            }, PageType.Data);
            pages++;
            valueAt += present;
            at = end;
        }

        for (var i = 0; leaf.ListDefinition >= 0 && i < entries; i++)
        {
            if ((repetition is null || repetition[i] == 0) && definition![i] < leaf.ListDefinition) rowNulls++;
        }

        var (min, max, unknown) = values.Bounds();
        var statistics = new LeafStatistics(entries, nullCount, rowNulls, min, max, unknown);
        return new WrittenChunk(leaf, entries, _raw, output.Length - start, dictionaryOffset, dataOffset, codes is not null, pages, statistics);
    }

    private static int[]? Without(out int dictionaryCount)
    {
        dictionaryCount = 0;
        return null;
    }

    private void WriteLevels(ReadOnlySpan<byte> levels, int max)
    {
        var at = _body.Length;
        _body.WriteInt32(0);
        RleEncoder.Encode(levels, RleEncoder.BitWidth(max), _body);
        _body.PatchInt32(at, _body.Length - at - 4);
    }

    private void WriteFullLevels(int count, int max)
    {
        var at = _body.Length;
        _body.WriteInt32(0);
        if (count > 0) RleEncoder.WriteRun(max, count, RleEncoder.BitWidth(max), _body);
        _body.PatchInt32(at, _body.Length - at - 4);
    }

    private void WritePage(ByteSink body, ByteSink output, Action<ThriftWriter> header, PageType type)
    {
        var stored = body;
        if (options.Compression != ParquetCompression.None)
        {
            _stored.Clear();
            PageCodec.Compress(options.Compression, body.Written, _stored);
            stored = _stored;
        }

        var at = output.Length;
        var thrift = new ThriftWriter(output);
        thrift.BeginStruct();
        thrift.I32(1, (int)type);
        thrift.I32(2, body.Length);
        thrift.I32(3, stored.Length);
        if (options.PageChecksums) thrift.I32(4, (int)Crc32.Of(stored.Written));
        header(thrift);
        thrift.EndStruct();
        _raw += output.Length - at + body.Length;
        output.Write(stored.Written);
    }

    public void Dispose()
    {
        _body.Dispose();
        _stored.Dispose();
        _dictionary.Dispose();
    }
}
