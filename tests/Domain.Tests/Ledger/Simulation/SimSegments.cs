using Tidemark.Domain.Columns;
using Tidemark.Domain.Ledger;
using Tidemark.Domain.Pipelines;

namespace Tidemark.Domain.Tests.Ledger.Simulation;

/// <summary>One actor's segment store; a draw decides which segments count as large.</summary>
internal sealed class SimSegments(SimWorld world, SimActor actor, SimBlobs blobs) : ISegmentStore
{
    public byte[]? TryEncode(Segment segment)
    {
        if (world.Random.Next(4) == 0)
            return null;
        blobs.Inline.Add(segment);
        return BitConverter.GetBytes(blobs.Inline.Count - 1);
    }

    public async Task<StagedSegment> StageAsync(int partition, long from, string attempt, Segment segment, CancellationToken cancel)
    {
        if (from % 3 == 0 && segment.Rows["bronze"].Count > 3)
            throw new RangeTooLargeException("More rows than this range is to hold.");
        var files = new Dictionary<string, string>();
        foreach (var (table, rows) in segment.Rows)
        {
            var name = $"{table}/{partition}-{from}-{attempt}";
            await world.CallAsync(actor, $"stage {name}", () => blobs.Files[name] = rows);
            files[table] = name;
        }

        var partials = $"partials/{partition}-{from}-{attempt}";
        await world.CallAsync(actor, $"stage {partials}", () => blobs.Partials[partials] = (partition, from, world.NowMs, segment));
        if (world.Faults && world.Random.Next(15) == 0)
            await world.StepAsync(actor, world.Random.Next(20_000));
        return new StagedSegment(attempt, files, partials);
    }

    private static IReadOnlyDictionary<EntityKey, byte[]> Bytes(Segment segment) => segment.Partials.ToDictionary(p => p.Key, p => p.Value.ToArray());

    public async Task<IReadOnlyDictionary<EntityKey, byte[]>> ReadPartialsAsync(RangeRow range, CancellationToken cancel) =>
        range.Inline is { } inline
            ? Bytes(blobs.Inline[BitConverter.ToInt32(inline)])
            : await world.CallAsync(actor, $"read {range.Staged!.Partials}", () =>
                blobs.Partials.TryGetValue(range.Staged.Partials, out var there) ? Bytes(there.Segment) : throw new SimStoreException("blob not found"));

    public RowBatch ReadRows(RangeRow range, string table) => blobs.Inline[BitConverter.ToInt32(range.Inline!)].Rows[table];

    public async Task<RowBatch?> ReadRowsAsync(RangeRow range, string table, IReadOnlyList<string> columns, CancellationToken cancel) =>
        !range.Rows.ContainsKey(table) ? null
            : range.Inline is not null ? ReadRows(range, table)
            : await world.CallAsync(actor, $"read {range.Staged!.Files[table]}", () => blobs.Files[range.Staged.Files[table]]);

    public Task<IReadOnlyList<StagedPartials>> ListPartialsAsync(CancellationToken cancel) =>
        world.CallAsync(actor, "list staged", () => (IReadOnlyList<StagedPartials>)
            [.. blobs.Partials.Select(p => new StagedPartials(p.Key, p.Value.Partition, p.Value.From, p.Value.WrittenMs))]);

    public Task DeletePartialsAsync(string name, CancellationToken cancel) =>
        world.CallAsync(actor, $"delete {name}", () => blobs.Partials.Remove(name));
}

/// <summary>Results: rows with ETags; a write is a group of rows, atomic by itself.</summary>
internal sealed class SimResultData
{
    public SortedDictionary<string, SortedDictionary<string, (string ETag, ToyResult Row, bool Final, long Revision)>> Tables { get; } = new(StringComparer.Ordinal);

    public int Version { get; set; }

    public SortedDictionary<string, string> Fences { get; } = new(StringComparer.Ordinal);

    /// <summary>Rows taken back, for tests that want to see it happen.</summary>
    public int Deleted { get; set; }

    public SortedDictionary<string, (string ETag, ToyResult Row, bool Final, long Revision)> Table(string query)
    {
        if (!Tables.TryGetValue(query, out var rows))
            Tables[query] = rows = new(StringComparer.Ordinal);
        return rows;
    }
}

internal sealed class SimResults(SimWorld world, SimActor actor, SimResultData data, ProtocolRule off) : IResults
{
    public Task<IReadOnlyDictionary<string, string>> ReadETagsAsync(IOutput query, long? fromWindowStart, CancellationToken cancel) =>
        world.CallAsync(actor, $"read etags {query.Name} from {fromWindowStart}", () =>
        {
            var etags = data.Table(query.Name).Where(r => fromWindowStart is null || r.Value.Row.Start >= fromWindowStart).ToDictionary(r => r.Key, r => r.Value.ETag);
            if (data.Fences.TryGetValue(query.Name, out var fence))
                etags[IResults.Fence] = fence;
            return (IReadOnlyDictionary<string, string>)etags;
        });

    public long WindowStart(string rowKey) => long.MaxValue - long.Parse(rowKey[..19]);

    public long? AgeTime(IOutput output, RowBatch rows, int row) => AgeTime(output, ToyRows.Result(rows, row));

    public static long? AgeTime(IOutput output, ToyResult row) => output is QuerySpec ? row.End : output.AgeColumn switch { "a" => row.Start, "b" => row.End, _ => null };

    public async Task<int> RemoveAsync(IOutput output, long upToMs, int most, CancellationToken cancel)
    {
        var table = data.Table(output.Name);
        var old = await world.CallAsync(actor, $"list old {output.Name} up to {upToMs}", () =>
            table.Where(r => AgeTime(output, r.Value.Row) <= upToMs).Take(most).Select(r => (r.Key, r.Value.ETag)).ToList());
        var removed = 0;
        foreach (var group in old.Chunk(3))
            removed += await world.CallAsync(actor, $"remove old {output.Name} {string.Join(" ", group)}", () =>
                group.Count(row => table.TryGetValue(row.Key, out var there) && there.ETag == row.ETag && table.Remove(row.Key)));
        return removed;
    }

    public async Task<FencedOutcome?> WriteFencedAsync(
        QuerySpec query, RowBatch rows, IReadOnlyList<ResultWrite> writes, IReadOnlyList<ResultDelete> deletes, string? fence, bool final, CancellationToken cancel)
    {
        var etags = new List<string>();
        var changes = deletes.Select(d => (Delete: (ResultDelete?)d, Write: default(ResultWrite))).Concat(writes.Select(w => (Delete: (ResultDelete?)null, Write: w))).ToList();
        foreach (var group in changes.Count == 0 ? [[]] : changes.Chunk(3))
        {
            var outcome = await world.CallAsync(actor, $"write {query.Name} {(final ? "final" : "open")} fenced {string.Join(" ", group.Select(c => c.Delete?.RowKey ?? ToyRows.Result(rows, c.Write.Row).ToString()))}",
                () => WriteFenced(query, rows, group, fence, final));
            if (outcome is null)
                return null;
            fence = outcome.Fence;
            etags.AddRange(outcome.ETags);
        }
        return new FencedOutcome(fence!, etags);
    }

    private FencedOutcome? WriteFenced(QuerySpec query, RowBatch rows, (ResultDelete? Delete, ResultWrite Write)[] changes, string? fence, bool final)
    {
        var table = data.Table(query.Name);
        string? ETag(string key) => table.TryGetValue(key, out var row) ? row.ETag : null;
        var holds = off.HasFlag(ProtocolRule.FencedResults) || data.Fences.GetValueOrDefault(query.Name) == fence;
        if (!holds || changes.Any(c => c.Delete is { } gone ? ETag(gone.RowKey) != gone.ETag : ETag(c.Write.RowKey) != c.Write.ETag))
            return null;
        foreach (var gone in changes.Where(c => c.Delete is not null))
        {
            table.Remove(gone.Delete!.Value.RowKey);
            data.Deleted++;
        }
        var etags = changes.Where(c => c.Delete is null).Select(c => Write(query, rows, c.Write, final)!).ToList();
        return new FencedOutcome(data.Fences[query.Name] = $"f{++data.Version}", etags);
    }

    public Task<IReadOnlyDictionary<string, (string ETag, long Revision)>> ReadRevisionsAsync(IOutput output, CancellationToken cancel) =>
        world.CallAsync(actor, $"read revisions {output.Name}", () => (IReadOnlyDictionary<string, (string ETag, long Revision)>)data.Table(output.Name)
            .ToDictionary(r => r.Key, r => (r.Value.ETag, r.Value.Revision)));

    public string RowKey(IOutput query, RowBatch rows, int row)
    {
        var result = ToyRows.Result(rows, row);
        return query.TimeColumn is null
            ? FormattableString.Invariant($"{result.Key}")
            : FormattableString.Invariant($"{long.MaxValue - result.Start:D19}|{result.Key}");
    }

    public async Task<IReadOnlyList<string?>> WriteAsync(
        IOutput query, RowBatch rows, IReadOnlyList<ResultWrite> writes, bool final, CancellationToken cancel)
    {
        var etags = new List<string?>();
        foreach (var group in writes.Chunk(3))
            etags.AddRange(await world.CallAsync(actor, $"write {query.Name} {(final ? "final" : "open")} {string.Join(" ", group.Select(w => ToyRows.Result(rows, w.Row)))}", () => group.Select(write => Write(query, rows, write, final)).ToList()));
        return etags;
    }

    private string? Write(IOutput query, RowBatch rows, ResultWrite write, bool final)
    {
        var table = data.Table(query.Name);
        var there = table.TryGetValue(write.RowKey, out var row) ? row.ETag : null;
        if (write.ETag != ResultWrite.Any && there != write.ETag && !off.HasFlag(ProtocolRule.ResultETags))
            return null;
        table[write.RowKey] = ($"r{++data.Version}", ToyRows.Result(rows, write.Row), final, write.Revision ?? -1);
        return table[write.RowKey].ETag;
    }
}

internal sealed class SimAlerts(SimWorld world, SimActor actor, List<(string Name, string Text)> raised) : IAlerts
{
    public Task RaiseAsync(string name, string subject, string text, CancellationToken cancel) =>
        world.CallAsync(actor, $"alert {name} {subject}", () =>
        {
            raised.Add((name, text));
            return true;
        });

    public Task WithdrawAsync(string name, string subject, CancellationToken cancel) => world.CallAsync(actor, $"withdraw {name} {subject}", () => raised.RemoveAll(alert => alert.Name == name));
}
