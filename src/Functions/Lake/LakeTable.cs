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
    /// chosen so that they never repeat.
    /// </summary>
    public async Task<IReadOnlyList<DataFile>> WriteAsync(IReadOnlyList<RowBatch> batches, string? attempt, CancellationToken cancel)
    {
        var parts = new List<(IReadOnlyDictionary<string, string?> Values, List<RecordBatch> Rows)>();
        var byFolder = new Dictionary<string, List<RecordBatch>>(StringComparer.Ordinal);
        foreach (var part in batches.Where(b => b.Count > 0).SelectMany(b => PartitionSplit.Split(DeltaColumns.ToDelta(b, Schema), PartitionColumns)))
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

    /// <summary>Creates the table without rows where there is none; of several that race one does.</summary>
    public ValueTask<bool> CreateAsync(CancellationToken cancel) => Delta.CreateAsync(Schema, PartitionColumns, ct: cancel);

    // Partition columns hold dates and slugs, which need no escaping.
    private static string Folder(IReadOnlyDictionary<string, string?> values) =>
        string.Concat(values.Select(v => $"{v.Key}={v.Value ?? "__HIVE_DEFAULT_PARTITION__"}/"));
}

/// <summary>The tables of the pipeline by name: those that ingest fills, and <c>gold/{query}</c>.</summary>
internal sealed class LakeTables
{
    private readonly ConcurrentDictionary<string, LakeTable> _tables = new(StringComparer.Ordinal);
    private readonly IObjectStore _store;
    private readonly IPipeline _pipeline;
    private readonly DeltaTableOptions _options;

    public LakeTables(IObjectStore store, IPipeline pipeline, TimeProvider time) =>
        (_store, _pipeline, _options) = (store, pipeline, new DeltaTableOptions { Time = time });

    /// <summary>All tables: those that ingest fills, then those of the queries.</summary>
    public IReadOnlyList<string> Names => [.. _pipeline.Tables.Select(t => t.Name), .. _pipeline.Queries.Select(q => TableNames.Gold(q.Name))];

    /// <summary>The table of that name; throws <see cref="KeyNotFoundException"/> when the pipeline has none.</summary>
    public LakeTable this[string name] => _tables.GetOrAdd(name, Open);

    private LakeTable Open(string name)
    {
        var (rows, partitionColumns) = _pipeline.Tables.FirstOrDefault(t => t.Name == name) is { } table
            ? (table.Schema, table.PartitionColumns)
            : _pipeline.Queries.FirstOrDefault(q => TableNames.Gold(q.Name) == name) is { } query
                ? (query.Schema, (IReadOnlyList<string>)[])
                : throw new KeyNotFoundException($"The pipeline has no table '{name}'.");
        return new LakeTable(name, rows, DeltaColumns.ToDelta(rows), partitionColumns, DeltaTable.Open(_store, name, _options));
    }
}
