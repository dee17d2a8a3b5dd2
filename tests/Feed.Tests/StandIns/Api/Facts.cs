using System.Text.RegularExpressions;

namespace Tidemark.Feed.Tests.StandIns.Api;

/// <summary>What is known of a type of the official packages.</summary>
internal sealed record Fact(string Kind, HashSet<string> Bases, HashSet<string> EnumValues, HashSet<string> Members);

/// <summary>
/// eng/sparse-feed/functions-api.tsv: assembly, namespace, type and member of the official packages as their sources declare
/// them, brought to the form in which <see cref="Signature"/> writes what was compiled.
/// </summary>
internal static partial class Facts
{
    public static Dictionary<string, Fact> Read(string path)
    {
        var facts = new Dictionary<string, Fact>();
        foreach (var line in File.ReadLines(path).Skip(1))
        {
            var cells = line.Split('\t');
            var (key, type) = Type(cells[1], Normal(cells[2]));
            if (!facts.TryGetValue(key, out var fact))
                facts[key] = fact = type;
            if (cells[3].Length > 0)
                fact.Members.Add(Member(cells[3]));
        }

        return facts;
    }

    /// <summary>One member in normal form.</summary>
    public static string Member(string text)
    {
        var member = Normal(text);
        member = Initializer().Replace(member, "}");
        member = Regex.Replace(member, " where \\w+ : notnull", "");
        member = Regex.Replace(member, "\\basync |\\bnew ", "");
        member = Regex.Replace(member, "= null\\b", "= default");
        member = Regex.Replace(member, "= OrchestrationQuery.DefaultPageSize", "= 100");
        return member;
    }

    private static (string Key, Fact Fact) Type(string space, string text)
    {
        var values = new HashSet<string>();
        if (Regex.Match(text, @"^enum (\w+) \{(.*)\}$") is { Success: true } named)
        {
            long next = 0;
            foreach (var item in named.Groups[2].Value.Split(',', StringSplitOptions.TrimEntries))
            {
                var parts = item.Split('=', StringSplitOptions.TrimEntries);
                next = parts.Length > 1 ? long.Parse(parts[1]) : next;
                values.Add($"{parts[0]} = {next++}");
            }

            return ($"{space}.{named.Groups[1].Value}", new Fact("enum", [], values, []));
        }

        if (Regex.Match(text, @"^delegate (\w+) (\w+)\(") is { Success: true } called)
            return ($"{space}.{called.Groups[2].Value}", new Fact("delegate", [], [], []));

        var match = Regex.Match(text, @"^(?<kind>[a-z ]*(class|interface|struct|record)) (?<name>\w+(<\w+>)?)(\(.*?\))?( : (?<bases>.*))?$");
        if (!match.Success)
            throw new InvalidDataException($"functions-api.tsv: '{text}' is no type.");
        var bases = Commas().Split(Regex.Replace(match.Groups["bases"].Value, @"\(.*\)", "")).Where(b => b.Length > 0).ToHashSet();
        return ($"{space}.{match.Groups["name"].Value}", new Fact(match.Groups["kind"].Value, bases, values, []));
    }

    private static string Normal(string text)
    {
        var normal = Regex.Replace(text.Trim().TrimEnd(';'), "\\s+", " ");
        normal = Regex.Replace(normal, "\\bpublic ", "");
        normal = Regex.Replace(normal, "\\[[A-Z]\\w*(\\([^)]*\\))?\\] ", "");
        normal = Regex.Replace(normal, "\\{ ?get; ?set; ?\\}", "{ get; set; }");
        normal = Regex.Replace(normal, "\\{ ?get; ?\\}", "{ get; }");
        // Only value types keep their question mark: the compiler has no other type for the rest.
        return Regex.Replace(normal, @"(?<!\b(int|long|double|bool|DateTime|DateTimeOffset|Guid|CleanEntityStorageRequest|TableAudience))\? ?(?=[\s,>)])", m => m.Value.EndsWith(' ') ? " " : "");
    }

    [GeneratedRegex(@"\} (=|=>) .*$")]
    private static partial Regex Initializer();

    [GeneratedRegex(@", ?(?![^<]*>)")]
    private static partial Regex Commas();
}
