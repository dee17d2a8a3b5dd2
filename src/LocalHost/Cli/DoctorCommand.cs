using System.CommandLine;
using System.Text.Json;
using Tidemark.LocalHost.Doctor;
using Tidemark.LocalHost.Emulator;
using Tidemark.LocalHost.Processes;

namespace Tidemark.LocalHost.Cli;

/// <summary><c>doctor</c>: checks a deployment or a data directory, and says what to do.</summary>
internal static class DoctorCommand
{
    private static readonly JsonSerializerOptions Options = new(JsonSerializerDefaults.Web);

    public static Command Create(TextWriter output, TextWriter errors)
    {
        var data = RunCommand.DataOption();
        var json = new Option<bool>("--json") { Description = "One JSON object: worst, and findings with check, outcome, text and remedy" };
        var command = new Command(
            "doctor",
            "Check brokers, topic, storage, tables, ticks, watermarks and settings: of a data directory, or of what AzureWebJobsStorage and BrokerList in the environment name. Exit codes: 0 all is well, 1 something fails, 5 something should be looked at")
        {
            data, json,
        };
        command.SetAction(async (parsed, stop) =>
        {
            IReadOnlyList<Finding> findings = [];
            var folder = parsed.GetValue(data)!;
            await DataServices.UseAsync(folder, needsTables: true, errors, async (settings, cancel) =>
            {
                var isOurs = RunSettings.GivenStorage() is null && Directory.Exists(folder);
                var emulator = isOurs && RunSettings.GivenBrokers(new RunOptions()) is null ? Emulator(folder) : null;
                if (emulator is not null)
                    settings[RunSettings.Brokers] = emulator.Brokers;
                var hasBrokers = emulator is not null || RunSettings.GivenBrokers(new RunOptions()) is not null;
                if (!hasBrokers && settings[RunSettings.Brokers] is not { Length: > 0 })
                    settings[RunSettings.Brokers] = "localhost:9092"; // Read with the other settings, and not asked.
                var shouldRun = !isOurs || DataDirectory.Owner(Path.GetFullPath(folder)) is { Port: > 0 };
                findings = await new Examination(new Patient(settings, emulator, hasBrokers, shouldRun), TimeProvider.System).RunAsync(cancel);
            }, stop);
            var worst = findings.Max(f => f.Outcome);
            if (parsed.GetValue(json))
                output.WriteLine(JsonSerializer.Serialize(new { worst, findings }, Options));
            else
                Tell(findings, output);
            return worst switch { Outcome.Failure => ExitCodes.Failure, Outcome.Warning => ExitCodes.Warning, _ => ExitCodes.Success };
        });
        return command;
    }

    private static void Tell(IReadOnlyList<Finding> findings, TextWriter output)
    {
        var width = findings.Max(finding => finding.Check.Length);
        foreach (var finding in findings)
        {
            output.WriteLine($"{Word(finding.Outcome),-8} {finding.Check.PadRight(width)} {finding.Text}");
            if (finding.Remedy is { } remedy)
                output.WriteLine($"{new string(' ', 9 + width)} → {remedy}");
        }

        output.WriteLine($"{CliValues.Count(findings.Count(f => f.Outcome == Outcome.Failure), "failure")}, {CliValues.Count(findings.Count(f => f.Outcome == Outcome.Warning), "warning")}, {findings.Count(f => f.Outcome == Outcome.Unknown)} that cannot be checked, {findings.Count(f => f.Outcome == Outcome.Ok)} ok");
    }

    private static string Word(Outcome outcome) => outcome switch
    {
        Outcome.Ok => "ok",
        Outcome.Unknown => "?",
        Outcome.Warning => "warning",
        _ => "FAILURE",
    };

    private static EmulatorInfo? Emulator(string folder) =>
        StateFile.Read<EmulatorInfo>(Path.Combine(Path.GetFullPath(folder), EmulatorProcess.InfoFile)) is { } info && info.Process.IsAlive() ? info : null;
}
