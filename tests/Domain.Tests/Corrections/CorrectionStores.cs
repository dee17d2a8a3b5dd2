using System.Globalization;
using System.Runtime.CompilerServices;
using Tidemark.Domain.Columns;
using Tidemark.Domain.Corrections;
using Tidemark.Domain.Deduplication;
using Tidemark.Domain.Ledger;
using Tidemark.Domain.Pipelines;
using Tidemark.Domain.Tests.Ledger.Simulation;

namespace Tidemark.Domain.Tests.Corrections;

/// <summary>Tables in memory: rows as batches, and positions.</summary>
internal sealed class StoredTable
{
    public List<RowBatch> Rows { get; set; } = [];

    public Dictionary<string, long> Positions { get; } = [];

    public long Version { get; set; }
}

/// <summary>What all actors share.</summary>
internal sealed class StoredData
{
    public Dictionary<string, StoredTable> Tables { get; } = [];

    public Dictionary<string, SortedDictionary<string, (string ETag, string Text)>> Results { get; } = [];

    public Dictionary<string, string> Fences { get; } = [];

    public Dictionary<(string, long), (Correction Row, string ETag)> Corrections { get; } = [];

    public int ETags { get; set; }

    /// <summary>How often rows of each table were read.</summary>
    public Dictionary<string, int> Reads { get; } = [];

    public StoredTable Table(string name) => Tables.TryGetValue(name, out var table) ? table : Tables[name] = new StoredTable();

    public SortedDictionary<string, (string ETag, string Text)> Rows(string query) =>
        Results.TryGetValue(query, out var rows) ? rows : Results[query] = new(StringComparer.Ordinal);

    public string NextETag() => $"e{++ETags}";
}

/// <summary>One actor's view of the lake, its corrections included.</summary>
internal sealed class StoredLake(SimWorld world, SimActor actor, StoredData data) : ILake, ICorrectable, ICorrectionLog
{
    public Task<TableHead> ReadHeadAsync(string table, CancellationToken cancel) =>
        world.CallAsync(actor, $"read head {table}", () => new TableHead(data.Table(table).Version, new Dictionary<string, long>(data.Table(table).Positions)));

    public Task<AppendOutcome> AppendAsync(string table, IReadOnlyList<PositionMove> moves, IReadOnlyList<RowBatch> rows, IReadOnlyList<string> stagedFiles, CancellationToken cancel) =>
        world.CallAsync(actor, $"append {table}", () =>
        {
            foreach (var move in moves)
                data.Table(table).Positions[move.AppId] = move.Next;
            data.Table(table).Rows = [.. data.Table(table).Rows, .. rows];
            return new AppendOutcome(true, ++data.Table(table).Version);
        });

    public async IAsyncEnumerable<RowBatch> ReadRowsAsync(string table, IReadOnlyList<string> columns, IReadOnlyList<ColumnBounds> bounds, [EnumeratorCancellation] CancellationToken cancel)
    {
        data.Reads[table] = data.Reads.GetValueOrDefault(table) + 1;
        foreach (var rows in await world.CallAsync(actor, $"read rows {table}", () => data.Table(table).Rows))
            yield return new RowBatch(new RowSchema([.. columns.Select(c => rows.Schema.Fields[rows.Schema.IndexOf(c)])]), [.. columns.Select(c => rows[c])], rows.Count);
    }

    public IAsyncEnumerable<CommittedRows> ReadCommitsAsync(string table, string appId, long afterVersion, IReadOnlyList<string>? columns, CancellationToken cancel) => throw new NotSupportedException();

    public Task<TableHead> BeginAsync(string table, string appId, TimeSpan within, CancellationToken cancel) => throw new NotSupportedException();

    public Task<long?> TryReplaceAsync(string table, PositionMove move, ColumnBounds where, RowBatch gone, RowBatch come, CancellationToken cancel) =>
        world.CallAsync<long?>(actor, $"replace {gone.Count} by {come.Count} in {table}", () =>
        {
            var stored = data.Table(table);
            if ((stored.Positions.TryGetValue(move.AppId, out var at) ? at : (long?)null) != move.Expected)
                return null;
            var texts = Enumerable.Range(0, gone.Count).Select(row => RowDifference.Text(gone, row)).ToHashSet();
            stored.Rows = [.. stored.Rows.Select(rows => RowBatches.Where(rows, row => !texts.Contains(RowDifference.Text(rows, row)))), come];
            stored.Positions[move.AppId] = move.Next;
            return ++stored.Version;
        });

    public Task<IReadOnlyDictionary<long, VersionedCorrection>> ReadAsync(string query, CancellationToken cancel) => world.CallAsync(
        actor, $"read corrections of {query}", () => (IReadOnlyDictionary<long, VersionedCorrection>)data.Corrections.Where(c => c.Key.Item1 == query)
            .ToDictionary(c => c.Key.Item2, c => new VersionedCorrection(c.Value.Row, c.Value.ETag)));

    public Task<string?> TryWriteAsync(Correction correction, string? etag, CancellationToken cancel) => world.CallAsync(actor, $"write {correction}", () =>
    {
        var key = (correction.Query, correction.EndMs);
        if ((data.Corrections.TryGetValue(key, out var there) ? there.ETag : null) != etag)
            return null;
        data.Corrections[key] = (correction, data.NextETag());
        return data.Corrections[key].ETag;
    });
}

/// <summary>One actor's view of Table storage; a row is kept as text.</summary>
internal sealed class StoredResults(SimWorld world, SimActor actor, StoredData data) : IResults
{
    public Task<IReadOnlyDictionary<string, string>> ReadETagsAsync(IOutput query, long? fromWindowStart, CancellationToken cancel) =>
        world.CallAsync(actor, $"read etags {query.Name}", () =>
        {
            var etags = data.Rows(query.Name).Where(r => !(WindowStart(r.Key) < fromWindowStart)).ToDictionary(r => r.Key, r => r.Value.ETag);
            if (data.Fences.TryGetValue(query.Name, out var fence))
                etags[IResults.Fence] = fence;
            return (IReadOnlyDictionary<string, string>)etags;
        });

    public Task<IReadOnlyDictionary<string, (string ETag, long Revision)>> ReadRevisionsAsync(IOutput output, CancellationToken cancel) => throw new NotSupportedException();

    public string RowKey(IOutput query, RowBatch rows, int row) => string.Create(
        CultureInfo.InvariantCulture, $"{long.MaxValue - ((Int64Column)rows["window_start"]).Values[row] / 1000:D19}|{string.Join('|', query.Keys.Select(k => rows.Text(row, rows.Schema.IndexOf(k)) ?? "null"))}");

    public long? AgeTime(IOutput output, RowBatch rows, int row) => ((Int64Column)rows["window_end"]).Values[row] / 1000;

    public Task<int> RemoveAsync(IOutput output, long upToMs, int most, CancellationToken cancel) => throw new NotSupportedException();

    public long WindowStart(string rowKey) => long.MaxValue - long.Parse(rowKey.AsSpan(0, 19), CultureInfo.InvariantCulture);

    public async Task<IReadOnlyList<string?>> WriteAsync(IOutput query, RowBatch rows, IReadOnlyList<ResultWrite> writes, bool final, CancellationToken cancel)
    {
        var etags = new List<string?>();
        foreach (var write in writes)
            etags.Add(await world.CallAsync(actor, $"write {query.Name} {write.RowKey}", () => Holds(query, write.RowKey, write.ETag) ? Put(query, rows, write) : null));
        return etags;
    }

    public Task<FencedOutcome?> WriteFencedAsync(
        QuerySpec query, RowBatch rows, IReadOnlyList<ResultWrite> writes, IReadOnlyList<ResultDelete> deletes, string? fence, bool final, CancellationToken cancel) =>
        world.CallAsync(actor, $"write {query.Name} fenced", () =>
        {
            if (data.Fences.GetValueOrDefault(query.Name) != fence || writes.Any(w => !Holds(query, w.RowKey, w.ETag)) || deletes.Any(d => !Holds(query, d.RowKey, d.ETag)))
                return null;
            foreach (var gone in deletes)
                data.Rows(query.Name).Remove(gone.RowKey);
            var etags = writes.Select(w => Put(query, rows, w)).ToList();
            return new FencedOutcome(data.Fences[query.Name] = data.NextETag(), etags);
        });

    private bool Holds(IOutput query, string key, string? etag) => (data.Rows(query.Name).TryGetValue(key, out var there) ? there.ETag : null) == etag;

    private string Put(IOutput query, RowBatch rows, ResultWrite write) =>
        (data.Rows(query.Name)[write.RowKey] = (data.NextETag(), RowDifference.Text(rows, write.Row))).ETag;
}
