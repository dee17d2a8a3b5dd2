using Tidemark.Domain.Pipelines;

namespace Tidemark.Domain.Ledger;

/// <summary>
/// How partitions come into the ledger: by compare-and-set on meta (with the offset they start at), then by their head with that version's
/// frontier. A publisher of the frontier fails on the changed meta and looks again, so no head is ever missed.
/// </summary>
internal sealed class Partitions(IPipeline pipeline, ILedger ledger, ITopicLog log, StartFrom startFrom, TimeProvider time, ProtocolRule off)
{
    private bool _saidStart;

    /// <summary>Meta, created on the first start with every partition that the broker knows.</summary>
    public async Task<VersionedMeta> EnsureMetaAsync(CancellationToken cancel)
    {
        while (true)
        {
            if (await ledger.ReadMetaAsync(cancel) is { } meta)
                return meta;
            var starts = await startFrom.ResolveAsync(log, await log.PartitionsAsync(cancel), time.GetUtcNow().ToUnixTimeMilliseconds(), cancel);
            var first = new Meta(starts, FrontierMs: null, Hold: false, EndOfInput: false) { Definitions = Definitions.Of(pipeline), StartedFrom = startFrom.ToString() };
            await ledger.TryWriteMetaAsync(first, etag: null, cancel);
        }
    }

    /// <summary>Says, once a process, that the start asked for is not the one that was made; null where it is, or nothing was noted and nothing special is asked for.</summary>
    public string? TakeIgnoredStart(Meta meta, string topic)
    {
        if (_saidStart)
            return null;
        _saidStart = true;
        return meta.StartedFrom == startFrom.ToString() || (meta.StartedFrom is null && startFrom is { TimeMs: null, Offsets: null })
            ? null
            : $"{startFrom.Setting} is {startFrom}, but the pipeline of topic {topic} has begun already{(meta.StartedFrom is { } noted ? $", from {noted}" : "")}, and goes on where it is: the setting counts at the first start only. "
                + "To read from there, start a new PipelineVersion, or compute one beside this one with ./run replay --start.";
    }

    /// <summary>Meta with this partition in it; one that was not there starts at its log start.</summary>
    public async Task<VersionedMeta> JoinAsync(int partition, CancellationToken cancel)
    {
        while (true)
        {
            var meta = await EnsureMetaAsync(cancel);
            if (meta.Value.Starts.ContainsKey(partition))
                return meta;
            var bounds = await log.BoundsAsync(partition, cancel);
            var start = off.HasFlag(ProtocolRule.NewPartitionFromStart) ? bounds.End : bounds.Start;
            var starts = new Dictionary<int, long>(meta.Value.Starts) { [partition] = start };
            await ledger.TryWriteMetaAsync(meta.Value with { Starts = starts }, meta.ETag, cancel);
        }
    }

    /// <summary>The partition's head, inserted under this meta's frontier if it has none.</summary>
    public async Task<VersionedHead> EnsureHeadAsync(int partition, Meta meta, CancellationToken cancel)
    {
        if (await ledger.ReadHeadAsync(partition, cancel) is { } there)
            return there;
        var head = new Head(meta.Starts[partition], MaxEventTimeMs: null, meta.FrontierMs, time.GetUtcNow().ToUnixTimeMilliseconds());
        if (await ledger.TryInsertHeadAsync(partition, head, cancel) is { } etag)
            return new VersionedHead(head, etag);
        return await ledger.ReadHeadAsync(partition, cancel)
            ?? throw new InvalidOperationException($"The head of partition {partition} could neither be inserted nor read; the ledger table was changed by hand.");
    }
}
