using System.Text.Json;

namespace Tidemark.Domain.Tests.Streams;

/// <summary>
/// Interprets the query of a case by the rules of its format, with lists and loops and nothing of the engine: each batch goes through the stages in order, then
/// the watermark moves and goes through them again. Times are decimals of seconds; a cell is null, a decimal, a text or a truth value.
/// </summary>
internal sealed class NaiveStream
{
    private readonly JsonElement query;
    private readonly Dictionary<string, List<NaiveCells>> rows = [];
    private readonly Dictionary<string, decimal> newest = [];

    public NaiveStream(JsonElement query)
    {
        this.query = query;
        Mode = query.GetProperty("mode").GetString()!;
        foreach (var stage in query.GetProperty("stages").EnumerateArray())
            Stages.Add(NaiveStage.Create(stage, this));
        Watermark = Mode != "batch" && Inputs().Any(i => Delay(i.Value) is not null) ? 0 : decimal.MinValue;
        foreach (var stage in Stages)
            stage.Mark = stage.Sources.Min(OutputMark);
        if (query.TryGetProperty("initialState", out var initial))
            foreach (var state in initial.EnumerateObject())
                ((NaiveState)Stage(state.Name)).Seed(state.Value);
    }

    public string Mode { get; }

    public decimal Watermark { get; private set; }

    public decimal Now { get; private set; }

    public List<NaiveStage> Stages { get; } = [];

    private List<NaiveCells> Results { get; } = [];

    /// <summary>One batch; null as inputs: one without data.</summary>
    public void Batch(JsonElement? inputs, decimal now)
    {
        Now = Math.Max(Now, now);
        rows.Clear();
        foreach (var input in Inputs())
            rows[input.Name] = inputs is { } given && given.TryGetProperty(input.Name, out var list) ? [.. list.EnumerateArray().Select(r => NaiveCells.Of(input.Value.GetProperty("columns"), r))] : [];
        foreach (var stage in Stages)
            Send(stage, stage.Process());
        var follows = !query.TryGetProperty("noDataBatches", out var flag) || flag.GetBoolean();
        if (follows)
            Observe(inputs);
        Close();
        if (!follows)
            Observe(inputs);
    }

    /// <summary>Bounded input ends.</summary>
    public void End()
    {
        Watermark = decimal.MaxValue;
        Close();
    }

    /// <summary>Stops and starts: only the watermark and the state are left.</summary>
    public void Restart() => newest.Clear();

    public List<object?[]> Take()
    {
        var taken = Shown(Results);
        Results.Clear();
        return taken;
    }

    public List<object?[]> Table()
    {
        rows.Clear();
        foreach (var stage in Stages)
            rows[stage.Id] = stage.Table();
        return Shown(rows[Stages[^1].Id]);
    }

    public NaiveStage Stage(string id) => Stages.First(s => s.Id == id);

    /// <summary>Rows that came from an input or stage in this phase.</summary>
    public List<NaiveCells> From(string source) => rows.GetValueOrDefault(source) ?? [];

    public List<NaiveCells> Static(string name)
    {
        var table = query.GetProperty("static").GetProperty(name);
        return [.. table.GetProperty("rows").EnumerateArray().Select(r => NaiveCells.Of(table.GetProperty("columns"), r))];
    }

    public string[] StaticColumns(string name) => [.. query.GetProperty("static").GetProperty(name).GetProperty("columns").EnumerateArray().Select(c => c.GetString()!)];

    /// <summary>Event time column of an input or stage.</summary>
    public string? TimeOf(string source) => Input(source) is { } input ? input.TryGetProperty("eventTime", out var time) ? time.GetString() : null : Stage(source).Time;

    public bool HasWatermark(string source) => Input(source) is { } input ? Delay(input) is not null : Stage(source).Sources.Any(HasWatermark);

    public decimal DelayOf(string source) => Input(source) is { } input ? Delay(input) ?? 0 : Stage(source).Sources.Max(DelayOf);

    public string[] ColumnsOf(string source) => Input(source) is { } input ? [.. input.GetProperty("columns").EnumerateArray().Select(c => c.GetString()!)] : Stage(source).Columns;

    private void Close()
    {
        foreach (var source in rows.Keys.ToArray())
            rows[source] = [];
        foreach (var stage in Stages)
        {
            var emitted = stage.Process();
            stage.Mark = Math.Max(stage.Mark, stage.Sources.Min(OutputMark));
            Send(stage, [.. emitted, .. stage.Close()]);
        }
    }

    private void Send(NaiveStage stage, List<NaiveCells> emitted)
    {
        rows[stage.Id] = emitted;
        if (stage == Stages[^1])
            Results.AddRange(emitted);
    }

    private decimal OutputMark(string source) => Stages.FirstOrDefault(s => s.Id == source)?.OutputMark ?? Watermark;

    private void Observe(JsonElement? inputs)
    {
        if (inputs is not { } given || Mode == "batch")
            return;
        foreach (var input in Inputs().Where(i => Delay(i.Value) is not null && given.TryGetProperty(i.Name, out _)))
            foreach (var row in given.GetProperty(input.Name).EnumerateArray())
                if (NaiveCells.Of(input.Value.GetProperty("columns"), row)[TimeOf(input.Name)!] is decimal time)
                    newest[input.Name] = Math.Max(newest.GetValueOrDefault(input.Name, decimal.MinValue), time);
        var marks = Inputs().Where(i => Delay(i.Value) is not null).Select(i => newest.TryGetValue(i.Name, out var time) ? time - Delay(i.Value)!.Value : 0).ToArray();
        var isMax = query.TryGetProperty("watermarkPolicy", out var policy) && policy.GetString() == "max";
        if (marks.Length > 0)
            Watermark = Math.Max(Watermark, isMax ? marks.Max() : marks.Min());
    }

    private List<object?[]> Shown(IEnumerable<NaiveCells> all) =>
        [.. all.Select(r => query.GetProperty("output").EnumerateArray().Select(c => r[c.GetString()!]).ToArray())];

    private IEnumerable<JsonProperty> Inputs() => query.GetProperty("inputs").EnumerateObject();

    private JsonElement? Input(string name) => query.GetProperty("inputs").TryGetProperty(name, out var input) ? input : null;

    private static decimal? Delay(JsonElement input) => input.TryGetProperty("watermark", out var delay) ? delay.GetDecimal() : null;
}

/// <summary>A row by column name; a column that is not there is null.</summary>
internal sealed class NaiveCells(IEnumerable<KeyValuePair<string, object?>> cells)
{
    private readonly Dictionary<string, object?> cells = cells.GroupBy(c => c.Key).ToDictionary(g => g.Key, g => g.Last().Value);

    public object? this[string column] => cells.GetValueOrDefault(column);

    public NaiveCells With(params (string, object?)[] more) => new(cells.Concat(more.Select(m => KeyValuePair.Create(m.Item1, m.Item2))));

    public NaiveCells With(NaiveCells other) => new(cells.Concat(other.cells));

    public string Key(IEnumerable<string> columns) => string.Join('|', columns.Select(c => Text(this[c])));

    public static string Text(object? cell) => cell switch
    {
        null => "null",
        decimal number => Math.Round(number, 8).ToString("0.########", System.Globalization.CultureInfo.InvariantCulture),
        string text => $"\"{text}\"",
        IEnumerable<object?> list => $"[{string.Join(',', list.Select(Text).Order(StringComparer.Ordinal))}]",
        var other => other.ToString()!.ToLowerInvariant(),
    };

    public static NaiveCells Of(JsonElement columns, JsonElement row) =>
        new(columns.EnumerateArray().Select((c, i) => KeyValuePair.Create(c.GetString()!, i < row.GetArrayLength() ? Cell(row[i]) : null)));

    public static object? Cell(JsonElement value) => value.ValueKind switch
    {
        JsonValueKind.Number => value.TryGetDecimal(out var number) ? number : (decimal)value.GetDouble(),
        JsonValueKind.String => value.GetString(),
        JsonValueKind.True => true,
        JsonValueKind.False => false,
        JsonValueKind.Array => value.EnumerateArray().Select(Cell).ToArray(),
        _ => null,
    };
}
