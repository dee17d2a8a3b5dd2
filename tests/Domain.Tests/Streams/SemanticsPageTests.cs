using System.Text.Json;
using System.Text.RegularExpressions;

namespace Tidemark.Domain.Tests.Streams;

/// <summary>docs/semantics.md points to cases and tests: they must be there, and what differs must be on the page.</summary>
public partial class SemanticsPageTests
{
    private static readonly string Root = FindRoot();
    private static readonly string Page = File.ReadAllText(Path.Combine(Root, "docs", "semantics.md"));

    [Fact]
    public void Every_case_and_test_that_the_page_names_exists()
    {
        var cases = Cases().Select(c => c.GetProperty("id").GetString()!).ToList();
        var tests = typeof(SemanticsPageTests).Assembly.GetTypes().SelectMany(t => t.GetMethods().Select(m => m.Name).Append(t.Name)).ToHashSet();
        var named = Names().Matches(Page).Select(m => m.Groups[1].Value).ToList();
        var missing = named.Where(n => CaseId().IsMatch(n) && !cases.Exists(id => n.EndsWith('*') ? id.StartsWith(n[..^1], StringComparison.Ordinal) : id == n))
            .Concat(named.Where(n => (n.EndsWith("Tests", StringComparison.Ordinal) || n.Count(c => c == '_') > 3) && !n.Contains('/') && !tests.Contains(n)));
        Assert.Empty(missing);
        Assert.True(named.Count(CaseId().IsMatch) > 30);
    }

    [Fact]
    public void Every_case_that_is_optional_or_ends_otherwise_without_batches_is_on_the_page()
    {
        var missing = Cases().Where(c => c.TryGetProperty("optional", out var optional) && optional.GetBoolean()
                || c.TryGetProperty("continuous", out var continuous) && continuous.GetRawText().Contains("differ", StringComparison.Ordinal))
            .Select(c => c.GetProperty("id").GetString()!).Where(id => !Page.Contains($"`{id}`", StringComparison.Ordinal)).ToList();
        Assert.Empty(missing);
    }

    [GeneratedRegex("`([^`\n]+)`")]
    private static partial Regex Names();

    [GeneratedRegex("^(more|win|assign|session|wm|agg|dedup|dedupw|join|outer|semi|static|chain|state|statewm|plan)-[a-z0-9-]*[*]?$")]
    private static partial Regex CaseId();

    private static List<JsonElement> Cases() => ConformanceTests.All();

    private static string FindRoot()
    {
        var folder = new DirectoryInfo(AppContext.BaseDirectory);
        while (!File.Exists(Path.Combine(folder!.FullName, "Functions.sln")))
            folder = folder.Parent;
        return folder.FullName;
    }
}
