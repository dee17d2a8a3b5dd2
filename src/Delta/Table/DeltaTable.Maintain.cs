using System.Globalization;
using System.Runtime.CompilerServices;
using Tidemark.Delta.Log;

namespace Tidemark.Delta;

/// <content>Maintenance: OPTIMIZE, log cleanup, VACUUM.</content>
public sealed partial class DeltaTable
{
    /// <summary>
    /// Packs small files of each partition into larger ones, in one commit that changes no data. Appends may go on meanwhile; a
    /// change that removes one of the files makes this one fail.
    /// </summary>
    public async ValueTask<ChangeResult> OptimizeAsync(OptimizeOptions? options = null, CancellationToken ct = default)
    {
        options ??= new OptimizeOptions();
        var snapshot = await SnapshotAsync(null, ct).ConfigureAwait(false);
        List<DataFile> added = [], removed = [];
        foreach (var bin in Bins(snapshot, options))
        {
            removed.AddRange(bin);
            added.Add(await PackAsync(snapshot, bin, options, ct).ConfigureAwait(false));
        }

        return await CommitAsync(snapshot, new ChangeSet
        {
            Operation = "OPTIMIZE", Parameters = [new("targetSize", options.TargetBytes.ToString(CultureInfo.InvariantCulture))],
            Adds = added, Removes = removed, DataChange = false, Reads = _ => false,
        }, ct).ConfigureAwait(false);
    }

    // Oldest files first, so that neighbours in time stay neighbours; a bin of one file would be rewritten for nothing.
    private static IEnumerable<List<DataFile>> Bins(TableSnapshot snapshot, OptimizeOptions options)
    {
        var budget = options.MaxBytes;
        var partitions = snapshot.Files.Where(f => f.Size < options.TargetBytes && (options.Partitions?.Invoke(f.PartitionValues) ?? true))
            .GroupBy(f => PartitionKey(f.PartitionValues, snapshot.PartitionColumns)).OrderBy(g => g.Key, StringComparer.Ordinal);
        foreach (var partition in partitions)
        {
            var bin = new List<DataFile>();
            long size = 0;
            foreach (var file in partition.OrderBy(f => f.ModificationTime).ThenBy(f => f.Path, StringComparer.Ordinal))
            {
                if (bin.Count > 0 && size + file.Size > options.TargetBytes)
                {
                    if (Worthwhile(bin, options)) yield return bin;
                    bin = [];
                    size = 0;
                }

                if ((budget -= file.Size) < 0) yield break;
                bin.Add(file);
                size += file.Size;
            }

            if (Worthwhile(bin, options)) yield return bin;
        }
    }

    // Takes out what is large beside the rest; says whether there is still something to pack.
    private static bool Worthwhile(List<DataFile> bin, OptimizeOptions options)
    {
        while (!options.Full && bin.Count > 1)
        {
            var largest = bin.MaxBy(f => f.Size)!;
            if (largest.Size <= 2 * (bin.Sum(f => f.Size) - largest.Size)) break;
            bin.Remove(largest);
        }

        return bin.Count > 1;
    }

    private async ValueTask<DataFile> PackAsync(TableSnapshot snapshot, List<DataFile> bin, OptimizeOptions options, CancellationToken ct)
    {
        var stored = snapshot.Schema.Without(snapshot.PartitionColumns);
        var values = PartitionValues(bin[0], snapshot.PartitionColumns);
        if (options.SortBy is not { Count: > 0 } order) return await WriteStreamAsync(stored, RowsOfAsync(bin, stored, ct), values, null, ct).ConfigureAwait(false);
        var batches = new List<RecordBatch>();
        await foreach (var batch in RowsOfAsync(bin, stored, ct).ConfigureAwait(false)) batches.Add(batch);
        if (batches.Count > 0) batches = [RowOrder.Sort(RecordBatch.Concat(batches), order)];
        return await WriteStreamAsync(stored, batches.ToAsyncEnumerable(), values, null, ct).ConfigureAwait(false);
    }

    private async IAsyncEnumerable<RecordBatch> RowsOfAsync(List<DataFile> files, TableSchema stored, [EnumeratorCancellation] CancellationToken ct)
    {
        foreach (var file in files)
        {
            await foreach (var batch in _files.ReadAsync(file, stored, [], null, ct).ConfigureAwait(false)) yield return batch;
        }
    }

    /// <summary>
    /// Removes what the log no longer needs: everything older than the newest checkpoint that lies outside
    /// `delta.logRetentionDuration` (30 days by default). Without such a checkpoint, or with
    /// `delta.enableExpiredLogCleanup` off, nothing is removed. Versions before that checkpoint can no longer be read.
    /// </summary>
    /// <returns>How many log files were removed.</returns>
    public async ValueTask<int> CleanupLogAsync(CancellationToken ct = default)
    {
        var head = await RefreshAsync(ct).ConfigureAwait(false);
        if (head.Version < 0) return 0;
        head.Protocol!.CheckWritable(_log.Table);
        if (!TableProperties.CleansLog(head.Configuration)) return 0;
        var retention = TableProperties.LogRetention(head.Configuration);
        if (retention < TableProperties.DeletedFileRetention(head.Configuration))
            throw new InvalidOperationException($"Table {_log.Table} keeps its log for {retention} and deleted files for longer; raise delta.logRetentionDuration.");
        var cutoff = new DateTimeOffset((_options.Time.GetUtcNow() - retention).UtcDateTime.Date, TimeSpan.Zero);
        var listing = await LogListing.ReadAsync(_store, _root, 0, ct).ConfigureAwait(false);
        long newestOld = -1;
        foreach (var (version, time) in CommitTimes(listing))
        {
            if (time <= cutoff) newestOld = version;
        }

        var keep = listing.Checkpoints.Keys.LastOrDefault(v => v <= newestOld, -1);
        // Readers that trust the hint alone would look for a version that is gone.
        if (keep < 0 || await _log.ReadHintAsync(ct).ConfigureAwait(false) is not { } hint || hint < keep) return 0;
        var old = listing.Commits.Where(c => c.Key < keep).Select(c => (c.Key, c.Value.Path))
            .Concat(listing.Checkpoints.Where(c => c.Key < keep).SelectMany(c => c.Value.Parts.Select(p => (c.Key, p.Path))))
            .Concat(listing.Others.Where(o => o.Version < keep)).OrderBy(f => f.Item1).ThenBy(f => f.Path, StringComparer.Ordinal).ToList();
        foreach (var (_, path) in old) await _store.DeleteAsync(path, ct).ConfigureAwait(false);
        return old.Count;
    }

    /// <summary>
    /// Removes files below the table that no version needs: neither live, nor removed within the retention, nor young enough to
    /// belong to a commit under way. The log is never touched, nor is anything in folders that start with `_` or `.`.
    /// </summary>
    public async ValueTask<VacuumResult> VacuumAsync(VacuumOptions? options = null, CancellationToken ct = default)
    {
        options ??= new VacuumOptions();
        // Listed first: a file that is named or committed in between is in what is read later, not among the candidates.
        var candidates = new List<ObjectInfo>();
        await foreach (var info in _store.ListAsync(_root, null, ct).ConfigureAwait(false))
        {
            if (!IsHidden(info.Path[_root.Length..])) candidates.Add(info);
        }

        var head = await RefreshAsync(ct).ConfigureAwait(false);
        if (head.Version < 0) throw new DeltaVersionNotFoundException($"There is no table {_log.Table}.");
        head.Protocol!.CheckWritable(_log.Table);
        var cutoff = Cutoff(head.Configuration, options);
        candidates.RemoveAll(c => c.LastModified >= cutoff);
        if (candidates.Count == 0) return new VacuumResult([], 0);
        var spared = options.Protected is { } name ? await name(ct).ConfigureAwait(false) : new HashSet<string>();
        var snapshot = await SnapshotAsync(null, ct).ConfigureAwait(false);
        // The properties may have changed meanwhile; the newest count.
        cutoff = Cutoff(snapshot.Configuration, options);
        return await RemoveAsync(candidates, snapshot, spared, cutoff, options.DryRun, ct).ConfigureAwait(false);
    }

    private DateTimeOffset Cutoff(IReadOnlyDictionary<string, string> configuration, VacuumOptions options)
    {
        var least = TableProperties.DeletedFileRetention(configuration);
        var retention = options.Retention ?? least;
        return retention >= least
            ? _options.Time.GetUtcNow() - retention
            : throw new ArgumentException($"VACUUM of table {_log.Table} was asked to keep files for {retention}, less than the table's {least}; readers may still use them.", nameof(options));
    }

    private async ValueTask<VacuumResult> RemoveAsync(
        List<ObjectInfo> candidates, TableSnapshot snapshot, IReadOnlySet<string> spared, DateTimeOffset cutoff, bool dryRun, CancellationToken ct)
    {
        List<string> removed = [];
        long bytes = 0;
        foreach (var info in candidates)
        {
            var path = info.Path[_root.Length..];
            if (info.LastModified >= cutoff || snapshot.Has(path) || spared.Contains(path)) continue;
            if (snapshot.Tombstones.TryGetValue(path, out var tombstone) && tombstone.DeletionTimestamp >= cutoff.ToUnixTimeMilliseconds()) continue;
            if (!dryRun) await _store.DeleteAsync(info.Path, ct).ConfigureAwait(false);
            removed.Add(path);
            bytes += info.Size;
        }

        return new VacuumResult(removed, bytes);
    }

    // A partition column's name may start with an underscore; its folder holds data.
    private static bool IsHidden(string path)
    {
        var parts = path.Split('/');
        for (var i = 0; i < parts.Length; i++)
        {
            if ((parts[i].StartsWith('_') || parts[i].StartsWith('.')) && (i == parts.Length - 1 || !parts[i].Contains('='))) return true;
        }

        return false;
    }

    /// <summary>
    /// One round of all maintenance, in the order that is safe: OPTIMIZE, a checkpoint if `delta.checkpointInterval` commits (10 by
    /// default) have passed since the last, log cleanup, VACUUM.
    /// </summary>
    public async ValueTask<MaintenanceResult> MaintainAsync(OptimizeOptions? optimize = null, VacuumOptions? vacuum = null, CancellationToken ct = default)
    {
        if ((await RefreshAsync(ct).ConfigureAwait(false)).Version < 0) return new MaintenanceResult(null, -1, 0, new VacuumResult([], 0));
        ChangeResult? optimized = null;
        try
        {
            optimized = await OptimizeAsync(optimize, ct).ConfigureAwait(false);
        }
        catch (DeltaConflictException)
        {
            // Another change was faster; what it left is packed next time.
        }

        var head = await RefreshAsync(ct).ConfigureAwait(false);
        var last = await _log.ReadHintAsync(ct).ConfigureAwait(false) ?? -1;
        var checkpoint = head.Version - last >= TableProperties.CheckpointInterval(head.Configuration) ? await CheckpointAsync(ct).ConfigureAwait(false) : -1;
        var cleaned = await CleanupLogAsync(ct).ConfigureAwait(false);
        return new MaintenanceResult(optimized, checkpoint, cleaned, await VacuumAsync(vacuum, ct).ConfigureAwait(false));
    }
}
