using System.Text;

namespace Tidemark.Domain.Enrichment;

/// <summary>
/// Reads reference data from CSV as RFC 4180 has it, in UTF-8, with a header line. Columns, in any order: the key, and any of the schema's; others are passed over.
/// </summary>
public static class ReferenceCsv
{
    /// <summary>The table; throws <see cref="InvalidDataException"/> with the line and the remedy when the text is none.</summary>
    public static ReferenceTable Read(ReferenceSchema schema, ReadOnlySpan<byte> csv)
    {
        string text;
        try
        {
            text = new UTF8Encoding(false, throwOnInvalidBytes: true).GetString(csv);
        }
        catch (DecoderFallbackException)
        {
            throw new InvalidDataException($"The {schema.Title} is not UTF-8; save it as UTF-8.");
        }

        var table = new ReferenceBuilder(schema);
        IReadOnlyList<string>? header = null;
        var (key, columns) = (0, Array.Empty<int>());
        foreach (var (line, fields) in Lines(schema.Title, text.TrimStart('\uFEFF')))
        {
            if (header is null)
            {
                (header, key, columns) = (fields, schema.FindKey(fields), schema.Find(fields));
                if (key < 0)
                    throw new InvalidDataException($"The {schema.Title} has no column {schema.Key}; its header is {string.Join(",", fields)}.");
                continue;
            }
            if (fields.Count != header.Count)
                throw Fault(schema.Title, line, $"has {fields.Count} fields where the header has {header.Count}");
            if (table.TryAdd(fields[key], [.. columns.Select(column => column < 0 ? null : fields[column])]) is { } fault)
                throw Fault(schema.Title, line, fault);
        }
        return header is null ? throw new InvalidDataException($"The {schema.Title} is empty; it needs a header line with {schema.Key}.") : table.Build();
    }

    private static InvalidDataException Fault(string title, int line, string what) => new($"Line {line} of the {title} {what}.");

    /// <summary>Records with the line they begin at; empty lines are passed over.</summary>
    private static IEnumerable<(int Line, List<string> Fields)> Lines(string title, string text)
    {
        var line = 1;
        for (var at = 0; at < text.Length;)
        {
            var (began, fields) = (line, new List<string>());
            for (var more = true; more;)
            {
                var field = at < text.Length && text[at] == '"' ? Quoted(title, text, ref at, ref line) : Plain(text, ref at);
                fields.Add(field);
                more = at < text.Length && text[at] == ',';
                if (more)
                    at++;
                else if (at < text.Length && text[at] is not ('\r' or '\n'))
                    throw Fault(title, began, "has text behind a closing quote");
            }
            if (at < text.Length && text[at] == '\r')
                at++;
            if (at < text.Length && text[at] == '\n')
                at++;
            line++;
            if (fields.Count > 1 || fields[0].Length > 0)
                yield return (began, fields);
        }
    }

    private static string Plain(string text, ref int at)
    {
        var end = text.AsSpan(at).IndexOfAny(',', '\r', '\n') is var length and >= 0 ? at + length : text.Length;
        var field = text[at..end];
        at = end;
        return field;
    }

    private static string Quoted(string title, string text, ref int at, ref int line)
    {
        var (field, began) = (new StringBuilder(), line);
        for (at++; at < text.Length; at++)
        {
            if (text[at] == '"')
            {
                if (at + 1 == text.Length || text[at + 1] != '"')
                {
                    at++;
                    return field.ToString();
                }
                at++;
            }
            line += text[at] == '\n' ? 1 : 0;
            field.Append(text[at]);
        }
        throw Fault(title, began, "opens a quote that is never closed");
    }
}
