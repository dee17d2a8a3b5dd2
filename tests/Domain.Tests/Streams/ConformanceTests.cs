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
        var test = All().Single(c => c.GetProperty("id").GetString() == id);
        if (Differs.Contains(id))
            Assert.Throws<CaseFailure>(() => CaseRun.Run(test));
        else
            CaseRun.Run(test);
    }

    [Theory]
    [InlineData("""{"surprise": 1}""", "surprise")]
    [InlineData("""{"query": {"mode": "append", "inputs": {"in": {"columns": ["v"]}}, "stages": [{"id": "g", "op": "shuffle", "from": "in"}], "output": ["v"]}}""", "shuffle")]
    [InlineData("""{"query": {"mode": "append", "inputs": {"in": {"columns": ["v"]}}, "stages": [{"id": "d", "op": "dedup", "from": "in", "keys": ["v"], "ttl": 5}], "output": ["v"]}}""", "ttl")]
    [InlineData("""{"query": {"mode": "update", "inputs": {"in": {"columns": ["v"]}}, "stages": [{"id": "g", "op": "groupBy", "from": "in", "keys": ["v"], "aggs": [{"fn": "mode", "column": "v", "as": "m"}]}], "output": ["v"]}}""", "mode")]
    [InlineData("""{"steps": [{"expect": [], "within": 5}]}""", "within")]
    [InlineData("""{"steps": [{"metrics": {"d": {"rowsPerSecond": 1}}}]}""", "rowsPerSecond")]
    [InlineData("""{"steps": [{"sleep": 1}]}""", "sleep")]
    public void What_is_not_of_the_format_fails_the_case_by_its_name(string changes, string said)
    {
        var test = new Dictionary<string, JsonElement>
        {
            ["id"] = Json("\"x\""),
            ["kind"] = Json("\"dedup\""),
            ["query"] = Json("""{"mode": "append", "inputs": {"in": {"columns": ["v"]}}, "stages": [{"id": "d", "op": "dedup", "from": "in", "keys": ["v"]}], "output": ["v"]}"""),
            ["steps"] = Json("""[{"input": {"in": [[1], [1]]}}, {"expect": [[1]]}]"""),
        };
        CaseRun.Run(JsonSerializer.SerializeToElement(test));
        foreach (var change in Json(changes).EnumerateObject())
            test[change.Name] = change.Value;
        var unknown = Assert.Throws<NotSupportedCase>(() => CaseRun.Run(JsonSerializer.SerializeToElement(test)));
        Assert.Contains(said, unknown.Message);
    }

    public static TheoryData<string> Cases => [.. All().Select(c => c.GetProperty("id").GetString()!)];

    /// <summary>The cases of both files.</summary>
    internal static List<JsonElement> All() => [.. new[] { "cases.json", "cases-more.json" }.SelectMany(file =>
        JsonDocument.Parse(File.ReadAllBytes(Path.Combine(AppContext.BaseDirectory, file))).RootElement.GetProperty("cases").EnumerateArray())];

    private static JsonElement Json(string text) => JsonDocument.Parse(text).RootElement;
}
