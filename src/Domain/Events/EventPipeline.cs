using System.Collections.Concurrent;
using Tidemark.Domain.Columns;
using Tidemark.Domain.Deduplication;
using Tidemark.Domain.Enrichment;
using Tidemark.Domain.Lateness;
using Tidemark.Domain.Pipelines;
using Tidemark.Domain.Queries;
using Tidemark.Domain.Streams;
using Tidemark.Domain.Windows;

namespace Tidemark.Domain.Events;

/// <summary>
/// The pipeline of JSON events: bronze, silver, quarantine and late tables, and window queries over silver. Decode and Build may run for several
/// partitions at the same time. What <see cref="Decode"/> returns is <see cref="IDisposable"/>: a caller that disposes it once the segments built
/// from it are written saves their memory for the next batch.
/// </summary>
public sealed class EventPipeline : IPipeline, IDeduplicating, IRecounting
{
    private readonly EventOptions options;
    private readonly IReadOnlyList<QueryDefinition> definitions;
    private readonly WindowQueries windows;
    private readonly TimeSpan entitySpan;
    private readonly IReadOnlyList<EventStreamPlan> streams;
    private readonly EnrichmentOptions? enrichment;
    private readonly RecordSchema? schema;
    private readonly RecordTables tables;
    private readonly ConcurrentBag<JsonDecoder> decoders = [];
    private readonly ConcurrentBag<RecordBuffers> buffers = [];

    /// <summary>Checks options and queries.</summary>
    /// <param name="options">What the decoder is told.</param>
    /// <param name="queries">Window queries over <see cref="EventTables.Silver"/>.</param>
    /// <param name="entitySpan">Span of event time that the slices of queries with short slices share an entity for; null = 5 minutes.</param>
    /// <param name="streams">Streams over <see cref="EventTables.Silver"/>, over queries, and over streams before them.</param>
    /// <param name="enrichment">The reference data that events are joined with into <c>gold/enriched_clickstream</c>; null = that table is not made.</param>
    /// <param name="schema">The records of the topic; null = events of the shop, as docs/tables.md describes them.</param>
    /// <param name="tables">Name of the tables of a further topic of events of the shop, such as <c>purchases</c>; null = <c>silver/events</c> and the like.</param>
    /// <exception cref="ArgumentException">An option makes no sense, or a <see cref="QueryException"/> or <see cref="StreamException"/> names query or stage, field and remedy.</exception>
    public EventPipeline(
        EventOptions options, IReadOnlyList<QueryDefinition> queries, TimeSpan? entitySpan = null, IReadOnlyList<EventStream>? streams = null,
        EnrichmentOptions? enrichment = null, RecordSchema? schema = null, string? tables = null)
    {
        this.schema = schema?.Validated();
        this.tables = schema?.Tables() ?? (tables is null ? RecordTables.Events : RecordTables.Events.Named(tables));
        if ((schema ?? (object?)tables) is not null && enrichment is not null)
            throw new ArgumentException("Only events of the main topic are enriched; leave enrichment out for another schema or other tables.", nameof(enrichment));
        if (schema is not null && tables is not null)
            throw new ArgumentException($"Schema {schema.Name} names its tables itself; leave '{tables}' out.", nameof(tables));
        this.options = options.Validated();
        this.enrichment = enrichment;
        Tables = enrichment is null ? this.tables.All : [.. this.tables.All, EnrichedEvents.Table];
        definitions = [.. queries];
        if (entitySpan < TimeSpan.FromSeconds(1))
            throw new ArgumentException($"The entity span is {entitySpan}; give at least a second.", nameof(entitySpan));
        windows = new WindowQueries(queries, this.tables.Silver.Schema, "event_time", this.entitySpan = entitySpan ?? TimeSpan.FromMinutes(5));
        Queries = [.. windows.Specs.Zip(definitions, (spec, definition) => spec with { Description = QueryWords.Of(definition) })];
        this.streams = EventStreams.Bind(streams ?? [], Tables, windows.Specs);
        foreach (var stream in this.streams.Select(s => s.Stream).Where(s => s.Source == this.tables.Silver.Name))
            if (options.DeduplicateWithin > TimeSpan.Zero && stream.Delay + stream.InTimeFor > options.DeduplicateWithin)
                throw new StreamException(stream.Name, $"it takes events up to {stream.Delay + stream.InTimeFor} behind the frontier, but duplicates are recognised up to "
                    + $"{options.DeduplicateWithin}; raise DeduplicateWithin, set it to zero for none, or shorten the stream's delay or gap");
    }

    /// <inheritdoc/>
    public IReadOnlyList<TableSpec> Tables { get; }

    /// <inheritdoc/>
    public IReadOnlyList<QuerySpec> Queries { get; }

    /// <inheritdoc/>
    public IReadOnlyList<StreamSpec> Streams => [.. streams.Select(s => s.Spec)];

    /// <summary>What decides which events are late for its queries, and for its streams over events.</summary>
    public IReadOnlyList<LateOutput> LateOutputs => [.. definitions.Select(LateOutput.Of), .. streams.Select(s => LateOutput.Of(s.Stream)).OfType<LateOutput>()];

    /// <inheritdoc/>
    public string Describe() => PipelineText.Describe(options, Tables, [.. definitions.Zip(Queries)], streams);

    /// <inheritdoc/>
    public IDecodedRecords Decode(int partition, IReadOnlyList<SourceRecord> records, long ingestTimeMs)
    {
        if (!decoders.TryTake(out var decoder))
            decoder = schema is null ? new EventDecoder(options) : new SchemaDecoder(options, schema);
        if (buffers.TryTake(out var rows))
            rows.Reset();
        else
            rows = schema is null ? new EventBuffers() : new SchemaBuffers(schema, tables.Silver.Schema);
        var decoded = decoder.Decode(partition, records, ingestTimeMs, enrichment?.Now ?? default, rows, buffers.Add);
        decoders.Add(decoder);
        return decoded;
    }

    /// <inheritdoc/>
    public Segment Build(IDecodedRecords decoded, long frontierMs)
    {
        var events = (DecodedEvents)decoded;
        var partialBuffers = events.Partials;
        partialBuffers.Reset();
        LateTable? late = null;
        var counts = new Dictionary<string, long> { ["records"] = events.Bronze.Count, ["events"] = events.Silver.Count };
        foreach (var (reason, count) in events.Reasons)
        {
            counts["quarantined/" + reason] = count;
            if (QuarantineReason.IsOfSchema(reason))
                counts["refused/" + reason] = count;
        }
        if (events.Duplicates > 0)
            counts["duplicates"] = events.Duplicates;
        var countable = events.Silver;
        if (events.TooOld.Count > 0)
        {
            counts["undeduplicated"] = events.TooOld.Count;
            countable = RowBatches.Take(events.Silver, [.. Enumerable.Range(0, events.Silver.Count).Except(events.TooOld)]);
            // Under a frontier beyond every window, so that nothing of them is counted.
            var old = RowBatches.Take(events.Silver, [.. events.TooOld]);
            windows.Map(old, EventTime.End, partialBuffers, (plan, rows) => AddLate(old, plan, rows));
        }
        var partials = windows.Map(countable, frontierMs, partialBuffers, (plan, rows) => AddLate(countable, plan, rows));
        foreach (var stream in streams.Where(s => s.Stream.Source == tables.Silver.Name))
        {
            var missed = stream.Late(events.Silver, frontierMs).ToList();
            if (missed.Count == 0)
                continue;
            (late ??= new LateTable(tables.Late, frontierMs)).Add(events.Silver, stream, missed);
            counts["late/" + stream.Stream.Name] = missed.Count;
        }

        var rowsOf = new Dictionary<string, RowBatch>();
        Add(tables.Bronze, events.Bronze);
        Add(tables.Silver, events.Silver);
        Add(tables.Quarantine, events.Quarantine);
        if (late is not null)
            Add(tables.Late, late.Build());
        if (enrichment is not null && events.Silver.Count > 0)
        {
            var (rows, products, customers, countries) = events.Enrich(enrichment.Join);
            counts["in_catalog"] = products;
            counts["in_customers"] = customers;
            counts["in_countries"] = countries;
            Add(EnrichedEvents.Table, rows);
        }
        return new Segment(rowsOf, partials, counts);

        void AddLate(RowBatch from, QueryPlan plan, LateRows rows)
        {
            (late ??= new LateTable(tables.Late, frontierMs)).Add(from, plan, rows);
            counts["late/" + plan.Name] = counts.GetValueOrDefault("late/" + plan.Name) + rows.Rows.Count;
        }

        void Add(TableSpec table, RowBatch rows)
        {
            if (rows.Count > 0)
                rowsOf[table.Name] = rows;
        }
    }

    /// <inheritdoc/>
    public string EventTable => tables.Silver.Name;

    /// <inheritdoc/>
    public string LateTable => tables.Late.Name;

    /// <inheritdoc/>
    public ulong FingerprintOf(string name) => streams.FirstOrDefault(s => s.Stream.Name == name)?.Fingerprint ?? windows.PlanOf(name).Layout.Fingerprint;

    /// <inheritdoc/>
    public RowBatch ValidEvents(IDecodedRecords decoded) => ((DecodedEvents)decoded).Valid;

    /// <inheritdoc/>
    public IRecount Recount(string query)
    {
        var names = tables.Silver.Schema.Fields.Select(f => f.Name).ToList();
        return new WindowRecount(windows.PlanOf(query).Definition, tables.Silver.Schema, "event_time", [.. SilverIds.Columns.Where(names.Contains)], entitySpan, ((IDeduplicating)this).HorizonMs);
    }

    /// <inheritdoc/>
    long? IDeduplicating.HorizonMs => options.DeduplicateWithin > TimeSpan.Zero && tables.Silver.Schema.Fields.Any(f => f.Name == "event_id") ? (long)options.DeduplicateWithin.TotalMilliseconds : null;

    /// <inheritdoc/>
    string IDeduplicating.Table => tables.Silver.Name;

    /// <inheritdoc/>
    IReadOnlyList<string> IDeduplicating.Columns => SilverIds.Columns;

    /// <inheritdoc/>
    IReadOnlyList<ColumnBounds> IDeduplicating.Bounds(int partition, long fromOffset, long afterMs) => SilverIds.Bounds(partition, fromOffset, afterMs);

    /// <inheritdoc/>
    void IDeduplicating.Read(RowBatch rows, List<SeenEvent> into) => SilverIds.Read(rows, into);

    /// <inheritdoc/>
    void IDeduplicating.Read(IDecodedRecords decoded, List<SeenEvent> into) => SilverIds.Read(((DecodedEvents)decoded).Valid, into);

    /// <inheritdoc/>
    void IDeduplicating.Judge(IDecodedRecords decoded, ReadOnlySpan<Verdict> verdicts) => ((DecodedEvents)decoded).Judge(verdicts);

    /// <inheritdoc/>
    public IFoldState Load(EntityKey key, ReadOnlySpan<byte> state) => windows.Load(key, state);

    /// <inheritdoc/>
    public bool IsEvictable(EntityKey key, Func<string, long?> positionOf) => windows.IsEvictable(key, positionOf);

    /// <inheritdoc/>
    public RowBatch Emit(string query, IReadOnlyDictionary<EntityKey, IFoldState> states, long? after, long upTo, IReadOnlySet<EntityKey>? touched = null) =>
        windows.Emit(query, states, after, upTo, touched);

    /// <inheritdoc/>
    public IStreamState OpenStream(string stream, ReadOnlySpan<byte> state) =>
        (streams.FirstOrDefault(s => s.Stream.Name == stream) ?? throw new KeyNotFoundException($"The pipeline has no stream '{stream}'.")).Open(state);
}
