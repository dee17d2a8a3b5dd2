using System.Text.Json;
using Tidemark.Domain.Columns;

namespace Tidemark.Domain.Aggregates;

/// <summary>Values of a column as JSON: numbers and truth values as such, everything else as text.</summary>
internal static class JsonCells
{
    /// <summary>Writes the value of a row of a batch of one column.</summary>
    public static void Write(Utf8JsonWriter json, RowBatch rows, int row)
    {
        if (rows.Schema.Fields[0].Type is FieldType.Int32 or FieldType.Int64 or FieldType.Decimal or FieldType.Boolean)
            json.WriteRawValue(rows.Text(row, 0)!);
        else
            json.WriteStringValue(rows.Text(row, 0));
    }
}
