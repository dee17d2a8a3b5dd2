using System.Text.Json;
using Tidemark.Domain.Columns;

namespace Tidemark.Conformance;

/// <summary>
/// Types of the columns of a case, which names none: what is used as a time is a time, what is compared or united with something has its type, and the rest
/// is what its values are.
/// </summary>
internal sealed class CaseColumns
{
    /// <summary>Column that numbers the rows of inputs without event time, where a case asks for the first or last of them.</summary>
    public const string Arrival = "arrival";

    private const string Number = "#number";
    private static readonly string[] OfTime = ["eventTime", "on", "eventTimeKey", "gapColumn"];
    private static readonly string[] OfNumbers = ["sum", "sumDistinct", "avg", "median", "stddevSamp", "stddevPop", "varSamp", "varPop", "collectList", "collectSet"];
    private static readonly string[] OfTimeFunctions = ["maxTimeIdle5s", "maxTimeTimer5s", "sessionInfo10s"];
    private static readonly string[] OfOrder = ["first", "last", "collectList"];
    private readonly Dictionary<string, string> sameAs = [];
    private readonly HashSet<string> times = [];
    private readonly Dictionary<string, List<JsonElement>> values = [];
    private readonly Dictionary<string, string[]> columns = [];
    private readonly HashSet<string> counted = [];

    public CaseColumns(JsonElement query, IReadOnlyList<JsonElement> inputSteps)
    {
        foreach (var input in query.GetProperty("inputs").EnumerateObject())
        {
            AddUses(input.Value);
            AddValues(input.Name, input.Value, inputSteps.Where(s => s.TryGetProperty(input.Name, out _)).SelectMany(s => s.GetProperty(input.Name).EnumerateArray()));
        }
        if (query.TryGetProperty("static", out var tables))
            foreach (var table in tables.EnumerateObject())
                AddValues(table.Name, table.Value, table.Value.GetProperty("rows").EnumerateArray());
        foreach (var stage in query.GetProperty("stages").EnumerateArray())
            AddStage(stage);
        times.UnionWith(times.Select(Root).ToArray());
        var aggregates = query.GetProperty("stages").EnumerateArray().Where(s => s.TryGetProperty("aggs", out _)).SelectMany(s => s.GetProperty("aggs").EnumerateArray()).ToArray();
        counted.UnionWith(aggregates.Where(a => OfNumbers.Contains(CaseFields.Text(a, "fn"))).Select(a => CaseFields.Text(a, "column")).OfType<string>().Where(IsTime).Select(Root));
        HasOrder = aggregates.Any(a => OfOrder.Contains(CaseFields.Text(a, "fn")));
    }

    /// <summary>Whether an aggregate depends on the order of rows.</summary>
    public bool HasOrder { get; }

    /// <summary>Whether a column holds texts and numbers: it is one of texts then.</summary>
    public bool IsMixed { get; set; }

    /// <summary>Fields of an input or table: its columns, then those that hold its times as numbers for aggregates of them.</summary>
    public RowSchema Schema(string source) =>
        new([.. columns[source].Select(FieldOf), .. columns[source].Where(c => counted.Contains(Root(c))).Select(c => new RowField(c + Number, FieldType.Decimal, true, 18, 6))]);

    /// <summary>Rows of an input or table; <paramref name="arrived"/> is the number of rows before them where rows are numbered.</summary>
    public RowBatch Rows(RowSchema schema, string source, IEnumerable<JsonElement> rows, ref long arrived)
    {
        var builders = schema.Fields.Select(f => ColumnBuilder.For(f)).ToArray();
        var count = 0;
        foreach (var row in rows)
        {
            if (row.GetArrayLength() != columns[source].Length)
                throw new NotSupportedCase($"row {row} of {source}, which has {columns[source].Length} columns");
            for (var i = 0; i < builders.Length; i++)
                if (schema.Fields[i].Name == Arrival)
                    ((Int64ColumnBuilder)builders[i]).Append(++arrived);
                else
                    CaseTypes.Append(builders[i], schema.Fields[i], row[Array.IndexOf(columns[source], schema.Fields[i].Name.Replace(Number, "", StringComparison.Ordinal))]);
            count++;
        }
        return new RowBatch(schema, [.. builders.Select(b => b.Build())], count);
    }

    /// <summary>The column that an aggregate is to read: of a time, the one that holds it as a number, if the function needs one.</summary>
    public string AggregateColumn(string function, string column) => OfNumbers.Contains(function) && counted.Contains(Root(column)) && columns.Values.Any(c => c.Contains(column)) ? column + Number : column;

    public bool IsTime(string column) => times.Contains(Root(column)) || CaseTypes.IsTime(column);

    private void AddValues(string source, JsonElement described, IEnumerable<JsonElement> rows)
    {
        columns[source] = CaseFields.Strings(described, "columns");
        var all = rows.ToArray();
        for (var i = 0; i < columns[source].Length; i++)
            (values.TryGetValue(columns[source][i], out var list) ? list : values[columns[source][i]] = []).AddRange(all.Where(r => i < r.GetArrayLength()).Select(r => r[i]));
    }

    private void AddUses(JsonElement from)
    {
        foreach (var use in OfTime)
            if (CaseFields.Text(from, use) is { } column && !CaseTypes.IsTime(column))
                times.Add(column);
    }

    private void AddStage(JsonElement stage)
    {
        AddUses(stage);
        if (OfTimeFunctions.Contains(CaseFields.Text(stage, "fn")) && CaseShape.Columns(CaseFields.Text(stage, "from")!, columns).Except(CaseFields.Strings(stage, "keys")).ToArray() is var rest)
            times.Add(rest.FirstOrDefault(c => c == "ts" || times.Contains(c)) ?? rest.FirstOrDefault() ?? "ts");
        if (stage.TryGetProperty("sameWindow", out var window) && window.ValueKind == JsonValueKind.Object)
            times.UnionWith(new[] { "left", "right" }.Select(s => CaseFields.Text(window, s)).OfType<string>().Where(c => !CaseTypes.IsTime(c)));
        foreach (var pairs in new[] { "equals", "nullSafeEquals" })
            if (stage.TryGetProperty(pairs, out var list))
                foreach (var pair in list.EnumerateArray())
                    Unite(pair[0].GetString()!, pair[1].GetString()!);
        foreach (var bounds in new[] { "timeBounds", "where" })
            if (stage.TryGetProperty(bounds, out var list))
                foreach (var bound in list.EnumerateArray())
                {
                    Unite(CaseFields.Text(bound, "left")!, CaseFields.Text(bound, "right")!);
                    if (bounds == "timeBounds")
                        times.Add(CaseFields.Text(bound, "left")!);
                }
        if (stage.TryGetProperty("of", out var united))
            foreach (var other in united.EnumerateArray().Skip(1))
                foreach (var (a, b) in CaseShape.Columns(united[0].GetString()!, columns).Zip(CaseShape.Columns(other.GetString()!, columns)))
                    Unite(a, b);
        columns[CaseFields.Text(stage, "id")!] = CaseShape.Columns(stage, columns);
    }

    private RowField FieldOf(string column)
    {
        if (IsTime(column))
            return new RowField(column, FieldType.Timestamp);
        var of = values.Where(v => Root(v.Key) == Root(column)).SelectMany(v => v.Value).Where(v => v.ValueKind != JsonValueKind.Null).ToArray();
        IsMixed |= of.Any(v => v.ValueKind == JsonValueKind.String) && of.Any(v => v.ValueKind == JsonValueKind.Number);
        if (of.Any(v => v.ValueKind == JsonValueKind.String))
            return new RowField(column, FieldType.String);
        if (of.Any(v => v.ValueKind is JsonValueKind.True or JsonValueKind.False))
            return new RowField(column, FieldType.Boolean);
        var digits = of.Select(v => (int)v.GetDecimal().Scale).DefaultIfEmpty(0).Max();
        return digits == 0 ? new RowField(column, FieldType.Int64) : new RowField(column, FieldType.Decimal, true, 18, Math.Min(digits, 18));
    }

    private string Root(string column)
    {
        while (sameAs.TryGetValue(column, out var next))
            column = next;
        return column;
    }

    private void Unite(string a, string b)
    {
        if (CaseTypes.IsTime(a) || CaseTypes.IsTime(b))
            times.UnionWith(new[] { a, b }.Where(c => !CaseTypes.IsTime(c)));
        else if (Root(a) != Root(b))
            sameAs[Root(a)] = Root(b);
    }
}
