using Tidemark.Domain.Columns;
using Tidemark.Domain.Pipelines;

namespace Tidemark.Domain.Ledger;

/// <summary>
/// What the ledger and the entities together say: entity state + committed ranges beyond its position. Held between ticks as a cache that may be
/// lost at any moment.
/// </summary>
internal sealed class Truth
{
    /// <summary>Per partition the offset up to which ranges are folded in.</summary>
    public Dictionary<int, long> Position { get; } = [];

    /// <summary>Ranges listed and not settled, per partition, ascending and contiguous.</summary>
    public SortedDictionary<int, List<RangeRow>> Ranges { get; } = [];

    /// <summary>Entities that are not evicted.</summary>
    public Dictionary<EntityKey, EntityTruth> Entities { get; } = [];

    /// <summary>The fold states of <see cref="Entities"/>.</summary>
    public Dictionary<EntityKey, IFoldState> States { get; } = [];

    /// <summary>State of queries that is counted from events and not held by entities, by name.</summary>
    public Dictionary<string, IRecount> Counted { get; } = [];

    /// <summary>Entities folded into since provisional results were last published.</summary>
    public HashSet<EntityKey> Touched { get; } = [];

    /// <summary>As <see cref="Touched"/>, for queries that wait for their trigger: what was touched before that, by query.</summary>
    public Dictionary<string, HashSet<EntityKey>> Waiting { get; } = [];

    /// <summary>Watermark up to which every closed window of a query is in its table, where this process has seen to it.</summary>
    public Dictionary<string, long> ClosedTo { get; } = [];

    /// <summary>Version and positions of every table, as read or as moved by our own commit since.</summary>
    public Dictionary<string, TableHead> Tables { get; } = [];

    /// <summary>What is known of each query's rows in Table storage.</summary>
    public Dictionary<string, PublishedResults> Results { get; } = [];

    /// <summary>Meta as read by this tick.</summary>
    public VersionedMeta Meta { get; set; }

    /// <summary>Whether no partition was active when this tick looked: all are caught up with the log and silent for the time-out.</summary>
    public bool IsIdle { get; set; }

    /// <summary>Heads as read by this tick.</summary>
    public Dictionary<int, Head> Heads { get; } = [];

    /// <summary>The streams of each partition.</summary>
    public SortedDictionary<int, PartitionStreams> Streams { get; } = [];

    /// <summary>The chained streams, by name.</summary>
    public Dictionary<string, StreamTruth> Chains { get; } = [];

    /// <summary>Our own commits to gold tables that chained streams have not followed yet, contiguous.</summary>
    public Dictionary<string, List<CommittedRows>> Commits { get; } = [];

    /// <summary>Bundles of which an entity lost state: nothing is computed from them.</summary>
    public HashSet<string> Refused { get; } = [];

    /// <summary>Ranges folded since the last report.</summary>
    public List<RangeRow> Fresh { get; } = [];

    /// <summary>How many ranges are listed and not settled, and the bytes of their segments.</summary>
    public (int Count, long Bytes) Open => (Ranges.Values.Sum(ranges => ranges.Count), Ranges.Values.Sum(ranges => ranges.Sum(range => (long)range.PayloadBytes)));

    /// <summary>Kafka times (ms) and sizes of ranges folded since rows of open windows were last published.</summary>
    public List<(long KafkaTimeMs, long Records)> Unseen { get; } = [];

    /// <summary>Watermark position (ms) of a query in its Delta table; null = none.</summary>
    public long? PositionOf(PipelineId id, string query) => PositionOf(TableNames.Gold(query), id.QueryAppId(query));

    /// <summary>Window end (ms) up to which nothing comes out of a query any more: what is in its table, and what was before it; null = none.</summary>
    public long? After(PipelineId id, string query)
    {
        var position = PositionOf(id, query);
        var from = Meta.Value?.Definitions?.GetValueOrDefault(query)?.FromMs;
        return position is { } p && from is { } f ? Math.Max(p, f) : position ?? from;
    }

    /// <summary>Rows of a query's windows with end in (after, upTo], from the state that holds.</summary>
    public RowBatch Emit(IPipeline pipeline, QuerySpec query, long? after, long upTo, IReadOnlySet<EntityKey>? touched = null) =>
        Counted.TryGetValue(query.Name, out var counted) ? counted.Emit(after, upTo, touched) : pipeline.Emit(query.Name, States, after, upTo, touched);

    /// <summary>Position of an appId in a table; null = none.</summary>
    public long? PositionOf(string table, string appId) =>
        Tables[table].Positions.TryGetValue(appId, out var position) ? position : null;

    /// <summary>Notes what our own commit did to a table.</summary>
    public void Moved(string table, long version, IEnumerable<PositionMove> moves)
    {
        var positions = new Dictionary<string, long>(Tables[table].Positions);
        foreach (var move in moves)
            positions[move.AppId] = move.Next;
        Tables[table] = new TableHead(version, positions);
    }

    /// <summary>Adds a range behind those of its partition; they must be contiguous.</summary>
    public void Append(RangeRow range)
    {
        if (!Ranges.TryGetValue(range.Partition, out var ranges))
            Ranges[range.Partition] = ranges = [];
        if (Position.TryGetValue(range.Partition, out var position) && position != range.From)
            throw new CompetingTickException(
                $"Partition {range.Partition}: a range from {range.From} was listed behind one that ends at {position}; another tick settled in between.");
        ranges.Add(range);
        Position[range.Partition] = range.To;
        Fresh.Add(range);
        Unseen.Add((range.KafkaTimeMs, range.To - range.From));
    }

    /// <summary>The truth of an entity, new if unknown.</summary>
    public EntityTruth Entity(IPipeline pipeline, EntityKey key)
    {
        if (Entities.TryGetValue(key, out var known))
            return known;
        var entity = new EntityTruth();
        Entities[key] = entity;
        States[key] = pipeline.Load(key, []);
        return entity;
    }

    /// <summary>The truth of an entity that holds streams, new if unknown.</summary>
    public EntityTruth StreamEntity(EntityKey key)
    {
        if (!Entities.TryGetValue(key, out var known))
            Entities[key] = known = new EntityTruth { IsRead = true };
        return known;
    }

    /// <summary>Whether nobody will read the entity again. Those of streams stay as long as the stream.</summary>
    public bool IsEvictable(IPipeline pipeline, PipelineId id, EntityKey key) =>
        StreamEntities.Is(key) ? StreamEntities.IsLeft(pipeline, key) : pipeline.IsEvictable(key, query => After(id, query));

    /// <summary>State of another definition is passed over only where the query's state is counted from events; anywhere else it would be missing.</summary>
    /// <exception cref="InvalidDataException">It is missing.</exception>
    public void CheckDefinitions(IPipeline pipeline)
    {
        foreach (var (key, state) in States)
            foreach (var name in state.Foreign)
                if (pipeline.Queries.Any(q => q.Name == name) && !Counted.ContainsKey(name))
                    throw new InvalidDataException(
                        $"Entity {key} or a range holds state of another definition of query '{name}' than that of this program, which the ledger knows as the current one: "
                        + "another program writes to this pipeline. Stop it, or compute everything anew under a new PipelineVersion (./run replay).");
    }

    /// <summary>Forgets an entity that nobody will read again.</summary>
    public void Forget(EntityKey key)
    {
        Entities.Remove(key);
        States.Remove(key);
        Touched.Remove(key);
        foreach (var waiting in Waiting.Values)
            waiting.Remove(key);
    }
}

/// <summary>One entity as last read, and the partials that it does not have yet.</summary>
internal sealed class EntityTruth
{
    /// <summary>Version as last read; 0 = read as absent or never read.</summary>
    public long Version { get; set; }

    /// <summary>Position as last read.</summary>
    public IReadOnlyDictionary<int, long> Position { get; set; } = new Dictionary<int, long>();

    /// <summary>Whether <see cref="Version"/> and <see cref="Position"/> were read since something was last signalled.</summary>
    public bool IsRead { get; set; }

    /// <summary>Whether the registry is known to have it.</summary>
    public bool IsRegistered { get; set; }

    /// <summary>Bytes of its state as last read.</summary>
    public int StateBytes { get; set; }

    /// <summary>Blob that its state was in as last read; null = in the entity itself.</summary>
    public string? Blob { get; set; }

    /// <summary>How often in a row it was read below <see cref="Version"/>.</summary>
    public int StaleReads { get; set; }

    /// <summary>Partials beyond <see cref="Position"/>, in offset order per partition.</summary>
    public List<PendingPartial> Pending { get; } = [];

    /// <summary>Takes over what was read.</summary>
    public void Read(EntitySnapshot? read)
    {
        (Version, Position, IsRead) = (read?.Version ?? 0, read?.Position ?? new Dictionary<int, long>(), true);
        (StateBytes, Blob) = (read?.State.Length ?? 0, read?.Blob);
    }

    /// <summary>Whether everything of the partition below the offset is in the entity, as read.</summary>
    public bool Covers(int partition, long to) => Position.TryGetValue(partition, out var at) && at >= to;
}

/// <summary>A range's partial for one entity.</summary>
internal readonly record struct PendingPartial(int Partition, long To, byte[] Bytes);

/// <summary>Rows of a query in Table storage as this tick knows them.</summary>
internal sealed class PublishedResults
{
    public required Cursor Cursor { get; set; }

    public required string? CursorETag { get; set; }

    /// <summary>ETag and content hash by row key; hash 0 = content unknown.</summary>
    public Dictionary<string, (string ETag, ulong Hash)> Rows { get; } = [];

    /// <summary>Of a stream whose rows replace each other: ETag and the table version that the row is of, by row key.</summary>
    public Dictionary<string, (string ETag, long Revision)> Revisions { get; } = [];

    /// <summary>ETag of the fence of a query that withdraws; null = there is none yet.</summary>
    public string? Fence { get; set; }

    /// <summary>Our own commit that is not published yet, so that it need not be read back.</summary>
    public CommittedRows? Own { get; set; }
}

/// <summary>Names of the tables of queries.</summary>
public static class TableNames
{
    /// <summary>The Delta table of a query.</summary>
    public static string Gold(string query) => $"gold/{query}";
}

/// <summary>Another tick is alive: what this one knows is no longer so. The cache is dropped and the tick starts over.</summary>
internal sealed class CompetingTickException(string message) : Exception(message);
