using Tidemark.Domain.Columns;
using Tidemark.Domain.Pipelines;

namespace Tidemark.Domain.Ledger;

/// <summary>
/// Reads one tick's snapshot in the one order that is safe: ETags of results, meta, publish the frontier, ranges ascending, registry, entities,
/// positions. Another order loses or doubles when a second tick settles in between.
/// </summary>
internal sealed class TruthReader(
    IPipeline pipeline, PipelineId id, ILedger ledger, ISegmentStore segments, IEntities entities, ILake lake, IResults results,
    Partitions partitions, FrontierPublisher frontier, Definitions definitions, IAlerts alerts, ProtocolRule off)
{
    // Of a range some megabytes are held; a few hide the time that storage takes.
    private const int ReadAhead = 4;

    private readonly EventState _events = new(pipeline, lake, segments);

    /// <summary>Brings the cached truth up to date, or reads all of it anew where the cache does not continue.</summary>
    public async Task<Truth> ReadAsync(Truth? cached, bool advance, CancellationToken cancel)
    {
        if (cached is not null && await TryContinueAsync(cached, advance, cancel))
            return cached;
        return await ReadAnewAsync(advance, cancel);
    }

    private async Task<bool> TryContinueAsync(Truth truth, bool advance, CancellationToken cancel)
    {
        var views = await ListAsync(truth, advance, truth.Position, cancel);
        if (!off.HasFlag(ProtocolRule.CacheMustContinue) && views.Any(view => !Continues(truth, view.Key, view.Value)))
            return false;
        foreach (var (partition, view) in views)
        {
            truth.Position.TryAdd(partition, truth.Meta.Value.Starts[partition]);
            foreach (var range in view.Ranges)
            {
                if (off.HasFlag(ProtocolRule.CacheMustContinue))
                    truth.Position[partition] = range.From;
                truth.Append(range);
            }
        }

        await FoldAsync(truth, [.. views.Values.SelectMany(view => view.Ranges)], cancel);
        Mark(truth);
        return true;
    }

    /// <summary>A cache stands in for reading entities only if nothing was settled past it: the first new range begins, or Next is, where it ends.</summary>
    private static bool Continues(Truth truth, int partition, PartitionView view)
    {
        var position = truth.Position.GetValueOrDefault(partition, truth.Meta.Value.Starts[partition]);
        return view.Ranges.Count > 0 ? view.Ranges[0].From == position : view.Head?.Value.Next == position;
    }

    private async Task<Truth> ReadAnewAsync(bool advance, CancellationToken cancel)
    {
        var truth = new Truth();
        if (!off.HasFlag(ProtocolRule.ETagsBeforeRanges))
            await ReadResultsAsync(truth, cancel);
        var views = await ListAsync(truth, advance, new Dictionary<int, long>(), cancel);
        var registry = await ledger.ReadRegistryAsync(cancel);
        var touched = views.Values.SelectMany(view => view.Ranges).SelectMany(range => range.Entities);
        var loaded = new Dictionary<EntityKey, EntitySnapshot?>();
        var gone = new Dictionary<EntityKey, EntityStateGoneException>();
        foreach (var key in registry.Select(row => row.Entity).Concat(touched).Distinct().Order().ToList())
            try
            {
                loaded[key] = await entities.ReadAsync(key, cancel);
            }
            catch (EntityStateGoneException e)
            {
                // A ghost that nobody will read, unless the positions say that it is still needed.
                (loaded[key], gone[key]) = (null, e);
            }

        await ReadTablesAsync(truth, cancel);
        foreach (var (key, failure) in gone)
            if (!IsEvictable(truth, key))
                throw failure;
        if (off.HasFlag(ProtocolRule.ETagsBeforeRanges))
            await ReadResultsAsync(truth, cancel);

        await CheckRegistryAsync(truth, registry, loaded, cancel);
        await _events.ReadAsync(truth, id, views.ToDictionary(v => v.Key, v => v.Value.Ranges.Count > 0 ? v.Value.Ranges[0].From : v.Value.Head!.Value.Value.Next), cancel);
        foreach (var (key, snapshot) in loaded)
            if (!StreamEntities.Is(key) && !IsEvictable(truth, key) && !truth.Refused.Contains(key.Bundle))
                Load(truth, key, snapshot, registry.Any(row => row.Entity == key));
        foreach (var (partition, view) in views)
            OpenStreams(truth, partition, view.Ranges.Count > 0 ? view.Ranges[0].From : view.Head!.Value.Value.Next, loaded.GetValueOrDefault(PartitionStreams.KeyOf(partition)));
        truth.CheckDefinitions(pipeline);
        foreach (var chain in pipeline.Streams.Where(s => s.IsChained && !truth.Refused.Contains(StreamEntities.Chain(s).Bundle)))
            OpenChain(truth, chain, loaded.GetValueOrDefault(StreamEntities.Chain(chain)));
        foreach (var (partition, view) in views)
        {
            foreach (var range in view.Ranges)
                truth.Append(range);
            truth.Position.TryAdd(partition, view.Head!.Value.Value.Next);
        }

        await FoldAsync(truth, [.. views.Values.SelectMany(view => view.Ranges)], cancel);
        Mark(truth);
        return truth;
    }

    /// <summary>
    /// Every range below the frontier is listed, so time may move to it where a partition's input stands still.
    /// </summary>
    private static void Mark(Truth truth)
    {
        if (truth.Meta.Value.FrontierMs is not { } frontier)
            return;
        foreach (var stream in truth.Streams.Values.SelectMany(streams => streams.Streams))
            stream.Mark(frontier);
    }

    /// <summary>The streams of a partition as saved; those without saved state begin at the first range that is there.</summary>
    private void OpenStreams(Truth truth, int partition, long first, EntitySnapshot? snapshot)
    {
        if (truth.Refused.Contains(PartitionStreams.Bundle) || pipeline.Streams.All(s => s.IsChained))
            return;
        var key = PartitionStreams.KeyOf(partition);
        var entity = truth.StreamEntity(key);
        entity.Read(snapshot);
        entity.IsRegistered = snapshot is not null;
        var streams = new PartitionStreams(pipeline, entity.Position.GetValueOrDefault(partition, first), snapshot?.State ?? []);
        if (streams.At < first)
            throw new InvalidDataException($"Entity {key} stands at {streams.At}, but the first range of partition {partition} begins at {first}; its state or the ledger was changed by hand.");
        foreach (var stream in streams.Streams)
        {
            var table = TableNames.Gold(stream.Spec.Name);
            stream.Has(truth.PositionOf(table, id.StreamAppId(stream.Spec.Name, partition)), truth.PositionOf(table, id.StreamTimeAppId(stream.Spec.Name, partition)));
        }

        truth.Streams[partition] = streams;
    }

    private void OpenChain(Truth truth, StreamSpec spec, EntitySnapshot? snapshot)
    {
        var entity = truth.StreamEntity(StreamEntities.Chain(spec));
        entity.Read(snapshot);
        entity.IsRegistered = snapshot is not null;
        var stream = new StreamTruth(spec, pipeline.OpenStream(spec.Name, snapshot?.State ?? []), entity.Position.GetValueOrDefault(StreamEntities.Versions, -1));
        if (snapshot is null && spec.Joined is not null && JoinStart.Of(truth, id, spec) is { } start)
            stream.Begin(start);
        stream.Has(truth.PositionOf(id, spec.Name), truth.PositionOf(TableNames.Gold(spec.Name), id.ChainTimeAppId(spec.Name)));
        truth.Chains[spec.Name] = stream;
    }

    /// <summary>Meta, the frontier, and per partition its head and the ranges from the given offsets on, listed after its head had the frontier.</summary>
    private async Task<Dictionary<int, PartitionView>> ListAsync(Truth truth, bool advance, IReadOnlyDictionary<int, long> from, CancellationToken cancel)
    {
        truth.Meta = await definitions.SettleAsync(await partitions.EnsureMetaAsync(cancel), cancel);
        truth.IsIdle = false;
        var views = await ViewAsync(truth.Meta.Value.Starts.Keys, from, cancel);
        if (advance || truth.Meta.Value.EndOfInput)
            await AdvanceAsync(truth, views, cancel);
        var again = new List<int>();
        foreach (var (partition, view) in views.OrderBy(view => view.Key).ToList())
        {
            var raised = await frontier.RaiseAsync(partition, truth.Meta.Value, view.Head, cancel);
            if (raised.Head is { } head)
                views[partition] = view with { Head = head };
            if (!raised.ListingHolds && !off.HasFlag(ProtocolRule.RaiseHeadsBeforeListing))
                again.Add(partition);
        }

        foreach (var (partition, view) in await ViewAsync(again, from, cancel))
            views[partition] = view;
        truth.Heads.Clear();
        foreach (var (partition, view) in views)
            truth.Heads[partition] = view.Head!.Value.Value;
        return views;
    }

    private async Task AdvanceAsync(Truth truth, IReadOnlyDictionary<int, PartitionView> views, CancellationToken cancel)
    {
        var meta = truth.Meta.Value;
        var (candidate, isIdle) = await frontier.CandidateAsync(meta, views, cancel);
        truth.IsIdle = isIdle;
        if (candidate is not { } next || next == meta.FrontierMs)
            return;
        var raised = meta with { FrontierMs = next };
        if (await ledger.TryWriteMetaAsync(raised, truth.Meta.ETag, cancel) is not { } etag)
            throw new CompetingTickException("Meta changed while the frontier was being published.");
        truth.Meta = new VersionedMeta(raised, etag);
    }

    private async Task<Dictionary<int, PartitionView>> ViewAsync(IEnumerable<int> wanted, IReadOnlyDictionary<int, long> from, CancellationToken cancel)
    {
        var order = wanted.Order().ToList();
        var views = await Task.WhenAll(order.Select(p => ledger.ReadPartitionAsync(p, from.GetValueOrDefault(p, 0), cancel)));
        return order.Zip(views).ToDictionary(pair => pair.First, pair => pair.Second);
    }

    private async Task ReadResultsAsync(Truth truth, CancellationToken cancel)
    {
        foreach (var query in pipeline.Queries.Where(q => q.InTableStorage))
            await ReadResultsAsync(truth, query, published => results.ReadETagsAsync(query, published.Cursor.PositionMs - query.SizeMs, cancel), cancel);
        // Rows under keys of their own are written without looking; of those under a key that is written again and again, all are known.
        foreach (var stream in pipeline.Streams.Where(s => s.InTableStorage))
        {
            var revisions = stream.Results == StreamResults.Latest ? await results.ReadRevisionsAsync(stream, cancel) : null;
            await ReadResultsAsync(truth, stream, null, cancel);
            foreach (var (rowKey, row) in revisions ?? new Dictionary<string, (string, long)>())
                truth.Results[stream.Name].Revisions[rowKey] = row;
        }
    }

    private async Task ReadResultsAsync(Truth truth, IOutput output, Func<PublishedResults, Task<IReadOnlyDictionary<string, string>>>? etags, CancellationToken cancel)
    {
        var (cursor, etag) = await ledger.ReadCursorAsync(output.Name, cancel);
        var published = new PublishedResults { Cursor = cursor, CursorETag = etag };
        if (etags is not null)
            foreach (var (rowKey, rowETag) in await etags(published))
                if (rowKey == IResults.Fence)
                    published.Fence = rowETag;
                else
                    published.Rows[rowKey] = (rowETag, 0);
        truth.Results[output.Name] = published;
    }

    private async Task ReadTablesAsync(Truth truth, CancellationToken cancel)
    {
        foreach (var table in pipeline.Tables.Select(t => t.Name).Concat(pipeline.Queries.Select(q => TableNames.Gold(q.Name)))
            .Concat(pipeline.Streams.Select(s => TableNames.Gold(s.Name))))
            truth.Tables[table] = await lake.ReadHeadAsync(table, cancel);
    }

    private bool IsEvictable(Truth truth, EntityKey key) => truth.IsEvictable(pipeline, id, key);

    private void Load(Truth truth, EntityKey key, EntitySnapshot? snapshot, bool registered)
    {
        var entity = truth.Entity(pipeline, key);
        entity.Read(snapshot);
        entity.IsRegistered = registered;
        if (snapshot is null)
            return;
        truth.States[key] = pipeline.Load(key, snapshot.State);
        truth.Touched.Add(key);
    }

    /// <summary>Folds ranges in this order; what is staged of the next ones is read and decoded meanwhile.</summary>
    private async Task FoldAsync(Truth truth, IReadOnlyList<RangeRow> ranges, CancellationToken cancel)
    {
        foreach (var (partition, first) in ranges.GroupBy(range => range.Partition).Select(p => (p.Key, p.First().From)))
            if (!truth.Streams.ContainsKey(partition))
                OpenStreams(truth, partition, first, null); // A partition that joined after this cache was read.
        var ahead = new Queue<Task<RangeInput>>();
        try
        {
            var next = 0;
            foreach (var range in ranges)
            {
                while (next < ranges.Count && ahead.Count < ReadAhead)
                    ahead.Enqueue(ReadAsync(truth, ranges[next++], cancel));
                Fold(truth, range, await ahead.Dequeue());
            }
        }
        finally
        {
            // Nothing goes on behind the back of a tick that failed; its own failure is the one that is told.
            await Task.WhenAll(ahead).ContinueWith(static _ => { }, CancellationToken.None, TaskContinuationOptions.ExecuteSynchronously, TaskScheduler.Default);
        }
    }

    /// <summary>What folding a range needs: the rows that streams read, by source, and the partials.</summary>
    private async Task<RangeInput> ReadAsync(Truth truth, RangeRow range, CancellationToken cancel)
    {
        var rows = new Dictionary<string, RowBatch?>();
        if (truth.Streams.TryGetValue(range.Partition, out var streams) && range.To > streams.At)
            foreach (var source in streams.Streams.GroupBy(stream => stream.Spec.Source).Where(source => range.Rows.ContainsKey(source.Key)))
                rows[source.Key] = await segments.ReadRowsAsync(range, source.Key, [.. source.SelectMany(stream => stream.Spec.Columns).Distinct()], cancel);
        return new RangeInput(rows, range.Entities.Count == 0 ? null : await segments.ReadPartialsAsync(range, cancel), await _events.ReadAsync(truth, range, cancel));
    }

    /// <summary>
    /// Merges a range into the entities it touches, only where the entity, as read, does not have it. That holds for a range listed by a later tick
    /// too: an entity is read after the ranges and may be ahead of them, when a competing tick applied what was committed in between.
    /// </summary>
    private void Fold(Truth truth, RangeRow range, RangeInput input)
    {
        FoldStreams(truth, range, input.Rows);
        EventState.Fold(truth, input.Events);
        foreach (var key in range.Entities)
        {
            if (IsEvictable(truth, key) || truth.Refused.Contains(key.Bundle))
                continue;
            var entity = truth.Entity(pipeline, key);
            if (entity.Covers(range.Partition, range.To))
                continue;
            if (entity.Covers(range.Partition, range.From + 1))
                throw new InvalidDataException(
                    $"Entity {key} stands inside the range {range.From}-{range.To} of partition {range.Partition}; its state or the ledger was changed by hand.");
            var partial = input.Partials![key];
            truth.States[key].Merge(partial);
            entity.Pending.Add(new PendingPartial(range.Partition, range.To, partial));
            truth.Touched.Add(key);
        }

        truth.CheckDefinitions(pipeline);
    }

    private static void FoldStreams(Truth truth, RangeRow range, Dictionary<string, RowBatch?> rows)
    {
        if (!truth.Streams.TryGetValue(range.Partition, out var streams) || range.To <= streams.At)
            return;
        if (range.From != streams.At)
            throw new CompetingTickException($"The streams of partition {range.Partition} stand at {streams.At}, the range begins at {range.From}; another tick checkpointed in between.");
        foreach (var stream in streams.Streams)
            stream.Fold(range.To, range.Tag, rows.GetValueOrDefault(stream.Spec.Source));
    }

    private sealed record RangeInput(Dictionary<string, RowBatch?> Rows, IReadOnlyDictionary<EntityKey, byte[]>? Partials, EventsOfRange? Events);

    /// <summary>An entity that is read below the version that ranges were settled at has forgotten them: nothing may be computed from it.</summary>
    private async Task CheckRegistryAsync(
        Truth truth, IReadOnlyList<RegistryRow> registry, Dictionary<EntityKey, EntitySnapshot?> loaded, CancellationToken cancel)
    {
        foreach (var row in registry)
        {
            if (IsEvictable(truth, row.Entity) || row.IsHeldBy(loaded[row.Entity]))
                continue;
            loaded[row.Entity] = await entities.ReadAsync(row.Entity, cancel);
            if (row.IsHeldBy(loaded[row.Entity]))
                continue;
            await ReadTablesAsync(truth, cancel);
            if (IsEvictable(truth, row.Entity))
                throw new CompetingTickException($"Entity {row.Entity} was evicted while this tick was reading it.");
            var text = $"Entity {row.Entity} is at version {loaded[row.Entity]?.Version ?? 0}, but ranges were settled into version {row.Version}: "
                + $"the task hub lost state. Queries of bundle {row.Entity.Bundle} stand still and their ranges stay open; restore the task hub, or start a new PipelineVersion.";
            await alerts.RaiseAsync("entity-forgot", row.Entity.ToString(), text, cancel);
            truth.Refused.Add(row.Entity.Bundle);
        }
    }
}
