using System.Globalization;

namespace Tidemark.Delta.Log;

/// <summary>A complete checkpoint: one file, or all parts of it.</summary>
internal sealed record CheckpointFiles(long Version, IReadOnlyList<ObjectInfo> Parts);

/// <summary>What a listing of the log folder found, by version.</summary>
internal sealed class LogListing
{
    public SortedDictionary<long, ObjectInfo> Commits { get; } = [];

    public SortedDictionary<long, CheckpointFiles> Checkpoints { get; } = [];

    /// <summary>Everything else with a version in its name (checksums, compacted logs), for cleanup.</summary>
    public List<(long Version, string Path)> Others { get; } = [];

    public bool HasV2Checkpoint { get; private set; }

    public static async ValueTask<LogListing> ReadAsync(IObjectStore store, string root, long fromVersion, CancellationToken ct)
    {
        var listing = new LogListing();
        var parts = new Dictionary<(long, int), List<ObjectInfo>>();
        var folder = root + LogPath.Folder;
        var after = fromVersion > 0 ? folder + fromVersion.ToString("D20", CultureInfo.InvariantCulture) : null;
        await foreach (var info in store.ListAsync(folder, after, ct).ConfigureAwait(false)) listing.Add(info, info.Path[folder.Length..], parts);
        foreach (var ((version, count), found) in parts)
        {
            if (found.Count == count) listing.Checkpoints.TryAdd(version, new CheckpointFiles(version, found));
        }

        return listing;
    }

    private void Add(ObjectInfo info, string name, Dictionary<(long, int), List<ObjectInfo>> parts)
    {
        if (name.Length < 22 || name[20] != '.' || !long.TryParse(name.AsSpan(0, 20), NumberStyles.None, CultureInfo.InvariantCulture, out var version)) return;
        var kind = name[21..];
        if (kind == "json")
        {
            Commits[version] = info;
        }
        else if (kind == "checkpoint.parquet")
        {
            Checkpoints[version] = new CheckpointFiles(version, [info]);
        }
        else if (kind.StartsWith("checkpoint.", StringComparison.Ordinal) && kind.Length == 40 && kind.EndsWith(".parquet", StringComparison.Ordinal)
            && int.TryParse(kind.AsSpan(11, 10), NumberStyles.None, CultureInfo.InvariantCulture, out _)
            && int.TryParse(kind.AsSpan(22, 10), NumberStyles.None, CultureInfo.InvariantCulture, out var count))
        {
            if (!parts.TryGetValue((version, count), out var list)) parts[(version, count)] = list = [];
            list.Add(info);
        }
        else
        {
            HasV2Checkpoint |= kind.StartsWith("checkpoint.", StringComparison.Ordinal);
            Others.Add((version, info.Path));
        }
    }
}
