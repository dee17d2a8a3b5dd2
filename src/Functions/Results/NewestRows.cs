using Azure;
using Azure.Data.Tables;
using Tidemark.Domain.Pipelines;
using Tidemark.Functions.Sources;

namespace Tidemark.Functions.Results;

/// <summary>
/// The newest rows of each query as viewers see them. Where this process ticks, they are read from Table storage once and then follow what the
/// process itself writes; elsewhere they are read again at most every two seconds, however many look. Queries that nobody looks at cost nothing.
/// </summary>
public sealed class NewestRows
{
    /// <summary>Rows that are kept of a query.</summary>
    public const int Most = 1000;

    private static readonly TimeSpan Followed = TimeSpan.FromMinutes(1);
    private static readonly TimeSpan Fresh = TimeSpan.FromSeconds(2);
    private readonly TimeProvider _time;
    private readonly Dictionary<string, (HostedSource Source, Rows Rows)> _queries;

    internal NewestRows(HostedSources sources, TimeProvider time)
    {
        _time = time;
        _queries = sources.All.SelectMany(s => Outputs(s.Hosted.Pipeline).Select(q => (q.Name, Source: s))).ToDictionary(q => q.Name, q => (q.Source, new Rows()));
        foreach (var source in sources.All)
            source.Results.Written = Follow;
    }

    /// <summary>Everything that Table storage holds rows of: window queries, then streams.</summary>
    internal static IReadOnlyList<IOutput> Outputs(IPipeline pipeline) => [.. pipeline.Queries.Concat<IOutput>(pipeline.Streams).Where(o => o.InTableStorage)];

    /// <summary>The rows, newest window first; empty before the first were written.</summary>
    internal async Task<IReadOnlyList<TableEntity>> GetAsync(IOutput query, CancellationToken cancel)
    {
        var (source, rows) = _queries[query.Name];
        var now = _time.GetUtcNow();
        if (rows.Get(now, source.Board.HasTicked ? Followed : Fresh) is { } known)
            return known;
        await rows.One.WaitAsync(cancel);
        try
        {
            if (rows.Get(now, source.Board.HasTicked ? Followed : Fresh) is { } meanwhile)
                return meanwhile;
            rows.Begin();
            try
            {
                return rows.Loaded(await ReadAsync(source.Results, query, cancel), now);
            }
            catch
            {
                rows.Failed();
                throw;
            }
        }
        finally
        {
            rows.One.Release();
        }
    }

    private static async Task<IReadOnlyList<TableEntity>> ReadAsync(TableResults results, IOutput query, CancellationToken cancel)
    {
        try
        {
            return await results.ReadNewestAsync(query, Most, cancel);
        }
        catch (RequestFailedException e) when (e is { Status: 404, ErrorCode: "TableNotFound" })
        {
            return [];
        }
    }

    private void Follow(IOutput query, IReadOnlyList<TableEntity> written, IReadOnlyList<string> deleted)
    {
        if (_queries.TryGetValue(query.Name, out var known))
            known.Rows.Follow(written, deleted, _time.GetUtcNow());
    }

    private sealed class Rows
    {
        private readonly Lock _lock = new();
        private readonly List<(IReadOnlyList<TableEntity> Written, IReadOnlyList<string> Deleted)> _meanwhile = [];
        private SortedDictionary<string, TableEntity>? _rows;
        private IReadOnlyList<TableEntity>? _list;
        private DateTimeOffset _loadedAt;
        private DateTimeOffset _askedAt;
        private bool _loading;

        public SemaphoreSlim One { get; } = new(1);

        public IReadOnlyList<TableEntity>? Get(DateTimeOffset now, TimeSpan fresh)
        {
            lock (_lock)
            {
                _askedAt = now;
                return _rows is not null && now - _loadedAt < fresh ? _list ??= [.. _rows.Values.Take(Most)] : null;
            }
        }

        public void Begin()
        {
            lock (_lock)
            {
                _loading = true;
                _meanwhile.Clear();
            }
        }

        public void Failed()
        {
            lock (_lock)
            {
                _loading = false;
                _meanwhile.Clear();
                (_rows, _list) = (null, null);
            }
        }

        public IReadOnlyList<TableEntity> Loaded(IReadOnlyList<TableEntity> read, DateTimeOffset now)
        {
            lock (_lock)
            {
                (_rows, _list, _loadedAt, _loading) = (new(read.ToDictionary(r => r.RowKey), StringComparer.Ordinal), null, now, false);
                // Written while it was being read: newer than what was read, or the same.
                foreach (var (written, deleted) in _meanwhile)
                    Merge(written, deleted);
                return _list ??= [.. _rows.Values.Take(Most)];
            }
        }

        public void Follow(IReadOnlyList<TableEntity> written, IReadOnlyList<string> deleted, DateTimeOffset now)
        {
            lock (_lock)
            {
                if (_loading)
                    _meanwhile.Add((written, deleted));
                else if (now - _askedAt > Followed)
                    (_rows, _list) = (null, null);
                else
                    Merge(written, deleted);
            }
        }

        private void Merge(IReadOnlyList<TableEntity> written, IReadOnlyList<string> deleted)
        {
            if (_rows is null || written.Count + deleted.Count == 0)
                return;
            foreach (var key in deleted)
                _rows.Remove(key);
            foreach (var row in written)
                _rows[row.RowKey] = row;
            _list = null;
            if (_rows.Count > 2 * Most)
                _rows = new(_rows.Take(Most).ToDictionary(r => r.Key, r => r.Value), StringComparer.Ordinal);
        }
    }
}
