using System.Text;
using Tidemark.Domain.Columns;

namespace Tidemark.PowerBi;

/// <summary>A Delta table, refreshed incrementally by its date.</summary>
internal static class DeltaTableFile
{
    /// <summary>The column that relates a table to the calendar; computed where the table has no date.</summary>
    public const string DateColumn = "event_date";

    /// <summary>True in windows that do not overlap others which have it: what sums over a sliding query must keep to.</summary>
    public const string WholeColumn = "is_whole";

    private static readonly string[] Times = ["window_start", "event_time", "kafka_time"];

    public static string Text(LakeModelTable table)
    {
        var text = new StringBuilder();
        text.Append($"/// Delta table {table.Path}.\ntable {Tmdl.Quote(table.Name)}\n\n");
        var m = M(table);
        text.Append("\trefreshPolicy\n\t\tpolicyType: basic\n\t\trollingWindowGranularity: month\n\t\trollingWindowPeriods: 12\n\t\tincrementalGranularity: day\n\t\tincrementalPeriods: 2\n");
        Tmdl.Block(text, "sourceExpression", m);
        foreach (var field in table.Fields)
            Tmdl.Column(text, field);
        if (IsDateComputed(table))
            Tmdl.Column(text, DateColumn, "dateTime", "yyyy-mm-dd", isHidden: true);
        if (IsSliding(table))
            Tmdl.Column(text, WholeColumn, "boolean", null, isHidden: true);
        text.Append($"\n\tpartition {Tmdl.Quote(table.Name)} = m\n\t\tmode: import\n");
        Tmdl.Block(text, "source", m);
        return text.Append("\n\tannotation PBI_ResultType = Table\n").ToString();
    }

    /// <summary>
    /// The time that says to which day a row belongs: what its query or stream says, else the event's, else the record's, else the first there is.
    /// </summary>
    public static string TimeColumn(LakeModelTable table) =>
        table.Fields.FirstOrDefault(f => f.Name == table.Output?.TimeColumn && f.Type == FieldType.Timestamp)?.Name
        ?? Times.FirstOrDefault(t => table.Fields.Any(f => f.Name == t && f.Type == FieldType.Timestamp))
        ?? table.Fields.FirstOrDefault(f => f.Type == FieldType.Timestamp)?.Name
        ?? throw new InvalidOperationException($"Table {table.Path} has no timestamp, so no range of it can be refreshed.");

    private static bool IsDateComputed(LakeModelTable table) => table.Fields.All(f => f.Name != DateColumn);

    private static bool IsSliding(LakeModelTable table) => table.Query is { } query && query.SlideMs < query.SizeMs && query.SizeMs % query.SlideMs == 0;

    private static string M(LakeModelTable table)
    {
        // A folder that is not there is as good as a table without rows. Where the lake is out of reach the other tables say so.
        var steps = table.IsOptional
            ? new List<(string Name, string Value)> { ("Folder", $"try {Folder(table.Path)} otherwise null"), ("Source", $"if Folder = null then #table({Tmdl.List(table.Fields.Select(f => f.Name))}, {{}}) else DeltaLake.Table(Folder)") }
            : new List<(string Name, string Value)> { ("Source", $"DeltaLake.Table({Folder(table.Path)})") };
        if (table.PartitionColumns.Contains(DateColumn))
            steps.Add(("Days", $"Table.SelectRows(Source, each Date.From([{DateColumn}]) >= Date.From(RangeStart) and Date.From([{DateColumn}]) < Date.From(RangeEnd))"));
        steps.Add(("Columns", $"Table.SelectColumns({steps[^1].Name}, {Tmdl.List(table.Fields.Select(f => f.Name))}, MissingField.UseNull)"));
        var times = table.Fields.Where(f => f.Type == FieldType.Timestamp).ToList();
        steps.Add(("Times", $"Table.TransformColumns(Columns, {{{string.Join(", ", times.Select(f => $"{{\"{f.Name}\", UtcTime}}"))}}})"));
        steps.Add(("Typed", $"Table.TransformColumnTypes(Times, {{{string.Join(", ", table.Fields.Select(f => $"{{\"{f.Name}\", {Tmdl.MType(f)}}}"))}}}, \"en-US\")"));
        if (!table.PartitionColumns.Contains(DateColumn))
            steps.Add(("Range", $"Table.SelectRows(Typed, each [{TimeColumn(table)}] >= RangeStart and [{TimeColumn(table)}] < RangeEnd)"));
        if (IsDateComputed(table))
            steps.Add(("Dated", $"Table.AddColumn({steps[^1].Name}, \"{DateColumn}\", each Date.From([{TimeColumn(table)}]), type date)"));
        if (IsSliding(table))
            steps.Add(("Whole", $"Table.AddColumn({steps[^1].Name}, \"{WholeColumn}\", each Number.Mod(Duration.TotalSeconds([window_start] - #datetime(1970, 1, 1, 0, 0, 0)), {table.Query!.SizeMs / 1000}) = 0, type logical)"));
        return $"let\n{string.Join(",\n", steps.Select(s => $"    {s.Name} = {s.Value}"))}\nin\n    {steps[^1].Name}";
    }

    // One data source for all tables, so one sign-in: the container; folders are walked from there.
    private static string Folder(string path) => "Lake" + string.Concat(path.Split('/').Select(part => $"{{[Name = \"{part}\"]}}[Content]"));
}
