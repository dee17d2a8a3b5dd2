using System.Runtime.CompilerServices;
using Tidemark.Delta.Log;

namespace Tidemark.Delta;

/// <content>Changes of rows that are there: overwrite, replace, delete, merge. Each is one commit, checked against others.</content>
public sealed partial class DeltaTable
{
    /// <summary>Replaces all rows by those of the files, which may be none.</summary>
    /// <exception cref="DeltaConflictException">Another commit changed the table meanwhile.</exception>
    public async ValueTask<ChangeResult> OverwriteAsync(IReadOnlyList<DataFile> files, IReadOnlyList<TxnMove>? transactions = null, CancellationToken ct = default)
    {
        var snapshot = await SnapshotAsync(null, ct).ConfigureAwait(false);
        return await CommitAsync(snapshot, new ChangeSet
        {
            Operation = "WRITE", Parameters = [new("mode", "Overwrite")], Adds = files, Removes = [.. snapshot.Files], Reads = _ => true, Transactions = transactions ?? [],
        }, ct).ConfigureAwait(false);
    }

    /// <summary>Replaces the rows of those partitions that the files belong to; other partitions stay and may change meanwhile.</summary>
    public async ValueTask<ChangeResult> ReplacePartitionsAsync(IReadOnlyList<DataFile> files, IReadOnlyList<TxnMove>? transactions = null, CancellationToken ct = default)
    {
        var snapshot = await SnapshotAsync(null, ct).ConfigureAwait(false);
        if (snapshot.PartitionColumns.Count == 0) throw new InvalidOperationException($"Table {_log.Table} has no partitions to replace; use OverwriteAsync.");
        var touched = files.Select(f => PartitionKey(f.PartitionValues, snapshot.PartitionColumns)).ToHashSet(StringComparer.Ordinal);
        bool InTouched(DataFile file) => touched.Contains(PartitionKey(file.PartitionValues, snapshot.PartitionColumns));
        return await CommitAsync(snapshot, new ChangeSet
        {
            Operation = "WRITE", Parameters = [new("mode", "Overwrite"), new("partitionOverwriteMode", "dynamic")], Adds = files,
            Removes = [.. snapshot.Files.Where(InTouched)], Reads = InTouched, Transactions = transactions ?? [],
        }, ct).ConfigureAwait(false);
    }

    /// <summary>Deletes all rows of the partitions that the predicate names; no file is read.</summary>
    public async ValueTask<ChangeResult> DeletePartitionsAsync(PartitionPredicate predicate, CancellationToken ct = default)
    {
        var snapshot = await SnapshotAsync(null, ct).ConfigureAwait(false);
        return await CommitAsync(snapshot, new ChangeSet
        {
            Operation = "DELETE", Removes = [.. snapshot.Files.Where(f => predicate(f.PartitionValues))], Reads = f => predicate(f.PartitionValues),
        }, ct).ConfigureAwait(false);
    }

    /// <summary>
    /// Replaces the rows that a predicate names by others, which may be none: for corrections of given windows and groups. Files
    /// with such a row are rewritten without it.
    /// </summary>
    /// <param name="rows">The new rows, partition columns included; null to delete only.</param>
    /// <param name="filter">Leaves out files that cannot hold a row to replace; it must let through every one that can. Null reads all.</param>
    /// <param name="replaced">Says which rows go, given batches with the columns of <paramref name="columns"/>.</param>
    /// <param name="columns">The columns that <paramref name="replaced"/> looks at; null for all.</param>
    /// <param name="transactions">Steps of applications, as for an append.</param>
    /// <param name="ct">Stops before the commit.</param>
    public async ValueTask<ChangeResult> ReplaceRowsAsync(RecordBatch? rows, ScanFilter? filter, RowPredicate replaced,
        IReadOnlyCollection<string>? columns = null, IReadOnlyList<TxnMove>? transactions = null, CancellationToken ct = default)
    {
        var snapshot = await SnapshotAsync(null, ct).ConfigureAwait(false);
        if (rows is not null) SchemaEvolution.Merge(snapshot.Metadata, rows.Schema, false, _log.Table);
        var rewrite = new FileRewrite(this, snapshot, columns);
        await rewrite.RunAsync(filter, replaced, ct).ConfigureAwait(false);
        var added = rows is null || rows.RowCount == 0 ? [] : await WriteFilesAsync(rows, snapshot.PartitionColumns, ct).ConfigureAwait(false);
        return await CommitAsync(snapshot, new ChangeSet
        {
            Operation = rows is null ? "DELETE" : "WRITE", Parameters = rows is null ? [] : [new("mode", "Overwrite"), new("replaceRows", "true")],
            Adds = [.. rewrite.Added, .. added], Removes = rewrite.Removed, Reads = MayHold(snapshot, filter), Transactions = transactions ?? [],
        }, ct).ConfigureAwait(false);
    }

    private static Func<DataFile, bool> MayHold(TableSnapshot snapshot, ScanFilter? filter) =>
        file => filter is null || DataSkipping.MayMatch(file, snapshot.Schema, snapshot.PartitionColumns, filter);

    /// <summary>
    /// MERGE by key. The source's keys must be distinct; null is equal to null. A source row stands for the whole row: columns it
    /// lacks become null. Only files whose statistics allow a key of the source are read, and only those with a matching row are
    /// rewritten; appends of other keys may go on meanwhile.
    /// </summary>
    /// <exception cref="ArgumentException">A key stands twice in the source.</exception>
    public async ValueTask<ChangeResult> MergeAsync(RecordBatch source, IReadOnlyList<string> keys, MergeMode mode = MergeMode.Upsert,
        IReadOnlyList<TxnMove>? transactions = null, CancellationToken ct = default)
    {
        if (keys.Count == 0) throw new ArgumentException("MERGE needs at least one key column.", nameof(keys));
        var snapshot = await SnapshotAsync(null, ct).ConfigureAwait(false);
        SchemaEvolution.Merge(snapshot.Metadata, source.Schema, false, _log.Table);
        var index = new KeyIndex(source, keys);
        var found = new bool[source.RowCount];
        var rewrite = new FileRewrite(this, snapshot, keys);
        var filter = index.Filter();
        await rewrite.RunAsync(filter, rows => index.Match(rows, found, remove: mode != MergeMode.InsertOnly), ct).ConfigureAwait(false);
        var inserted = mode switch
        {
            MergeMode.Upsert => source,
            MergeMode.InsertOnly => source.Take(Enumerable.Range(0, source.RowCount).Where(i => !found[i]).ToArray()),
            MergeMode.UpdateOnly => source.Take(Enumerable.Range(0, source.RowCount).Where(i => found[i]).ToArray()),
            _ => source.Take(ReadOnlyMemory<int>.Empty),
        };
        var added = inserted.RowCount == 0 ? [] : await WriteFilesAsync(inserted, snapshot.PartitionColumns, ct).ConfigureAwait(false);
        return await CommitAsync(snapshot, new ChangeSet
        {
            Operation = "MERGE", Parameters = [new("mode", mode.ToString()), new("keys", string.Join(",", keys))],
            Adds = [.. rewrite.Added, .. added], Removes = rewrite.Removed, Reads = MayHold(snapshot, filter), Transactions = transactions ?? [],
        }, ct).ConfigureAwait(false);
    }

    /// <summary>Sets table properties; a null value removes one. Fails if another commit changes the metadata meanwhile.</summary>
    /// <exception cref="DeltaUnsupportedException">A property needs a table feature or a later protocol.</exception>
    /// <exception cref="ArgumentException">A property that this library looks at has a value that it cannot have.</exception>
    public async ValueTask<long> SetPropertiesAsync(IReadOnlyDictionary<string, string?> properties, CancellationToken ct = default)
    {
        var snapshot = await SnapshotAsync(null, ct).ConfigureAwait(false);
        TableProperties.Check(properties.Where(p => p.Value is not null)!, snapshot.Schema, snapshot.PartitionColumns);
        var configuration = new Dictionary<string, string>(snapshot.Configuration);
        foreach (var (name, value) in properties)
        {
            if (value is null) configuration.Remove(name);
            else configuration[name] = value;
        }

        var result = await CommitAsync(snapshot, new ChangeSet
        {
            Operation = "SET TBLPROPERTIES", Metadata = snapshot.Metadata with { Configuration = configuration }, Reads = _ => false,
        }, ct).ConfigureAwait(false);
        return result.Version;
    }

    internal async ValueTask<ChangeResult> CommitAsync(TableSnapshot snapshot, ChangeSet change, CancellationToken ct)
    {
        snapshot.Protocol.CheckWritable(_log.Table);
        if (change.DataChange && change.Removes.Count > 0 && TableProperties.AppendOnly(snapshot.Configuration))
            throw new InvalidOperationException($"Table {_log.Table} is append-only (delta.appendOnly); {change.Operation} would remove rows.");
        foreach (var move in change.Transactions)
        {
            if (snapshot.TransactionOf(move.AppId) != move.Expected)
                throw new DeltaConflictException($"Application '{move.AppId}' of table {_log.Table} is at {snapshot.TransactionOf(move.AppId)?.ToString() ?? "none"}, not at {move.Expected?.ToString() ?? "none"}; nothing was committed.");
        }

        if (change.Adds.Count == 0 && change.Removes.Count == 0 && change.Metadata is null && change.Transactions.Count == 0) return new ChangeResult(snapshot.Version, 0, 0, 0, 0);
        foreach (var file in change.Adds) CheckPartition(file, snapshot.PartitionColumns);
        var txnId = _options.NewId().ToString("D");
        var removes = change.Removes.Select(f => f.Path).ToHashSet(StringComparer.Ordinal);
        var checkedTo = snapshot.Version;
        for (var attempt = 0; attempt < _options.CommitAttempts; attempt++)
        {
            // Everything that was committed since the snapshot, then the put right behind it.
            while (await _log.ReadCommitAsync(checkedTo + 1, ct).ConfigureAwait(false) is { } winner)
            {
                ActionReader.Read(winner.Span, _log.Where(checkedTo + 1), new ConflictSink(change, removes, snapshot, checkedTo + 1, _log.Table));
                checkedTo++;
            }

            var content = BuildChange(change, checkedTo, txnId);
            if (await _committer.TryAsync(checkedTo + 1, content, txnId, ct).ConfigureAwait(false) == CommitOutcome.Lost) continue;
            Interlocked.Increment(ref _commits);
            return new ChangeResult(checkedTo + 1, change.Adds.Count, change.Removes.Count,
                change.Adds.Sum(f => Math.Max(0, f.RowCount)), change.Removes.Sum(f => Math.Max(0, f.RowCount)));
        }

        throw new DeltaConflictException($"{change.Operation} on table {_log.Table} lost {_options.CommitAttempts} races in a row and was not committed.");
    }

    private ReadOnlyMemory<byte> BuildChange(ChangeSet change, long readVersion, string txnId)
    {
        var actions = new ActionWriter();
        var now = Now();
        actions.CommitInfo(new CommitDescription(change.Operation, change.Parameters,
            [.. Metrics(change.Adds), new("numRemovedFiles", Text(change.Removes.Count))], BlindAppend: false, change.DataChange, _options.EngineInfo, txnId, now), readVersion);
        if (change.Metadata is not null) actions.Metadata(change.Metadata);
        foreach (var move in change.Transactions) actions.Txn(new Txn(move.AppId, move.Next, now));
        foreach (var file in change.Removes) actions.Remove(file, now, change.DataChange);
        foreach (var file in change.Adds) actions.Add(file, change.DataChange);
        return actions.Content;
    }

    private static string PartitionKey(IReadOnlyDictionary<string, string?> values, IReadOnlyList<string> columns) =>
        string.Join('\u0001', columns.Select(c => values.TryGetValue(c, out var value) && !string.IsNullOrEmpty(value) ? "v" + value : "n"));

    /// <summary>Rewrites files without the rows that a predicate names.</summary>
    private sealed class FileRewrite(DeltaTable table, TableSnapshot snapshot, IReadOnlyCollection<string>? columns)
    {
        public List<DataFile> Added { get; } = [];

        public List<DataFile> Removed { get; } = [];

        public async ValueTask RunAsync(ScanFilter? filter, RowPredicate dropped, CancellationToken ct)
        {
            foreach (var file in snapshot.Files)
            {
                if (filter is not null && !DataSkipping.MayMatch(file, snapshot.Schema, snapshot.PartitionColumns, filter)) continue;
                var wanted = columns is null ? snapshot.Schema : snapshot.Schema.Select(columns);
                var drop = new List<bool[]>();
                var any = false;
                await foreach (var batch in table._files.ReadAsync(file, wanted, snapshot.PartitionColumns, null, ct).ConfigureAwait(false))
                {
                    var rows = dropped(batch);
                    if (rows.Length != batch.RowCount) throw new ArgumentException($"The predicate answered for {rows.Length} of {batch.RowCount} rows.");
                    any |= rows.Contains(true);
                    drop.Add(rows);
                }

                if (!any) continue;
                Removed.Add(file);
                await RewriteAsync(file, drop, ct).ConfigureAwait(false);
            }
        }

        private async ValueTask RewriteAsync(DataFile file, List<bool[]> drop, CancellationToken ct)
        {
            if (drop.All(d => !d.Contains(false))) return;
            var stored = snapshot.Schema.Without(snapshot.PartitionColumns);
            Added.Add(await table.WriteStreamAsync(stored, KeptAsync(file, stored, drop, ct), PartitionValues(file, snapshot.PartitionColumns), null, ct).ConfigureAwait(false));
        }

        private async IAsyncEnumerable<RecordBatch> KeptAsync(DataFile file, TableSchema stored, List<bool[]> drop, [EnumeratorCancellation] CancellationToken ct)
        {
            var group = 0;
            await foreach (var batch in table._files.ReadAsync(file, stored, [], null, ct).ConfigureAwait(false))
            {
                var rows = drop[group++];
                if (!rows.Contains(true)) yield return batch;
                else if (rows.Contains(false)) yield return batch.Take(Enumerable.Range(0, rows.Length).Where(i => !rows[i]).ToArray());
            }
        }
    }

    private static Dictionary<string, string?> PartitionValues(DataFile file, IReadOnlyList<string> columns) =>
        columns.ToDictionary(c => c, c => file.PartitionValues.TryGetValue(c, out var value) ? value : null);
}
