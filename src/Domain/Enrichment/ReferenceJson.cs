using System.Text.Json;

namespace Tidemark.Domain.Enrichment;

/// <summary>Reads a row of reference data from a JSON object in UTF-8: text or numbers under the names of the schema's columns, in any case; other members are passed over.</summary>
internal static class ReferenceJson
{
    /// <summary>One value for each column, or what is wrong, as what follows the row's name.</summary>
    public static (string?[] Values, string? Fault) Read(ReferenceSchema schema, ReadOnlyMemory<byte> json)
    {
        try
        {
            using var document = JsonDocument.Parse(json);
            return document.RootElement.ValueKind == JsonValueKind.Object ? Read(schema, document.RootElement) : ([], "has a value that is no JSON object");
        }
        catch (JsonException)
        {
            return ([], "has a value that is no JSON");
        }
    }

    private static (string?[], string?) Read(ReferenceSchema schema, JsonElement row)
    {
        var members = row.EnumerateObject().ToList();
        var found = schema.Find([.. members.Select(m => m.Name)]);
        var values = new string?[found.Length];
        for (var i = 0; i < found.Length; i++)
        {
            if (found[i] < 0 || members[found[i]].Value is not { ValueKind: not JsonValueKind.Null } value)
                continue;
            if (value.ValueKind is not (JsonValueKind.String or JsonValueKind.Number))
                return ([], $"has a {schema.Columns[i].Name} that is neither text nor a number");
            try
            {
                values[i] = value.ValueKind == JsonValueKind.String ? value.GetString() : value.GetRawText();
            }
            catch (InvalidOperationException)
            {
                return ([], $"has a {schema.Columns[i].Name} that is no valid text");
            }
        }
        return (values, null);
    }
}
