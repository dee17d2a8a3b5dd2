using System.Globalization;
using System.Runtime.CompilerServices;
using Azure.Storage.Blobs;
using Microsoft.Extensions.Configuration;
using Tidemark.Delta;
using Tidemark.Functions.Configuration;
using Tidemark.Functions.Lake;
using Names = Tidemark.Functions.Configuration.Settings.Names;

namespace Tidemark.LocalHost.Lake;

/// <summary>Reads and copies the Delta tables of a lake.</summary>
internal sealed class LakeReader(BlobContainerClient container)
{
    private const string LogFolder = "/_delta_log/";
    private readonly BlobObjectStore store = new(container);

    /// <summary>The lake that the settings name, with a connection string or with an address and an identity, as the functions read them.</summary>
    public static LakeReader Of(IConfiguration settings) => new(
        StorageConnection.Read(settings, Names.LakeConnection, "blob").Blobs(new BlobClientOptions())
            .GetBlobContainerClient(settings[Names.LakeContainer] is { Length: > 0 } container ? container : "lake"));

    /// <summary>Names of all tables, e.g. <c>gold/category_views</c>, ascending.</summary>
    public async Task<IReadOnlyList<string>> TablesAsync(CancellationToken cancel)
    {
        var tables = new SortedSet<string>(StringComparer.Ordinal);
        try
        {
            await foreach (var item in store.ListAsync("", null, cancel))
            {
                var end = item.Path.IndexOf(LogFolder, StringComparison.Ordinal);
                if (end > 0)
                    tables.Add(item.Path[..end]);
            }
        }
        catch (Azure.RequestFailedException e) when (e.ErrorCode == "ContainerNotFound")
        {
            return [];
        }

        return [.. tables];
    }

    /// <summary>Whether there is a table of that name; asked without listing the others.</summary>
    public async Task<bool> HasAsync(string table, CancellationToken cancel)
    {
        try
        {
            await foreach (var _ in store.ListAsync(table + LogFolder, null, cancel))
                return true;
        }
        catch (Azure.RequestFailedException e) when (e.ErrorCode == "ContainerNotFound")
        {
            // No function has run here yet.
        }

        return false;
    }

    /// <summary>Rows of the newest version by the table's log; 0 when there is no table.</summary>
    public async Task<long> CountAsync(string table, CancellationToken cancel) =>
        (await DeltaTable.Open(store, table).SnapshotAsync(null, cancel)).Files.Sum(f => f.RowCount);

    /// <summary>The position that each application has noted in the newest version of a table that is there.</summary>
    public async Task<IReadOnlyDictionary<string, long>> PositionsAsync(string table, CancellationToken cancel) => (await DeltaTable.Open(store, table).RefreshAsync(cancel)).Transactions;

    /// <summary>How often each value of a text column occurs.</summary>
    public async Task<SortedDictionary<string, long>> CountByAsync(string table, string column, CancellationToken cancel)
    {
        var counts = new SortedDictionary<string, long>(StringComparer.Ordinal);
        var delta = DeltaTable.Open(store, table);
        await foreach (var batch in delta.ReadAsync(await delta.SnapshotAsync(null, cancel), [column], ct: cancel))
        {
            for (var row = 0; row < batch.RowCount; row++)
            {
                var value = RowText.Plain(batch, 0, row) ?? "";
                counts[value] = counts.GetValueOrDefault(value) + 1;
            }
        }

        return counts;
    }

    /// <summary>Rows of a version, of the newest at a time, or of the newest.</summary>
    public async IAsyncEnumerable<RecordBatch> ReadAsync(string table, long? version, DateTimeOffset? at, [EnumeratorCancellation] CancellationToken cancel)
    {
        var delta = DeltaTable.Open(store, table);
        var snapshot = at is { } time ? await delta.SnapshotAtAsync(time, cancel) : await delta.SnapshotAsync(version, cancel);
        await foreach (var batch in delta.ReadAsync(snapshot, ct: cancel))
            yield return batch;
    }

    /// <summary>Columns of the newest version's files, the newest file first, until there are so many rows.</summary>
    public async IAsyncEnumerable<RecordBatch> ReadNewestAsync(string table, IReadOnlyCollection<string> columns, long rows, [EnumeratorCancellation] CancellationToken cancel)
    {
        var delta = DeltaTable.Open(store, table);
        var snapshot = await delta.SnapshotAsync(null, cancel);
        foreach (var file in snapshot.Files.OrderByDescending(f => f.ModificationTime).ThenByDescending(f => f.Path, StringComparer.Ordinal))
        {
            if (rows <= 0)
                yield break;
            rows -= file.RowCount;
            await foreach (var batch in delta.ReadAsync(file, columns, ct: cancel))
                yield return batch;
        }
    }

    /// <summary>A line for each of the newest versions: version, time by the store's clock, operation, metrics.</summary>
    public async IAsyncEnumerable<string> HistoryAsync(string table, int limit, [EnumeratorCancellation] CancellationToken cancel)
    {
        await foreach (var (version, time, info) in DeltaTable.Open(store, table).HistoryAsync(cancel))
        {
            if (limit-- == 0)
                yield break;
            yield return string.Create(CultureInfo.InvariantCulture, $"{version,8}  {time.UtcDateTime:yyyy-MM-ddTHH:mm:ssZ}  {info?.Operation ?? "?",-10}  {CommitText.Metrics(info)}").TrimEnd();
        }
    }

    /// <summary>Copies a table's files, its log last so that a reader of the copy never meets a log whose files are missing; how many there were.</summary>
    public async Task<int> ExportAsync(string table, string folder, CancellationToken cancel)
    {
        List<string> paths = [];
        await foreach (var item in store.ListAsync(table + "/", null, cancel))
            paths.Add(item.Path);
        // The log is listed first, so every file that it names existed then; written in the other order.
        foreach (var path in paths.OrderBy(p => p.Contains(LogFolder, StringComparison.Ordinal)).ThenBy(p => p, StringComparer.Ordinal))
        {
            var target = Path.Combine([folder, .. path[(table.Length + 1)..].Split('/')]);
            Directory.CreateDirectory(Path.GetDirectoryName(target)!);
            if (await store.GetAsync(path, cancel) is { } content)
                await File.WriteAllBytesAsync(target, content.ToArray(), cancel);
        }

        return paths.Count;
    }
}
