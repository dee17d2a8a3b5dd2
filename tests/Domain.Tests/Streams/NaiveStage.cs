using System.Text.Json;

namespace Tidemark.Domain.Tests.Streams;

/// <summary>A stage of <see cref="NaiveStream"/>.</summary>
internal abstract class NaiveStage(JsonElement stage, NaiveStream stream)
{
    private const decimal Micro = 0.000001m;

    public string Id { get; } = stage.GetProperty("id").GetString()!;

    /// <summary>The watermark that it closed by last; rows are judged by it.</summary>
    public decimal Mark { get; set; }

    public long DroppedLate { get; protected set; }

    public long DroppedLateRows { get; protected set; }

    public long DroppedDuplicates { get; protected set; }

    public long Removed { get; protected set; }

    public virtual decimal OutputMark => Mark;

    public virtual int StateRows => 0;

    public virtual string? Time => Stream.TimeOf(Sources[0]);

    public virtual string[] Columns => Stream.ColumnsOf(Sources[0]);

    public string[] Sources { get; } = stage.TryGetProperty("of", out var of) ? Names(of)
        : stage.TryGetProperty("left", out var left) ? [left.GetString()!, stage.GetProperty("right").GetString()!]
        : [stage.GetProperty("from").GetString()!];

    protected JsonElement Json { get; } = stage;

    protected NaiveStream Stream { get; } = stream;

    protected string[] Keys { get; } = stage.TryGetProperty("keys", out var keys) ? Names(keys) : [];

    public static NaiveStage Create(JsonElement stage, NaiveStream stream) => stage.GetProperty("op").GetString() switch
    {
        "window" or "groupBy" => new NaiveGroups(stage, stream),
        "session" => new NaiveSessions(stage, stream),
        "assignWindow" or "assignSession" => new NaiveAssign(stage, stream),
        "dedup" or "dedupWithinWatermark" => new NaiveDedup(stage, stream),
        "join" => new NaiveJoin(stage, stream),
        "joinStatic" => new NaiveLookup(stage, stream),
        "union" => new NaiveUnion(stage, stream),
        "orderBy" => new NaiveOrder(stage, stream),
        "groupState" => new NaiveState(stage, stream),
        var other => throw new NotSupportedException(other),
    };

    public void ResetCounts() => DroppedLate = DroppedLateRows = DroppedDuplicates = Removed = 0;

    /// <summary>Takes the rows of this phase.</summary>
    public abstract List<NaiveCells> Process();

    /// <summary>Closes and forgets by <see cref="Mark"/>.</summary>
    public virtual List<NaiveCells> Close() => [];

    public virtual List<NaiveCells> Table() => Process();

    protected string? Text(string name) => Json.TryGetProperty(name, out var value) && value.ValueKind == JsonValueKind.String ? value.GetString() : null;

    protected decimal Number(string name, decimal otherwise = 0) => Json.TryGetProperty(name, out var value) ? value.GetDecimal() : otherwise;

    protected static string[] Names(JsonElement list) => [.. list.EnumerateArray().Select(n => n.GetString()!)];

    /// <summary>Starts of the windows that a time is in.</summary>
    protected IEnumerable<decimal> Starts(decimal time)
    {
        decimal size = Number("size"), slide = Number("slide", size), offset = Number("offset");
        for (var start = Math.Floor((time - offset) / slide) * slide + offset; time < start + size; start -= slide)
            yield return start;
    }

    protected decimal? GapOf(NaiveCells row)
    {
        var gap = Text("gapColumn") is { } column ? row[column] as decimal? : Number("gap");
        return gap > 0 ? gap : null;
    }

    protected static NaiveCells InWindow(NaiveCells row, decimal start, decimal end) => row.With(("windowStart", start), ("windowEnd", end), ("windowTime", end - Micro));

    protected static NaiveCells InSession(NaiveCells row, decimal start, decimal end) =>
        row.With(("sessionStart", start), ("sessionEnd", end), ("windowStart", start), ("windowEnd", end), ("windowTime", end - Micro));

    protected NaiveCells Aggregated(NaiveCells keys, List<NaiveCells> of) => !Json.TryGetProperty("aggs", out var list) ? keys
        : keys.With([.. list.EnumerateArray().Select(a => (a.GetProperty("as").GetString()!, NaiveAggregates.Of(a.GetProperty("fn").GetString()!, a.TryGetProperty("column", out var c) ? c.GetString() : null, of)))]);

    protected NaiveCells KeysOf(NaiveCells row) => new(Keys.Select(k => KeyValuePair.Create(k, row[k])));

    protected string[] Aggregates => Json.TryGetProperty("aggs", out var list) ? [.. list.EnumerateArray().Select(a => a.GetProperty("as").GetString()!)] : [];
}

/// <summary>Windows, and groups with or without a time.</summary>
internal sealed class NaiveGroups(JsonElement stage, NaiveStream stream) : NaiveStage(stage, stream)
{
    private readonly Dictionary<string, (NaiveCells Key, decimal? End, List<NaiveCells> Rows)> groups = [];
    private readonly bool isWindow = stage.GetProperty("op").GetString() == "window";

    public override int StateRows => groups.Count;

    public override string? Time => isWindow ? "windowTime" : Text("eventTimeKey");

    public override string[] Columns => isWindow ? [.. Keys, "windowStart", "windowEnd", .. Aggregates] : [.. Keys, .. Aggregates];

    public override List<NaiveCells> Process()
    {
        var (touched, late) = (new HashSet<string>(), new HashSet<string>());
        foreach (var row in Stream.From(Sources[0]))
        {
            var any = false;
            foreach (var (key, end) in Places(row))
            {
                var text = $"{end}|{row.Key(Keys)}";
                if (end <= Mark && Stream.Mode != "complete")
                {
                    any = true;
                    late.Add(text);
                    continue;
                }
                if (!groups.TryGetValue(text, out var group))
                    groups[text] = group = (key, end, []);
                group.Rows.Add(row);
                touched.Add(text);
            }
            DroppedLateRows += any ? 1 : 0;
        }
        DroppedLate += late.Count;
        return Stream.Mode == "update" ? [.. touched.Select(t => Aggregated(groups[t].Key, groups[t].Rows))] : [];
    }

    public override List<NaiveCells> Close()
    {
        if (Stream.Mode == "complete")
            return [];
        if (Mark == decimal.MaxValue && !isWindow && Keys.Length == 0 && groups.Count == 0)
            return [Aggregated(new NaiveCells([]), [])];
        var closed = groups.Where(g => (g.Value.End ?? (Mark == decimal.MaxValue ? Mark : null)) <= Mark).ToArray();
        foreach (var group in closed)
            groups.Remove(group.Key);
        Removed += closed.Length;
        return Stream.Mode == "update" ? [] : [.. closed.Select(g => Aggregated(g.Value.Key, g.Value.Rows))];
    }

    public override List<NaiveCells> Table() => groups.Count == 0 && !isWindow && Keys.Length == 0 ? [Aggregated(new NaiveCells([]), [])]
        : [.. groups.Values.Select(g => Aggregated(g.Key, g.Rows))];

    private IEnumerable<(NaiveCells Key, decimal? End)> Places(NaiveCells row)
    {
        if (isWindow)
            return row[Text("on")!] is decimal time ? Starts(time).Select(s => (InWindow(KeysOf(row), s, s + Number("size")), (decimal?)(s + Number("size")))) : [];
        if (Text("eventTimeKey") is not { } key)
            return [(KeysOf(row), null)];
        return row[key] is decimal at ? [(KeysOf(row), at)] : Stream.Mode == "complete" ? [(KeysOf(row), null)] : [];
    }
}

/// <summary>Sessions, found anew from the rows that are held.</summary>
internal sealed class NaiveSessions(JsonElement stage, NaiveStream stream) : NaiveStage(stage, stream)
{
    private readonly List<(NaiveCells Row, decimal Start, decimal End)> held = [];

    public override int StateRows => Sessions().Count;

    public override string? Time => "windowTime";

    public override string[] Columns => [.. Keys, "sessionStart", "sessionEnd", .. Aggregates];

    public override List<NaiveCells> Process()
    {
        foreach (var row in Stream.From(Sources[0]))
        {
            if (row[Text("on")!] is not decimal time || GapOf(row) is not { } gap)
                continue;
            if (time + gap <= Mark && Stream.Mode != "complete")
            {
                DroppedLate++;
                DroppedLateRows++;
            }
            else
                held.Add((row, time, time + gap));
        }
        return [];
    }

    public override List<NaiveCells> Close()
    {
        if (Stream.Mode == "complete")
            return [];
        var closed = Sessions().Where(s => s.End <= Mark).ToArray();
        foreach (var session in closed)
            held.RemoveAll(session.Parts.Contains);
        Removed += closed.Length;
        return [.. closed.Select(Shown)];
    }

    public override List<NaiveCells> Table() => [.. Sessions().Select(Shown)];

    private NaiveCells Shown((decimal Start, decimal End, List<(NaiveCells Row, decimal Start, decimal End)> Parts) session) =>
        Aggregated(InSession(KeysOf(session.Parts[0].Row), session.Start, session.End), [.. held.Concat(session.Parts).Distinct().Where(session.Parts.Contains).Select(h => h.Row)]);

    private List<(decimal Start, decimal End, List<(NaiveCells Row, decimal Start, decimal End)> Parts)> Sessions()
    {
        var all = new List<(decimal Start, decimal End, List<(NaiveCells Row, decimal Start, decimal End)> Parts)>();
        foreach (var key in held.GroupBy(h => h.Row.Key(Keys)))
        {
            List<(NaiveCells Row, decimal Start, decimal End)> parts = [];
            var end = decimal.MinValue;
            foreach (var part in key.OrderBy(h => h.Start))
            {
                if (parts.Count > 0 && part.Start > end)
                {
                    all.Add((parts[0].Start, end, parts));
                    (parts, end) = ([], decimal.MinValue);
                }
                parts.Add(part);
                end = Math.Max(end, part.End);
            }
            all.Add((parts[0].Start, end, parts));
        }
        return all;
    }
}

/// <summary>A row for each window or session that a row alone is in.</summary>
internal sealed class NaiveAssign(JsonElement stage, NaiveStream stream) : NaiveStage(stage, stream)
{
    public override string? Time => "windowTime";

    public override string[] Columns => [.. base.Columns, .. Json.GetProperty("op").GetString() == "assignWindow" ? new[] { "windowStart", "windowEnd" } : ["sessionStart", "sessionEnd"]];

    public override List<NaiveCells> Process() => [.. Stream.From(Sources[0]).Where(r => r[Text("on")!] is decimal).SelectMany(row =>
    {
        var time = (decimal)row[Text("on")!]!;
        return Json.GetProperty("op").GetString() == "assignWindow" ? Starts(time).Select(s => InWindow(row, s, s + Number("size")))
            : GapOf(row) is { } gap ? [InSession(row, time, time + gap)] : [];
    })];
}

/// <summary>The first row of each key.</summary>
internal sealed class NaiveDedup(JsonElement stage, NaiveStream stream) : NaiveStage(stage, stream)
{
    private readonly Dictionary<string, decimal> seen = [];

    public override int StateRows => seen.Count;

    public override List<NaiveCells> Process()
    {
        var passed = new List<NaiveCells>();
        foreach (var row in Stream.From(Sources[0]))
        {
            var time = Stream.HasWatermark(Sources[0]) && Stream.TimeOf(Sources[0]) is { } column ? row[column] as decimal? : null;
            if (time <= Mark)
            {
                DroppedLate++;
                DroppedLateRows++;
            }
            else if (!seen.TryAdd(row.Key(Keys), Expiry(row, time)))
                DroppedDuplicates++;
            else
                passed.Add(row);
        }
        return passed;
    }

    public override List<NaiveCells> Close()
    {
        foreach (var gone in seen.Where(s => s.Value <= Mark && s.Value != decimal.MaxValue).ToArray())
        {
            seen.Remove(gone.Key);
            Removed++;
        }
        return [];
    }

    private decimal Expiry(NaiveCells row, decimal? time) => Json.GetProperty("op").GetString() == "dedupWithinWatermark"
        ? time + Stream.DelayOf(Sources[0]) ?? decimal.MaxValue
        : Text("eventTimeKey") is { } key && row[key] is decimal at && Stream.HasWatermark(Sources[0]) ? at : decimal.MaxValue;
}

/// <summary>Rows of several sources by position.</summary>
internal sealed class NaiveUnion(JsonElement stage, NaiveStream stream) : NaiveStage(stage, stream)
{
    public override List<NaiveCells> Process() => [.. Sources.SelectMany(s => Stream.From(s).Select(row => s == Sources[0] ? row
        : new NaiveCells(Columns.Zip(Stream.ColumnsOf(s), (mine, theirs) => KeyValuePair.Create(mine, row[theirs])))))];
}

/// <summary>The table in order.</summary>
internal sealed class NaiveOrder(JsonElement stage, NaiveStream stream) : NaiveStage(stage, stream)
{
    public override List<NaiveCells> Process()
    {
        var by = Json.GetProperty("by")[0];
        var column = by.ValueKind == JsonValueKind.Array ? by[0].GetString()! : by.GetString()!;
        var ordered = Stream.From(Sources[0]).OrderBy(r => r[column] as decimal? ?? decimal.MinValue);
        return by.ValueKind == JsonValueKind.Array && by[1].GetString() == "desc" ? [.. ordered.Reverse()] : [.. ordered];
    }
}

/// <summary>Rows with those of a table.</summary>
internal sealed class NaiveLookup(JsonElement stage, NaiveStream stream) : NaiveStage(stage, stream)
{
    public override string[] Columns => [.. base.Columns, .. Stream.StaticColumns(Text("static")!)];

    public override List<NaiveCells> Process() => [.. Stream.From(Sources[0]).SelectMany(row =>
    {
        var matches = Stream.Static(Text("static")!).Where(t => Json.GetProperty("equals").EnumerateArray().All(e => row[e[0].GetString()!] is { } v && v.Equals(t[e[1].GetString()!]))).ToArray();
        return Text("type") switch
        {
            "leftSemi" => matches.Take(1).Select(_ => row),
            "leftOuter" when matches.Length == 0 => [row],
            _ => matches.Select(t => row.With(t)),
        };
    })];
}
