using System.Text.Json;
using Tidemark.EndToEnd.Running;
using Tidemark.Page.Tests.Live;

namespace Tidemark.Page.Tests;

/// <summary><c>./run status</c> on a running pipeline and beside one.</summary>
[Collection(PipelineCollection.Name)]
public sealed class StatusCommandTests(Pipeline pipeline)
{
    [BrowserFact]
    public async Task A_running_pipeline_is_told_in_words_and_as_JSON_with_exit_code_0()
    {
        var (code, text) = await pipeline.StatusAsync();
        Assert.Equal(0, code);
        foreach (var part in new[] { "pipeline  process", "state     running", " events/s in", "lag ", "watermark ", "result ", "partition   5" })
            Assert.Contains(part, text);

        var (same, json) = await pipeline.StatusAsync("--json");
        Assert.Equal(0, same);
        var told = JsonDocument.Parse(json).RootElement.GetProperty("pipeline");
        Assert.True(told.GetProperty("well").GetBoolean());
        Assert.Equal(6, told.GetProperty("status").GetProperty("partitions").GetArrayLength());
        Assert.True(told.GetProperty("status").GetProperty("events_in").GetInt64() <= (await pipeline.GetAsync("api/status")).GetProperty("events_in").GetInt64());
    }

    [BrowserFact]
    public async Task Where_nothing_runs_the_exit_code_is_4_and_elsewhere_2()
    {
        var folder = Directory.CreateTempSubdirectory("tidemark-status-").FullName;
        try
        {
            Assert.Equal(2, (await pipeline.StatusAsync("--data", folder)).Code);
            await File.WriteAllTextAsync(Path.Combine(folder, "tidemark.json"), "{ \"format\": 1 }");
            var (code, text) = await pipeline.StatusAsync("--data", folder, "--json");
            Assert.Equal(4, code);
            Assert.Equal(JsonValueKind.Null, JsonDocument.Parse(text).RootElement.GetProperty("pipeline").ValueKind);
        }
        finally
        {
            Directory.Delete(folder, recursive: true);
        }
    }
}
