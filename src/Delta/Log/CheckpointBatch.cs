namespace Tidemark.Delta.Log;

/// <summary>Rows of a checkpoint as columns, one action per row. Used again after <see cref="Clear"/>, to keep its memory.</summary>
internal sealed class CheckpointBatch
{
    private readonly StructRows _txn = new(), _add = new(), _remove = new(), _metadata = new(), _protocol = new();
    private readonly BytesBuilder _app = new(), _addPath = new(), _stats = new(), _removePath = new();
    private readonly List<long?> _txnVersion = [], _txnUpdated = [], _addSize = [], _addModified = [], _deleted = [], _removeSize = [];
    private readonly MapRows _addValues = new(), _removeValues = new(), _configuration = new();
    private readonly BytesBuilder _id = new(), _name = new(), _description = new(), _provider = new(), _schema = new(), _partitionColumns = new();
    private readonly List<int> _partitionOffsets = [0];
    private readonly List<long?> _created = [], _reader = [], _writer = [];

    public int Rows { get; private set; }

    /// <summary>About how many bytes have been collected.</summary>
    public long Bytes { get; private set; }

    public void Txn(Txn txn)
    {
        Row(_txn);
        _app.Add(txn.AppId);
        _txnVersion.Add(txn.Version);
        _txnUpdated.Add(txn.LastUpdated);
    }

    public void Add(DataFile file, ReadOnlySpan<byte> stats)
    {
        Row(_add);
        _addPath.Add(LogPath.Encode(file.Path));
        _addValues.Add(file.PartitionValues);
        _addSize.Add(file.Size);
        _addModified.Add(file.ModificationTime);
        if (stats.IsEmpty) _stats.AddNull();
        else _stats.Add(stats);
        Bytes += file.Path.Length + stats.Length + 64;
    }

    public void Remove(Tombstone file)
    {
        Row(_remove);
        _removePath.Add(LogPath.Encode(file.Path));
        _deleted.Add(file.DeletionTimestamp);
        _removeValues.Add(file.PartitionValues);
        _removeSize.Add(file.Size);
        Bytes += file.Path.Length + 64;
    }

    public void Metadata(Metadata metadata)
    {
        Row(_metadata);
        _id.Add(metadata.Id);
        _name.Add(metadata.Name);
        _description.Add(metadata.Description);
        _provider.Add("parquet");
        _schema.Add(metadata.SchemaString);
        foreach (var column in metadata.PartitionColumns) _partitionColumns.Add(column);
        _partitionOffsets.Add(_partitionColumns.Length);
        _configuration.Add(metadata.Configuration!);
        _created.Add(metadata.CreatedTime);
    }

    public void Protocol(Protocol protocol)
    {
        Row(_protocol);
        _reader.Add(protocol.MinReaderVersion);
        _writer.Add(protocol.MinWriterVersion);
    }

    private void Row(StructRows kind)
    {
        foreach (var rows in new[] { _txn, _add, _remove, _metadata, _protocol }) rows.Places.Add(ReferenceEquals(rows, kind) ? kind.Count++ : -1);
        Rows++;
    }

    public RecordBatch Build()
    {
        int txns = _txn.Count, adds = _add.Count, removes = _remove.Count, metadata = _metadata.Count;
        return new RecordBatch(CheckpointSchema.Written,
        [
            _txn.Spread([_app.Build(), Longs(_txnVersion), Longs(_txnUpdated)]),
            _add.Spread([_addPath.Build(), _addValues.Build(), Longs(_addSize), Longs(_addModified), new BooleanColumn(new bool[adds], adds),
                Parquet.NullColumn.Of(DataType.Map(DataType.String, DataType.String), adds), _stats.Build()]),
            _remove.Spread([_removePath.Build(), Longs(_deleted), new BooleanColumn(new bool[removes], removes),
                new BooleanColumn(_removeValues.Present(), removes), _removeValues.Build(), Longs(_removeSize)]),
            _metadata.Spread([_id.Build(), _name.Build(), _description.Build(),
                new StructColumn([_provider.Build(), new MapColumn(new int[metadata + 1], new BytesBuilder().Build(), new BytesBuilder().Build(), metadata)], metadata),
                _schema.Build(), new ListColumn([.. _partitionOffsets], _partitionColumns.Build(), metadata), _configuration.Build(), Longs(_created)]),
            _protocol.Spread([Ints(_reader), Ints(_writer)]),
        ], Rows);
    }

    public void Clear()
    {
        foreach (var rows in new[] { _txn, _add, _remove, _metadata, _protocol }) rows.Clear();
        foreach (var text in new[] { _app, _addPath, _stats, _removePath, _id, _name, _description, _provider, _schema, _partitionColumns }) text.Clear();
        foreach (var numbers in new[] { _txnVersion, _txnUpdated, _addSize, _addModified, _deleted, _removeSize, _created, _reader, _writer }) numbers.Clear();
        foreach (var maps in new[] { _addValues, _removeValues, _configuration }) maps.Clear();
        _partitionOffsets.Clear();
        _partitionOffsets.Add(0);
        Rows = 0;
        Bytes = 0;
    }

    private static Int64Column Longs(List<long?> values) =>
        new([.. values.Select(v => v ?? 0)], values.Count, NullBits.From(values.Select(v => v is null).ToArray()));

    private static Int32Column Ints(List<long?> values) => new([.. values.Select(v => (int)(v ?? 0))], values.Count);

    /// <summary>The rows at which one kind of action stands.</summary>
    private sealed class StructRows
    {
        public List<int> Places { get; } = [];

        public int Count { get; set; }

        public void Clear()
        {
            Places.Clear();
            Count = 0;
        }

        public StructColumn Spread(IReadOnlyList<ColumnData> fields)
        {
            if (Count == Places.Count) return new StructColumn(fields, Count);
            var places = Places.ToArray();
            var nulls = NullBits.From(places.Select(p => p < 0).ToArray());
            return new StructColumn([.. fields.Select(f => ColumnGather.Take(f, places))], places.Length, nulls);
        }
    }

    /// <summary>Maps from text to text.</summary>
    private sealed class MapRows
    {
        private readonly List<int> _offsets = [0];
        private readonly List<bool> _missing = [];
        private readonly BytesBuilder _keys = new(), _values = new();

        public void Add(IReadOnlyDictionary<string, string?>? map)
        {
            foreach (var (key, value) in map ?? new Dictionary<string, string?>())
            {
                _keys.Add(key);
                _values.Add(value);
            }

            _offsets.Add(_keys.Length);
            _missing.Add(map is null);
        }

        public void Clear()
        {
            _offsets.Clear();
            _offsets.Add(0);
            _missing.Clear();
            _keys.Clear();
            _values.Clear();
        }

        public bool[] Present() => [.. _missing.Select(m => !m)];

        public MapColumn Build() => new([.. _offsets], _keys.Build(), _values.Build(), _missing.Count, NullBits.From(_missing.ToArray()));
    }
}
