using System.Text.RegularExpressions;

namespace Tidemark.Infra.Tests.Support;

/// <summary>Links between the documents lead to files and headings that there are.</summary>
public sealed partial class DocsLinksTests
{
    private static readonly string[] Pages =
        ["README.md", "powerbi/README.md", "src/LocalHost/README.md", "src/Delta/README.md", .. Directory.EnumerateFiles(Path.Combine(Repository.Root, "docs"), "*.md").Select(f => "docs/" + Path.GetFileName(f))];

    [Fact]
    public void Every_link_leads_somewhere() => Assert.Empty(Pages.SelectMany(page => Broken(page, Repository.Read(page))));

    [Fact]
    public void A_link_to_a_file_or_heading_that_is_not_there_is_noticed() =>
        Assert.Equal(2, Broken("docs/cost.md", "[a](nowhere.md) [b](delta.md#nothing) [c](delta.md#tiers) [d](https://example.com/x.md)").Count());

    private static IEnumerable<string> Broken(string page, string text)
    {
        foreach (Match link in Link().Matches(text))
        {
            var (file, anchor) = (link.Groups[1].Value, link.Groups[2].Value);
            if (file.Contains("://", StringComparison.Ordinal))
                continue;
            var target = file.Length == 0 ? Path.Combine(Repository.Root, page) : Path.GetFullPath(Path.Combine(Repository.Root, Path.GetDirectoryName(page)!, file));
            if (!File.Exists(target))
                yield return $"{page}: there is no {file}";
            else if (anchor.Length > 0 && !Heading().Matches(File.ReadAllText(target)).Select(h => Anchor(h.Groups[1].Value)).Contains(anchor))
                yield return $"{page}: {file} has no heading #{anchor}";
        }
    }

    // As GitHub makes them.
    private static string Anchor(string heading) => NotInAnchors().Replace(heading.Trim().ToLowerInvariant(), "").Replace(' ', '-');

    [GeneratedRegex(@"\]\(([^)#\s]*?\.md)?(?:#([^)\s]+))?\)")]
    private static partial Regex Link();

    [GeneratedRegex("^#+ (.*)$", RegexOptions.Multiline)]
    private static partial Regex Heading();

    [GeneratedRegex("[^a-z0-9 _-]")]
    private static partial Regex NotInAnchors();
}
