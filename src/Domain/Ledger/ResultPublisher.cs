using Tidemark.Domain.Columns;
using Tidemark.Domain.Pipelines;

namespace Tidemark.Domain.Ledger;

/// <summary>
/// Results in Table storage follow Delta: final rows are published from committed rows with a cursor that moves after them, so a crash repeats
/// and never skips. Provisional rows of open windows (update mode) come from the snapshot. Every write needs the ETag known from before the
/// snapshot or from the tick's own last write: a mismatch means that another tick is alive.
/// </summary>
internal sealed class ResultPublisher(IPipeline pipeline, PipelineId id, ILedger ledger, ILake lake, IResults results, ProtocolRule off)
{
    /// <summary>Rows of open windows that changed since the last tick. Returns how many were written.</summary>
    public async Task<int> PublishOpenAsync(Truth truth, CancellationToken cancel)
    {
        if (truth.Touched.Count == 0)
            return 0;
        var written = await Task.WhenAll(pipeline.Queries.Where(q => q.Update && !truth.Refused.Contains(q.Bundle)).Select(query =>
            WriteAsync(truth, query, pipeline.Emit(query.Name, truth.States, truth.PositionOf(id, query.Name), long.MaxValue, truth.Touched), final: false, cancel)));
        truth.Touched.Clear();
        return written.Sum();
    }

    /// <summary>Final rows of commits behind the cursor. Returns how many were written.</summary>
    public async Task<int> PublishFinalAsync(Truth truth, CancellationToken cancel) =>
        (await Task.WhenAll(pipeline.Queries.Concat<IOutput>(pipeline.Streams.Where(s => s.Results != StreamResults.None))
            .Select(output => PublishFinalAsync(truth, output, cancel)))).Sum();

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
        if (spec.Results == StreamResults.None)
            return 0;
        var written = 0;
        var streams = spec.IsChained
            ? truth.Chains.TryGetValue(spec.Name, out var chain) ? [chain.Stream] : []
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
            written += await WriteFinalAsync(truth, query, own.Rows, cancel);
            reached = reached with { PositionMs = own.Position };
        }
        else
        {
            await foreach (var commit in lake.ReadCommitsAsync(TableNames.Gold(query.Name), id.QueryAppId(query.Name), published.Cursor.TableVersion, cancel))
            {
                written += await WriteFinalAsync(truth, query, commit.Rows, cancel);
                reached = new Cursor(Math.Max(version, commit.Version), commit.Position);
            }
        }

        published.Own = null;
        if (!off.HasFlag(ProtocolRule.CursorAfterRows))
            await MoveCursorAsync(query, published, reached, cancel);
        return written;
    }

    private Task<int> WriteFinalAsync(Truth truth, IOutput output, RowBatch rows, CancellationToken cancel) =>
        output is StreamSpec stream ? WriteStreamAsync(truth, stream, rows, cancel) : WriteAsync(truth, output, rows, final: true, cancel);

    /// <summary>Rows under keys of their own whatever is there; of rows under one key the last.</summary>
    private async Task<int> WriteStreamAsync(Truth truth, StreamSpec spec, RowBatch rows, CancellationToken cancel)
    {
        if (rows.Count == 0)
            return 0;
        var last = new Dictionary<string, int>(StringComparer.Ordinal);
        for (var row = 0; row < rows.Count; row++)
            last[results.RowKey(spec, rows, row)] = row;
        if (spec.Results == StreamResults.Latest)
            return await WriteAsync(truth, spec, last.Count == rows.Count ? rows : RowBatches.Where(rows, last.Values.ToHashSet().Contains), final: false, cancel);
        var writes = last.Select(row => new ResultWrite(row.Value, row.Key, ResultWrite.Any)).ToList();
        var etags = await results.WriteAsync(spec, rows, writes, final: true, cancel);
        return etags.Count;
    }

    private async Task MoveCursorAsync(IOutput query, PublishedResults published, Cursor reached, CancellationToken cancel)
    {
        published.CursorETag = await ledger.TryWriteCursorAsync(query.Name, reached, published.CursorETag, cancel)
            ?? throw new CompetingTickException($"The cursor of {query.Name} moved under this tick.");
        published.Cursor = reached;
    }

    /// <summary>Writes the rows whose content is not known to be there already; final rows leave the memory.</summary>
    private async Task<int> WriteAsync(Truth truth, IOutput query, RowBatch rows, bool final, CancellationToken cancel)
    {
        var known = truth.Results[query.Name].Rows;
        var writes = new List<ResultWrite>();
        var hashes = new List<ulong>();
        for (var row = 0; row < rows.Count; row++)
        {
            var key = results.RowKey(query, rows, row);
            var hash = RowHash.Of(rows, row);
            var there = known.TryGetValue(key, out var k);
            if (!final && there && k.Hash == hash)
                continue;
            writes.Add(new ResultWrite(row, key, there ? k.ETag : null));
            hashes.Add(hash);
        }

        if (writes.Count == 0)
            return 0;
        var etags = await results.WriteAsync(query, rows, writes, final, cancel);
        for (var i = 0; i < writes.Count; i++)
        {
            if (etags[i] is not { } etag)
                throw new CompetingTickException($"Row {writes[i].RowKey} of {query.Name} was written by another tick.");
            if (final)
                known.Remove(writes[i].RowKey);
            else
                known[writes[i].RowKey] = (etag, hashes[i]);
        }

        return writes.Count;
    }
}
