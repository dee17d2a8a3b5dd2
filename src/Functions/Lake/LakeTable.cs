using System.Collections.Concurrent;
using Tidemark.Delta;
using Tidemark.Domain.Columns;
using Tidemark.Domain.Ledger;
using Tidemark.Domain.Pipelines;

namespace Tidemark.Functions.Lake;

/// <summary>A Delta table of the pipeline: how it is laid out, and the library's handle, which keeps the newest head.</summary>
internal sealed record LakeTable(string Name, RowSchema Rows, TableSchema Schema, IReadOnlyList<string> PartitionColumns, DeltaTable Delta)
{
    /// <summary>
    /// Writes the batches as few files: one, or one for each partition that rows fall in. With an attempt's id the names hold it, else they are
    /// chosen so that they never repeat. Rows that a program made before columns were added have null there.
    /// </summary>
    public async Task<IReadOnlyList<DataFile>> WriteAsync(IReadOnlyList<RowBatch> batches, string? attempt, CancellationToken cancel)
    {
        var parts = new List<(IReadOnlyDictionary<string, string?> Values, List<RecordBatch> Rows)>();
        var byFolder = new Dictionary<string, List<RecordBatch>>(StringComparer.Ordinal);
        foreach (var part in batches.Where(b => b.Count > 0).SelectMany(b => PartitionSplit.Split(DeltaColumns.ToDelta(RowBatches.Grown(b, Rows), Schema), PartitionColumns)))
        {
            var folder = Folder(part.Values);
            if (!byFolder.TryGetValue(folder, out var rows))
                parts.Add((part.Values, byFolder[folder] = rows = []));
            rows.Add(part.Rows);
        }

        var files = new List<DataFile>(parts.Count);
        foreach (var (values, rows) in parts)
            files.Add(await Delta.WriteFileAsync(rows, values, attempt is null ? null : $"{Folder(values)}part-{files.Count:D5}-{attempt}.snappy.parquet", cancel));
        return files;
    }

    /// <summary>The given columns of the rows of these files, in their order.</summary>
    public async Task<RowBatch> ReadAsync(IReadOnlyList<DataFile> files, IReadOnlyList<string> columns, CancellationToken cancel)
    {
        var schema = new RowSchema([.. Rows.Fields.Where(f => columns.Contains(f.Name))]);
        var batches = new List<RecordBatch>();
        foreach (var file in files)
            await foreach (var batch in Delta.ReadAsync(file, [.. schema.Fields.Select(f => f.Name)], ct: cancel))
                batches.Add(batch);
        // Without files there is still a schema to say what the rows would be.
        return batches.Count == 0 ? RowBatches.Empty(schema) : DeltaColumns.FromDelta(RecordBatch.Concat(batches), schema);
    }

    /// <summary>Creates the table without rows where there is none; of several that race one does.</summary>
    public ValueTask<bool> CreateAsync(CancellationToken cancel) => Delta.CreateAsync(Schema, PartitionColumns, ct: cancel);

    // Partition columns hold dates and slugs, which need no escaping.
    private static string Folder(IReadOnlyDictionary<string, string?> values) =>
        string.Concat(values.Select(v => $"{v.Key}={v.Value ?? "__HIVE_DEFAULT_PARTITION__"}/"));
}

/// <summary>The tables of pipelines by name: those that ingest fills, and <c>gold/{query}</c>. No two pipelines have one of the same name.</summary>
internal sealed class LakeTables
{
    private readonly ConcurrentDictionary<string, LakeTable> _tables = new(StringComparer.Ordinal);
    private readonly ConcurrentDictionary<string, TableSnapshot> _files = new(StringComparer.Ordinal);
    private readonly IObjectStore _store;
    private readonly IReadOnlyList<IPipeline> _pipelines;
    private readonly DeltaTableOptions _options;

    public LakeTables(IObjectStore store, IReadOnlyList<IPipeline> pipelines, TimeProvider time) =>
        (_store, _pipelines, _options) = (store, pipelines, new DeltaTableOptions { Time = time });

    /// <summary>
    /// Whether lists of files are kept from one reading to the next, as suits a program that reads much and soon ends; else each reading loads them anew, and nothing of them stays in memory.
    /// </summary>
    public bool KeepsFiles { get; set; }

    /// <summary>All tables, pipeline by pipeline: those that ingest fills, then those of queries and streams.</summary>
    public IReadOnlyList<string> Names => [.. _pipelines.SelectMany(p => p.Tables.Select(t => t.Name).Concat(OutputsOf(p).Select(o => TableNames.Gold(o.Name))))];

    private static IEnumerable<IOutput> OutputsOf(IPipeline pipeline) => pipeline.Queries.Concat<IOutput>(pipeline.Streams);

    /// <summary>The table of that name; throws <see cref="KeyNotFoundException"/> when the pipeline has none.</summary>
    public LakeTable this[string name] => _tables.GetOrAdd(name, Open);

    /// <summary>The newest version of a table that is there.</summary>
    public async ValueTask<TableSnapshot> SnapshotAsync(string name, CancellationToken cancel)
    {
        if (!KeepsFiles)
            return await this[name].Delta.SnapshotAsync(ct: cancel);
        return _files[name] = _files.TryGetValue(name, out var known) ? await this[name].Delta.FollowAsync(known, cancel) : await this[name].Delta.SnapshotAsync(ct: cancel);
    }

    private LakeTable Open(string name)
    {
        var (rows, partitionColumns) = _pipelines.SelectMany(p => p.Tables).FirstOrDefault(t => t.Name == name) is { } table
            ? (table.Schema, table.PartitionColumns)
            : _pipelines.SelectMany(OutputsOf).FirstOrDefault(q => TableNames.Gold(q.Name) == name) is { } query
                ? (query.Schema, (IReadOnlyList<string>)[])
                : throw new KeyNotFoundException($"No pipeline has a table '{name}'.");
        return new LakeTable(name, rows, DeltaColumns.ToDelta(rows), partitionColumns, DeltaTable.Open(_store, name, _options));
    }
}
