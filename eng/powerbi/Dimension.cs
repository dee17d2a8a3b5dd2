using System.Text;
using Tidemark.Domain.Columns;

namespace Tidemark.PowerBi;

/// <summary>The values of a key that several tables have, so that one slicer filters them all. Computed from what is loaded.</summary>
internal sealed record Dimension(string Column, IReadOnlyList<LakeModelTable> Tables)
{
    public string Name => LakeModel.Title(Column);

    /// <summary>One for each text key of a query or stream that at least two tables have. Ids are left out: a list of all users helps nobody.</summary>
    public static IReadOnlyList<Dimension> Of(LakeModel lake) =>
    [
        .. lake.Results.SelectMany(r => r.Output.Keys).Distinct().Where(key => !key.EndsWith("_id", StringComparison.Ordinal)).Order(StringComparer.Ordinal)
            .Select(key => new Dimension(key, [.. lake.Tables.Where(t => t.Fields.Any(f => f.Name == key && f.Type == FieldType.String) && (t.Output is not null || t.Path == "silver/events"))]))
            .Where(d => d.Tables.Count > 1),
    ];

    public string Text()
    {
        var text = new StringBuilder();
        text.Append($"/// Every {Column} that occurs.\ntable {Tmdl.Quote(Name)}\n");
        Tmdl.Column(text, Column, "string", null, source: $"[{Column}]");
        text.Append($"\n\tpartition {Tmdl.Quote(Name)} = calculated\n\t\tmode: import\n");
        var values = string.Join(",\n        ", Tables.Select(t => $"SELECTCOLUMNS('{t.Name}', \"{Column}\", '{t.Name}'[{Column}])"));
        Tmdl.Block(text, "source", $"FILTER(\n    DISTINCT(UNION(\n        {values}\n    )),\n    NOT ISBLANK([{Column}])\n)");
        return text.ToString();
    }
}
