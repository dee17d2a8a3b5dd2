using System.Runtime.InteropServices;
using Tidemark.Domain.Columns;
using Tidemark.Domain.Deduplication;
using Tidemark.Domain.Ledger;
using Tidemark.Domain.Pipelines;

namespace Tidemark.Domain.Tests.Ledger.Simulation;

/// <summary>A result row of the toy queries.</summary>
internal readonly record struct ToyResult(long Start, long End, long Key, long Count, long Sum);

/// <summary>An event of the toy pipeline: 32 bytes; anything else is quarantined.</summary>
internal readonly record struct ToyEvent(long TimeMs, long Key, long Amount, long Id)
{
    public byte[] Encode() => MemoryMarshal.AsBytes([TimeMs, Key, Amount, Id]).ToArray();

    public static ToyEvent? Decode(byte[]? value)
    {
        if (value?.Length != 32)
            return null;
        var words = MemoryMarshal.Cast<byte, long>(value);
        return new ToyEvent(words[0], words[1], words[2], words[3]);
    }
}

/// <summary>Batches of 64-bit columns.</summary>
internal static class ToyRows
{
    public static RowSchema Schema { get; } = new([.. "abcdef".Select(c => new RowField(c.ToString(), FieldType.Int64, false))]);

    public static RowBatch Empty { get; } = Of([]);

    public static RowBatch Of(IReadOnlyList<long[]> rows) =>
        new(Schema, [.. Enumerable.Range(0, 6).Select(c => new Int64Column([.. rows.Select(r => c < r.Length ? r[c] : 0)], rows.Count))], rows.Count);

    public static IEnumerable<long[]> Rows(RowBatch batch) =>
        Enumerable.Range(0, batch.Count).Select(row => batch.Columns.Select(c => ((Int64Column)c).Values[row]).ToArray());

    public static ToyResult Result(RowBatch batch, int row)
    {
        long At(int column) => ((Int64Column)batch.Columns[column]).Values[row];
        return new ToyResult(At(0), At(1), At(2), At(3), At(4));
    }
}

/// <summary>
/// A pipeline small enough to be obviously right: events deduplicated by id, counts and sums by key in four window queries of two bundles. The last has a condition on its rows that
/// they pass and fail in turn as events come.
/// </summary>
internal sealed class ToyPipeline(ProtocolRule off = ProtocolRule.None, bool appendOnly = false, bool onlyPicky = false, bool latestVisitors = false) : IPipeline, IDeduplicating
{
    /// <summary>How far back duplicates are recognised, ms.</summary>
    public const long Horizon = 15_000;

    private static readonly RowSchema NoSchema = new([]);

    // A frontier that leaves no window open.
    private const long Never = long.MaxValue / 4;

    private static readonly Dictionary<string, long> Spans = new() { ["10s"] = 10_000, ["60s"] = 60_000 };

    private static readonly Dictionary<string, long> Slices = new() { ["tumbling"] = 10_000, ["sliding"] = 5_000, ["minutes"] = 60_000, ["picky"] = 10_000 };

    public IReadOnlyList<TableSpec> Tables { get; } =
        [.. new[] { "bronze", "silver", "late", "quarantine" }.Select(name => new TableSpec(name, NoSchema, []))];

    public IReadOnlyList<QuerySpec> Queries { get; } =
    [
        new("tumbling", 5_000, 10_000, 10_000, "10s", !appendOnly && !onlyPicky, NoSchema, ["key"]),
        new("sliding", 8_000, 20_000, 5_000, "10s", !appendOnly && !onlyPicky, NoSchema, ["key"]),
        new("minutes", 10_000, 60_000, 60_000, "60s", false, NoSchema, ["key"]),
        new("picky", 6_000, 20_000, 10_000, "10s", !appendOnly, ToyRows.Schema, ["key"]) { Withdraws = !appendOnly },
    ];

    public IReadOnlyList<StreamSpec> Streams { get; } =
    [
        new("visits", "silver", [], ToyRows.Empty.Schema, ["c"], "a", StreamResults.Rows, ToyVisits.DelayMs + ToyVisits.GapMs),
        new("runs", "silver", [], ToyRows.Empty.Schema, ["c"], null, StreamResults.Latest, 0),
        new("totals", "gold/tumbling", [], ToyRows.Empty.Schema, ["c"], "a", StreamResults.Rows, ToyTotals.QuietMs),
        new("visitors", "gold/visits", [], ToyRows.Empty.Schema, ["c"], null, latestVisitors ? StreamResults.Latest : StreamResults.None, 0)
        {
            AgeColumn = "b",
        },
    ];

    public IStreamState OpenStream(string stream, ReadOnlySpan<byte> state) => stream switch
    {
        "visits" => new ToyVisits(state),
        "totals" => new ToyTotals(state),
        _ => new ToyRuns(state),
    };

    public IDecodedRecords Decode(int partition, IReadOnlyList<SourceRecord> records, long ingestTimeMs) =>
        new Decoded(partition, [.. records.Select(r => (r.Offset, ToyEvent.Decode(r.Value)))]);

    public long? HorizonMs => Horizon;

    public string Table => "silver";

    public IReadOnlyList<string> Columns { get; } = ["a", "b", "c", "f"];

    public IReadOnlyList<ColumnBounds> Bounds(int partition, long fromOffset, long afterMs) =>
        [new("a", partition, partition), new("b", fromOffset, null), new("c", afterMs + 1, null)];

    public void Read(RowBatch rows, List<SeenEvent> into)
    {
        long[] Values(string name) => ((Int64Column)rows[name]).Values;
        for (var row = 0; row < rows.Count; row++)
            into.Add(new SeenEvent(EventKey.Of(Values("f")[row]), Values("c")[row], (int)Values("a")[row], Values("b")[row]));
    }

    public void Read(IDecodedRecords decoded, List<SeenEvent> into)
    {
        var records = (Decoded)decoded;
        foreach (var (offset, e) in records.Records)
            if (e is { } valid)
                into.Add(new SeenEvent(EventKey.Of(valid.Id), valid.TimeMs, records.Partition, offset));
    }

    public void Judge(IDecodedRecords decoded, ReadOnlySpan<Verdict> verdicts) => ((Decoded)decoded).Verdicts = verdicts.ToArray();

    public Segment Build(IDecodedRecords decoded, long frontierMs)
    {
        var records = (Decoded)decoded;
        var rows = Tables.ToDictionary(t => t.Name, _ => new List<long[]>());
        var states = new SortedDictionary<EntityKey, ToyState>();
        var judged = 0;
        foreach (var (offset, e) in records.Records)
        {
            rows["bronze"].Add([records.Partition, offset]);
            if (e is not { } valid)
            {
                rows["quarantine"].Add([records.Partition, offset]);
                continue;
            }

            var verdict = records.Verdicts[judged++];
            if (verdict == Verdict.Duplicate)
                continue;
            rows["silver"].Add([records.Partition, offset, valid.TimeMs, valid.Key, valid.Amount, valid.Id]);
            for (var q = 0; q < Queries.Count; q++)
                Judge(q, valid, records.Partition, offset, verdict == Verdict.TooOld ? Never : frontierMs, rows["late"], states);
        }

        return new Segment(
            rows.Where(t => t.Value.Count > 0).ToDictionary(t => t.Key, t => ToyRows.Of(t.Value)),
            states.ToDictionary(s => s.Key, s => (ReadOnlyMemory<byte>)s.Value.Save()),
            new Dictionary<string, long> { ["events"] = rows["silver"].Count });
    }

    public IFoldState Load(EntityKey key, ReadOnlySpan<byte> state)
    {
        var loaded = new ToyState(this);
        loaded.Merge(state);
        return loaded;
    }

    public bool IsEvictable(EntityKey key, Func<string, long?> positionOf) => Queries.Where(q => q.Bundle == key.Bundle).All(q =>
    {
        var lastSlice = key.Start + Spans[key.Bundle] - Slices[q.Name];
        return Floor(lastSlice, q.SlideMs) + q.SizeMs <= positionOf(q.Name);
    });

    public RowBatch Emit(string query, IReadOnlyDictionary<EntityKey, IFoldState> states, long? after, long upTo, IReadOnlySet<EntityKey>? touched = null)
    {
        var spec = Queries.Single(q => q.Name == query);
        var ordinal = Queries.ToList().IndexOf(spec);
        var results = new SortedDictionary<(long End, long Key), (long Count, long Sum)>();
        var wanted = touched is null ? null : Windows(states.Where(s => touched.Contains(s.Key)), ordinal).Select(w => w.End).ToHashSet();
        foreach (var (end, key, value) in Windows(states.Where(s => s.Key.Bundle == spec.Bundle), ordinal))
        {
            if (end <= after || end > upTo || wanted?.Contains(end) == false)
                continue;
            var sum = results.GetValueOrDefault((end, key));
            results[(end, key)] = (sum.Count + value.Count, sum.Sum + value.Sum);
        }

        return ToyRows.Of([.. results.Where(r => Passes(ordinal, r.Value.Sum)).Select(r => new[] { r.Key.End - spec.SizeMs, r.Key.End, r.Key.Key, r.Value.Count, r.Value.Sum })]);
    }

    /// <summary>Whether a result row comes out.</summary>
    public static bool Passes(int query, long sum) => query != 3 || sum % 2 == 0;

    public static bool Counts(int query, ToyEvent e) => query != 2 || e.Amount % 2 == 1;

    /// <summary>Ends of the windows that hold the time, ascending.</summary>
    public IEnumerable<long> Ends(int query, long timeMs)
    {
        var q = Queries[query];
        for (var start = Floor(timeMs - q.SizeMs + q.SlideMs, q.SlideMs); start <= timeMs; start += q.SlideMs)
            yield return start + q.SizeMs;
    }

    private static long Floor(long value, long step) => value - ((value % step) + step) % step;

    private IEnumerable<(long End, long Key, (long Count, long Sum) Value)> Windows(IEnumerable<KeyValuePair<EntityKey, IFoldState>> states, int ordinal) =>
        from state in states
        from entry in ((ToyState)state.Value).Entries
        where entry.Key.Query == ordinal
        from end in Ends(ordinal, entry.Key.Slice)
        where end >= entry.Key.FirstEnd
        select (end, entry.Key.Key, entry.Value);

    private void Judge(int q, ToyEvent e, int partition, long offset, long frontierMs, List<long[]> late, SortedDictionary<EntityKey, ToyState> states)
    {
        if (!Counts(q, e))
            return;
        var spec = Queries[q];
        var watermark = frontierMs - spec.DelayMs;
        var missed = Ends(q, e.TimeMs).Where(end => end <= watermark).ToList();
        if (missed.Count > 0)
            late.Add([partition, offset, q, missed[^1], missed.Count]);
        var first = Ends(q, e.TimeMs).Where(end => end > watermark).Select(end => (long?)end).FirstOrDefault();
        if (first is not { } firstEnd)
            return;
        if (off.HasFlag(ProtocolRule.FirstEndInKey))
            firstEnd = Ends(q, e.TimeMs).First();
        var key = new EntityKey(spec.Bundle, Floor(e.TimeMs, Spans[spec.Bundle]));
        if (!states.TryGetValue(key, out var state))
            states[key] = state = new ToyState(this);
        state.Add((q, Floor(e.TimeMs, Slices[spec.Name]), firstEnd, e.Key), 1, e.Amount);
    }

    private sealed record Decoded(int Partition, List<(long Offset, ToyEvent? Event)> Records) : IDecodedRecords
    {
        public Verdict[] Verdicts { get; set; } = [];

        public long? MinEventTimeMs => Kept.Min();

        public long? MaxEventTimeMs => Kept.Max();

        private IEnumerable<long?> Kept => Records.Where(r => r.Event is not null).Zip(Verdicts).Where(r => r.Second != Verdict.Duplicate).Select(r => r.First.Event?.TimeMs);

        public void Dispose() => Records.Clear();
    }
}

/// <summary>State of a toy entity: counts and sums by query, slice, first window end and key.</summary>
internal sealed class ToyState(ToyPipeline pipeline) : IFoldState
{
    public SortedDictionary<(int Query, long Slice, long FirstEnd, long Key), (long Count, long Sum)> Entries { get; } = [];

    public void Add((int Query, long Slice, long FirstEnd, long Key) key, long count, long sum)
    {
        var there = Entries.GetValueOrDefault(key);
        Entries[key] = (there.Count + count, there.Sum + sum);
    }

    public void Merge(ReadOnlySpan<byte> partial)
    {
        var words = MemoryMarshal.Cast<byte, long>(partial);
        for (var i = 0; i < words.Length; i += 6)
            Add(((int)words[i], words[i + 1], words[i + 2], words[i + 3]), words[i + 4], words[i + 5]);
    }

    public void Evict(Func<string, long?> upTo)
    {
        foreach (var key in Entries.Keys.ToList())
            if (pipeline.Ends(key.Query, key.Slice).Last() <= upTo(pipeline.Queries[key.Query].Name))
                Entries.Remove(key);
    }

    public byte[] Save() => MemoryMarshal.AsBytes<long>([.. Entries.SelectMany(e => new[]
        { e.Key.Query, e.Key.Slice, e.Key.FirstEnd, e.Key.Key, e.Value.Count, e.Value.Sum })]).ToArray();
}
