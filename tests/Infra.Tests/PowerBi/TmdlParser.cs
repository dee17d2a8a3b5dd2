using System.Text;

namespace Tidemark.Infra.Tests.PowerBi;

/// <summary>
/// Reads the part of TMDL that a model of import tables needs: indentation by tabs, <c>kind name = default</c>, <c>property: value</c>, flags,
/// descriptions, and expressions indented below an equals sign. What it does not know it reports, so that a slip of the pen is seen.
/// </summary>
public sealed class TmdlParser
{
    // Kind of object: kinds that may stand in it, and its properties (with ':' in the file, '=' for expressions, nothing for flags).
    private static readonly Dictionary<string, (string[] Children, string[] Properties, string[] Flags)> Grammar = new()
    {
        [""] = (["database", "model", "table", "expression", "relationship", "annotation", "ref"], [], []),
        ["database"] = ([], ["compatibilityLevel"], []),
        ["model"] = (["dataAccessOptions", "annotation"], ["culture", "defaultPowerBIDataSourceVersion", "sourceQueryCulture"], ["discourageImplicitMeasures"]),
        ["dataAccessOptions"] = ([], [], ["legacyRedirects", "returnErrorValuesAsNull"]),
        ["ref"] = ([], [], []),
        ["annotation"] = ([], [], []),
        ["expression"] = (["annotation"], ["lineageTag"], []),
        ["relationship"] = ([], ["fromColumn", "toColumn", "crossFilteringBehavior", "isActive"], []),
        ["table"] = (["column", "measure", "partition", "refreshPolicy", "annotation"], ["dataCategory", "lineageTag"], ["isHidden"]),
        ["column"] = ([], ["dataType", "formatString", "summarizeBy", "sourceColumn", "sortByColumn", "lineageTag"], ["isHidden", "isKey", "isNameInferred"]),
        ["measure"] = ([], ["formatString", "displayFolder", "lineageTag"], ["isHidden"]),
        ["partition"] = ([], ["mode", "source"], []),
        ["refreshPolicy"] = ([], ["policyType", "rollingWindowGranularity", "rollingWindowPeriods", "incrementalGranularity", "incrementalPeriods", "sourceExpression"], []),
    };

    private static readonly string[] Nameless = ["database", "dataAccessOptions", "refreshPolicy"];
    private readonly string _file;
    private readonly string[] _lines;
    private int _at;

    private TmdlParser(string file, string text) => (_file, _lines) = (file, text.Split('\n'));

    public List<string> Problems { get; } = [];

    /// <summary>The objects of a file, and what is wrong with it.</summary>
    public static (TmdlObject Root, IReadOnlyList<string> Problems) Parse(string file, string text)
    {
        var parser = new TmdlParser(file, text);
        var root = new TmdlObject("", "", null, 0);
        if (text.Contains('\r', StringComparison.Ordinal) || text.StartsWith('\ufeff'))
            parser.Problems.Add($"{file}: carriage returns or a byte order mark");
        parser.Children(root, 0);
        return (root, parser.Problems);
    }

    private void Children(TmdlObject parent, int depth)
    {
        while (_at < _lines.Length)
        {
            var line = _lines[_at];
            if (line.Trim().Length == 0)
            {
                _at++;
                continue;
            }

            var indent = line.TakeWhile(c => c == '\t').Count();
            if (indent < depth)
                return;
            var content = line[indent..];
            var number = ++_at;
            if (indent > depth || content.StartsWith(' '))
                Problem(number, "is indented by something else than one tab more than what it belongs to");
            else if (!content.StartsWith("///", StringComparison.Ordinal))
                Line(parent, content, number, depth);
        }
    }

    private void Line(TmdlObject parent, string content, int number, int depth)
    {
        var (children, properties, flags) = Grammar[parent.Kind];
        var word = new string([.. content.TakeWhile(char.IsLetter)]);
        var rest = content[word.Length..];
        if (properties.Contains(word) && (rest.StartsWith(": ", StringComparison.Ordinal) || rest.TrimEnd() == " ="))
        {
            var value = rest[0] == ':' ? rest[2..].Trim() : Expression(depth + 1, number);
            if (!parent.Properties.TryAdd(word, value))
                Problem(number, $"'{word}' stands twice");
        }
        else if (flags.Contains(word) && rest.Length == 0)
            parent.Properties[word] = "true";
        else if (children.Contains(word))
            parent.Children.Add(Object(word, rest, number, depth));
        else
            Problem(number, $"'{content.Trim()}' is nothing that a {(parent.Kind.Length == 0 ? "file" : parent.Kind)} can have");
    }

    private TmdlObject Object(string kind, string rest, int number, int depth)
    {
        rest = rest.TrimStart();
        var name = "";
        if (kind == "ref")
        {
            if (!rest.StartsWith("table ", StringComparison.Ordinal))
                Problem(number, "'ref' refers to no table");
            rest = rest[Math.Min(rest.Length, 6)..];
        }

        if (!Nameless.Contains(kind))
            (name, rest) = Name(rest, number);
        rest = rest.Trim();
        string? value = null;
        if (rest.StartsWith('='))
            value = rest[1..].Trim() is { Length: > 0 } inline ? inline : Expression(depth + 1, number);
        else if (rest.Length > 0)
            Problem(number, $"'{rest}' is too much");
        var result = new TmdlObject(kind, name, value, number);
        Children(result, depth + 1);
        return result;
    }

    private (string Name, string Remainder) Name(string text, int number)
    {
        if (!text.StartsWith('\''))
        {
            var plain = new string([.. text.TakeWhile(c => char.IsLetterOrDigit(c) || c == '_')]);
            if (plain.Length == 0)
                Problem(number, "a name is missing");
            if (text.Length > plain.Length && text[plain.Length] is not ' ')
                Problem(number, $"the name '{text}' needs quotes");
            return (plain, text[plain.Length..]);
        }

        var name = new StringBuilder();
        for (var i = 1; i < text.Length; i++)
        {
            if (text[i] != '\'')
                name.Append(text[i]);
            else if (i + 1 < text.Length && text[i + 1] == '\'')
                name.Append(text[i++]);
            else
                return (name.ToString(), text[(i + 1)..]);
        }

        Problem(number, "a quote is not closed");
        return (name.ToString(), "");
    }

    // Lines that are indented deeper than the properties of the object are the expression, without that indentation.
    private string Expression(int depth, int number)
    {
        var lines = new List<string>();
        while (_at < _lines.Length && (_lines[_at].Trim().Length == 0 || _lines[_at].TakeWhile(c => c == '\t').Count() > depth))
            lines.Add(_lines[_at++]);
        if (lines.All(l => l.Trim().Length == 0))
            Problem(number, "an expression is missing");
        return string.Join('\n', lines.Select(l => l.TrimStart('\t'))).Trim();
    }

    private void Problem(int line, string text) => Problems.Add($"{_file}:{line} {text}");
}
