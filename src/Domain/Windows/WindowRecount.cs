using Tidemark.Domain.Columns;
using Tidemark.Domain.Pipelines;
using Tidemark.Domain.Queries;

namespace Tidemark.Domain.Windows;

/// <summary>
/// A window query over rows of its table: the map side, fold and emission that the ledger drives, bound to the columns that the query reads and no others.
/// </summary>
internal sealed class WindowRecount : IRecount
{
    private readonly QueryDefinition _definition;
    private readonly QueryPlan _plan;
    private readonly WindowQueries _queries;
    private readonly PartialBuffers _buffers = new();
    private readonly RowSchema _schema;
    private readonly string _timeField;
    private readonly long? _horizonMs;
    private readonly Dictionary<EntityKey, IFoldState> _states = [];

    /// <param name="definition">The query.</param>
    /// <param name="source">Columns of the table that it reads.</param>
    /// <param name="timeField">Column of the event time.</param>
    /// <param name="origin">Columns that name an event; read besides.</param>
    /// <param name="commonSpan">As for <see cref="WindowQueries"/>.</param>
    /// <param name="horizonMs">Horizon of deduplication; null = none.</param>
    public WindowRecount(QueryDefinition definition, RowSchema source, string timeField, IReadOnlyList<string> origin, TimeSpan commonSpan, long? horizonMs)
    {
        (_definition, _timeField, _horizonMs) = (definition, timeField, horizonMs);
        var read = origin.Append(timeField).Concat(definition.Keys).Concat(Filter.Fields(definition.Where))
            .Concat(definition.Aggregates.SelectMany(a => (a.Field is null ? [] : (string[])[a.Field]).Concat(a.Where is null ? [] : Filter.Fields(a.Where)))).ToHashSet();
        _schema = new RowSchema([.. source.Fields.Where(f => read.Contains(f.Name))]);
        _queries = new WindowQueries([definition], _schema, timeField, commonSpan);
        _plan = _queries.PlanOf(definition.Name);
    }

    public QuerySpec Query => _plan.Spec;

    public IReadOnlyList<string> Groups => _definition.Keys;

    public IReadOnlyList<string> Columns => [.. _schema.Fields.Select(f => f.Name)];

    public IReadOnlyCollection<EntityKey> Add(RowBatch rows, long? missedUpTo)
    {
        // Under the frontier whose watermark that is. What the rows missed is no news.
        _buffers.Reset();
        var partials = _queries.Map(Own(rows), missedUpTo + Query.DelayMs ?? long.MinValue, _buffers, (_, _) => { });
        foreach (var (key, partial) in partials)
        {
            if (!_states.TryGetValue(key, out var state))
                _states[key] = state = _queries.Load(key, []);
            state.Merge(partial.Span);
        }

        return partials.Keys;
    }

    public bool[] Takes(RowBatch rows)
    {
        rows = Own(rows);
        var mask = new byte[rows.Count];
        RowMask.Fill(_definition.Where, rows, mask);
        return [.. mask.Select((m, row) => m != 0 && !rows[_timeField].IsNull(row))];
    }

    public bool IsTooOld(long eventTimeMs, long frontierMs) => _horizonMs is { } horizon && eventTimeMs + horizon <= frontierMs;

    public IReadOnlyList<long> WindowEnds(long eventTimeMs)
    {
        var slice = _plan.Grid.SliceOf(eventTimeMs);
        var ends = new List<long>();
        for (var end = _plan.Grid.FirstEnd(slice); end <= _plan.Grid.LastEnd(slice); end += _plan.Grid.Slide)
            ends.Add(end);
        return ends;
    }

    public RowBatch Emit(long? after, long upTo, IReadOnlySet<EntityKey>? touched = null) => _queries.Emit(_definition.Name, _states, after, upTo, touched);

    public void Evict(long upTo)
    {
        foreach (var key in _states.Keys.ToArray())
        {
            _states[key].Evict(_ => upTo);
            if (_queries.IsEvictable(key, _ => upTo))
                _states.Remove(key);
        }
    }

    private RowBatch Own(RowBatch rows) => new(_schema, [.. _schema.Fields.Select(f => rows[f.Name])], rows.Count);
}
