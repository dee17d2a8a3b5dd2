using Tidemark.Domain.Clickstream;
using Tidemark.Domain.Events;

namespace Tidemark.Domain.Tests.Clickstream;

public class ClickstreamContractTests
{
    /// <summary>
    /// What readers of the tables rely on. When this fails, the change is either a mistake or needs a new pipeline version; then write the text
    /// that the failure prints into the file.
    /// </summary>
    [Fact]
    public void The_pipeline_is_what_its_contract_says()
    {
        var actual = ClickstreamPipeline.Create(new EventOptions("clickstream")).Describe();
        var expected = File.ReadAllText(Path.Combine(Folder(), "clickstream.txt"));
        Assert.True(expected == actual, $"The pipeline describes itself as:\n{actual}");
    }

    private static string Folder()
    {
        var root = new DirectoryInfo(AppContext.BaseDirectory);
        while (!File.Exists(Path.Combine(root!.FullName, "Functions.sln")))
            root = root.Parent;
        return Path.Combine(root.FullName, "tests", "Domain.Tests", "Clickstream");
    }
}
