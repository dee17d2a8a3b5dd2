using System.CommandLine;
using System.Globalization;
using Tidemark.Functions.Status;
using Tidemark.LocalHost.Emulator;
using Tidemark.LocalHost.Processes;
using Tidemark.LocalHost.Reporting;
using Tidemark.LocalHost.Settings;
using Tidemark.LocalHost.Web;

namespace Tidemark.LocalHost.Cli;

/// <summary><c>status</c>: what runs on a data directory and how far it is.</summary>
internal static class StatusCommand
{
    public static Command Create(TextWriter output)
    {
        var data = RunCommand.DataOption();
        var command = new Command("status", "Tell what runs on a data directory and how far it is") { data };
        command.SetAction(async (parsed, cancel) =>
        {
            var folder = Path.GetFullPath(parsed.GetValue(data)!);
            if (!DataDirectory.IsOurs(folder))
                throw new SettingException($"--data {folder} is no data directory of Tidemark; name the one that a run used.");
            await TellAsync(folder, output, cancel);
            return ExitCodes.Success;
        });
        return command;
    }

    private static async Task TellAsync(string folder, TextWriter output, CancellationToken cancel)
    {
        var azurite = AzuriteInfo.Find(folder);
        var kafka = StateFile.Read<EmulatorInfo>(Path.Combine(folder, EmulatorProcess.InfoFile));
        output.WriteLine($"data      {folder}");
        output.WriteLine(azurite is null ? "azurite   not running" : $"azurite   process {azurite.Process.Id}, blob {azurite.BlobPort}, queue {azurite.QueuePort}, table {azurite.TablePort}");
        output.WriteLine(kafka is null ? "kafka     not running" : $"kafka     process {kafka.Process.Id}{(kafka.Process.IsAlive() ? "" : " (killed; its records are gone)")}, {kafka.Brokers}, {kafka.Topic} with {kafka.Partitions} partitions");
        if (DataDirectory.Owner(folder) is not { Port: > 0 } owner)
        {
            output.WriteLine("pipeline  not running");
            return;
        }

        output.WriteLine($"pipeline  process {owner.Process.Id}, http://localhost:{owner.Port}");
        using var client = new PipelineClient(new Uri($"http://127.0.0.1:{owner.Port}"), AccessKeys.Load(Path.Combine(folder, "keys.json")).Master);
        Tell(await client.StatusAsync(cancel), output);
    }

    private static void Tell(StatusReport status, TextWriter output)
    {
        output.WriteLine($"state     {status.State}{(status.LastError is { } error ? $": {error.Where}: {error.Text}" : "")}");
        output.WriteLine(string.Create(CultureInfo.InvariantCulture, $"events    {status.EventsIn:N0} ({status.EventsPerSecond:N0}/s), lag {status.Lag:N0}, open ranges {status.OpenRanges}"));
        output.WriteLine($"frontier  {status.Frontier?.ToString("u", CultureInfo.InvariantCulture) ?? "none yet"}");
        foreach (var partition in status.Partitions)
            output.WriteLine(string.Create(CultureInfo.InvariantCulture, $"  partition {partition.Partition,3}  next {partition.Next,12:N0}  end {partition.LogEnd,12:N0}"));
        foreach (var alert in status.Alerts.Where(a => a.Active))
            output.WriteLine($"alert     {alert.Name} {alert.Subject}: {alert.Text}");
    }
}
