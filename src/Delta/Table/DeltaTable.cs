using System.Runtime.CompilerServices;
using Tidemark.Delta.Log;

namespace Tidemark.Delta;

/// <summary>
/// A Delta table over an object store, of reader version 1 and writer version 2 without table features, as
/// https://github.com/delta-io/delta/blob/master/PROTOCOL.md defines it.
/// <para><b>Head.</b> What an append needs (version, schema, transactions) is kept and brought up to date commit by commit; the
/// list of files is loaded only by operations that need it. An append to a table of any age costs one read that finds no newer
/// commit and one put.</para>
/// <para><b>Concurrency.</b> One object may be used by several threads; any number of processes may write the same table.</para>
/// </summary>
public sealed partial class DeltaTable
{
    private static readonly TimeSpan HeadIsOld = TimeSpan.FromDays(1);
    private readonly IObjectStore _store;
    private readonly string _root;
    private readonly DeltaTableOptions _options;
    private readonly LogReader _log;
    private readonly Committer _committer;
    private readonly FileIo _files;
    private readonly SemaphoreSlim _gate = new(1, 1);
    private TableHead? _head;
    private DateTimeOffset _headTime;
    private long _commits;

    private DeltaTable(IObjectStore store, string root, DeltaTableOptions options)
    {
        _store = store;
        _root = root.Length == 0 ? "" : root.TrimEnd('/') + "/";
        _options = options;
        _log = new LogReader(store, _root, root.Length == 0 ? "at the store's root" : root);
        _committer = new Committer(store, _log, _root);
        _files = new FileIo(store, _root, options);
    }

    /// <summary>Opens a table without touching the store; the table need not be there.</summary>
    /// <param name="store">Where the table lies.</param>
    /// <param name="root">The table's folder in the store; empty for the store's root.</param>
    /// <param name="options">Layout, clock and limits.</param>
    public static DeltaTable Open(IObjectStore store, string root, DeltaTableOptions? options = null)
    {
        options ??= new DeltaTableOptions();
        options.Check();
        return new DeltaTable(store, root, options);
    }

    /// <summary>How many commits this object has made.</summary>
    public long CommitCount => Volatile.Read(ref _commits);

    /// <summary>
    /// The newest head: every commit that was complete when the call started is in it. After the first call only new commits are
    /// read; the first one uses the newest checkpoint, of which only the columns it needs are fetched.
    /// </summary>
    /// <exception cref="DeltaUnsupportedException">The table needs a reader version or feature that this library lacks.</exception>
    /// <exception cref="DeltaFormatException">The log is broken.</exception>
    public async ValueTask<TableHead> RefreshAsync(CancellationToken ct = default)
    {
        await _gate.WaitAsync(ct).ConfigureAwait(false);
        try
        {
            // A head that has slept long may have been overtaken by log cleanup, and then the next commit is gone though later ones are there.
            var now = _options.Time.GetUtcNow();
            _head = _head is { Version: >= 0 } head && now - _headTime < HeadIsOld
                ? await _log.FollowAsync(head, ct).ConfigureAwait(false)
                : await LoadAsync(ct).ConfigureAwait(false);
            _headTime = now;
            return _head;
        }
        finally
        {
            _gate.Release();
        }
    }

    // A cleanup between listing and reading takes files away; a second look sees the state after it.
    private async ValueTask<TableHead> LoadAsync(CancellationToken ct)
    {
        try
        {
            return await _log.LoadAsync(ct).ConfigureAwait(false);
        }
        catch (DeltaFormatException)
        {
            return await _log.LoadAsync(ct).ConfigureAwait(false);
        }
    }

    /// <summary>
    /// Writes one Parquet file below the table's folder. The file is not part of the table until a commit adds it; if none ever
    /// does, VACUUM removes it.
    /// </summary>
    /// <param name="rows">The rows; if they hold partition columns these are left out of the file.</param>
    /// <param name="partitionValues">The value of every partition column as text (see <see cref="PartitionSplit"/>); null for a table without.</param>
    /// <param name="path">The object's path relative to the table; null lets the table choose one that never repeats.</param>
    /// <param name="ct">Stops the upload.</param>
    public ValueTask<DataFile> WriteFileAsync(RecordBatch rows, IReadOnlyDictionary<string, string?>? partitionValues = null, string? path = null, CancellationToken ct = default) =>
        WriteFileAsync([rows], partitionValues, path, ct);

    /// <summary>As the other overload, from several batches of one schema, which become row groups by size.</summary>
    public ValueTask<DataFile> WriteFileAsync(IReadOnlyList<RecordBatch> rows, IReadOnlyDictionary<string, string?>? partitionValues = null, string? path = null, CancellationToken ct = default)
    {
        if (rows.Count == 0) throw new ArgumentException("A file needs at least one batch, which may be empty.", nameof(rows));
        if (path is not null && (path.StartsWith('_') || path.StartsWith('/') || path.Contains("//", StringComparison.Ordinal)))
            throw new ArgumentException($"'{path}' is not a place for a data file: paths are relative and do not start with '_'.", nameof(path));
        if (partitionValues is { Count: > 0 })
        {
            var kept = rows[0].Schema.Without([.. partitionValues.Keys]).Fields.Select(f => f.Name).ToArray();
            rows = [.. rows.Select(r => r.Schema.Fields.Count == kept.Length ? r : r.Select(kept))];
        }

        return WriteStreamAsync(rows[0].Schema, rows.ToAsyncEnumerable(), partitionValues, path, ct);
    }

    // The table's properties say what statistics a file gets; those of the newest head at hand will do.
    private async ValueTask<DataFile> WriteStreamAsync(TableSchema schema, IAsyncEnumerable<RecordBatch> rows, IReadOnlyDictionary<string, string?>? partitionValues, string? path, CancellationToken ct)
    {
        var head = _head ?? await RefreshAsync(ct).ConfigureAwait(false);
        return await _files.WriteAsync(schema, rows, partitionValues, path, head.Configuration, ct).ConfigureAwait(false);
    }

    /// <summary>Splits the rows by the partition columns and writes a file for each partition.</summary>
    public async ValueTask<IReadOnlyList<DataFile>> WriteFilesAsync(RecordBatch rows, IReadOnlyList<string> partitionColumns, CancellationToken ct = default)
    {
        var files = new List<DataFile>();
        foreach (var part in PartitionSplit.Split(rows, partitionColumns))
            files.Add(await WriteFileAsync(part.Rows, part.Values, null, ct).ConfigureAwait(false));
        return files;
    }

    /// <summary>
    /// The rows of one file of this table, a batch per row group. A column that the file lacks (older than the column) is null;
    /// partition columns come from the log.
    /// </summary>
    /// <param name="file">A file of this table, live or not yet vacuumed.</param>
    /// <param name="columns">The columns wanted, in this order; null for all of the newest schema.</param>
    /// <param name="filter">Lets row groups be passed over.</param>
    /// <param name="ct">Stops reading.</param>
    public async IAsyncEnumerable<RecordBatch> ReadAsync(DataFile file, IReadOnlyCollection<string>? columns = null, ScanFilter? filter = null,
        [EnumeratorCancellation] CancellationToken ct = default)
    {
        var head = _head is { Version: >= 0 } known ? known : await RefreshAsync(ct).ConfigureAwait(false);
        var schema = head.Schema ?? throw new DeltaVersionNotFoundException($"There is no table {_log.Table}.");
        await foreach (var batch in _files.ReadAsync(file, columns is null ? schema : schema.Select(columns), head.PartitionColumns, filter, ct).ConfigureAwait(false))
            yield return batch;
    }

    /// <summary>What each commit after <paramref name="afterVersion"/> changed, oldest first, up to the newest one now.</summary>
    /// <exception cref="DeltaVersionNotFoundException">A commit in between was removed by log cleanup.</exception>
    public async IAsyncEnumerable<CommitChanges> ReadChangesAsync(long afterVersion, [EnumeratorCancellation] CancellationToken ct = default)
    {
        for (var version = afterVersion + 1; ; version++)
        {
            if (await _log.ReadCommitAsync(version, ct).ConfigureAwait(false) is not { } content)
            {
                var head = await RefreshAsync(ct).ConfigureAwait(false);
                if (head.Version >= version) throw new DeltaVersionNotFoundException($"Commit {version} of table {_log.Table} was removed by log cleanup; its newest version is {head.Version}.");
                yield break;
            }

            var sink = new ChangesSink();
            ActionReader.Read(content.Span, _log.Where(version), sink);
            yield return sink.Build(version);
        }
    }

    private sealed class ChangesSink : IActionSink
    {
        private readonly List<DataFile> _added = [];
        private readonly Dictionary<string, long> _transactions = [];
        private CommitInfo? _info;
        private bool _removed;

        public bool WantsFiles => true;

        public void Add(DataFile file, bool dataChange)
        {
            if (dataChange) _added.Add(file);
        }

        public void Remove(Tombstone file) => _removed |= file.DataChange;

        public void Metadata(Metadata metadata)
        {
        }

        public void Protocol(Protocol protocol)
        {
        }

        public void Txn(Txn txn) => _transactions[txn.AppId] = txn.Version;

        public void CommitInfo(CommitInfo info) => _info = info;

        public CommitChanges Build(long version) => new(version, _info, _transactions, _added, _removed);
    }
}
