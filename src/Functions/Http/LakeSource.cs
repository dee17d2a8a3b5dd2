using System.Text.Json;
using Tidemark.Delta;
using Tidemark.Domain.Columns;
using Tidemark.Functions.Lake;

namespace Tidemark.Functions.Http;

/// <summary>
/// Reads Delta tables for viewers: file lists are kept for fifteen seconds, scans go through the newest files first, one scan at a time and bounded, so
/// that looking never takes much from the pipeline.
/// </summary>
public sealed class LakeSource
{
    /// <summary>Files below this size are small: maintenance packs them.</summary>
    public const long SmallFile = 32L << 20;

    internal const int MostFiles = 64;
    private const int MostVersions = 50;
    private const int MostListed = 200;
    private static readonly TimeSpan Fresh = TimeSpan.FromSeconds(15);
    private static readonly TimeSpan FreshHead = TimeSpan.FromSeconds(5);
    private readonly LakeTables _tables;
    private readonly SemaphoreSlim _scan = new(1);
    private readonly Dictionary<string, Shared<TableSnapshot?>> _snapshots;
    private readonly Dictionary<string, Shared<KeptBody>> _pages;
    private readonly Shared<KeptBody> _list;

    internal LakeSource(LakeTables tables, TimeProvider time)
    {
        _tables = tables;
        _snapshots = tables.Names.ToDictionary(name => name, _ => new Shared<TableSnapshot?>(FreshHead, time));
        _pages = tables.Names.ToDictionary(name => name, _ => new Shared<KeptBody>(Fresh, time));
        _list = new Shared<KeptBody>(Fresh, time);
    }

    /// <summary>Names of all tables.</summary>
    internal IReadOnlyList<string> Names => _tables.Names;

    /// <summary>All tables with version, files, rows and bytes.</summary>
    internal Task<KeptBody> ListAsync(CancellationToken cancel) => _list.GetAsync(
        async stop =>
        {
            var cards = new List<TableCard>();
            foreach (var name in _tables.Names)
                cards.Add(Card(name, await SnapshotAsync(name, stop)));
            return KeptBody.Json(cards);
        },
        cancel);

    /// <summary>One table: its card, its newest versions with what they did, its newest files.</summary>
    internal Task<KeptBody> TableAsync(string name, CancellationToken cancel) => _pages[name].GetAsync(
        async stop =>
        {
            var snapshot = await SnapshotAsync(name, stop);
            var history = new List<VersionCard>();
            if (snapshot is not null)
                await foreach (var (version, time, info) in _tables[name].Delta.HistoryAsync(stop))
                {
                    history.Add(VersionCard.Of(version, time, info));
                    if (history.Count == MostVersions)
                        break;
                }

            var files = Newest(snapshot).Take(MostListed).Select(f => new FileCard(f.Path, f.Size, f.RowCount, DateTimeOffset.FromUnixTimeMilliseconds(f.ModificationTime)));
            return KeptBody.Json(new { Table = Card(name, snapshot), Columns = _tables[name].Rows.Fields.Select(f => new ColumnCard(f.Name, f.Type.ToString().ToLowerInvariant(), f.Precision, f.Scale, f.Nullable)), History = history, Files = files });
        },
        cancel);

    /// <summary>
    /// Rows of the newest files that can hold such rows, until there are <paramref name="limit"/> or 64 files were read. Newest file first, within it the
    /// last row first.
    /// </summary>
    internal async Task<Scan> ScanAsync(string name, ScanFilter filter, Func<RowBatch, int, bool> wanted, int limit, CancellationToken cancel)
    {
        if (await SnapshotAsync(name, cancel) is not { } snapshot)
            return new Scan([], 0, true);
        await _scan.WaitAsync(cancel);
        try
        {
            var table = _tables[name];
            var columns = table.Rows.Fields.Select(f => f.Name).ToList();
            var files = table.Delta.FilesFor(snapshot, filter).OrderByDescending(f => f.ModificationTime).ThenByDescending(f => f.Path, StringComparer.Ordinal).ToList();
            var found = new List<(RowBatch Rows, int Row)>();
            var read = 0;
            foreach (var file in files.Take(MostFiles))
            {
                if (found.Count >= limit)
                    break;
                read++;
                found.AddRange(await LastAsync(table, file, columns, filter, wanted, limit - found.Count, cancel));
            }

            return new Scan(found, read, read == files.Count && found.Count < limit);
        }
        finally
        {
            _scan.Release();
        }
    }

    /// <summary>The last rows of a file that are wanted, the last first; of a row group, which may be large, only they are kept.</summary>
    private static async Task<List<(RowBatch Rows, int Row)>> LastAsync(
        LakeTable table, DataFile file, IReadOnlyList<string> columns, ScanFilter filter, Func<RowBatch, int, bool> wanted, int limit, CancellationToken cancel)
    {
        var last = new Queue<RowBatch>();
        var count = 0;
        await foreach (var batch in table.Delta.ReadAsync(file, columns, filter, cancel))
        {
            var rows = DeltaColumns.FromDelta(batch, table.Rows);
            var which = Enumerable.Range(0, rows.Count).Where(row => wanted(rows, row)).TakeLast(limit).ToArray();
            if (which.Length == 0)
                continue;
            last.Enqueue(RowBatches.Take(rows, which));
            for (count += which.Length; count - last.Peek().Count >= limit;)
                count -= last.Dequeue().Count;
        }

        return [.. last.Reverse().SelectMany(rows => Enumerable.Range(1, rows.Count).Select(back => (rows, rows.Count - back))).Take(limit)];
    }

    /// <summary>All tables.</summary>
    internal LakeTables Tables => _tables;

    /// <summary>Held by whoever reads rows: one at a time.</summary>
    internal SemaphoreSlim OneScan => _scan;

    /// <summary>The newest version that is known, at most five seconds old; null where there is no table.</summary>
    internal Task<TableSnapshot?> SnapshotAsync(string name, CancellationToken cancel) => _snapshots[name].GetAsync(
        async stop =>
        {
            var delta = _tables[name].Delta;
            try
            {
                return (await delta.RefreshAsync(stop)).Version < 0 ? null : await delta.SnapshotAsync(ct: stop);
            }
            catch (Azure.RequestFailedException e) when (e.ErrorCode == "ContainerNotFound")
            {
                return null;
            }
        },
        cancel);

    private static IEnumerable<DataFile> Newest(TableSnapshot? snapshot) => (snapshot?.Files ?? []).OrderByDescending(f => f.ModificationTime);

    internal static TableCard Card(string name, TableSnapshot? snapshot)
    {
        var files = snapshot?.Files ?? [];
        return new TableCard(
            name, snapshot?.Version ?? -1, files.Count, files.Count(f => f.Size < SmallFile), files.Sum(f => f.Size), files.Sum(f => f.RowCount),
            files.Count == 0 ? null : DateTimeOffset.FromUnixTimeMilliseconds(files.Max(f => f.ModificationTime)), snapshot?.PartitionColumns ?? []);
    }
}

/// <summary>Rows that a scan found, how many files it read, and whether it read all that could hold any.</summary>
internal sealed record Scan(IReadOnlyList<(RowBatch Rows, int Row)> Found, int FilesRead, bool IsComplete);

/// <summary>A Delta table: −1 = it is not there yet.</summary>
internal sealed record TableCard(string Name, long Version, int Files, int SmallFiles, long Bytes, long Rows, DateTimeOffset? ChangedAt, IReadOnlyList<string> PartitionColumns);

/// <summary>A data file.</summary>
internal sealed record FileCard(string Path, long Bytes, long Rows, DateTimeOffset At);

/// <summary>A version: when, which operation, its metrics, and the trace that made it.</summary>
internal sealed record VersionCard(long Version, DateTimeOffset At, string Operation, IReadOnlyDictionary<string, string> Metrics, string? Trace)
{
    public static VersionCard Of(long version, DateTimeOffset at, CommitInfo? info)
    {
        var metrics = new Dictionary<string, string>();
        string? trace = null;
        if (info is not null)
        {
            using var json = JsonDocument.Parse(info.Json);
            if (json.RootElement.ValueKind == JsonValueKind.Object)
            {
                if (json.RootElement.TryGetProperty("operationMetrics", out var all) && all.ValueKind == JsonValueKind.Object)
                    foreach (var metric in all.EnumerateObject())
                        metrics[metric.Name] = metric.Value.ToString();
                if (json.RootElement.TryGetProperty("userMetadata", out var text))
                    trace = text.ToString();
            }
        }

        return new VersionCard(version, at, info?.Operation ?? "unknown", metrics, trace);
    }
}
