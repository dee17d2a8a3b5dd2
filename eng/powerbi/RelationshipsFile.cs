using System.Text;
using Tidemark.Domain.Columns;

namespace Tidemark.PowerBi;

/// <summary>relationships.tmdl: every Delta table to the calendar, every key to its dimension.</summary>
internal static class RelationshipsFile
{
    public static string Text(LakeModel lake, IReadOnlyList<Dimension> dimensions)
    {
        var text = new StringBuilder();
        foreach (var table in lake.Tables)
            Add(table.Name, DeltaTableFile.DateColumn, DateTable.Name, "Date");
        foreach (var dimension in dimensions)
            foreach (var table in dimension.Tables)
                Add(table.Name, dimension.Column, dimension.Name, dimension.Column);
        return text.ToString();

        void Add(string fromTable, string fromColumn, string toTable, string toColumn) =>
            text.Append($"relationship {Tmdl.Quote($"{fromTable} to {toTable}")}\n\tfromColumn: {Tmdl.Quote(fromTable)}.{Tmdl.Quote(fromColumn)}\n\ttoColumn: {Tmdl.Quote(toTable)}.{Tmdl.Quote(toColumn)}\n\n");
    }
}
