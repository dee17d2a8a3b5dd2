namespace Tidemark.Delta.Parquet;

/// <summary>What a finished file holds.</summary>
internal sealed record WrittenFile(long Rows, long Bytes, IReadOnlyList<WriteNode> Columns, IReadOnlyList<WriteNode> Leaves, LeafStatistics[] Statistics);

/// <summary>
/// Writes a Parquet file row group by row group to a stream. Batches are kept by reference until enough rows are there for a
/// row group, so memory is bounded by one row group; call <see cref="Finish"/> for the footer.
/// </summary>
internal sealed class ParquetWriter : IDisposable
{
    private static readonly byte[] Magic = "PAR1"u8.ToArray();
    private readonly Stream _output;
    private readonly TableSchema _schema;
    private readonly ParquetWriterOptions _options;
    private readonly List<WriteNode> _columns, _leaves;
    private readonly List<(WrittenChunk[] Chunks, int Rows, long Offset)> _groups = [];
    private readonly List<RecordBatch> _pending = [];
    private readonly ColumnChunkWriter _chunkWriter;
    private readonly ByteSink _buffer = new(1 << 16);
    private int _pendingRows;
    private long _pendingBytes, _position;

    public ParquetWriter(Stream output, TableSchema schema, ParquetWriterOptions? options = null)
    {
        _output = output;
        _schema = schema;
        _options = options ?? new ParquetWriterOptions();
        _options.Check();
        (_columns, _leaves) = WriteNode.Build(schema);
        _chunkWriter = new ColumnChunkWriter(_options);
        _buffer.Write(Magic);
    }

    /// <summary>Bytes that are written or about to be, without the batch at hand.</summary>
    public long Position => _position + _buffer.Length;

    public void Write(RecordBatch batch)
    {
        if (!batch.Schema.Equals(_schema)) throw new DeltaSchemaMismatchException($"A batch of ({batch.Schema}) does not fit a file of ({_schema}).");
        if (batch.RowCount == 0) return;
        if (_pendingRows + (long)batch.RowCount > _options.RowGroupRows && _pendingRows > 0) Flush();
        _pending.Add(batch);
        _pendingRows += batch.RowCount;
        foreach (var column in batch.Columns) _pendingBytes += EstimateBytes(column);
        if (_pendingRows >= _options.RowGroupRows || _pendingBytes >= _options.RowGroupBytes) Flush();
    }

    /// <summary>Closes the row group at hand, so that the batches given may be changed again.</summary>
    public void EndGroup() => Flush();

    /// <summary>Writes what is left and the footer; the writer is of no use afterwards.</summary>
    public WrittenFile Finish()
    {
        Flush();
        var at = _buffer.Length;
        ParquetFooter.Write(new ThriftWriter(_buffer), _columns, _leaves, _groups, _options.Compression);
        _buffer.WriteInt32(_buffer.Length - at);
        _buffer.Write(Magic);
        Drain();
        var statistics = new LeafStatistics[_leaves.Count];
        for (var i = 0; i < statistics.Length; i++)
        {
            foreach (var (chunks, _, _) in _groups) statistics[i] = statistics[i].Merge(chunks[i].Statistics, _leaves[i]);
        }

        return new WrittenFile(_groups.Sum(g => (long)g.Rows), _position, _columns, _leaves, statistics);
    }

    private void Flush()
    {
        if (_pendingRows == 0) return;
        var batch = RecordBatch.Concat(_pending);
        var groups = (int)Math.Max((batch.RowCount + (long)_options.RowGroupRows - 1) / _options.RowGroupRows,
            Math.Min(batch.RowCount, (_pendingBytes + _options.RowGroupBytes - 1) / _options.RowGroupBytes));
        var size = (batch.RowCount + groups - 1) / groups;
        for (var from = 0; from < batch.RowCount; from += size) WriteGroup(batch, from, Math.Min(batch.RowCount, from + size));
        _pending.Clear();
        _pendingRows = 0;
        _pendingBytes = 0;
    }

    private void WriteGroup(RecordBatch batch, int from, int to)
    {
        var chunks = new WrittenChunk[_leaves.Count];
        var offset = Position;
        for (var i = 0; i < _columns.Count; i++)
        {
            if (_columns[i].IsLeaf)
            {
                chunks[_columns[i].Leaf] = _chunkWriter.WriteFlat(_columns[i], batch.Columns[i], from, to, _position, _buffer);
            }
            else
            {
                var shredded = new ShreddedLeaf[_leaves.Count];
                foreach (var leaf in _leaves.Where(l => l.Path[0] == _columns[i].Name)) shredded[leaf.Leaf] = new ShreddedLeaf();
                Shredder.Shred(_columns[i], batch.Columns[i], from, to, shredded);
                for (var leaf = 0; leaf < shredded.Length; leaf++)
                {
                    if (shredded[leaf] is { } one) chunks[leaf] = _chunkWriter.WriteShredded(_leaves[leaf], one, _position, _buffer);
                }
            }

            if (_buffer.Length > 1 << 20) Drain();
        }

        // A small file leaves in one piece, with its footer.
        if (_buffer.Length > 1 << 16) Drain();
        _groups.Add((chunks, to - from, offset));
    }

    private void Drain()
    {
        _output.Write(_buffer.Written);
        _position += _buffer.Length;
        _buffer.Clear();
    }

    private static long EstimateBytes(ColumnData column) => column switch
    {
        BooleanColumn => column.Length,
        Int32Column or FloatColumn => 4L * column.Length,
        Int64Column or DoubleColumn => 8L * column.Length,
        Int128Column => 16L * column.Length,
        BytesColumn c => 4L * c.Length + c.Offsets[c.Length] - c.Offsets[0],
        DictionaryColumn c => 4L * c.Length + Math.Min(c.Heap.Length, 16L * c.Length),
        ListColumn c => 4L * c.Length + EstimateBytes(c.Elements),
        MapColumn c => 4L * c.Length + EstimateBytes(c.Keys) + EstimateBytes(c.Values),
        StructColumn c => c.Fields.Sum(EstimateBytes),
        _ => column.Length,
    };

    public void Dispose()
    {
        _chunkWriter.Dispose();
        _buffer.Dispose();
    }
}
