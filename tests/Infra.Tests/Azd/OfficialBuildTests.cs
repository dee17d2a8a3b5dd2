using System.Text.RegularExpressions;
using System.Xml.Linq;
using Tidemark.Infra.Tests.Support;

namespace Tidemark.Infra.Tests.Azd;

/// <summary>With a full package feed the app consists of official packages only: nothing in src knows the stand-ins, and each package has a version.</summary>
public sealed partial class OfficialBuildTests
{
    [Fact]
    public void Nothing_in_src_knows_of_stand_ins_or_is_compiled_by_condition() => Assert.Empty(Traces(Sources()));

    [Theory]
    [InlineData("Functions/Program.cs", "#if SPARSE\n#endif\n", "is compiled by condition")]
    [InlineData("Functions/Composition.cs", "using Tidemark.SparseFeed.Worker;\n", "names a stand-in")]
    [InlineData("Functions/Functions.csproj", "<Reference Include=\"../../eng/sparse-feed/Worker/Worker.csproj\" />", "names a stand-in")]
    public void A_trace_of_them_is_noticed(string file, string fault, string problem)
    {
        var sources = Sources();
        sources[file] += fault;
        Assert.Contains(Traces(sources), p => p == $"src/{file} {problem}");
    }

    [Fact]
    public void Every_package_of_the_app_has_a_version_for_a_full_feed() => Assert.Empty(Unversioned(Repository.Read("Directory.Packages.props")));

    [Fact]
    public void A_package_without_a_version_for_a_full_feed_is_noticed() =>
        Assert.Contains("Microsoft.Azure.Functions.Worker", Unversioned(Repository.Read("Directory.Packages.props").Replace("<PackageVersion Include=\"Microsoft.Azure.Functions.Worker\" Version=\"2.52.0\" />", "", StringComparison.Ordinal)));

    private static SortedDictionary<string, string> Sources() => Repository.Files("src", name =>
        (name.EndsWith(".cs", StringComparison.Ordinal) || name.EndsWith(".csproj", StringComparison.Ordinal)) && !name.Contains("/obj/", StringComparison.Ordinal) && !name.Contains("/bin/", StringComparison.Ordinal));

    private static IEnumerable<string> Traces(IReadOnlyDictionary<string, string> sources)
    {
        foreach (var (name, text) in sources)
        {
            if (name.EndsWith(".cs", StringComparison.Ordinal) && Condition().IsMatch(text))
                yield return $"src/{name} is compiled by condition";
            if (text.Contains("SparseFeed.", StringComparison.Ordinal) || text.Contains("sparse-feed/", StringComparison.Ordinal))
                yield return $"src/{name} names a stand-in";
        }
    }

    private static List<string> Unversioned(string props)
    {
        var versions = XDocument.Parse(props).Root!.Elements("ItemGroup")
            .Where(g => g.Attribute("Condition") is not { } condition || !condition.Value.Contains("== 'true'", StringComparison.Ordinal))
            .SelectMany(g => g.Elements("PackageVersion")).Select(p => p.Attribute("Include")!.Value).ToHashSet();
        return [.. Repository.Files("src", name => name.EndsWith(".csproj", StringComparison.Ordinal)).Values
            .SelectMany(text => XDocument.Parse(text).Descendants("PackageReference")).Select(p => p.Attribute("Include")!.Value).Distinct().Where(p => !versions.Contains(p))];
    }

    [GeneratedRegex(@"^\s*#(if|elif)\b", RegexOptions.Multiline)]
    private static partial Regex Condition();
}
