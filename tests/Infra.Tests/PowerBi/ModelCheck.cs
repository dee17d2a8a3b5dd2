using System.Text.RegularExpressions;
using Tidemark.Infra.Tests.Support;

namespace Tidemark.Infra.Tests.PowerBi;

/// <summary>What Power BI Desktop would say when it opens the model: syntax, references, M and DAX.</summary>
internal static partial class ModelCheck
{
    private static readonly string[] DataTypes = ["string", "int64", "double", "decimal", "boolean", "dateTime"];

    // Functions and values of M's library that the model uses. Another one is to be looked up, then added here.
    private static readonly string[] Library =
    [
        "AzureStorage.DataLake", "AzureStorage.Tables", "Currency.Type", "Date.From", "DateTime.From", "DateTimeZone.RemoveZone", "DateTimeZone.ToUtc", "DeltaLake.Table",
        "Duration.TotalSeconds", "Int64.Type", "MissingField.UseNull", "Number.Mod", "Table.AddColumn", "Table.ExpandRecordColumn", "Table.FirstN", "Table.SelectColumns",
        "Table.SelectRows", "Table.TransformColumns", "Table.TransformColumnTypes", "#table", "#datetime", "_",
    ];

    public static IReadOnlyList<string> Problems(PowerBiModel model)
    {
        var problems = model.SyntaxProblems.ToList();
        if (problems.Count > 0)
            return problems;
        problems.AddRange(Names(model));
        problems.AddRange(Relationships(model));
        problems.AddRange(Power(model));
        problems.AddRange(Dax(model));
        return problems;
    }

    private static IEnumerable<string> Names(PowerBiModel model)
    {
        var listed = model.Model.Of("ref").Select(r => r.Name).ToList();
        foreach (var (file, table) in model.Tables)
        {
            if (!file.EndsWith($"/{table.Name}.tmdl", StringComparison.Ordinal))
                yield return $"{file}: holds table '{table.Name}'";
            if (listed.Count(n => n == table.Name) != 1)
                yield return $"{file}: model.tmdl does not name '{table.Name}' once";
            if (table.Of("partition").Count() != 1)
                yield return $"{file}: '{table.Name}' has not one partition";
            foreach (var twice in table.Children.Where(c => c.Kind is "column" or "measure").GroupBy(c => c.Name, StringComparer.OrdinalIgnoreCase).Where(g => g.Count() > 1))
                yield return $"{file}:{twice.Last().Line} '{twice.Key}' stands twice";
            foreach (var column in table.Of("column"))
            {
                if (!DataTypes.Contains(column.Properties.GetValueOrDefault("dataType")))
                    yield return $"{file}:{column.Line} '{column.Name}' has no data type";
                if (!column.Properties.ContainsKey("sourceColumn"))
                    yield return $"{file}:{column.Line} '{column.Name}' has no source column";
            }
        }

        foreach (var missing in listed.Where(n => model.Table(n) is null))
            yield return $"model.tmdl names '{missing}', which there is not";
        foreach (var twice in model.Measures.GroupBy(m => m.Name, StringComparer.OrdinalIgnoreCase).Where(g => g.Count() > 1))
            yield return $"measure '{twice.Key}' stands twice";
    }

    private static IEnumerable<string> Relationships(PowerBiModel model)
    {
        foreach (var relationship in model.Relationships)
        {
            var ends = new[] { "fromColumn", "toColumn" }.Select(end => (End: end, Column: Column(relationship.Properties.GetValueOrDefault(end) ?? ""))).ToList();
            foreach (var (end, column) in ends.Where(e => e.Column is null))
                yield return $"relationship '{relationship.Name}': {end} {relationship.Properties.GetValueOrDefault(end)} is no column";
            if (ends.All(e => e.Column is not null) && ends[0].Column!.Properties["dataType"] != ends[1].Column!.Properties["dataType"])
                yield return $"relationship '{relationship.Name}' joins a {ends[0].Column!.Properties["dataType"]} to a {ends[1].Column!.Properties["dataType"]}";
        }

        foreach (var (file, table) in model.Tables.Where(t => t.Table.Of("refreshPolicy").Any()))
            if (!model.Relationships.Any(r => r.Properties["toColumn"] == "Date.Date" && Unquote(r.Properties["fromColumn"].Split('.')[0]) == table.Name))
                yield return $"{file}: '{table.Name}' is not related to the calendar";

        TmdlObject? Column(string reference) => Reference().Match(reference) is { Success: true } match
            ? model.Column(Unquote(match.Groups[1].Value), Unquote(match.Groups[2].Value))
            : null;
    }

    // M parses, takes only what there is, and loads the columns that the table has.
    private static IEnumerable<string> Power(PowerBiModel model)
    {
        var known = model.Expressions.Select(e => e.Name).Concat(Library).ToHashSet(StringComparer.Ordinal);
        var sources = model.Expressions.Select(e => (Where: $"expression {e.Name}", M: e.Default ?? "", Table: (TmdlObject?)null)).Concat(
            from t in model.Tables
            from m in t.Table.Of("partition").Where(p => p.Default == "m").Select(p => p.Properties.GetValueOrDefault("source") ?? "")
                .Concat(t.Table.Of("refreshPolicy").Select(p => p.Properties.GetValueOrDefault("sourceExpression") ?? ""))
            select (Where: t.File, M: m, Table: (TmdlObject?)t.Table));
        foreach (var (where, m, table) in sources.Distinct())
        {
            var (error, names) = Checker.M(Meta().Replace(m, ""));
            if (error is not null)
                yield return $"{where}: M does not parse: {error.Split('\n')[0]}";
            foreach (var name in names.Where(n => !known.Contains(n)))
                yield return $"{where}: M uses {name}, which there is not";
            if (error is null && table is not null && table.Name != "Measures")
            {
                var text = Quoted().Matches(m).Select(q => q.Groups[1].Value).ToHashSet();
                foreach (var column in table.Of("column").Where(c => !text.Contains(c.Properties["sourceColumn"])))
                    yield return $"{where}: M does not load '{column.Properties["sourceColumn"]}'";
            }
        }
    }

    private static IEnumerable<string> Dax(PowerBiModel model)
    {
        var measures = model.Measures.Select(m => m.Name).ToHashSet(StringComparer.Ordinal);
        var calculated = model.Tables.Where(t => t.Table.Of("partition").Any(p => p.Default == "calculated"));
        foreach (var (name, dax, own) in model.Measures.Select(m => (m.Name, m.Default ?? "", (TmdlObject?)null))
            .Concat(calculated.Select(t => (t.Table.Name, t.Table.Of("partition").First().Properties.GetValueOrDefault("source") ?? "", (TmdlObject?)t.Table))))
        {
            foreach (Match use in TableColumn().Matches(dax))
                if (model.Column(use.Groups[1].Value, use.Groups[2].Value) is null)
                    yield return $"DAX of '{name}' uses {use.Value}, which there is not";
            foreach (Match use in TableAlone().Matches(TableColumn().Replace(dax, "")))
                if (model.Table(use.Groups[1].Value) is null)
                    yield return $"DAX of '{name}' uses table '{use.Groups[1].Value}', which there is not";
            foreach (Match use in Alone().Matches(TableColumn().Replace(dax, "")))
                if (!measures.Contains(use.Groups[1].Value) && own?.Of("column").Any(c => c.Name == use.Groups[1].Value) != true)
                    yield return $"DAX of '{name}' uses {use.Value}, which there is not";
            if (Balance(dax) is { } what)
                yield return $"DAX of '{name}': {what} are not balanced";
        }
    }

    private static string? Balance(string dax)
    {
        var open = new Stack<char>();
        foreach (var c in Texts().Replace(dax, ""))
        {
            if (c is '(' or '[' or '{')
                open.Push(c);
            else if (c is ')' or ']' or '}' && (!open.TryPop(out var begun) || (begun, c) is not (('(', ')') or ('[', ']') or ('{', '}'))))
                return "brackets";
        }

        return open.Count > 0 ? "brackets" : null;
    }

    private static string Unquote(string name) => name.StartsWith('\'') ? name[1..^1].Replace("''", "'", StringComparison.Ordinal) : name;

    [GeneratedRegex(@"^('(?:[^']|'')+'|\w+)\.('(?:[^']|'')+'|\w+)$")]
    private static partial Regex Reference();

    [GeneratedRegex(@" meta \[.*\]$")]
    private static partial Regex Meta();

    [GeneratedRegex("\"([^\"]*)\"")]
    private static partial Regex Quoted();

    [GeneratedRegex("\"[^\"]*\"")]
    private static partial Regex Texts();

    [GeneratedRegex(@"'([^']+)'\[([^\]]+)\]")]
    private static partial Regex TableColumn();

    [GeneratedRegex(@"'([^']+)'")]
    private static partial Regex TableAlone();

    [GeneratedRegex(@"\[([^\]]+)\]")]
    private static partial Regex Alone();
}
