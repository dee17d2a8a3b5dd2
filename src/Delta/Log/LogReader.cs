using System.Buffers;
using System.Text.Json;

namespace Tidemark.Delta.Log;

/// <summary>Reads a table's log: the newest head, commit by commit, with as few requests as the state at hand allows.</summary>
internal sealed class LogReader(IObjectStore store, string root, string table)
{
    private const int PieceBytes = 2 << 20;
    private const int CommitsAtOnce = 16;

    public string Table => table;

    public async ValueTask<ReadOnlyMemory<byte>?> ReadCommitAsync(long version, CancellationToken ct) =>
        await store.GetAsync(root + LogPath.Commit(version), ct).ConfigureAwait(false);

    public string Where(long version) => $"commit {version} of table {table}";

    /// <summary>The head after all commits that follow <paramref name="head"/>: one request per commit and one that finds none.</summary>
    public async ValueTask<TableHead> FollowAsync(TableHead head, CancellationToken ct)
    {
        var builder = new HeadBuilder(head);
        var version = head.Version;
        while (await ReadCommitAsync(version + 1, ct).ConfigureAwait(false) is { } content)
        {
            ActionReader.Read(content.Span, Where(version + 1), builder);
            version++;
        }

        if (version == head.Version) return head;
        var built = builder.Build(version, table);
        built.Protocol!.CheckReadable(table);
        return built;
    }

    /// <summary>The head from nothing: by the hint, the newest checkpoint and the commits after it.</summary>
    public async ValueTask<TableHead> LoadAsync(CancellationToken ct)
    {
        var plan = await PlanAsync(null, ct).ConfigureAwait(false);
        if (plan is null) return TableHead.None;
        var builder = new HeadBuilder(TableHead.None);
        var from = 0L;
        if (plan.Checkpoint is { } checkpoint)
        {
            await CheckpointReader.ReadAsync(store, checkpoint, builder, ct).ConfigureAwait(false);
            from = checkpoint.Version + 1;
        }

        await ReplayAsync(plan, from, builder, ct).ConfigureAwait(false);
        var head = builder.Build(plan.Version, table);
        head.Protocol!.CheckReadable(table);
        return head;
    }

    /// <summary>The commits from a version up to the plan's, in order. Small ones are asked for several at once, a large one is fetched and passed on piece by piece.</summary>
    public async ValueTask ReplayAsync(LogPlan plan, long from, IActionSink sink, CancellationToken ct)
    {
        for (var version = from; version <= plan.Version;)
        {
            var small = SmallCommits(plan, version);
            foreach (var content in await Task.WhenAll(small.Select(commit => store.GetAsync(commit.Path, ct).AsTask())).ConfigureAwait(false))
            {
                (sink as IVersionedSink)?.Begin(version);
                ActionReader.Read((content ?? throw Missing(plan, version)).Span, Where(version), sink);
                await sink.PauseAsync(ct).ConfigureAwait(false);
                version++;
            }

            if (small.Count > 0) continue;
            if (!plan.Listing.Commits.TryGetValue(version, out var large)) throw Missing(plan, version);
            (sink as IVersionedSink)?.Begin(version);
            await ReplayPiecesAsync(plan, version, large, sink, ct).ConfigureAwait(false);
            version++;
        }
    }

    /// <summary>The commits from a version on that are fetched together, as few bytes as one piece.</summary>
    private static List<ObjectInfo> SmallCommits(LogPlan plan, long from)
    {
        var (small, bytes) = (new List<ObjectInfo>(), 0L);
        while (small.Count < CommitsAtOnce && from + small.Count <= plan.Version && plan.Listing.Commits.TryGetValue(from + small.Count, out var commit) && (bytes += commit.Size) <= PieceBytes)
            small.Add(commit);
        return small;
    }

    private async ValueTask ReplayPiecesAsync(LogPlan plan, long version, ObjectInfo commit, IActionSink sink, CancellationToken ct)
    {
        using var reader = new ActionReader(Where(version), sink);
        var piece = ArrayPool<byte>.Shared.Rent(PieceBytes);
        try
        {
            int read;
            for (long at = 0; at < commit.Size; at += read)
            {
                read = await store.ReadAsync(commit.Path, at, piece.AsMemory(0, (int)Math.Min(PieceBytes, commit.Size - at)), ct).ConfigureAwait(false);
                if (read <= 0) throw Missing(plan, version);
                reader.Feed(piece.AsSpan(0, read));
                await sink.PauseAsync(ct).ConfigureAwait(false);
            }

            reader.End();
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(piece);
        }
    }

    private DeltaFormatException Missing(LogPlan plan, long version) =>
        new($"Table {table} has a log up to version {plan.Version}, but commit {version} is missing.");

    /// <summary>
    /// Which checkpoint and commits make up a version; null when there is no table. The hint only says where to start listing; an
    /// empty, broken, old or wrong one costs one listing more.
    /// </summary>
    public async ValueTask<LogPlan?> PlanAsync(long? wanted, CancellationToken ct)
    {
        var hint = await ReadHintAsync(ct).ConfigureAwait(false);
        LogListing? listing = null;
        if (hint is > 0 && (wanted is null || hint <= wanted))
        {
            listing = await LogListing.ReadAsync(store, root, hint.Value, ct).ConfigureAwait(false);
            if (!listing.Checkpoints.ContainsKey(hint.Value)) listing = null;
        }

        listing ??= await LogListing.ReadAsync(store, root, 0, ct).ConfigureAwait(false);
        if (listing.Commits.Count == 0 && listing.Checkpoints.Count == 0)
        {
            if (listing.HasV2Checkpoint) throw new DeltaUnsupportedException($"Table {table} has only V2 checkpoints, which are not supported here.");
            return null;
        }

        var newest = Math.Max(listing.Commits.Count > 0 ? listing.Commits.Keys.Last() : -1, listing.Checkpoints.Count > 0 ? listing.Checkpoints.Keys.Last() : -1);
        if (wanted > newest || wanted < 0) throw new DeltaVersionNotFoundException($"Table {table} has no version {wanted}; its newest is {newest}.");
        var version = wanted ?? newest;
        var checkpoint = listing.Checkpoints.Values.LastOrDefault(c => c.Version <= version);
        if (checkpoint is null && !listing.Commits.ContainsKey(0) && wanted is not null)
            throw new DeltaVersionNotFoundException($"Version {wanted} of table {table} was removed by log cleanup.");
        return new LogPlan(version, checkpoint, listing);
    }

    /// <summary>The version that `_last_checkpoint` names, or null when it is absent or unreadable: it is only a hint.</summary>
    public async ValueTask<long?> ReadHintAsync(CancellationToken ct)
    {
        if (await store.GetAsync(root + LogPath.LastCheckpoint, ct).ConfigureAwait(false) is not { } content) return null;
        return ParseHint(content.Span);
    }

    public static long? ParseHint(ReadOnlySpan<byte> content)
    {
        try
        {
            var json = new Utf8JsonReader(content);
            using var document = JsonDocument.ParseValue(ref json);
            return document.RootElement.ValueKind == JsonValueKind.Object && document.RootElement.TryGetProperty("version", out var version)
                && version.ValueKind == JsonValueKind.Number && version.TryGetInt64(out var number) ? number : null;
        }
        catch (JsonException)
        {
            return null;
        }
    }
}

/// <summary>How to build a version: from a checkpoint or from nothing, then commits.</summary>
internal sealed record LogPlan(long Version, CheckpointFiles? Checkpoint, LogListing Listing);
