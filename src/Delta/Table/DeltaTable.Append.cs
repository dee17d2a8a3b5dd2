using System.Globalization;
using Tidemark.Delta.Log;

namespace Tidemark.Delta;

/// <content>The append: blind, guarded by transactions.</content>
public sealed partial class DeltaTable
{
    /// <summary>
    /// Adds files to the table in one commit, and creates the table where there is none. It reads no list of files, so it never
    /// conflicts with OPTIMIZE or another append.
    /// <para><b>Exactly once.</b> The commit happens only if, in the version right before it, every application in
    /// <see cref="AppendRequest.Transactions"/> stands at exactly the version expected; this is checked again after every race lost
    /// to another commit.</para>
    /// <para><b>Failure.</b> When the store fails in a way that leaves open whether the commit took place, the version is read
    /// back; an exception that comes out of this method means "not committed" as far as the store answered. A caller that repeats
    /// the request after an exception is safe with transactions: if the first put did land, the repeat is a mismatch.</para>
    /// </summary>
    /// <exception cref="DeltaSchemaMismatchException">The rows do not fit the table.</exception>
    /// <exception cref="DeltaConflictException">More races lost than <see cref="DeltaTableOptions.CommitAttempts"/>, or a file twice.</exception>
    public async ValueTask<AppendResult> AppendAsync(AppendRequest request, CancellationToken ct = default)
    {
        CheckRequest(request);
        var txnId = _options.NewId().ToString("D");
        for (var attempt = 0; attempt < _options.CommitAttempts; attempt++)
        {
            var head = await RefreshAsync(ct).ConfigureAwait(false);
            if (Mismatch(head, request.Transactions) is { } mismatch) return mismatch;
            var version = head.Version + 1;
            var content = head.Version < 0 ? BuildFirst(request, txnId) : BuildNext(head, request, txnId);
            if (await _committer.TryAsync(version, content, txnId, ct).ConfigureAwait(false) == CommitOutcome.Lost) continue;
            Interlocked.Increment(ref _commits);
            await AdoptAsync(head, version, content).ConfigureAwait(false);
            return new AppendResult.Committed(version);
        }

        throw new DeltaConflictException($"An append to table {_log.Table} lost {_options.CommitAttempts} races in a row and was not committed; too many writers commit to it, batch more rows per commit.");
    }

    /// <summary>
    /// Creates the table without rows if there is none: one commit, of schema and properties. Of several that race one creates it.
    /// An existing table is left as it is, whatever its schema.
    /// </summary>
    /// <returns>Whether this call created it.</returns>
    public async ValueTask<bool> CreateAsync(
        TableSchema schema, IReadOnlyList<string>? partitionColumns = null, IReadOnlyDictionary<string, string>? configuration = null, CancellationToken ct = default)
    {
        if ((await RefreshAsync(ct).ConfigureAwait(false)).Version >= 0) return false;
        var request = new AppendRequest { Schema = schema, PartitionColumns = partitionColumns ?? [], Configuration = configuration ?? new Dictionary<string, string>() };
        var txnId = _options.NewId().ToString("D");
        var content = BuildFirst(request, txnId);
        if (await _committer.TryAsync(0, content, txnId, ct).ConfigureAwait(false) == CommitOutcome.Lost) return false;
        Interlocked.Increment(ref _commits);
        await AdoptAsync(TableHead.None, 0, content).ConfigureAwait(false);
        return true;
    }

    // What was just written need not be read back.
    private async ValueTask AdoptAsync(TableHead before, long version, ReadOnlyMemory<byte> content)
    {
        await _gate.WaitAsync().ConfigureAwait(false);
        try
        {
            if (_head is null || _head.Version != before.Version) return;
            var builder = new HeadBuilder(before);
            ActionReader.Read(content.Span, _log.Where(version), builder);
            _head = builder.Build(version, _log.Table);
        }
        finally
        {
            _gate.Release();
        }
    }

    private static void CheckRequest(AppendRequest request)
    {
        var apps = new HashSet<string>(StringComparer.Ordinal);
        foreach (var move in request.Transactions)
        {
            if (!apps.Add(move.AppId)) throw new ArgumentException($"Application '{move.AppId}' moves twice in one append.", nameof(request));
        }

        var paths = new HashSet<string>(StringComparer.Ordinal);
        foreach (var file in request.Files)
        {
            if (!paths.Add(file.Path)) throw new ArgumentException($"File {file.Path} is added twice in one append.", nameof(request));
        }
    }

    private static AppendResult.TxnMismatch? Mismatch(TableHead head, IReadOnlyList<TxnMove> moves)
    {
        foreach (var move in moves)
        {
            if (head.TransactionOf(move.AppId) != move.Expected)
                return new AppendResult.TxnMismatch(head.Version, moves.ToDictionary(m => m.AppId, m => head.TransactionOf(m.AppId)));
        }

        return null;
    }

    private ReadOnlyMemory<byte> BuildFirst(AppendRequest request, string txnId)
    {
        request.Schema.CheckNames();
        foreach (var column in request.PartitionColumns)
        {
            var at = request.Schema.IndexOf(column);
            if (at < 0) throw new DeltaSchemaMismatchException($"Partition column '{column}' is not among the columns of new table {_log.Table}.");
            if (request.Schema.Fields[at].Type.IsNested || request.Schema.Fields[at].Type.Kind == TypeKind.Binary)
                throw new DeltaSchemaMismatchException($"Column '{column}' of type {request.Schema.Fields[at].Type} cannot partition table {_log.Table}.");
        }

        if (request.PartitionColumns.Count >= request.Schema.Fields.Count) throw new DeltaSchemaMismatchException($"New table {_log.Table} needs a column that is no partition column.");
        TableProperties.Check(request.Configuration, request.Schema, request.PartitionColumns);
        var configuration = new Dictionary<string, string>(request.Configuration);
        if (_options.Parquet.Compression != ParquetCompression.None)
            configuration.TryAdd("delta.parquet.compression.codec", _options.Parquet.Compression.ToString().ToLowerInvariant());
        var metadata = new Metadata(_options.NewId().ToString("D"), null, null, SchemaJson.Write(request.Schema),
            [.. request.PartitionColumns.Select(c => request.Schema.Fields[request.Schema.IndexOf(c)].Name)], configuration, Now());
        return Build(-1, request, metadata, Protocol.Own, metadata, txnId);
    }

    private ReadOnlyMemory<byte> BuildNext(TableHead head, AppendRequest request, string txnId)
    {
        head.Protocol!.CheckWritable(_log.Table);
        if (request.PartitionColumns.Count > 0 && !request.PartitionColumns.SequenceEqual(head.PartitionColumns, StringComparer.OrdinalIgnoreCase))
            throw new DeltaSchemaMismatchException($"Table {_log.Table} is partitioned by ({string.Join(", ", head.PartitionColumns)}), the append by ({string.Join(", ", request.PartitionColumns)}).");
        var changed = SchemaEvolution.Merge(head.Metadata!, request.Schema, request.EvolveSchema, _log.Table);
        return Build(head.Version, request, changed, null, changed ?? head.Metadata!, txnId);
    }

    private ReadOnlyMemory<byte> Build(long readVersion, AppendRequest request, Metadata? changed, Protocol? protocol, Metadata metadata, string txnId)
    {
        var actions = new ActionWriter();
        actions.CommitInfo(new CommitDescription("WRITE",
            [new("mode", "Append"), new("partitionBy", System.Text.Json.JsonSerializer.Serialize(metadata.PartitionColumns))],
            Metrics(request.Files), BlindAppend: true, DataChange: true, _options.EngineInfo, txnId, Now(), request.UserMetadata), readVersion);
        if (protocol is not null) actions.Protocol(protocol);
        if (changed is not null) actions.Metadata(changed);
        foreach (var move in request.Transactions) actions.Txn(new Txn(move.AppId, move.Next, Now()));
        foreach (var file in request.Files)
        {
            CheckPartition(file, metadata.PartitionColumns);
            actions.Add(file, dataChange: true);
        }

        return actions.Content;
    }

    private void CheckPartition(DataFile file, IReadOnlyList<string> columns)
    {
        if (file.PartitionValues.Count != columns.Count || !columns.All(file.PartitionValues.ContainsKey))
            throw new DeltaSchemaMismatchException($"File {file.Path} has values for partition columns ({string.Join(", ", file.PartitionValues.Keys)}), and table {_log.Table} is partitioned by ({string.Join(", ", columns)}).");
    }

    private static KeyValuePair<string, string?>[] Metrics(IReadOnlyList<DataFile> files) =>
    [
        new("numFiles", Text(files.Count)), new("numOutputRows", Text(files.Sum(f => Math.Max(0, f.RowCount)))), new("numOutputBytes", Text(files.Sum(f => f.Size))),
    ];

    private static string Text(long number) => number.ToString(CultureInfo.InvariantCulture);

    private long Now() => _options.Time.GetUtcNow().ToUnixTimeMilliseconds();
}
