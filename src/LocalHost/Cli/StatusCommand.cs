using System.CommandLine;
using System.Globalization;
using System.Text.Json;
using System.Text.Json.Nodes;
using Tidemark.LocalHost.Emulator;
using Tidemark.LocalHost.Processes;
using Tidemark.LocalHost.Reporting;
using Tidemark.LocalHost.Web;

namespace Tidemark.LocalHost.Cli;

/// <summary><c>status</c>: what runs on a data directory and how far it is.</summary>
internal static class StatusCommand
{
    private static readonly TimeSpan Stale = TimeSpan.FromMinutes(2);

    public static Command Create(TextWriter output)
    {
        var data = RunCommand.DataOption();
        var json = new Option<bool>("--json") { Description = "One JSON object: data, azurite, kafka, pipeline (process, address, well, status and view as in /api/overview)" };
        var command = new Command("status", "Tell what runs on a data directory and how far it is. Exit codes: 0 a pipeline runs and is well, 1 it fails or stands still, 4 none runs") { data, json };
        command.SetAction((parsed, cancel) => TellAsync(DataDirectory.Existing(parsed.GetValue(data)!), parsed.GetValue(json), output, cancel));
        return command;
    }

    private static async Task<int> TellAsync(string folder, bool asJson, TextWriter output, CancellationToken cancel)
    {
        var azurite = AzuriteInfo.Find(folder);
        var kafka = StateFile.Read<EmulatorInfo>(Path.Combine(folder, EmulatorProcess.InfoFile));
        var owner = DataDirectory.Owner(folder) is { Port: > 0 } running ? running : null;
        var (overview, failure) = owner is null ? (default, null) : await AskAsync(folder, owner, cancel);
        var code = owner is null ? ExitCodes.NotRunning : failure is null && IsWell(overview) ? ExitCodes.Success : ExitCodes.Failure;
        if (asJson)
        {
            output.WriteLine(Json(folder, azurite, kafka, owner, overview, failure, code).ToJsonString());
            return code;
        }

        output.WriteLine($"data      {folder}");
        output.WriteLine(azurite is null ? "azurite   not running" : $"azurite   process {azurite.Process.Id}, blob {azurite.BlobPort}, queue {azurite.QueuePort}, table {azurite.TablePort}");
        output.WriteLine(kafka is null ? "kafka     not running" : $"kafka     process {kafka.Process.Id}{(kafka.Process.IsAlive() ? "" : " (killed; its records are gone)")}, {kafka.Brokers}, {kafka.Topic} with {kafka.Partitions} partitions");
        output.WriteLine(owner is null ? "pipeline  not running" : $"pipeline  process {owner.Process.Id}, http://localhost:{owner.Port}");
        if (failure is not null)
            output.WriteLine($"          it does not answer: {failure}");
        else if (owner is not null)
            Tell(overview, output);
        return code;
    }

    private static async Task<(JsonElement Overview, string? Failure)> AskAsync(string folder, HostOwner owner, CancellationToken cancel)
    {
        using var client = new PipelineClient(new Uri($"http://127.0.0.1:{owner.Port}"), AccessKeys.Load(Path.Combine(folder, "keys.json")).Master);
        try
        {
            using var overview = await client.OverviewAsync(cancel);
            return overview is null
                ? (default, $"no answer within {PipelineClient.Patience.TotalSeconds:0} s, so it is very busy; ask again, and see logs/host.log in the folder")
                : (overview.RootElement.Clone(), null);
        }
        catch (Exception e) when (e is HttpRequestException or JsonException)
        {
            return (default, e.Message);
        }
    }

    private static bool IsWell(JsonElement overview)
    {
        var status = overview.GetProperty("status");
        var state = status.GetProperty("state").GetString();
        return state != "failing" && (state == "starting" || DateTimeOffset.UtcNow - status.GetProperty("updated_at").GetDateTimeOffset() < Stale);
    }

    private static void Tell(JsonElement overview, TextWriter output)
    {
        foreach (var line in LiveStatus.Lines(overview, null, int.MaxValue))
            output.WriteLine(line.Insert(8, " "));
        foreach (var partition in overview.GetProperty("status").GetProperty("partitions").EnumerateArray())
            output.WriteLine(string.Create(CultureInfo.InvariantCulture, $"  partition {partition.GetProperty("partition").GetInt32(),3}  next {partition.GetProperty("next").GetInt64(),12:N0}  end {partition.GetProperty("log_end").GetInt64(),12:N0}"));
    }

    private static JsonObject Json(string folder, AzuriteInfo? azurite, EmulatorInfo? kafka, HostOwner? owner, JsonElement overview, string? failure, int code) => new()
    {
        ["data"] = folder,
        ["azurite"] = azurite is null ? null : new JsonObject { ["process"] = azurite.Process.Id, ["blob"] = azurite.BlobPort, ["queue"] = azurite.QueuePort, ["table"] = azurite.TablePort },
        ["kafka"] = kafka is null ? null : new JsonObject { ["process"] = kafka.Process.Id, ["alive"] = kafka.Process.IsAlive(), ["brokers"] = kafka.Brokers, ["topic"] = kafka.Topic, ["partitions"] = kafka.Partitions },
        ["pipeline"] = owner is null ? null : new JsonObject
        {
            ["process"] = owner.Process.Id,
            ["address"] = string.Create(CultureInfo.InvariantCulture, $"http://localhost:{owner.Port}"),
            ["well"] = code == ExitCodes.Success,
            ["failure"] = failure,
            ["status"] = failure is null ? JsonNode.Parse(overview.GetProperty("status").GetRawText()) : null,
            ["view"] = failure is null ? JsonNode.Parse(overview.GetProperty("view").GetRawText()) : null,
        },
    };
}
