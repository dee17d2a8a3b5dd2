using System.Text.Json;
using Tidemark.Conformance;

namespace Tidemark.Domain.Tests.Streams;

public class ConformanceTests
{
    /// <summary>Optional cases whose outcome here is another on purpose.</summary>
    private static readonly string[] Differs = ["plan-distinct-aggregate"];   // distinct counts are supported, so they are not refused

    [Theory]
    [MemberData(nameof(Cases))]
    public void The_case_ends_as_it_says(string id)
    {
        using var document = JsonDocument.Parse(File.ReadAllBytes(Path.Combine(AppContext.BaseDirectory, "cases.json")));
        var test = document.RootElement.GetProperty("cases").EnumerateArray().Single(c => c.GetProperty("id").GetString() == id);
        if (Differs.Contains(id))
            Assert.Throws<CaseFailure>(() => CaseRun.Run(test));
        else
            CaseRun.Run(test);
    }

    public static TheoryData<string> Cases
    {
        get
        {
            using var document = JsonDocument.Parse(File.ReadAllBytes(Path.Combine(AppContext.BaseDirectory, "cases.json")));
            return [.. document.RootElement.GetProperty("cases").EnumerateArray().Select(c => c.GetProperty("id").GetString()!)];
        }
    }
}
