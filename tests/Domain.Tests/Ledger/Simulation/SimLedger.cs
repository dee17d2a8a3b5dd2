using Tidemark.Domain.Ledger;
using Tidemark.Domain.Pipelines;

namespace Tidemark.Domain.Tests.Ledger.Simulation;

/// <summary>What the ledger holds, shared by all actors, and everything ever committed, for the oracle.</summary>
internal sealed class SimLedgerData
{
    public Dictionary<int, VersionedHead> Heads { get; } = [];

    public SortedDictionary<(int Partition, long From), RangeRow> Ranges { get; } = [];

    public List<RangeRow> Committed { get; } = [];

    public List<Gap> Gaps { get; } = [];

    /// <summary>Commits that passed a loss which nobody had accepted.</summary>
    public List<string> Unaccepted { get; } = [];

    public VersionedMeta? Meta { get; set; }

    public SortedDictionary<EntityKey, RegistryRow> Registry { get; } = [];

    public Dictionary<string, (Cursor Cursor, string ETag)> Cursors { get; } = [];

    /// <summary>Of a partition, up to where it had been read when the end of its log was cut off; 0 = never.</summary>
    public Func<int, long> CutBelow { get; init; } = _ => 0;

    public Lease? Lease { get; set; }

    public int ETags { get; set; }

    public string NextETag() => $"e{++ETags}";
}

/// <summary>One actor's view of the ledger.</summary>
internal sealed class SimLedger(SimWorld world, SimActor actor, SimLedgerData data, bool honourLease) : ILedger
{
    private const int Page = 6;

    public Task<VersionedHead?> ReadHeadAsync(int partition, CancellationToken cancel) =>
        world.CallAsync(actor, $"read head {partition}", () => Head(partition));

    public async Task<PartitionView> ReadPartitionAsync(int partition, long from, CancellationToken cancel)
    {
        var head = await world.CallAsync(actor, $"read head {partition}", () => Head(partition));
        var ranges = new List<RangeRow>();
        while (true)
        {
            var page = await world.CallAsync(actor, $"list ranges {partition} from {from}", () => new Listing(
                [.. data.Ranges.Where(r => r.Key.Partition == partition && r.Key.From >= from).Select(r => r.Value).Take(Page)]));
            ranges.AddRange(page.Rows);
            if (page.Rows.Count < Page)
                return new PartitionView(head, ranges);
            from = page.Rows[^1].From + 1;
        }
    }

    public Task<string?> TryInsertHeadAsync(int partition, Head head, CancellationToken cancel) =>
        world.CallAsync(actor, $"insert head {partition} {head}", () => data.Heads.ContainsKey(partition) ? null : Put(partition, head));

    public Task<string?> TryReplaceHeadAsync(int partition, Head head, string etag, CancellationToken cancel) =>
        world.CallAsync(actor, $"replace head {partition} {head}", () => Head(partition)?.ETag == etag ? Put(partition, head) : null);

    public Task<string?> TryCommitAsync(Head head, string etag, RangeRow range, IReadOnlyList<Gap> gaps, CancellationToken cancel) =>
        world.CallAsync(actor, $"commit {range.Partition} {range.From}-{range.To} tag {range.Tag}", () =>
        {
            if (Head(range.Partition)?.ETag != etag || data.Ranges.ContainsKey((range.Partition, range.From)))
                return null;
            data.Ranges[(range.Partition, range.From)] = range;
            data.Committed.Add(range);
            data.Gaps.AddRange(gaps);
            var accepted = Head(range.Partition)!.Value.Value.LossAcceptedTo ?? 0;
            data.Unaccepted.AddRange(gaps.Where(gap => gap.To > accepted).Select(gap => $"{gap}"));
            if (data.CutBelow(range.Partition) is > 0 and var cut && range.To > cut && accepted < cut)
                data.Unaccepted.Add($"partition {range.Partition} was cut below {cut}, and {range.From}-{range.To} was committed");
            return Put(range.Partition, head);
        });

    public async Task DeleteRangesAsync(int partition, IReadOnlyList<long> froms, CancellationToken cancel)
    {
        foreach (var group in froms.Chunk(3))
            await world.CallAsync(actor, $"delete ranges {partition} {string.Join(",", group)}", () => group.Count(from => data.Ranges.Remove((partition, from))));
    }

    public Task<IReadOnlyList<Gap>> ReadGapsAsync(IReadOnlyCollection<int> partitions, CancellationToken cancel) =>
        world.CallAsync(actor, "read gaps", () => (IReadOnlyList<Gap>)[.. data.Gaps.Where(gap => partitions.Contains(gap.Partition))]);

    public Task<VersionedMeta?> ReadMetaAsync(CancellationToken cancel) => world.CallAsync(actor, "read meta", () => data.Meta);

    public Task<string?> TryWriteMetaAsync(Meta meta, string? etag, CancellationToken cancel) =>
        world.CallAsync(actor, $"write meta F={meta.FrontierMs} end={meta.EndOfInput} starts={meta.Starts.Count}", () =>
        {
            if (data.Meta?.ETag != etag)
                return null;
            data.Meta = new VersionedMeta(meta, data.NextETag());
            return data.Meta.Value.ETag;
        });

    public Task<IReadOnlyList<RegistryRow>> ReadRegistryAsync(CancellationToken cancel) =>
        world.CallAsync(actor, "read registry", () => (IReadOnlyList<RegistryRow>)[.. data.Registry.Values]);

    public Task RegisterAsync(EntityKey entity, CancellationToken cancel) =>
        world.CallAsync(actor, $"register {entity}", () => data.Registry.TryAdd(entity, new RegistryRow(entity, 0, data.NextETag())));

    public Task<string?> TryRaiseAsync(RegistryRow row, long version, long reach, CancellationToken cancel) =>
        world.CallAsync(actor, $"raise {row.Entity} to {version}", () =>
        {
            if (!data.Registry.TryGetValue(row.Entity, out var there) || there.ETag != row.ETag)
                return null;
            data.Registry[row.Entity] = new RegistryRow(row.Entity, version, data.NextETag()) { Reach = reach };
            return data.Registry[row.Entity].ETag;
        });

    public Task UnregisterAsync(EntityKey entity, CancellationToken cancel) =>
        world.CallAsync(actor, $"unregister {entity}", () => data.Registry.Remove(entity));

    public Task<(Cursor Cursor, string? ETag)> ReadCursorAsync(string query, CancellationToken cancel) =>
        world.CallAsync(actor, $"read cursor {query}", () =>
            data.Cursors.TryGetValue(query, out var c) ? (c.Cursor, (string?)c.ETag) : (new Cursor(-1, null), null));

    public Task<string?> TryWriteCursorAsync(string query, Cursor cursor, string? etag, CancellationToken cancel) =>
        world.CallAsync(actor, $"write cursor {query} {cursor}", () =>
        {
            if ((data.Cursors.TryGetValue(query, out var there) ? there.ETag : null) != etag)
                return null;
            data.Cursors[query] = (cursor, data.NextETag());
            return data.Cursors[query].ETag;
        });

    public Task<bool> TryTakeLeaseAsync(Lease lease, long nowMs, CancellationToken cancel) =>
        world.CallAsync(actor, "take lease", () =>
        {
            if (honourLease && data.Lease is { } held && held.Owner != lease.Owner && held.UntilMs > nowMs)
                return false;
            data.Lease = lease;
            return true;
        });

    private VersionedHead? Head(int partition) => data.Heads.TryGetValue(partition, out var head) ? head : null;

    private string Put(int partition, Head head)
    {
        data.Heads[partition] = new VersionedHead(head, data.NextETag());
        return data.Heads[partition].ETag;
    }

    private sealed record Listing(List<RangeRow> Rows)
    {
        public override string ToString() => string.Join(" ", Rows.Select(r => $"{r.From}-{r.To}@{r.Tag}"));
    }
}
