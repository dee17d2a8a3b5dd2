using System.Text;
using Tidemark.Domain.Columns;

namespace Tidemark.PowerBi;

/// <summary>Spellings of TMDL and of M.</summary>
internal static class Tmdl
{
    /// <summary>A name as TMDL takes it: in single quotes unless it is letters, digits and underscores only.</summary>
    public static string Quote(string name) =>
        name.All(c => char.IsAsciiLetterOrDigit(c) || c == '_') ? name : $"'{name.Replace("'", "''", StringComparison.Ordinal)}'";

    /// <summary>A column with its type and format. Figures are summed by measures only: a sum over overlapping windows would count twice.</summary>
    public static void Column(StringBuilder text, string name, string dataType, string? format, bool isHidden = false, string? source = null)
    {
        text.Append($"\n\tcolumn {Quote(name)}\n\t\tdataType: {dataType}\n");
        if (isHidden)
            text.Append("\t\tisHidden\n");
        if (format is not null)
            text.Append($"\t\tformatString: {format}\n");
        if (source is not null)
            text.Append("\t\tisNameInferred\n");
        text.Append($"\t\tsummarizeBy: none\n\t\tsourceColumn: {source ?? name}\n");
    }

    public static void Column(StringBuilder text, RowField field) => Column(text, field.Name, DataType(field), Format(field), isHidden: field.Name.StartsWith("kafka_", StringComparison.Ordinal));

    /// <summary>An expression in M or DAX on lines of its own, below a property of an object in a table.</summary>
    public static void Block(StringBuilder text, string property, string expression)
    {
        text.Append($"\t\t{property} =\n");
        foreach (var line in expression.Split('\n'))
            text.Append("\t\t\t\t").Append(line).Append('\n');
    }

    /// <summary>Type in the model. Decimals with up to four digits after the point are exact there too.</summary>
    public static string DataType(RowField field) => field.Type switch
    {
        FieldType.String => "string",
        FieldType.Int32 or FieldType.Int64 => "int64",
        FieldType.Double => "double",
        FieldType.Boolean => "boolean",
        FieldType.Timestamp or FieldType.Date => "dateTime",
        FieldType.Decimal => field.Scale <= 4 ? "decimal" : "double",
        _ => throw new NotSupportedException($"Column '{field.Name}' has type {field.Type}, which a model has no counterpart for."),
    };

    /// <summary>Type in M.</summary>
    public static string MType(RowField field) => field.Type switch
    {
        FieldType.String => "type text",
        FieldType.Int32 or FieldType.Int64 => "Int64.Type",
        FieldType.Double => "type number",
        FieldType.Boolean => "type logical",
        FieldType.Timestamp => "type datetime",
        FieldType.Date => "type date",
        FieldType.Decimal => field.Scale <= 4 ? "Currency.Type" : "type number",
        _ => throw new NotSupportedException($"Column '{field.Name}' has type {field.Type}, which M has no counterpart for."),
    };

    private static string? Format(RowField field) => field.Type switch
    {
        FieldType.Int32 or FieldType.Int64 => "#,##0",
        FieldType.Double => "#,##0.00",
        FieldType.Decimal => "#,##0.00",
        FieldType.Timestamp => "yyyy-mm-dd hh:nn:ss",
        FieldType.Date => "yyyy-mm-dd",
        _ => null,
    };

    /// <summary>A list of names in M.</summary>
    public static string List(IEnumerable<string> names) => "{" + string.Join(", ", names.Select(n => $"\"{n}\"")) + "}";
}
