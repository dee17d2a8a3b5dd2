using Tidemark.Domain.Columns;
using Tidemark.Domain.Ledger;
using Tidemark.Domain.Pipelines;

namespace Tidemark.Domain.Streams;

/// <summary>A pipeline that reads no topic: joins of the tables that two others fill. Its ticks follow the commits of both.</summary>
public sealed class TopicJoinPipeline : IPipeline
{
    private readonly IReadOnlyList<TopicJoinPlan> _plans;

    /// <summary>Checks the joins; a <see cref="StreamException"/> names join, field and remedy.</summary>
    public TopicJoinPipeline(IReadOnlyList<TopicJoin> joins)
    {
        _plans = [.. joins.Select(join => new TopicJoinPlan(join))];
        Streams = [.. _plans.SelectMany(plan => new[] { plan.Rows, plan.Late })];
        HorizonMs = Streams.Max(stream => stream.HorizonMs);
    }

    /// <inheritdoc/>
    public IReadOnlyList<TableSpec> Tables => [];

    /// <inheritdoc/>
    public IReadOnlyList<QuerySpec> Queries => [];

    /// <inheritdoc/>
    public IReadOnlyList<StreamSpec> Streams { get; }

    /// <summary>How far beyond the newest event of both topics their frontiers must move for everything to come out.</summary>
    public long HorizonMs { get; }

    /// <inheritdoc/>
    public string Describe() => string.Concat(_plans.Select(StreamText.Describe));

    /// <inheritdoc/>
    public IStreamState OpenStream(string stream, ReadOnlySpan<byte> state)
    {
        foreach (var plan in _plans)
        {
            if (plan.Rows.Name == stream)
                return plan.OpenRows(state);
            if (plan.Late.Name == stream)
                return plan.OpenLate(state);
        }

        throw new KeyNotFoundException($"The pipeline has no stream '{stream}'.");
    }

    /// <inheritdoc/>
    public bool IsEvictable(EntityKey key, Func<string, long?> positionOf) => false;

    /// <inheritdoc/>
    public IDecodedRecords Decode(int partition, IReadOnlyList<SourceRecord> records, long ingestTimeMs) => throw NoTopic();

    /// <inheritdoc/>
    public Segment Build(IDecodedRecords decoded, long frontierMs) => throw NoTopic();

    /// <inheritdoc/>
    public IFoldState Load(EntityKey key, ReadOnlySpan<byte> state) => throw NoTopic();

    /// <inheritdoc/>
    public RowBatch Emit(string query, IReadOnlyDictionary<EntityKey, IFoldState> states, long? after, long upTo, IReadOnlySet<EntityKey>? touched = null) => throw NoTopic();

    private static NotSupportedException NoTopic() => new("A pipeline of joins reads no topic.");
}

/// <summary>In place of the log of a topic, for a pipeline that reads none.</summary>
public sealed class NoTopicLog : ITopicLog
{
    /// <inheritdoc/>
    public Task<IReadOnlyList<int>> PartitionsAsync(CancellationToken cancel) => Task.FromResult<IReadOnlyList<int>>([]);

    /// <inheritdoc/>
    public Task<LogBounds> BoundsAsync(int partition, CancellationToken cancel) => throw new NotSupportedException("There is no topic.");

    /// <inheritdoc/>
    public Task<IReadOnlyList<SourceRecord>> FetchAsync(int partition, long from, long to, int limit, CancellationToken cancel) => throw new NotSupportedException("There is no topic.");

    /// <inheritdoc/>
    public Task<long> OffsetAtAsync(int partition, long timeMs, CancellationToken cancel) => throw new NotSupportedException("There is no topic.");
}
