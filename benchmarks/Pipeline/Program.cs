using System.CommandLine;
using System.Diagnostics;
using System.Globalization;
using System.Text.Json;
using System.Text.Json.Nodes;

namespace Tidemark.Bench.Pipeline;

/// <summary>A generated file through the real host, Kafka to all sinks; beside it what the same file costs without the pipeline, and in DuckDB.</summary>
internal static class Program
{
    private const int Partitions = 6;

    private static int Main(string[] args)
    {
        var events = new Option<int>("--events") { Description = "Events of the generated file", DefaultValueFactory = _ => 1_000_000 };
        var input = new Option<string?>("--input") { Description = "A file of your own instead" };
        var rate = new Option<double?>("--rate") { Description = "Events a second; as fast as it goes when left out" };
        var json = new Option<string?>("--json") { Description = "Write the figures there" };
        var only = new Option<bool>("--only") { Description = "The pipeline alone, without what it is held against" };
        var command = new RootCommand("A file through the real host, Kafka to all sinks, with what it costs") { events, input, rate, json, only };
        command.SetAction(parsed => Run(parsed.GetValue(events), parsed.GetValue(input), parsed.GetValue(rate), parsed.GetValue(json), parsed.GetValue(only)));
        return command.Parse(args).Invoke();
    }

    private static int Run(int events, string? given, double? rate, string? json, bool only)
    {
        var folder = Directory.CreateTempSubdirectory("tidemark-bench-").FullName;
        try
        {
            var input = given ?? Generate(events, Path.Combine(folder, "events.ndjson"));
            var figures = new Dictionary<string, double> { ["load before"] = Load() };
            Pipeline(PipelineRun.Do(input, rate, folder), figures);
            if (!only)
                Compare(input, folder, figures);
            foreach (var (name, value) in figures)
                Console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"{name,-44} {value,14:#,0.###}"));
            if (json is not null)
                File.WriteAllText(json, JsonSerializer.Serialize(figures));
            return 0;
        }
        finally
        {
            Directory.Delete(folder, recursive: true);
        }
    }

    private static void Pipeline(PipelineRun run, Dictionary<string, double> figures)
    {
        double At(params string[] path) => (double)path.Aggregate(run.Report, (node, name) => node[name]!)!;
        var events = At("events_this_run");
        figures["events"] = events;
        figures["pipeline: seconds"] = At("elapsed_seconds");
        figures["pipeline: events/s"] = At("events_per_second");
        figures["pipeline: MB at most"] = At("peak_memory_mb");
        foreach (var (name, seconds) in run.Cpu.Processes)
            figures[$"processor seconds, {name}"] = seconds;
        figures["processor seconds, all"] = run.Cpu.Processes.Values.Sum();
        figures["events per processor second, all"] = events / run.Cpu.Processes.Values.Sum();
        foreach (var (name, seconds) in run.Cpu.Threads.Where(t => t.Seconds >= 0.1))
            figures[$"  host, threads '{name}'"] = seconds;
        foreach (var (phase, ms) in run.PhasesMs)
            figures[$"ticks, {phase}, s"] = ms / 1000;
        figures["storage transactions per 1,000 events"] = At("per_thousand_events", "storage_transactions");
        figures["entity operations per 1,000 events"] = At("per_thousand_events", "entity_operations");
        figures["Delta commits per 1,000 events"] = At("per_thousand_events", "delta_commits");
        foreach (var sink in new[] { "tables", "delta" })
            foreach (var quantile in new[] { "p50", "p99" })
                if (run.Report["latency_ms"]?[sink]?[quantile] is { } ms)
                    figures[$"Kafka to {sink}, {quantile}, ms"] = (double)ms;
    }

    private static void Compare(string input, string folder, Dictionary<string, double> figures)
    {
        var bare = Ceiling.Measure(input, Partitions, folder);
        figures["bare consumer: events/s"] = bare.Records / bare.Seconds;
        figures["bare consumer: processor seconds, all"] = bare.Cpu;
        figures["pipeline over bare consumer, processor"] = figures["processor seconds, all"] / bare.Cpu;
        if (DuckDb(input) is not { } duckDb)
        {
            Console.WriteLine("DuckDB is not installed here; run ./test once, or eng/setup.sh.");
            return;
        }

        figures["DuckDB, the window queries: seconds"] = (double)duckDb["seconds"]!;
        figures["DuckDB, the window queries: processor seconds"] = (double)duckDb["cpu"]!;
        figures["pipeline over DuckDB, processor"] = figures["processor seconds, all"] / (double)duckDb["cpu"]!;
    }

    private static string Generate(int events, string file)
    {
        Do(Places.Program, Places.Root, ["generate", "--seed", "7", "--events", $"{events}", "--late", "0.001", "--duplicates", "0.01", "--broken", "0.002", "--shuffle", "30", file]);
        return file;
    }

    private static JsonNode? DuckDb(string input) => Directory.Exists(Path.Combine(Places.Oracle, "node_modules"))
        ? JsonNode.Parse(Do("node", Places.Oracle, [Path.Combine(AppContext.BaseDirectory, "duckdb.mjs"), input, "2"]))
        : null;

    private static string Do(string program, string folder, IEnumerable<string> arguments)
    {
        var start = new ProcessStartInfo(program) { WorkingDirectory = folder, RedirectStandardOutput = true };
        foreach (var argument in arguments)
            start.ArgumentList.Add(argument);
        using var process = Process.Start(start)!;
        var output = process.StandardOutput.ReadToEnd();
        process.WaitForExit();
        return process.ExitCode == 0 ? output : throw new InvalidOperationException($"{program} {string.Join(' ', start.ArgumentList)} ended with {process.ExitCode}.");
    }

    private static double Load() => double.Parse(File.ReadAllText("/proc/loadavg").Split(' ')[0], CultureInfo.InvariantCulture);
}
