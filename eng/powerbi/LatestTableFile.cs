using System.Text;
using Tidemark.Domain.Columns;
using Tidemark.Domain.Pipelines;

namespace Tidemark.PowerBi;

/// <summary>The newest rows of a query or stream from Table storage, open windows included.</summary>
internal static class LatestTableFile
{
    private static readonly RowField[] Added = [new("is_final", FieldType.Boolean), new("updated_at", FieldType.Timestamp)];

    public static string Name(IOutput output) => "Latest " + LakeModel.Title(output.Name);

    public static string Text(LatestModelTable table)
    {
        var (storageTable, output) = (table.Table, table.Output);
        var fields = Fields(output);
        var text = new StringBuilder();
        text.Append($"/// Newest rows of Table storage's {storageTable}; is_final is false while a window is open.\ntable {Tmdl.Quote(Name(output))}\n");
        foreach (var field in fields)
            Tmdl.Column(text, field);
        text.Append($"\n\tpartition {Tmdl.Quote(Name(output))} = m\n\t\tmode: import\n");
        Tmdl.Block(text, "source", M(table, fields));
        return text.Append("\n\tannotation PBI_ResultType = Table\n").ToString();
    }

    /// <summary>Columns of its rows in Table storage, bytes left out; a column of its own stands where one of the added ones would.</summary>
    public static IReadOnlyList<RowField> Fields(IOutput output) =>
        [.. output.Schema.Fields.Where(f => f.Type != FieldType.Binary), .. Added.Where(a => output.Schema.Fields.All(f => f.Name != a.Name))];

    // Row keys put the newest window first, so the first rows are the newest. Decimals and dates lie there as text.
    // A table that is not there is as good as one without rows.
    private static string M(LatestModelTable table, IReadOnlyList<RowField> fields)
    {
        var source = $"Results{{[Name = \"{table.Table}\"]}}[Data]";
        if (table.IsOptional)
            source = $"try {source} otherwise #table({{\"PartitionKey\", \"Content\"}}, {{}})";
        var names = Tmdl.List(fields.Select(f => f.Name));
        var times = string.Join(", ", fields.Where(f => f.Type == FieldType.Timestamp).Select(f => $"{{\"{f.Name}\", UtcTime}}"));
        var types = string.Join(", ", fields.Select(f => $"{{\"{f.Name}\", {Tmdl.MType(f)}}}"));
        return $$"""
            let
                Source = {{source}},
                Ours = Table.SelectRows(Source, each [PartitionKey] = {{table.Pipeline}}),
                Newest = Table.FirstN(Ours, LatestRows),
                Expanded = Table.ExpandRecordColumn(Table.SelectColumns(Newest, {"Content"}), "Content", {{names}}),
                Times = Table.TransformColumns(Expanded, {{{times}}}),
                Typed = Table.TransformColumnTypes(Times, {{{types}}}, "en-US")
            in
                Typed
            """.ReplaceLineEndings("\n");
    }
}
