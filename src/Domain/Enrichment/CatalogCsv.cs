using System.Globalization;
using System.Text;

namespace Tidemark.Domain.Enrichment;

/// <summary>
/// Reads a catalog from CSV as RFC 4180 has it, in UTF-8, with a header line. Columns, in any order: <c>product_id</c>, and any of <c>product_name</c> (or
/// <c>name</c>), <c>brand</c>, <c>category</c>, <c>price</c>; others are passed over.
/// </summary>
public static class CatalogCsv
{
    /// <summary>The catalog; throws <see cref="InvalidDataException"/> with the line and the remedy when the text is none.</summary>
    public static Catalog Read(ReadOnlySpan<byte> csv)
    {
        string text;
        try
        {
            text = new UTF8Encoding(false, throwOnInvalidBytes: true).GetString(csv);
        }
        catch (DecoderFallbackException)
        {
            throw new InvalidDataException("The catalog is not UTF-8; save it as UTF-8.");
        }

        var catalog = new CatalogBuilder();
        int[]? columns = null;
        var count = 0;
        foreach (var (line, fields) in Lines(text.TrimStart('\uFEFF')))
        {
            if (columns is null)
            {
                columns = Header(fields);
                count = fields.Count;
                continue;
            }
            if (fields.Count != count)
                throw Fault(line, $"has {fields.Count} fields where the header has {count}");
            string? At(int column) => columns[column] < 0 ? null : fields[columns[column]];
            decimal? price = null;
            if (At(4) is { Length: > 0 } given)
                price = decimal.TryParse(given, NumberStyles.AllowLeadingSign | NumberStyles.AllowDecimalPoint, CultureInfo.InvariantCulture, out var number)
                    ? number
                    : throw Fault(line, $"has the price '{given}', which is no decimal number such as 12.50");
            try
            {
                catalog.Add(At(0)!, At(1), At(2), At(3), price);
            }
            catch (ArgumentException e)
            {
                throw Fault(line, $"cannot be taken: {e.Message.Split(" (Parameter", 2)[0]}");
            }
        }
        return columns is null ? throw new InvalidDataException("The catalog is empty; it needs a header line with product_id.") : catalog.Build();
    }

    private static int[] Header(List<string> fields)
    {
        int Find(params string[] names) => fields.FindIndex(f => names.Contains(f.Trim(), StringComparer.OrdinalIgnoreCase));
        int[] columns = [Find("product_id"), Find("product_name", "name"), Find("brand"), Find("category"), Find("price")];
        return columns[0] >= 0 ? columns : throw new InvalidDataException($"The catalog has no column product_id; its header is {string.Join(",", fields)}.");
    }

    private static InvalidDataException Fault(int line, string what) => new($"Line {line} of the catalog {what}.");

    /// <summary>Records with the line they begin at; empty lines are passed over.</summary>
    private static IEnumerable<(int Line, List<string> Fields)> Lines(string text)
    {
        var line = 1;
        for (var at = 0; at < text.Length;)
        {
            var (began, fields) = (line, new List<string>());
            for (var more = true; more;)
            {
                var field = at < text.Length && text[at] == '"' ? Quoted(text, ref at, ref line) : Plain(text, ref at);
                fields.Add(field);
                more = at < text.Length && text[at] == ',';
                if (more)
                    at++;
                else if (at < text.Length && text[at] is not ('\r' or '\n'))
                    throw Fault(began, "has text behind a closing quote");
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

    private static string Quoted(string text, ref int at, ref int line)
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
        throw Fault(began, "opens a quote that is never closed");
    }
}
