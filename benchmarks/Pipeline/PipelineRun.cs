using System.Diagnostics;
using System.Globalization;
using System.Text.Json.Nodes;
using System.Text.RegularExpressions;

namespace Tidemark.Bench.Pipeline;

/// <summary>What one run of the program gave.</summary>
/// <param name="Report">What it wrote as its report.</param>
/// <param name="Cpu">Who used the processors.</param>
/// <param name="PhasesMs">Wall time of the phases of all ticks.</param>
internal sealed record PipelineRun(JsonNode Report, CpuSampler Cpu, IReadOnlyDictionary<string, double> PhasesMs)
{
    /// <summary>Runs the real program over a file, to the end.</summary>
    public static PipelineRun Do(string input, double? rate, string folder)
    {
        var report = Path.Combine(folder, "report.json");
        var data = Path.Combine(folder, "data");
        var start = new ProcessStartInfo(Places.Program) { RedirectStandardOutput = true, RedirectStandardError = true };
        foreach (var argument in (string[])["--input", input, "--once", "--data", data, "--port", "0", "--report", report, .. rate is { } r ? new[] { "--rate", r.ToString(CultureInfo.InvariantCulture) } : []])
            start.ArgumentList.Add(argument);
        using var process = Process.Start(start)!;
        var errors = process.StandardError.ReadToEndAsync();
        _ = process.StandardOutput.ReadToEndAsync();
        var cpu = new CpuSampler(process.Id);
        while (!process.WaitForExit(TimeSpan.FromMilliseconds(150)))
            cpu.Look(Services(data));
        if (process.ExitCode != 0)
            throw new InvalidOperationException($"The run ended with {process.ExitCode}: {errors.Result}");
        return new PipelineRun(JsonNode.Parse(File.ReadAllText(report))!, cpu, Phases(Path.Combine(data, "logs", "host.log")));
    }

    /// <summary>The processes that the program started, as it notes them down.</summary>
    private static Dictionary<string, int> Services(string data)
    {
        var found = new Dictionary<string, int>();
        foreach (var (name, file) in new[] { ("azurite", "azurite.json"), ("kafka emulator", "kafka.json") })
            if (File.Exists(Path.Combine(data, file)) && TryRead(Path.Combine(data, file)) is { } id)
                found[name] = id;
        return found;
    }

    private static int? TryRead(string path)
    {
        try
        {
            return (int?)JsonNode.Parse(File.ReadAllText(path))?["Process"]?["Id"];
        }
        catch (Exception e) when (e is IOException or System.Text.Json.JsonException)
        {
            return null;
        }
    }

    private static SortedDictionary<string, double> Phases(string log)
    {
        var phases = new SortedDictionary<string, double>(StringComparer.Ordinal);
        foreach (var line in File.ReadLines(log).Where(line => line.Contains(" ms (", StringComparison.Ordinal) && line.Contains(": Tick ", StringComparison.Ordinal)))
            foreach (Match phase in Regex.Matches(line[line.LastIndexOf('(')..], @"(\w+) (\d+)"))
                phases[phase.Groups[1].Value] = phases.GetValueOrDefault(phase.Groups[1].Value) + double.Parse(phase.Groups[2].Value, CultureInfo.InvariantCulture);
        return phases;
    }
}
