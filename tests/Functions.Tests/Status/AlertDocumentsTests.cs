using System.Text.Json;
using System.Text.RegularExpressions;
using Tidemark.Functions.Status;

namespace Tidemark.Functions.Tests.Status;

/// <summary>Code, runbook and infrastructure know the same alerts.</summary>
public sealed partial class AlertDocumentsTests
{
    [Fact]
    public void The_runbook_has_a_section_for_every_alert_with_its_severity_and_all_three_answers()
    {
        var sections = Section().Matches(Documents.Read("docs/runbook.md")).ToDictionary(m => m.Groups[1].Value, m => m.Groups[2].Value);
        Assert.Equal(AlertRule.All.Select(r => r.Name), sections.Keys.Where(name => !name.Contains(' ')));
        Assert.All(AlertRule.All, rule =>
        {
            Assert.Contains($"Severity: {rule.Severity.ToString().ToLowerInvariant()}.", sections[rule.Name]);
            Assert.All(["**Means.**", "**Look.**", "**Do.**"], part => Assert.Contains(part, sections[rule.Name]));
        });
    }

    [Fact]
    public void Every_alert_has_a_rule_on_Azure_of_the_same_severity_that_asks_for_it()
    {
        using var rules = JsonDocument.Parse(Documents.Read("infra/bicep/alerts.json"));
        var byName = rules.RootElement.EnumerateArray().ToDictionary(r => r.GetProperty("name").GetString()!);
        Assert.All(AlertRule.All, rule =>
        {
            Assert.Equal((int)rule.Severity, byName[rule.Name].GetProperty("severity").GetInt32());
            Assert.Contains($"'{rule.Name}'", byName[rule.Name].GetProperty("query").GetString());
        });
    }

    [Fact]
    public void What_is_raised_anywhere_in_the_code_is_on_the_list()
    {
        var raised = Directory.EnumerateFiles(Path.Combine(Documents.Root, "src"), "*.cs", SearchOption.AllDirectories)
            .Where(f => !f.Contains("/obj/", StringComparison.Ordinal))
            .SelectMany(f => Raised().Matches(File.ReadAllText(f))).Select(m => m.Groups[1].Value).Distinct().ToList();
        Assert.NotEmpty(raised);
        Assert.All(raised, name => Assert.NotNull(AlertRule.Find(name)));
        Assert.Equal(AlertRule.All.Count, AlertRule.All.Select(r => r.Name).Distinct().Count());
    }

    [GeneratedRegex(@"^## (.+)\n((?:(?!^## ).*\n?)*)", RegexOptions.Multiline)]
    private static partial Regex Section();

    [GeneratedRegex(@"RaiseAsync\(\s*""([a-z-]+)""")]
    private static partial Regex Raised();
}

/// <summary>Files of the repository.</summary>
internal static class Documents
{
    public static string Root { get; } = Find();

    public static string Read(string path) => File.ReadAllText(Path.Combine(Root, path));

    private static string Find()
    {
        var folder = AppContext.BaseDirectory;
        while (!File.Exists(Path.Combine(folder, "Functions.sln")))
            folder = Path.GetDirectoryName(folder) ?? throw new InvalidOperationException("Functions.sln is not above the tests.");
        return folder;
    }
}
