using Tidemark.Domain.Columns;
using Tidemark.Domain.Pipelines;

namespace Tidemark.Domain.Ledger;

/// <summary>
/// Results in Table storage follow Delta: final rows are published from committed rows with a cursor that moves after them, so a crash repeats
/// and never skips. Provisional rows of open windows (update mode) come from the snapshot. Every write needs the ETag known from before the
/// snapshot or from the tick's own last write: a mismatch means that another tick is alive. Rows that are older than the retention are not written, unless
/// one is known to be there: it must not stay as it was.
/// </summary>
internal sealed class ResultPublisher(IPipeline pipeline, PipelineId id, ILedger ledger, ILake lake, IResults results, ResultsKept? kept, Triggers triggers, ProtocolRule off)
{
    private IEnumerable<IOutput> Published => pipeline.Queries.Concat<IOutput>(pipeline.Streams).Where(output => output.InTableStorage);

    /// <summary>Rows of open windows that changed since the last tick, or since the last trigger of their query. Returns how many were written.</summary>
    public async Task<int> PublishOpenAsync(Truth truth, CancellationToken cancel)
    {
        if (truth.Touched.Count == 0 && truth.Waiting.Count == 0)
            return 0;
        var due = new List<Task<int>>();
        foreach (var query in pipeline.Queries.Where(q => q is { Update: true, InTableStorage: true } && !truth.Refused.Contains(q.Bundle)))
            if (Touched(truth, query) is { Count: > 0 } touched)
                due.Add(PublishOpenAsync(truth, query, touched, cancel));
        var written = await Task.WhenAll(due);
        truth.Touched.Clear();
        return written.Sum();
    }

    /// <summary>What the rows of a query are to be looked at for; noted for its next trigger where it waits for that.</summary>
    private HashSet<EntityKey> Touched(Truth truth, QuerySpec query)
    {
        if (!triggers.Has(query))
            return truth.Touched;
        var touched = truth.Waiting.GetValueOrDefault(query.Name) ?? [];
        if (!triggers.Waits(query))
        {
            truth.Waiting.Remove(query.Name);
            return [.. touched, .. truth.Touched];
        }

        if (!off.HasFlag(ProtocolRule.TriggerKeepsTouched))
            touched.UnionWith(truth.Touched);
        truth.Waiting[query.Name] = touched;
        return [];
    }

    private async Task<int> PublishOpenAsync(Truth truth, QuerySpec query, HashSet<EntityKey> touched, CancellationToken cancel)
    {
        var position = Later(truth.After(id, query.Name), OldUpTo(truth, query));
        var withdraws = Withdraws(truth, query);
        var rows = truth.Emit(pipeline, query, position, long.MaxValue, withdraws ? null : touched);
        if (!withdraws)
            return await WriteAsync(truth, query, rows, final: false, cancel);
        // All open windows were looked at: what is known of them and did not come out does not hold any more.
        var now = Enumerable.Range(0, rows.Count).Select(row => results.RowKey(query, rows, row)).ToHashSet();
        return await WriteFencedAsync(truth, query, rows, Known(truth, query, position, long.MaxValue).Where(row => !now.Contains(row.RowKey)).ToList(), final: false, cancel);
    }

    /// <summary>Whether every committed row is published, as far as this snapshot says.</summary>
    public bool IsThrough(Truth truth) =>
        truth.Unseen.Count == 0 && Published.All(output => truth.Results[output.Name].Cursor.TableVersion >= truth.Tables[TableNames.Gold(output.Name)].Version);

    /// <summary>Final rows of commits behind the cursor. Returns how many were written.</summary>
    public async Task<int> PublishFinalAsync(Truth truth, CancellationToken cancel) =>
        (await Task.WhenAll(Published.Select(output => PublishFinalAsync(truth, output, cancel)))).Sum();

    /// <summary>
    /// What streams let out, before it is in Delta: it follows from committed ranges and will be there, the same, whoever commits it. Returns how many rows
    /// were written.
    /// </summary>
    public async Task<int> PublishStreamsAsync(Truth truth, CancellationToken cancel)
    {
        var written = await Task.WhenAll(pipeline.Streams.Where(s => !s.IsChained).Select(spec => PublishStreamsAsync(truth, spec, cancel)));
        return written.Sum();
    }

    /// <summary>Likewise, of one stream.</summary>
    public async Task<int> PublishStreamsAsync(Truth truth, StreamSpec spec, CancellationToken cancel)
    {
        // The last row of a key is written from Delta, where rows have an order that two ticks agree on.
        if (spec.Results != StreamResults.Rows)
            return 0;
        var written = 0;
        var streams = spec.IsChained
            ? truth.Chains.TryGetValue(spec.Name, out var chain) ? [chain] : []
            : truth.Streams.Values.Select(p => p.Streams.First(s => s.Spec == spec));
        foreach (var stream in streams.Where(s => s.Pending.Count > s.Published))
        {
            written += await WriteStreamAsync(truth, spec, RowBatches.Concat(spec.Schema, stream.Pending.GetRange(stream.Published, stream.Pending.Count - stream.Published)), cancel);
            stream.Published = stream.Pending.Count;
        }

        return written;
    }

    private async Task<int> PublishFinalAsync(Truth truth, IOutput query, CancellationToken cancel)
    {
        var written = 0;
        var published = truth.Results[query.Name];
        var version = truth.Tables[TableNames.Gold(query.Name)].Version;
        if (published.Cursor.TableVersion >= version)
            return written;
        var reached = published.Cursor with { TableVersion = version };
        if (off.HasFlag(ProtocolRule.CursorAfterRows))
            await MoveCursorAsync(query, published, reached with { PositionMs = truth.PositionOf(id, query.Name) }, cancel);
        if (published.Own is { } own && own.Version == version)
        {
            written += await WriteFinalAsync(truth, query, own.Version, own.Rows, cancel);
            reached = reached with { PositionMs = own.Position };
        }
        else
        {
            await foreach (var commit in lake.ReadCommitsAsync(TableNames.Gold(query.Name), id.QueryAppId(query.Name), published.Cursor.TableVersion, null, cancel))
            {
                written += await WriteFinalAsync(truth, query, commit.Version, commit.Rows, cancel);
                reached = new Cursor(Math.Max(version, commit.Version), commit.Position);
            }
        }

        // What is still known of the windows that this closed came out of none of the commits: it had passed for a while.
        if (query is QuerySpec spec && Withdraws(truth, spec) && reached.PositionMs is { } closed && closed != published.Cursor.PositionMs)
            await WriteFencedAsync(truth, spec, RowBatches.Empty(spec.Schema), Known(truth, spec, published.Cursor.PositionMs, closed), final: true, cancel);
        published.Own = null;
        if (!off.HasFlag(ProtocolRule.CursorAfterRows))
            await MoveCursorAsync(query, published, reached, cancel);
        return written;
    }

    private Task<int> WriteFinalAsync(Truth truth, IOutput output, long version, RowBatch rows, CancellationToken cancel) => output switch
    {
        StreamSpec { Results: StreamResults.Latest } latest => WriteLatestAsync(truth, latest, version, rows, cancel),
        StreamSpec stream => WriteStreamAsync(truth, stream, rows, cancel),
        QuerySpec query when Withdraws(truth, query) => WriteFencedAsync(truth, query, rows, [], final: true, cancel),
        _ => WriteAsync(truth, output, rows, final: true, cancel),
    };

    /// <summary>Rows under keys of their own, whatever is there.</summary>
    private async Task<int> WriteStreamAsync(Truth truth, StreamSpec spec, RowBatch rows, CancellationToken cancel)
    {
        // Whatever is there under such a key is the same row.
        var last = LastRows(spec, rows, IsOld(truth, spec, rows));
        if (last.Count == 0)
            return 0;
        var writes = last.Select(row => new ResultWrite(row.Value, row.Key, ResultWrite.Any)).ToList();
        var etags = await results.WriteAsync(spec, rows, writes, final: true, cancel);
        return etags.Count;
    }

    /// <summary>
    /// The last row of each key in a commit, unless the table has it of this commit or a later one: a tick that publishes old commits again must not
    /// turn back what another has published since.
    /// </summary>
    private async Task<int> WriteLatestAsync(Truth truth, StreamSpec spec, long version, RowBatch rows, CancellationToken cancel)
    {
        var known = truth.Results[spec.Name].Revisions;
        var old = IsOld(truth, spec, rows);
        var writes = LastRows(spec, rows, except: null)
            .Where(row => known.TryGetValue(row.Key, out var there) ? there.Revision < version : !old(row.Value))
            .Select(row => new ResultWrite(row.Value, row.Key, known.TryGetValue(row.Key, out var there) ? there.ETag : null) { Revision = version })
            .ToList();
        if (writes.Count == 0)
            return 0;
        var etags = await results.WriteAsync(spec, rows, writes, final: true, cancel);
        for (var i = 0; i < writes.Count; i++)
            known[writes[i].RowKey] = (etags[i] ?? throw new CompetingTickException($"Row {writes[i].RowKey} of {spec.Name} was written by another tick."), version);
        return writes.Count;
    }

    private Dictionary<string, int> LastRows(StreamSpec spec, RowBatch rows, Func<int, bool>? except)
    {
        var last = new Dictionary<string, int>(StringComparer.Ordinal);
        for (var row = 0; row < rows.Count; row++)
            if (except?.Invoke(row) != true)
                last[results.RowKey(spec, rows, row)] = row;
        return last;
    }

    /// <summary>Event time, ms, up to which rows are old by this snapshot; null = none is.</summary>
    private long? OldUpTo(Truth truth, IOutput output) => output is StreamSpec { Joined: not null }
        // The join of two topics has a time, but no partitions.
        ? kept?.OldUpTo(output, JoinTime(truth, output), JoinTime(truth, output))
        : kept?.OldUpTo(output, truth.Meta.Value.FrontierMs, truth.Heads.Values.Max(head => head.MaxEventTimeMs));

    private static long? JoinTime(Truth truth, IOutput output) => truth.Chains.TryGetValue(output.Name, out var join) ? join.State.FrontierMs : null;

    private Func<int, bool> IsOld(Truth truth, IOutput output, RowBatch rows) =>
        OldUpTo(truth, output) is { } upTo ? row => results.AgeTime(output, rows, row) <= upTo : _ => false;

    private static long? Later(long? a, long? b) => a is { } x && b is { } y ? Math.Max(x, y) : a ?? b;

    private async Task MoveCursorAsync(IOutput query, PublishedResults published, Cursor reached, CancellationToken cancel)
    {
        published.CursorETag = await ledger.TryWriteCursorAsync(query.Name, reached, published.CursorETag, cancel)
            ?? throw new CompetingTickException($"The cursor of {query.Name} moved under this tick.");
        published.Cursor = reached;
    }

    /// <summary>Whether provisional rows may have to be taken back: also those that another definition of the query has published.</summary>
    private static bool Withdraws(Truth truth, QuerySpec query) => query.Withdraws || truth.Counted.ContainsKey(query.Name);

    // Of definitions with windows of different lengths the shortest: a row is never taken for that of an open window when one of them had closed it.
    private static long SizeMs(Truth truth, QuerySpec query) =>
        truth.Counted.ContainsKey(query.Name) && truth.Meta.Value.Definitions?.GetValueOrDefault(query.Name) is { } definition ? Math.Min(definition.SizeMs, query.SizeMs) : query.SizeMs;

    /// <summary>Rows known to be there of windows with end in (after, upTo].</summary>
    private List<ResultDelete> Known(Truth truth, QuerySpec query, long? after, long upTo) =>
        [.. truth.Results[query.Name].Rows
            .Where(row => results.WindowStart(row.Key) + SizeMs(truth, query) is var end && !(end <= after) && end <= upTo)
            .Select(row => new ResultDelete(row.Key, row.Value.ETag))];

    /// <summary>As <see cref="WriteAsync"/>, and deletes rows, all under the fence. Returns how many were written or deleted.</summary>
    private async Task<int> WriteFencedAsync(Truth truth, QuerySpec query, RowBatch rows, List<ResultDelete> deletes, bool final, CancellationToken cancel)
    {
        var published = truth.Results[query.Name];
        var (writes, hashes) = Changed(truth, query, rows, final);
        if (!final && writes.Count + deletes.Count == 0)
            return 0;
        var outcome = await results.WriteFencedAsync(query, rows, writes, deletes, published.Fence, final, cancel)
            ?? throw new CompetingTickException($"Rows of {query.Name} were written by another tick.");
        published.Fence = outcome.Fence;
        foreach (var row in deletes)
            published.Rows.Remove(row.RowKey);
        for (var i = 0; i < writes.Count; i++)
            Note(published, writes[i].RowKey, outcome.ETags[i], hashes[i], final);
        return writes.Count + deletes.Count;
    }

    /// <summary>Writes the rows whose content is not known to be there already; final rows leave the memory.</summary>
    private async Task<int> WriteAsync(Truth truth, IOutput query, RowBatch rows, bool final, CancellationToken cancel)
    {
        var published = truth.Results[query.Name];
        var (writes, hashes) = Changed(truth, query, rows, final);
        if (writes.Count == 0)
            return 0;
        var etags = await results.WriteAsync(query, rows, writes, final, cancel);
        for (var i = 0; i < writes.Count; i++)
            Note(published, writes[i].RowKey,
                etags[i] ?? throw new CompetingTickException($"Row {writes[i].RowKey} of {query.Name} was written by another tick."), hashes[i], final);
        return writes.Count;
    }

    private (List<ResultWrite> Writes, List<ulong> Hashes) Changed(Truth truth, IOutput query, RowBatch rows, bool final)
    {
        var known = truth.Results[query.Name].Rows;
        var old = IsOld(truth, query, rows);
        var replaces = known.Count > 0 && !off.HasFlag(ProtocolRule.RetentionKeepsKnownRows);
        var writes = new List<ResultWrite>();
        var hashes = new List<ulong>();
        for (var row = 0; row < rows.Count; row++)
        {
            var isOld = old(row);
            if (isOld && !replaces)
                continue;
            var key = results.RowKey(query, rows, row);
            var hash = RowHash.Of(rows, row);
            var there = known.TryGetValue(key, out var k);
            if (there ? !final && k.Hash == hash : isOld)
                continue;
            writes.Add(new ResultWrite(row, key, there ? k.ETag : null));
            hashes.Add(hash);
        }

        return (writes, hashes);
    }

    private static void Note(PublishedResults published, string rowKey, string etag, ulong hash, bool final)
    {
        if (final)
            published.Rows.Remove(rowKey);
        else
            published.Rows[rowKey] = (etag, hash);
    }
}
