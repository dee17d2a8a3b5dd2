using System.Text.RegularExpressions;
using Tidemark.Domain.Clickstream;
using Tidemark.Domain.Events;

namespace Tidemark.Domain.Tests.Clickstream;

/// <summary>docs/add-a-query.md, followed: its code is compiled here and fits where it says, and its query is described as it says.</summary>
public partial class AddAQueryPageTests
{
    private static readonly string Page = Read("docs", "add-a-query.md");
    private static readonly string Queries = Read("src", "Domain", "Clickstream", "ClickstreamQueries.cs");

    [Fact]
    public void The_definition_on_the_page_is_the_one_that_is_compiled()
    {
        var code = Read("tests", "Domain.Tests", "Clickstream", "DeviceOrders.cs");
        var definition = code[code.IndexOf("    /// <summary>What was bought", StringComparison.Ordinal)..code.LastIndexOf('}')].TrimEnd();
        Assert.Equal(definition, Block(1).TrimEnd());
    }

    [Fact]
    public void The_names_that_it_uses_are_those_of_the_file_that_it_goes_into()
    {
        Assert.Contains("private static Filter Purchases => EventType.Is(\"purchase\");", Queries);
        Assert.Contains("Minute = TimeSpan.FromMinutes(1)", Queries);
        // The list that the page says to extend ends as the page shows it, with the new query behind.
        var last = Queries.Split('\n').Last(line => line.Contains("SessionUsers,", StringComparison.Ordinal)).Trim();
        Assert.Equal($"{last} DeviceOrders,", Block(2).Trim());
        Assert.DoesNotContain(ClickstreamQueries.All, query => query.Name == DeviceOrdersExample.DeviceOrders.Name);
    }

    [Fact]
    public void It_is_described_as_the_page_shows()
    {
        var pipeline = new EventPipeline(new EventOptions("events"), [.. ClickstreamQueries.All, DeviceOrdersExample.DeviceOrders], streams: ClickstreamStreams.All);
        Assert.Contains(Block(3), pipeline.Describe());
    }

    [Fact]
    public void A_query_of_a_further_topic_is_compiled_fits_and_is_described_as_the_page_shows()
    {
        var code = Read("tests", "Domain.Tests", "Clickstream", "DeviceFlow.cs");
        Assert.Equal(code[code.IndexOf("    /// <summary>What was ordered", StringComparison.Ordinal)..code.LastIndexOf('}')].TrimEnd(), Block(4).TrimEnd());
        // The line that the page says to extend ends as the page shows it, with the new query behind.
        var list = Read("src", "Domain", "Clickstream", "PurchasePipeline.cs").Split('\n').Single(line => line.Contains("new(options, [", StringComparison.Ordinal));
        Assert.EndsWith(Block(5).Trim(), list.Replace("]", ", DeviceFlow]", StringComparison.Ordinal).Trim());
        Assert.Contains(Block(6), new EventPipeline(new EventOptions("purchases"), [PurchasePipeline.OrderFlow, DeviceFlowExample.DeviceFlow], tables: PurchasePipeline.Name).Describe());
    }

    // The page's blocks of C# and of text in their order, from 1; shell commands are not counted.
    private static string Block(int number) => Blocks().Matches(Page)[number - 1].Groups[1].Value;

    private static string Read(params string[] path)
    {
        var root = new DirectoryInfo(AppContext.BaseDirectory);
        while (!File.Exists(Path.Combine(root!.FullName, "Functions.sln")))
            root = root.Parent;
        return File.ReadAllText(Path.Combine([root.FullName, .. path]));
    }

    [GeneratedRegex("^```(?:csharp|text)\n(.*?)^```$", RegexOptions.Multiline | RegexOptions.Singleline)]
    private static partial Regex Blocks();
}
