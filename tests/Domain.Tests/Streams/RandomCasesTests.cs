using System.Text.Json;
using Tidemark.Conformance;

namespace Tidemark.Domain.Tests.Streams;

/// <summary>The cases against an interpreter of their rules, and the engine against it on random cases.</summary>
public class RandomCasesTests
{
    [Theory]
    [MemberData(nameof(Cases))]
    public void The_rules_give_what_the_case_says(string id)
    {
        var test = ConformanceTests.All().Single(c => c.GetProperty("id").GetString() == id);
        var (stream, failed, before) = (new NaiveStream(test.GetProperty("query")), new List<JsonElement>(), 0m);
        foreach (var step in test.GetProperty("steps").EnumerateArray())
        {
            decimal At(JsonElement of) => of.TryGetProperty("at", out var at) ? at.GetDecimal() : 0;
            foreach (var part in step.EnumerateObject())
                switch (part.Name)
                {
                    case "input" when step.TryGetProperty("failOnce", out _):
                        failed.Add(step);
                        break;
                    case "input":
                        before = stream.Watermark;
                        stream.Batch(part.Value, At(step));
                        break;
                    case "tick":
                        stream.Batch(null, part.Value.GetDecimal());
                        break;
                    case "endOfInput":
                        stream.End();
                        break;
                    case "restart":
                        stream.Restart();
                        failed.ForEach(f => stream.Batch(f.GetProperty("input"), At(f)));
                        failed.Clear();
                        break;
                    case "expect":
                        Assert.Equal(Lines(part.Value), Lines(stream.Take()));
                        break;
                    case "expectTable":
                        Assert.Equal(Lines(part.Value), Lines(stream.Table()));
                        break;
                    case "watermark" or "batchWatermark":
                        Assert.Equal(part.Value.GetDecimal(), Math.Max(0, part.Name == "watermark" ? stream.Watermark : before));
                        break;
                    case "inputWatermark":
                        Assert.All(part.Value.EnumerateObject(), stage => Assert.Equal(stage.Value.GetDecimal(), stream.Stage(stage.Name).Mark));
                        break;
                    case "metrics" when !step.TryGetProperty("sparkOnly", out _) && !test.GetProperty("continuous").ToString().Contains("\"state\": \"differ\"", StringComparison.Ordinal):
                        foreach (var stage in part.Value.EnumerateObject())
                            Metrics(stream.Stage(stage.Name), stage.Value);
                        break;
                }
        }
    }

    [Theory]
    [MemberData(nameof(Seeds), 300)]
    public void The_engine_gives_what_the_rules_give(int seed)
    {
        var test = RandomCase.Make(new Random(seed));
        try
        {
            CaseRun.Run(test);
        }
        catch (Exception fault)
        {
            Assert.Fail($"seed {seed}: {fault.Message}\n{test}");
        }
    }

    private static void Metrics(NaiveStage stage, JsonElement expected)
    {
        foreach (var metric in expected.EnumerateObject())
            if (metric.Name != "updated")
                Assert.Equal((metric.Name, metric.Value.GetInt64()), (metric.Name, metric.Name switch
                {
                    "stateRows" => stage.StateRows,
                    "droppedLate" => stage.DroppedLate,
                    "droppedLateRows" => stage.DroppedLateRows,
                    "droppedDuplicates" => stage.DroppedDuplicates,
                    _ => stage.Removed,
                }));
        stage.ResetCounts();
    }

    private static string[] Lines(JsonElement rows) => Lines(rows.EnumerateArray().Select(r => r.EnumerateArray().Select(NaiveCells.Cell).ToArray()));

    private static string[] Lines(IEnumerable<object?[]> rows) => [.. rows.Select(r => string.Join('|', r.Select(NaiveCells.Text))).Order(StringComparer.Ordinal)];

    public static TheoryData<string> Cases => [.. ConformanceTests.All().Where(c => c.GetProperty("kind").GetString() is not ("plan" or "stateWatermark")).Select(c => c.GetProperty("id").GetString()!)];

    public static TheoryData<int> Seeds(int count) => [.. Enumerable.Range(0, count)];
}
