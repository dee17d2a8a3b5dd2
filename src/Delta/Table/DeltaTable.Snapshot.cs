using System.Runtime.CompilerServices;
using Tidemark.Delta.Log;

namespace Tidemark.Delta;

/// <content>Versions of the table with their files: reading, time travel, history.</content>
public sealed partial class DeltaTable
{
    /// <summary>The whole state of a version, the newest one by default.</summary>
    /// <exception cref="DeltaVersionNotFoundException">No such version, or removed by log cleanup, or no table at all.</exception>
    public async ValueTask<TableSnapshot> SnapshotAsync(long? version = null, CancellationToken ct = default)
    {
        var plan = await _log.PlanAsync(version, ct).ConfigureAwait(false)
            ?? throw new DeltaVersionNotFoundException($"There is no table {_log.Table}.");
        var builder = new SnapshotBuilder();
        if (plan.Checkpoint is not null) await CheckpointReader.ReadAsync(_store, plan.Checkpoint, builder, ct).ConfigureAwait(false);
        await _log.ReplayAsync(plan, (plan.Checkpoint?.Version ?? -1) + 1, builder, ct).ConfigureAwait(false);
        return builder.Build(plan.Version, _log.Table);
    }

    /// <summary>
    /// The newest version, from one that is at hand: only commits since are read, one request each and one that finds none. The one at hand must be younger than what log cleanup removes.
    /// </summary>
    public async ValueTask<TableSnapshot> FollowAsync(TableSnapshot known, CancellationToken ct = default)
    {
        SnapshotBuilder? builder = null;
        var version = known.Version;
        for (; await _log.ReadCommitAsync(version + 1, ct).ConfigureAwait(false) is { } content; version++)
        {
            builder ??= new SnapshotBuilder(known);
            builder.Begin(version + 1);
            ActionReader.Read(content.Span, _log.Where(version + 1), builder);
        }

        return builder?.Build(version, _log.Table) ?? known;
    }

    /// <summary>The version that was the newest at a time, by the store's clock.</summary>
    /// <exception cref="DeltaVersionNotFoundException">The table is younger, or its log does not reach back so far.</exception>
    public async ValueTask<TableSnapshot> SnapshotAtAsync(DateTimeOffset time, CancellationToken ct = default)
    {
        var found = await VersionAtAsync(time, ct).ConfigureAwait(false)
            ?? throw new DeltaVersionNotFoundException($"Table {_log.Table} has no version as old as {time:O}.");
        return await SnapshotAsync(found, ct).ConfigureAwait(false);
    }

    /// <summary>The number of the version that was the newest at a time, by the store's clock; null = the table is younger, or its log does not reach back so far.</summary>
    public async ValueTask<long?> VersionAtAsync(DateTimeOffset time, CancellationToken ct = default)
    {
        var listing = await LogListing.ReadAsync(_store, _root, 0, ct).ConfigureAwait(false);
        long? found = null;
        foreach (var (version, at) in CommitTimes(listing))
        {
            if (at <= time) found = version;
        }

        return found;
    }

    // Clocks of a store may step back; a version is never older than the one before it.
    private static IEnumerable<(long Version, DateTimeOffset Time)> CommitTimes(LogListing listing)
    {
        var last = DateTimeOffset.MinValue;
        foreach (var (version, info) in listing.Commits)
        {
            last = info.LastModified > last ? info.LastModified : last.AddMilliseconds(1);
            yield return (version, last);
        }
    }

    /// <summary>What the log still says of each version, newest first.</summary>
    public async IAsyncEnumerable<(long Version, DateTimeOffset Time, CommitInfo? Info)> HistoryAsync([EnumeratorCancellation] CancellationToken ct = default)
    {
        var listing = await LogListing.ReadAsync(_store, _root, 0, ct).ConfigureAwait(false);
        foreach (var (version, time) in CommitTimes(listing).Reverse())
        {
            if (await _log.ReadCommitAsync(version, ct).ConfigureAwait(false) is not { } content) continue;
            var sink = new ChangesSink();
            ActionReader.Read(content.Span, _log.Where(version), sink);
            yield return (version, time, sink.Build(version).Info);
        }
    }

    /// <summary>
    /// The rows of a version, file by file and row group by row group. A filter leaves out files and row groups that cannot match;
    /// rows that do not match may still come.
    /// </summary>
    public async IAsyncEnumerable<RecordBatch> ReadAsync(TableSnapshot snapshot, IReadOnlyCollection<string>? columns = null, ScanFilter? filter = null,
        [EnumeratorCancellation] CancellationToken ct = default)
    {
        var wanted = columns is null ? snapshot.Schema : snapshot.Schema.Select(columns);
        foreach (var file in snapshot.Files)
        {
            if (filter is not null && !DataSkipping.MayMatch(file, snapshot.Schema, snapshot.PartitionColumns, filter)) continue;
            await foreach (var batch in _files.ReadAsync(file, wanted, snapshot.PartitionColumns, filter, ct).ConfigureAwait(false)) yield return batch;
        }
    }

    /// <summary>The files of a version that can hold a row the filter wants.</summary>
    public IReadOnlyList<DataFile> FilesFor(TableSnapshot snapshot, ScanFilter filter) =>
        [.. snapshot.Files.Where(f => DataSkipping.MayMatch(f, snapshot.Schema, snapshot.PartitionColumns, filter))];

    /// <summary>
    /// Writes a checkpoint of the newest version and points `_last_checkpoint` to it, so that readers need not replay the log from
    /// its start. Memory: the paths that changed since the last checkpoint, a row group and a part, not the list of files. Failing harms nothing.
    /// </summary>
    /// <returns>The version checkpointed; -1 when the newest has a checkpoint already or there is no table.</returns>
    public ValueTask<long> CheckpointAsync(CancellationToken ct = default) => new CheckpointWriter(_store, _log, _root, _options).WriteAsync(ct);
}
