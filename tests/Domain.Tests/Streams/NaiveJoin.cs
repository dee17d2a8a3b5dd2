using System.Text.Json;

namespace Tidemark.Domain.Tests.Streams;

/// <summary>A join of <see cref="NaiveStream"/>: every row against every row that is held.</summary>
internal sealed class NaiveJoin(JsonElement stage, NaiveStream stream) : NaiveStage(stage, stream)
{
    private sealed record Held(NaiveCells Row)
    {
        public bool IsMatched { get; set; }
    }

    private readonly List<Held>[] held = [[], []];
    private readonly string type = stage.GetProperty("type").GetString()!;

    public override int StateRows => held[0].Count + held[1].Count;

    public override string[] Columns => [.. Stream.ColumnsOf(Sources[0]), .. Stream.ColumnsOf(Sources[1]), .. Has("sameWindow") ? new[] { "windowStart", "windowEnd" } : []];

    public override string? Time => Has("sameWindow") ? "windowTime" : type == "rightOuter" ? Stream.TimeOf(Sources[1]) : Stream.TimeOf(Sources[0]) ?? Stream.TimeOf(Sources[1]);

    public override decimal OutputMark => Has("sameWindow") || KeyTimes(0).Any() || Mark is decimal.MinValue or decimal.MaxValue ? Mark
        : new[] { Mark, Mark + (Bounds(0).Min(b => (decimal?)b.Plus) ?? 0), Mark + (Bounds(1).Min(b => (decimal?)b.Plus) ?? 0) }.Min();

    public List<NaiveCells> HeldOn(int side) => [.. held[side].Select(h => h.Row)];

    public override List<NaiveCells> Process()
    {
        var output = new List<NaiveCells>();
        for (var side = 0; side < 2; side++)
            foreach (var row in Stream.From(Sources[side]))
                Add(side, row, output);
        return output;
    }

    public override List<NaiveCells> Close()
    {
        var output = new List<NaiveCells>();
        for (var side = 0; side < 2; side++)
            foreach (var gone in held[side].Where(h => Goes(side, h.Row)).ToArray())
            {
                if (IsOuter(side) && !gone.IsMatched)
                    output.Add(Alone(side, gone.Row));
                held[side].Remove(gone);
                Removed++;
            }
        return output;
    }

    private void Add(int side, NaiveCells row, List<NaiveCells> output)
    {
        var time = Has("sameWindow") ? WindowEnd(side, row) : Stream.TimeOf(Sources[side]) is { } column ? row[column] as decimal? : null;
        if (Stream.HasWatermark(Sources[side]) && time <= Mark)
        {
            DroppedLate++;
            DroppedLateRows++;
            return;
        }
        if (!Passes(side == 0 ? "leftFilter" : "rightFilter", row))
        {
            if (IsOuter(side))
                output.Add(Alone(side, row));
            return;
        }
        var mine = new Held(row);
        foreach (var other in held[1 - side])
        {
            var (left, right) = side == 0 ? (mine, other) : (other, mine);
            if (!Matches(left.Row, right.Row))
                continue;
            if (type != "leftSemi" || !left.IsMatched)
                output.Add(type == "leftSemi" ? Alone(0, left.Row) : Pair(left.Row, right.Row));
            left.IsMatched = right.IsMatched = true;
        }
        if (!Goes(side, row) && (IsOuter(side) || Pairs().All(p => p.NullSafe || row[side == 0 ? p.Left : p.Right] is not null) && (!Has("sameWindow") || WindowEnd(side, row) is not null)))
            held[side].Add(mine);
        else if (IsOuter(side) && !mine.IsMatched)
            output.Add(Alone(side, row));
    }

    private NaiveCells Pair(NaiveCells left, NaiveCells right) => Alone(1, right).With(Alone(0, left));

    private NaiveCells Alone(int side, NaiveCells row)
    {
        var alone = Has("sameWindow") && WindowEnd(side, row) is { } end ? InWindow(row, end - (Carries(side) ? end - ((decimal?)row["windowStart"] ?? end) : Window.GetProperty("size").GetDecimal()), end) : row;
        return Pairs().Select(p => (p.Left, p.Right)).FirstOrDefault() is { Left: not null } key ? alone.With(("key", row[side == 0 ? key.Left : key.Right])) : alone;
    }

    private bool Matches(NaiveCells left, NaiveCells right) =>
        Pairs().All(p => left[p.Left] is { } l ? l.Equals(right[p.Right]) : p.NullSafe && right[p.Right] is null)
        && (!Has("sameWindow") || WindowEnd(0, left) is { } end && end == WindowEnd(1, right))
        && Conditions("timeBounds").Concat(Conditions("where")).All(c =>
        {
            var isLeft = Stream.ColumnsOf(Sources[0]).Contains(c.Left);
            return (isLeft ? left : right)[c.Left] is decimal a && (isLeft ? right : left)[c.Right] is decimal b && Compare(a, c.Op, b + c.Plus);
        });

    /// <summary>Whether no row that is not late can match a row of this side any more.</summary>
    private bool Goes(int side, NaiveCells row)
    {
        if (Mark == decimal.MaxValue)
            return true;
        if (Has("sameWindow"))
            return Sources.Any(Stream.HasWatermark) && (WindowEnd(side, row) ?? decimal.MinValue) <= Mark;
        if (KeyTimes(side).FirstOrDefault() is { } key)
            return (row[key] as decimal? ?? decimal.MinValue) <= Mark;
        var bounds = Bounds(side).ToArray();
        return bounds.Length > 0 && bounds.All(b => (row[b.Column] as decimal? ?? decimal.MinValue) <= Mark + b.Plus);
    }

    /// <summary>Columns of a side that an equality makes event times.</summary>
    private IEnumerable<string> KeyTimes(int side) => Pairs()
        .Where(p => Stream.HasWatermark(Sources[0]) && p.Left == Stream.TimeOf(Sources[0]) || Stream.HasWatermark(Sources[1]) && p.Right == Stream.TimeOf(Sources[1]))
        .Select(p => side == 0 ? p.Left : p.Right);

    /// <summary>How far behind the watermark rows of a side are needed: up to the watermark plus this.</summary>
    private IEnumerable<(string Column, decimal Plus)> Bounds(int side)
    {
        var (time, known) = (Stream.TimeOf(Sources[1 - side]), Stream.HasWatermark(Sources[1 - side]));
        foreach (var c in Conditions("timeBounds").Where(_ => known))
            if (c.Right == time && c.Op is ">" or ">=" && c.Right == time)
                yield return (c.Left, c.Plus - (c.Op == ">=" ? 0.001m : 0));
            else if (c.Left == time && c.Op is "<" or "<=" && c.Left == time)
                yield return (c.Right, -c.Plus - (c.Op == "<=" ? 0.001m : 0));
    }

    private bool Passes(string name, NaiveCells row) => !Has(name) || Passes(Json.GetProperty(name), row);

    private static bool Passes(JsonElement filter, NaiveCells row) => filter.ValueKind == JsonValueKind.Array ? filter.EnumerateArray().All(f => Passes(f, row))
        : filter.TryGetProperty("anyOf", out var any) ? any.EnumerateArray().Any(f => Passes(f, row))
        : row[filter.GetProperty("column").GetString()!] is decimal number && Compare(number, filter.GetProperty("op").GetString()!, filter.GetProperty("value").GetDecimal());

    private static bool Compare(decimal a, string op, decimal b) => op switch
    {
        "<" => a < b,
        "<=" => a <= b,
        ">" => a > b,
        ">=" => a >= b,
        "=" => a == b,
        _ => a != b,
    };

    private JsonElement Window => Json.GetProperty("sameWindow");

    private bool Carries(int side) => Window.ValueKind == JsonValueKind.String || Window.GetProperty(side == 0 ? "left" : "right").GetString() == "window";

    private decimal? WindowEnd(int side, NaiveCells row)
    {
        if (Carries(side))
            return row["windowEnd"] as decimal?;
        var size = Window.GetProperty("size").GetDecimal();
        return row[Window.GetProperty(side == 0 ? "left" : "right").GetString()!] is decimal time ? Math.Floor(time / size) * size + size : null;
    }

    private bool IsOuter(int side) => type == "fullOuter" || type == (side == 0 ? "leftOuter" : "rightOuter");

    private bool Has(string name) => Json.TryGetProperty(name, out _);

    private IEnumerable<(string Left, string Right, bool NullSafe)> Pairs() => new[] { "equals", "nullSafeEquals" }.Where(Has)
        .SelectMany(n => Json.GetProperty(n).EnumerateArray().Select(p => (p[0].GetString()!, p[1].GetString()!, n == "nullSafeEquals")));

    private IEnumerable<(string Left, string Op, string Right, decimal Plus)> Conditions(string name) => !Has(name) ? []
        : Json.GetProperty(name).EnumerateArray().Select(c => (c.GetProperty("left").GetString()!, c.GetProperty("op").GetString()!, c.GetProperty("right").GetString()!,
            c.TryGetProperty("plus", out var plus) ? plus.GetDecimal() : 0));
}
